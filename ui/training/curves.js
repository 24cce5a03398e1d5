// Four small charts of a run. This file asks for their numbers, smooths, and draws; nothing reruns the script.

import { AXIS, chartLayout } from "../components/js/chart.js";
import { element } from "../components/js/element.js";
import { poll } from "../components/js/poll.js";
import { curveWords } from "../components/js/spoken.js";
import { forget, viewOf } from "../components/js/view.js";
import { loadPlotly } from "../components/plotly_loader.js";

const NAMES = ["gradient", "rate", "perplexity", "accuracy"];

function build(root) {
  root.replaceChildren();
  const view = { root, smoothing: 0.8, logX: false, logY: false, timer: null, state: null, boxes: {} };
  const controls = element("div", "mg-curves-controls", root);
  const control = (type, change) => {
    const label = element("label", "", controls), input = document.createElement("input");
    input.type = type;
    input.oninput = () => { change(input); draw(view); };
    const words = element("span", "", label);
    label.appendChild(input);
    return { input, words };
  };
  view.controls = [
    control("range", (input) => { view.smoothing = Number(input.value); }),
    control("checkbox", (input) => { view.logY = input.checked; }),
    control("checkbox", (input) => { view.logX = input.checked; }),
  ];
  Object.assign(view.controls[0].input, { min: 0, max: 0.98, step: 0.02, value: view.smoothing });
  const grid = element("div", "mg-curves-grid", root);
  for (const name of NAMES) {
    const box = element("div", "mg-curves-box", grid), title = element("h4", "", box);
    view.boxes[name] = {
      title: element("div", "", title), value: element("span", "", title), chart: element("div", "mg-curves-chart", box),
      note: element("div", "mg-note", box),
    };
    view.boxes[name].chart.setAttribute("role", "img");
  }
  view.resize = new ResizeObserver(() => {
    for (const { chart } of Object.values(view.boxes)) if (chart.clientWidth && chart.classList.contains("js-plotly-plot")) window.Plotly.Plots.resize(chart);
  });
  view.resize.observe(root);
  return view;
}

// An exponential moving average whose first values are not pulled towards 0 (bias correction as in Adam)
function smoothed(values, keep) {
  let total = 0, weight = 0;
  return values.map((value) => {
    total = keep * total + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    return total / weight;
  });
}

function traces(view, name) {
  const { state: curves, data } = view, { train, validation } = data.colours, words = data.labels;
  const line = (curve, colour, title, options = {}) => ({
    type: "scatter", mode: "lines", x: curve.x, y: curve.y, name: title, line: { color: colour, width: 2 }, hovertemplate: "%{y:.4~g}", ...options,
  });
  if (name === "gradient") {
    const smooth = { x: curves.gradient.x, y: smoothed(curves.gradient.y, view.smoothing) };
    return [line(curves.gradient, train, words.raw, { opacity: view.smoothing ? 0.3 : 1, line: { color: train, width: 1 } }), line(smooth, train, words.smoothed)];
  }
  if (name === "rate") return [line(curves.rate, train, words.rate[0])];
  if (name === "perplexity") {
    const exp = (curve) => ({ x: curve.x, y: curve.y.map(Math.exp) });
    return [line(exp(curves.train), train, words.train), line(exp(curves.val), validation, words.val)];
  }
  return [line(curves.accuracy, validation, words.accuracy[0], { hovertemplate: "%{y:.0%}" })];
}

function newest(view, name, drawn) {
  const line = drawn.findLast(({ y }) => y.length);
  if (!line) return "–";
  const options = name === "accuracy" ? { style: "percent" } : { maximumSignificantDigits: 3 };
  const value = new Intl.NumberFormat(view.data.locale, options).format(line.y.at(-1));
  return name === "perplexity" ? `${value} · ${line.name}` : value;  // the header's is that of the last batches
}

// Where each line begins, ends, and is lowest; of a learning rate two digits would say nothing
const told = (view, name, drawn) => (name === "rate" ? [] : drawn.map((line) => curveWords(view, view.data.labels.curve, line.name, line)));

async function draw(view) {
  const { data, state: curves } = view, words = data.labels;
  [words.smoothing, words.log_y, words.log_x].forEach((word, i) => { view.controls[i].words.textContent = word; });
  if (!curves) return;
  const Plotly = await loadPlotly(data.script);
  for (const name of NAMES) {
    const box = view.boxes[name], drawn = traces(view, name), value = newest(view, name, drawn);
    box.title.textContent = words[name][0];
    box.value.textContent = value;
    box.note.textContent = words[name][1];
    box.chart.setAttribute("aria-label", [words.chart.replace("{title}", words[name][0]).replace("{value}", value), ...told(view, name, drawn)].join(" "));
    const logY = view.logY && name !== "accuracy";
    Plotly.react(box.chart, drawn, {
      ...chartLayout(view.root, data.separators), margin: { l: 52, r: 10, t: 8, b: 36 },
      xaxis: { ...AXIS, type: view.logX ? "log" : "linear", title: { text: words.step, standoff: 2 }, nticks: 6,
        range: view.logX ? undefined : [0, curves.steps] },
      yaxis: { ...AXIS, type: logY ? "log" : "linear", nticks: 5, rangemode: logY ? "normal" : "tozero", tickformat: name === "accuracy" ? ".0%" : undefined,
        exponentformat: "power" },
    }, { displayModeBar: false, responsive: false });
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-curves"), view = viewOf(root, build);
  view.data = data;
  draw(view);
  poll(view, draw);
  return () => {  // only when the component leaves the page
    clearTimeout(view.timer);
    view.resize.disconnect();
    for (const { chart } of Object.values(view.boxes)) window.Plotly?.purge(chart);
    forget(root);
  };
}
