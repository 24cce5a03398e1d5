// A training from checkpoint to checkpoint. Python sends all moments once; moving and playing need no answer from the
// server. Runs again on every new `data`.

import { sharpPen } from "../components/js/canvas.js";
import { letters } from "../components/js/chart.js";
import { CIVIDIS, KINDS_DARK, KINDS_WRITTEN, css, isDark, onScale } from "../components/js/colours.js";
import { drawArrow, inside, reachOf, unitOf } from "../embeddings/frame.js";
import { element, fill, shape, verbatim, write } from "../components/js/element.js";
import { cellUnder, drawCells, drawFaces } from "../components/js/heat_map.js";
import { keepChoices, recallChoices } from "../components/js/kept.js";
import { bytes, number, percent } from "../components/js/numbers.js";
import { curveWords, largest } from "../components/js/spoken.js";
import { forget, viewOf } from "../components/js/view.js";

const SECONDS_A_MOMENT = 0.8;
const BESIDE = 500;  // pixels: a narrower page has its two tables one above the other
const LABEL = 16;  // pixels for the characters beside a table
const LEAST_TOLD = 0.001;
const PAIRS_SAID = 5;
const NOTE = 22;  // pixels for the line below the map

const moment = (view) => Math.round(view.time);
const keptFor = ({ data }) => `${data.run}:${data.first}`;

// Everything that does not depend on the moment

function build(view) {
  const { root, data } = view, { labels } = data;
  root.replaceChildren();
  const bar = element("div", "mg-tl-bar", root);
  view.play = element("button", "mg-tl-play", bar);
  view.play.onclick = () => (view.playing ? hold(view) : play(view));
  view.slider = element("input", "", bar);
  Object.assign(view.slider, { type: "range", min: 0, max: data.steps.length - 1, step: 1 });
  view.slider.setAttribute("aria-label", labels.slider);
  view.play.hidden = view.slider.hidden = data.steps.length < 2;
  view.slider.oninput = () => { hold(view); view.time = Number(view.slider.value); show(view); };
  view.step = element("div", "mg-tl-step", bar);
  const grid = element("div", "mg-tl-grid", root);
  const cell = (head) => {
    const box = element("div", "", grid);
    return { box, head: element("div", "mg-tl-head", box, head) };
  };
  const loss = cell(labels.loss);
  view.loss = element("span", "mg-tl-loss", loss.head);
  view.curve = curve(view, loss.box);
  view.sample = verbatim(element("div", "mg-tl-sample", cell(labels.writes).box));
  view.bars = bars(view, cell(labels.next).box);
  const picture = element("div", "", grid);
  view.picture = data.picture.kind === "pairs" ? tables(view, picture) : map(view, picture);
  view.normal = normal(view);
}

function curve(view, parent) {
  const { data } = view, W = 300, H = 138, pad = { l: 30, r: 6, t: 8, b: 8 };
  const svg = shape("svg", { viewBox: `0 0 ${W} ${H}`, class: "mg-tl-curve", role: "img", "aria-label": curveWords(view, data.labels.curve, data.labels.loss, { x: data.curve.map(([x]) => x), y: data.curve.map(([, y]) => y) }) }, parent);
  const all = data.curve.map(([, y]) => y), losses = all.filter((y) => y < 3 * data.chance);  // beyond, the model is broken
  const low = Math.min(...losses, data.chance), high = Math.max(...losses, data.chance), beyond = losses.length < all.length;
  const last = Math.max(1, ...data.curve.map(([x]) => x), data.steps.at(-1));
  const x = (step) => pad.l + step / last * (W - pad.l - pad.r);
  const y = (loss) => pad.t + Math.min(1, Math.max(0, (high - loss) / (high - low || 1))) * (H - pad.t - pad.b);
  const words = { "text-anchor": "end", "font-size": 11, fill: "currentColor", opacity: 0.8 };
  const digits = high - low < 0.3 ? 2 : 1;
  for (const at of [low, high]) shape("text", { ...words, x: pad.l - 5, y: y(at) + 4 }, svg, (beyond && at === high ? "≥" : "") + number(view, at, digits));
  shape("line", { x1: pad.l, x2: W - pad.r, y1: y(data.chance), y2: y(data.chance), stroke: data.colours.grey, "stroke-dasharray": "2 3" }, svg);
  const below = y(data.chance) + 13;
  shape("text", { ...words, x: W - pad.r - 7, y: below < H - 2 ? below : y(data.chance) - 4 }, svg, data.labels.chance);
  shape("polyline", { points: data.curve.map(([step, loss]) => `${x(step)},${y(loss)}`).join(" "), fill: "none", stroke: data.colours.loss, "stroke-width": 2.2 }, svg);
  const cursor = shape("line", { y1: pad.t, y2: H - pad.b, stroke: "currentColor", "stroke-width": 1.2, opacity: 0.6 }, svg);
  const dot = shape("circle", { r: 4.5, fill: data.colours.loss, stroke: "currentColor", "stroke-width": 1.2 }, svg);
  return () => {
    const now = data.moments[moment(view)];
    cursor.setAttribute("x1", x(now.step)); cursor.setAttribute("x2", x(now.step));
    dot.setAttribute("visibility", now.loss == null ? "hidden" : "visible");
    dot.setAttribute("cx", x(now.evaluated)); dot.setAttribute("cy", y(now.loss ?? 0));
  };
}

function bars(view, parent) {
  const { faces, shares } = view.data.bars, most = Math.max(...shares.flat()), box = element("div", "mg-tl-bars", parent);
  const rows = faces.map((face) => { element("b", "", box, face); return { fill: element("i", "", element("div", "", box)), share: element("span", "", box) }; });
  return () => rows.forEach((row, i) => {
    const share = shares[moment(view)][i];
    row.fill.style.width = `${100 * share / most}%`;
    write(row.share, percent(view, share));
  });
}

// TinyGPT: two tables on one scale

// A byte tells a small share roughly
const inTable = (view, share) => (share < LEAST_TOLD ? `< ${percent(view, LEAST_TOLD, 1)}` : percent(view, share));

function tables(view, parent) {
  const { data } = view, { faces, names } = data.picture, N = faces.length;
  const learned = bytes(data.picture.learned), counted = bytes(data.picture.counted);
  const row = element("div", "mg-tl-tables", parent);
  const note = element("div", "mg-tl-note", parent);
  const label = letters(view.root, LABEL), room = parent.clientWidth || 600;
  const cell = Math.floor(Math.min((data.height - label) / N, (room <= BESIDE ? room : (room - 18) / 2) / (N + 2)));
  const frame = { count: N, margin: label, cell };
  const canvas = (title, values) => {
    const box = element("div", "", row);
    element("div", "mg-tl-head", box, title);
    const made = element("canvas", "", box), pen = sharpPen(made, label + N * cell, label + N * cell);
    made.setAttribute("role", "img");
    pen.fillStyle = getComputedStyle(view.root).color;
    pen.font = `${letters(view.root, Math.min(11, cell + 1))}px ui-monospace, monospace`;
    drawFaces(pen, faces, frame);
    made.onmousemove = (event) => {
      const found = cellUnder(event, made, frame), share = found && (values()[found[0] * N + found[1]] / 255) ** 2;
      made.title = found ? fill(data.labels.cell, { next: names[found[1]], current: names[found[0]], share: inTable(view, share) }) : "";
    };
    return () => {
      const now = values();
      drawCells(pen, frame, (n) => css(onScale(CIVIDIS, now[n] / 255)));
      const pairs = largest(now, PAIRS_SAID).map((n) => fill(data.labels.cell, { next: names[n % N], current: names[Math.floor(n / N)], share: inTable(view, (now[n] / 255) ** 2) }));
      made.setAttribute("aria-label", `${title}. ${pairs.join("; ")}`);
    };
  };
  const drawLearned = canvas(data.labels.learned, () => learned.subarray(moment(view) * N * N, (moment(view) + 1) * N * N));
  canvas(data.labels.counted, () => counted)();
  return () => {
    drawLearned();
    write(note, `${data.labels.current} · ${fill(data.labels.distance, { distance: data.picture.distances[moment(view)] })}`);
  };
}

// GPT: the map of the characters' rows

function map(view, parent) {
  const { data } = view, { faces, kinds } = data.picture, N = faces.length, S = data.steps.length;
  const points = new Float32Array(bytes(data.picture.points).buffer);
  element("div", "mg-tl-head", parent, data.labels.map);
  const made = element("canvas", "", parent), width = parent.clientWidth || 600, height = data.height - NOTE;
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", data.labels.map);
  const pen = sharpPen(made, width, height), middle = [width / 2, height / 2], room = [middle[0] - 22, middle[1] - 18];
  const unit = unitOf(reachOf(points, N), room), note = element("div", "mg-tl-note", parent);
  return () => {
    const low = Math.min(Math.floor(view.time), S - 1), high = Math.min(low + 1, S - 1), share = view.time - low;
    const colours = isDark(view.root) ? KINDS_DARK : KINDS_WRITTEN;
    pen.clearRect(0, 0, width, height);
    drawCross(view, pen, middle);
    pen.font = `600 ${letters(view.root, 14)}px ui-monospace, monospace`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (let i = 0; i < N; i++) {
      const at = [0, 1].map((d) => { const a = points[(low * N + i) * 2 + d]; return a + (points[(high * N + i) * 2 + d] - a) * share; });
      const [x, y, beyond] = inside([at[0] * unit, -at[1] * unit], room), place = [middle[0] + x, middle[1] + y];
      pen.fillStyle = colours[kinds[i]];
      pen.fillText(faces[i], ...place);
      if (beyond) drawArrow(pen, place, middle, 6);
    }
    const kept = data.picture.kept[moment(view)];
    write(note, kept === undefined ? "" : fill(data.labels.kept, { share: percent(view, kept) }));
  };
}

// The two directions of the map, through the middle of all rows
function drawCross(view, pen, [x, y]) {
  pen.strokeStyle = getComputedStyle(view.root).color;
  pen.globalAlpha = 0.13;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(0, y); pen.lineTo(2 * x, y);
  pen.moveTo(x, 0); pen.lineTo(x, 2 * y);
  pen.stroke();
  pen.globalAlpha = 1;
}

// What text looks like at each loss

function normal(view) {
  const { data } = view, box = element("div", "mg-tl-normal", view.root);
  box.hidden = data.milestones.length < 2;
  element("div", "mg-tl-head", box, data.labels.normal);
  const lines = data.milestones.map(({ at, words, sample }) => {
    const line = element("button", "", box);
    line.title = data.labels.jump;
    element("b", "", line, words);
    verbatim(element("span", "", line, sample));
    line.onclick = () => { hold(view); view.time = at; show(view); };
    return line;
  });
  return () => {
    const { loss } = data.moments[moment(view)], far = data.milestones.map((line) => Math.abs(line.loss - loss));
    lines.forEach((line, i) => line.setAttribute("aria-current", loss != null && far.indexOf(Math.min(...far)) === i));
  };
}

// What depends on the moment

function show(view) {
  const { data } = view, { labels } = data, now = data.moments[moment(view)];
  const words = fill(labels.step, { step: number(view, now.step), steps: number(view, data.total) });
  if (view.kept !== moment(view)) {
    view.kept = moment(view);
    keepChoices(view, "timeline", ["kept"], keptFor(view));
  }
  view.slider.value = moment(view);
  view.slider.setAttribute("aria-valuetext", `${words}, ${now.words}`);
  write(view.play, view.playing ? `❚❚ ${labels.pause}` : `▶ ${labels.play}`);
  write(view.step, words);
  write(view.loss, now.figure);
  write(view.sample, now.sample || labels.nothing);
  view.curve(); view.bars(); view.picture(); view.normal();
}

function play(view) {
  const last = view.data.steps.length - 1;
  if (view.time >= last) view.time = 0;
  view.playing = true;
  view.before = null;
  const frame = (now) => {
    if (!view.playing || !view.mounted) return;
    if (view.before !== null) view.time = Math.min(last, view.time + (now - view.before) / 1000 / SECONDS_A_MOMENT);
    view.before = now;
    if (view.time >= last) view.playing = false;
    show(view);
    if (view.playing) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

function hold(view) {
  if (!view.playing) return;
  view.playing = false;
  view.time = moment(view);
  show(view);
}

function begin(root) {
  const view = { root };
  root.redraw = () => { build(view); show(view); };
  new ResizeObserver(() => {
    if (view.width !== root.clientWidth && view.mounted) { view.width = root.clientWidth; build(view); show(view); }
  }).observe(root);
  return view;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-timeline");
  const view = viewOf(root, begin);
  const other = view.run !== data.run;
  Object.assign(view, { data, mounted: true, width: root.clientWidth });
  if (other) {
    Object.assign(view, { run: data.run, kept: data.first, playing: false });
    recallChoices(view, "timeline", ["kept"], keptFor(view));
    view.time = view.kept;
  }
  view.time = Math.max(0, Math.min(view.time, data.steps.length - 1));
  build(view);
  show(view);
  return () => {
    view.mounted = view.playing = false;
    forget(root);
  };
}
