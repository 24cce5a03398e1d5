// Two heat maps on one scale: what a TinyGPT has learned, and what counting gives. This file asks and draws; nothing
// reruns the script.

import { letters } from "./js/chart.js";
import { element, fill, shape } from "./js/element.js";
import { cellUnder, drawCells, drawFaces } from "./js/heat_map.js";
import { bytes, clamp, number, percent } from "./js/numbers.js";
import { poll } from "./js/poll.js";
import { largest } from "./js/spoken.js";
import { forget, viewOf } from "./js/view.js";

const MARGIN = 26;   // for the characters on both axes, in the canvas' own units
const SIZE = 470;
const PAIRS_SAID = 5;
const FULL = 65535;  // a share of 1

const numbers = (base64) => new Uint16Array(bytes(base64).buffer);

function build(root) {
  root.replaceChildren();
  const view = { root, at: null, timer: null, state: null };
  root.redraw = () => draw(view);
  const two = element("div", "mg-learned-two", root);
  view.maps = ["learned", "counted"].map((name) => {
    const box = element("div", "", two), title = element("h4", "", box), axes = element("div", "mg-note", box), canvas = element("canvas", "", box);
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.onpointermove = (event) => { view.at = cellUnder(event, canvas, frame(view)); draw(view); };
    canvas.onpointerleave = () => { view.at = null; draw(view); };
    canvas.onkeydown = (event) => {
      const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!by) return;
      event.preventDefault();
      const n = view.data.faces.length, [row, column] = view.at ?? [0, 0];
      view.at = [clamp(row + by[0], 0, n - 1), clamp(column + by[1], 0, n - 1)];
      draw(view);
    };
    return { name, title, axes, canvas };
  });
  const below = element("div", "mg-learned-two", root), words = element("div", "mg-learned-words", below);
  view.say = element("div", "mg-learned-say", words);
  view.say.setAttribute("aria-live", "polite");
  view.foot = element("div", "mg-learned-foot", words);
  view.curve = element("div", "mg-learned-curve", below);
  view.resize = new ResizeObserver(() => draw(view));
  view.resize.observe(two);
  return view;
}

const frame = ({ data }) => ({ count: data.faces.length, margin: MARGIN, cell: (SIZE - MARGIN) / data.faces.length });

function paint(view, { canvas }, table) {
  const { data, at } = view, { cell } = frame(view), style = getComputedStyle(view.root);
  const sharp = Math.max(1, (canvas.clientWidth * devicePixelRatio) / SIZE);
  canvas.width = canvas.height = Math.round(SIZE * sharp);
  const pen = canvas.getContext("2d");
  pen.scale(sharp, sharp);
  pen.font = `500 ${letters(view.root, Math.min(13, 0.95 * cell)) / Math.min(1, canvas.clientWidth / SIZE)}px ${style.getPropertyValue("--mg-mono") || "monospace"}`;
  pen.fillStyle = style.color;
  drawFaces(pen, data.faces, frame(view), at);
  const shade = (share) => data.scale[Math.min(data.scale.length - 1, Math.floor(Math.sqrt(share / FULL) * data.scale.length))];
  drawCells(pen, frame(view), (n) => (table ? shade(table[n]) : "rgba(128, 128, 128, 0.15)"), 0.4);
  if (!at) return;
  pen.strokeStyle = "#D55E00";
  pen.lineWidth = 2;
  pen.strokeRect(MARGIN + at[1] * cell - 1, MARGIN + at[0] * cell - 1, cell + 1.6, cell + 1.6);
}

function draw(view) {
  const { data, state } = view, words = data.labels, n = data.faces.length;
  const learned = state?.table ? numbers(state.table) : null, counted = numbers(data.counted);
  view.maps[0].title.textContent = learned ? fill(words.learned, { step: number(view, state.step, 0) }) : words.waiting;
  view.maps[1].title.textContent = words.counted;
  for (const { axes } of view.maps) axes.textContent = `↓ ${words.row} → ${words.column}`;
  paint(view, view.maps[0], learned);
  paint(view, view.maps[1], counted);
  [learned, counted].forEach((table, i) => {
    const { canvas, title } = view.maps[i], said = table ? largest(table, PAIRS_SAID) : [];
    const pairs = said.map((at) => fill(words.pair, { current: data.faces[Math.floor(at / n)], next: data.faces[at % n], share: percent(view, table[at] / FULL) }));
    canvas.setAttribute("aria-label", `${title.textContent}. ${words.row} ${words.column} ${pairs.join("; ")}`);
  });
  view.say.textContent = view.at ? sentence(view, learned, counted, n) : words.point;
  view.foot.replaceChildren();
  const scale = element("span", "", view.foot), bar = element("span", "mg-learned-scale", scale);
  bar.style.background = `linear-gradient(90deg, ${data.scale.join(",")})`;
  element("span", "", scale, words.scale);
  if (data.all > n) element("span", "", view.foot, fill(words.some, { n: number(view, n, 0), all: number(view, data.all, 0) }));
  curve(view);
}

function sentence(view, learned, counted, n) {
  const [row, column] = view.at, { data } = view, share = (table) => (table ? percent(view, table[row * n + column] / FULL, 1) : "–");
  return fill(data.labels.cell, {
    current: data.faces[row], next: data.faces[column], learned: share(learned), counted: share(counted), times: number(view, data.times[row], 0),
  });
}

function curve(view) {
  const { state, data } = view, words = data.labels;
  view.curve.replaceChildren();
  const { x = [], y = [] } = state?.distances ?? {};
  if (!x.length) return;
  const width = 230, height = 90, last = Math.max(1, x.at(-1)), top = Math.max(...y, 1e-9);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" }, view.curve);
  const left = 34, place = (i) => [left + ((width - left - 8) * x[i]) / last, 8 + (height - 28) * (1 - y[i] / top)];
  shape("line", { x1: left, x2: width, y1: height - 20, y2: height - 20 }, svg);
  shape("text", { x: left - 5, y: 13, "text-anchor": "end" }, svg, number(view, top, 1));
  shape("text", { x: left - 5, y: height - 16, "text-anchor": "end" }, svg, "0");
  shape("text", { x: width, y: height - 5, "text-anchor": "end" }, svg, number(view, last));
  shape("path", { d: x.map((_, i) => `${i ? "L" : "M"}${place(i).map((v) => v.toFixed(1)).join(" ")}`).join("") }, svg);
  const [endX, endY] = place(x.length - 1);
  shape("circle", { cx: endX, cy: endY, r: 4 }, svg);
  const text = element("div", "", view.curve);
  element("div", "mg-label", text, words.distance);
  element("div", "", text, fill(words.now, { n: number(view, y.at(-1), 3) }));
  svg.setAttribute("aria-label", text.textContent);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-learned"), view = viewOf(root, build);
  if (view.data?.url !== data.url) Object.assign(view, { state: null, at: null });
  view.data = data;
  draw(view);
  poll(view, draw);
  return () => {  // only when the component leaves the page
    clearTimeout(view.timer);
    view.resize.disconnect();
    forget(root);
  };
}
