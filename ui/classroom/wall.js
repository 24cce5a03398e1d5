// The wall for the projector: everybody's curve on one chart with what simple methods reach, and samples that the teacher has
// allowed. Large letters, thick lines: it is read from the back row.

import { loadPlotly } from "../components/plotly_loader.js";
import { AXIS, chartLayout } from "../components/js/chart.js";
import { element, fill, write } from "../components/js/element.js";
import { number } from "../components/js/numbers.js";
import { curveWords } from "../components/js/spoken.js";
import { isDark } from "../components/js/colours.js";
import { poll } from "../components/js/poll.js";
import { viewOf } from "../components/js/view.js";

const LIGHT = ["#0072B2", "#B35C00", "#007A58", "#A8477E", "#1F78A8", "#5B3A8E", "#5A5A5A"];
const DARK = ["#56B4E9", "#E69F00", "#2BC49B", "#E39CC4", "#8FD0F5", "#B79CF0", "#B8BEC8"];
// A sign beside the colour, for who cannot tell the colours apart: as plotly calls it, and as the list shows it. Whoever
// shares a colour has another sign.
const SIGNS = [["circle", "●"], ["square", "■"], ["diamond", "◆"], ["triangle-up", "▲"], ["star", "★"], ["cross", "✚"], ["triangle-down", "▼"]];
const MARKED = 6;  // times along a curve
const LETTER_PX = 19, ABOVE_CHANCE = 1.15, ROOM_BELOW = 0.04;
const MARGIN = { l: 78, r: 16, t: 14, b: 66 }, LINE_PX = 26;
const TITLE_SHARE = 1.2;  // of the letters: as large plotly writes what an axis is called
const LINES = 5, FEWEST_LINES = 2;  // of a sample

function build(root) {
  root.replaceChildren();
  const chart = element("div", "mg-wall-chart", root), side = element("div", "mg-wall-side", root);
  chart.setAttribute("role", "img");
  const view = { root, chart, best: element("ol", "mg-wall-best", side), dotted: element("small", "", side), samples: element("div", "mg-wall-samples", side), asked: element("figure", "mg-wall-asked", side), guesses: element("figure", "mg-wall-guesses", side), state: null };
  new ResizeObserver(() => view.state && fit(view)).observe(side);
  new ResizeObserver(() => view.state && drawChart(view)).observe(chart);
  return view;
}

const colourOf = (view, who) => { const row = isDark(view.root) ? DARK : LIGHT; return row[who % row.length]; };

const signOf = (who) => SIGNS[(who + Math.floor(who / SIGNS.length)) % SIGNS.length];

function traces(view) {
  const { curves, alone } = view.state;
  return curves.map((curve) => ({
    x: curve.x, y: curve.y, type: "scatter", mode: "lines+markers", name: curve.name, hoverinfo: "name+y",
    marker: { symbol: signOf(curve.number)[0], size: alone ? 15 : 11, maxdisplayed: MARKED },
    line: { color: colourOf(view, curve.number), width: alone ? 6 : curve.live ? 4 : 2.5, dash: curve.other ? "dot" : "solid" },
  }));
}

function referenceLines(view) {
  const { labels } = view.data, entries = Object.entries(view.state.references), lowest = Math.min(...entries.map(([, y]) => y));  // its label stands below it: curves come down to it from above
  const shapes = entries.map(([, y]) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color: "#7A7A7A", width: 2.5, dash: "dash" } }));
  const annotations = entries.map(([kind, y]) => ({
    xref: "paper", x: 1, xanchor: "right", y, yanchor: y === lowest ? "top" : "bottom", showarrow: false, font: { size: LETTER_PX }, text: `${labels[kind]} ${number(view, y, 2)}`,
  }));
  return { shapes, annotations };
}

// Who has diverged would press everybody else's curves flat: the picture ends a little above pure chance
function heights(view) {
  const { curves, references } = view.state, chance = references.uniform;
  if (!chance) return { outside: 0 };
  const lowest = Math.min(...Object.values(references), ...curves.flatMap((curve) => curve.y));
  const outside = curves.filter((curve) => curve.y.length && curve.y.at(-1) > ABOVE_CHANCE * chance).length;
  return { range: [Math.max(0, lowest - ROOM_BELOW * chance), ABOVE_CHANCE * chance], outside };
}

/** What a lesson asks the class: how many have guessed, and what, once the teacher shows it. */
function drawAsked(view) {
  const { labels } = view.data, { asked } = view.state;
  view.asked.replaceChildren();
  view.asked.hidden = !asked;
  if (!asked) return;
  element("figcaption", "", view.asked, asked.question);
  element("small", "", view.asked, fill(labels.asked, { n: number(view, asked.n) }));
  const most = Math.max(1, ...asked.bars.map(({ count }) => count)), rows = element("div", "mg-class-guesses", view.asked);
  for (const { label, count, right } of asked.bars) {
    element("span", right ? "mg-right-one" : "", rows, `${right ? "✓ " : ""}${label}`);
    const bar = element("i", "", rows);
    bar.style.setProperty("--k", right ? "#009E73" : "#7A7A7A");
    bar.style.width = `${100 * count / most}%`;
    element("b", "", rows, number(view, count));
  }
}

/** How far guesses lay from results, as bars beside each other; nothing before there are any. */
function drawGuesses(view) {
  const { labels } = view.data, { guesses } = view.state, most = Math.max(...guesses);
  view.guesses.replaceChildren();
  view.guesses.hidden = !most;
  if (!most) return;
  element("figcaption", "", view.guesses, labels.guesses);
  const bars = element("div", "mg-wall-bars", view.guesses);
  guesses.forEach((count, i) => {
    const bar = element("span", i === (guesses.length - 1) / 2 ? "mg-right" : "", bars);
    if (count) element("b", "", bar, number(view, count));
    bar.style.setProperty("--h", `${100 * count / most}%`);
  });
  const ends = element("div", "mg-wall-ends", view.guesses);
  for (const word of [labels.too_low, labels.right, labels.too_high]) element("span", "", ends, word);
}

/** The title of the upright axis, in two lines where one would be cut. */
function upright(view, family) {
  const { loss } = view.data.labels, pen = document.createElement("canvas").getContext("2d");
  pen.font = `${TITLE_SHARE * LETTER_PX}px ${family}`;
  const isLong = pen.measureText(loss).width > view.chart.clientHeight - MARGIN.t - MARGIN.b;
  return { text: isLong ? loss.replace(" (", "<br>(") : loss, lines: isLong ? 2 : 1 };
}

async function drawChart(view) {
  const { labels, separators } = view.data, Plotly = await loadPlotly("api/plotly.js"), visible = view.state.curves.length > 0;
  const layout = chartLayout(view.root, separators), { text, lines } = upright(view, layout.font.family);
  Object.assign(layout, referenceLines(view), {
    font: { ...layout.font, size: LETTER_PX }, margin: { ...MARGIN, l: MARGIN.l + (lines - 1) * LINE_PX }, hovermode: "closest",
    xaxis: { ...AXIS, visible, title: { text: labels.step }, range: [0, Math.max(1, ...view.state.curves.flatMap((curve) => curve.x))] }, yaxis: { ...AXIS, visible, title: { text }, range: heights(view).range },
  });
  await Plotly.react(view.chart, traces(view), layout, { displayModeBar: false, responsive: true });
  const best = view.state.best[0];
  const told = view.state.curves.map((curve) => curveWords(view, labels.curve, curve.name || labels.somebody, curve));
  view.chart.setAttribute("aria-label", [fill(best ? labels.says : labels.empty, { n: view.state.curves.length, loss: number(view, best?.loss, 2) }), ...told].join(" "));
}

function drawSide(view) {
  const { labels } = view.data, { best, samples } = view.state;
  view.best.replaceChildren();
  if (best.length) element("li", "mg-wall-of", view.best, labels.of);
  for (const one of best) {
    const line = element("li", "", view.best);
    line.style.setProperty("--k", colourOf(view, one.number));
    line.dataset.rank = `${number(view, one.rank)}. ${signOf(one.number)[1]}`;
    element("bdi", "", line, one.name || labels.somebody);
    element("b", "", line, number(view, one.loss, 2));
  }
  const { outside } = heights(view), others = view.state.curves.filter((curve) => curve.other).map((curve) => `${signOf(curve.number)[1]} ${curve.name || labels.somebody}`);
  const equal = new Set(best.map(({ rank }) => rank)).size < best.length ? labels.equal : "";
  write(view.dotted, !view.state.curves.length ? labels.empty : [equal, others.length ? fill(labels.dotted, { names: others.join(", ") }) : "", outside ? fill(labels.outside, { n: number(view, outside) }) : "", view.state.doubt[view.data.locale]].filter(Boolean).join(" · "));
  drawAsked(view);
  drawGuesses(view);
  view.samples.replaceChildren();
  for (const one of samples) {
    const box = element("figure", "", view.samples);
    box.style.setProperty("--k", colourOf(view, one.number));
    const head = element("figcaption", "", box);
    element("bdi", "", head, one.name || labels.somebody);
    element("small", "", head, fill(one.best ? labels.best_at : labels.at, { step: number(view, one.step), loss: number(view, one.loss, 2) }));
    element("bdi", "mg-wall-text", box, one.text);
  }
  fit(view);
}

/** No sample ends within a line: they get shorter, the last one first, and those without room are not there. */
function fit({ samples }) {
  const boxes = [...samples.children], tooMuch = () => samples.scrollHeight > samples.clientHeight + 1;
  for (const box of boxes) { box.hidden = false; box.style.setProperty("--lines", LINES); }
  for (const box of boxes.toReversed()) {
    for (let lines = LINES - 1; tooMuch() && lines >= FEWEST_LINES; lines--) box.style.setProperty("--lines", lines);
    if (!tooMuch()) return;
    box.hidden = true;
  }
}

async function draw(view) {
  drawSide(view);
  await drawChart(view);
}

export default function ({ parentElement, data }) {
  const view = viewOf(parentElement.querySelector(".mg-wall"), build);
  view.data = data;
  if (!view.chart.ariaLabel) view.chart.ariaLabel = data.labels.empty;  // an image has a name before it is drawn
  if (view.state) draw(view);
  poll(view, draw);
}
