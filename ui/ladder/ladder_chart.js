// All rungs in one chart. Python sends what to draw; this runs again on every new `data` and redraws in place.

import { AXIS, chartLayout, letters, roomFor } from "../components/js/chart.js";
import { isDark } from "../components/js/colours.js";
import { loadPlotly } from "../components/plotly_loader.js";

const LEFT = 34, RIGHT = 152, GAP = 10, LABEL = 12.5;
const MARKS = 4;  // on a line, about
const SYMBOLS = [["circle", "●"], ["square", "■"], ["diamond", "◆"], ["triangle-up", "▲"], ["triangle-down", "▼"], ["star", "★"],
  ["circle-open", "○"], ["square-open", "□"], ["diamond-open", "◇"]];

const symbolOf = (line) => SYMBOLS[line.colour % SYMBOLS.length];

// Some points of a line, its last one among them; not the same ones on every line, so that both of two that coincide are seen
function marked(values, rung) {
  const last = values.length - 1, apart = Math.max(1, Math.ceil(last / MARKS));
  return values.filter((_, i) => i === last || (i > 0 && (last - i) % apart === rung % apart));
}

function traces(data, palette) {
  const lines = data.lines.map((line) => ({
    type: "scatter", mode: "lines", x: line.x, y: line.y, name: line.name, hovertemplate: "%{y:.2f}",
    line: { color: palette[line.colour], width: 2.4, dash: line.live ? "dot" : "solid" },
  }));
  const marks = data.lines.map((line) => ({
    type: "scatter", mode: "markers", x: marked(line.x, line.colour), y: marked(line.y, line.colour), hoverinfo: "skip", cliponaxis: false,
    marker: { color: palette[line.colour], symbol: symbolOf(line)[0], size: 8, line: { color: palette[line.colour], width: 1.6 } },
  }));
  return [...lines, ...marks];
}

function annotations(data, palette, root) {
  const label = (value, shift, text) => ({
    xref: "paper", x: 1, xshift: GAP, xanchor: "left", yref: "y", y: value, yanchor: "middle", yshift: shift, text, showarrow: false,
    font: { size: letters(root, LABEL) }, align: "left",
  });
  const words = data.references.map(({ value, label: text, shift }) => ({ ...label(value, shift, `┄ ${text}`), opacity: 0.8 }));
  const ends = data.lines.map((line) =>
    label(line.y.at(-1), line.shift, `<span style="color:${palette[line.colour]}">${symbolOf(line)[1]}</span> ${line.name}`));
  const title = {
    xref: "paper", x: 0, xanchor: "left", xshift: 1 - LEFT, yref: "paper", y: 1, yanchor: "bottom", yshift: 5, text: data.labels.y,
    showarrow: false, font: { size: letters(root, 12.5) },
  };
  const empty = {
    xref: "paper", x: 0.5, yref: "paper", y: 0.72, text: data.labels.empty, showarrow: false, font: { size: letters(root, 14) }, opacity: 0.7,
  };
  return [title, ...words, ...ends, ...(data.lines.length ? [] : [empty])];
}

function layout(data, root, palette) {
  const words = annotations(data, palette, root), beside = words.filter((one) => one.xshift === GAP).map((one) => one.text);
  return {
    ...chartLayout(root, data.separators), height: data.height, autosize: true,
    margin: { l: LEFT, r: roomFor(root, beside, letters(root, LABEL), GAP, RIGHT), t: data.margin.top, b: data.margin.bottom },
    xaxis: { ...AXIS, showgrid: false, range: [0, data.steps], title: { text: data.labels.x, font: { size: letters(root, 12.5) }, standoff: 4 },
      unifiedhovertitle: { text: `${data.labels.x} %{x:,d}` } },
    yaxis: { ...AXIS, range: data.range },
    shapes: data.references.map(({ value }) => ({ type: "line", xref: "paper", x0: 0, x1: 1, yref: "y", y0: value, y1: value,
      line: { color: data.grey, width: 1.4, dash: "dot" }, layer: "below" })),
    annotations: words,
  };
}

async function draw(root, data) {
  const Plotly = await loadPlotly(data.script);
  if (!root.isConnected) return;
  const palette = isDark(root) ? data.palette.dark : data.palette.light;
  root.setAttribute("role", "img");
  root.setAttribute("aria-label", data.labels.chart);
  await Plotly.react(root, traces(data, palette), layout(data, root, palette), { displayModeBar: false, responsive: true });
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-ladder-chart");
  const drawn = JSON.stringify(data) + getComputedStyle(root).color + letters(root, LABEL);
  root.style.height = `${data.height}px`;
  if (root.drawn === drawn) return;
  root.drawn = drawn;
  draw(root, data).catch(() => { root.drawn = null; });
}
