// Who looks where. Python sends the queries and keys of every head once; scores, mask and softmax are calculated here,
// so pointing, choosing and comparing need no answer from the server. Runs again on every new `data`.
// This file holds the parts together: what is looked at, and by whom it was chosen.

import { showTip } from "../components/js/canvas.js";
import { buildChoice, showChoices } from "../components/js/choice.js";
import { css, isDark } from "../components/js/colours.js";
import { element, shape, verbatim } from "../components/js/element.js";
import { keepChoices, recallChoices } from "../components/js/kept.js";
import { clamp } from "../components/js/numbers.js";
import { forget, viewOf } from "../components/js/view.js";
import { drawGrid, markGrid } from "./heads.js";
import { centre, drawMap, pairUnder } from "./large_map.js";
import { calculate, sharesOf } from "./patterns.js";
import { shadeOf } from "./shades.js";
import { drawSide } from "./side.js";
import { drawSteps } from "./steps.js";
import { drawLooks, drawText } from "./text.js";
import { headName, lookWords, pairWords, quoted, shareWords } from "./names.js";

const KEPT_LOOKS = ["head", "mean", "back", "steps"];
const KEPT_PLACE = ["pinned"];

// The frame

function build(root) {
  root.replaceChildren();
  root.redraw = () => layOut(view);
  const view = { root, head: 0, mean: "one", back: true, near: false, steps: false, place: 0, pinned: 0, column: null, key: null };
  buildBar(view);
  view.strip = element("div", "mg-att-strip", root);
  view.arcs = shape("svg", { class: "mg-att-arcs", "aria-hidden": "true" }, view.strip);
  view.text = verbatim(element("div", "mg-att-text", view.strip));
  view.text.tabIndex = 0;
  view.origin = element("div", "mg-att-origin", view.strip);
  view.text.setAttribute("role", "group");
  view.spoken = element("div", "mg-hidden", root);
  view.spoken.setAttribute("aria-live", "polite");
  const body = element("div", "mg-att-body", root);
  const left = element("div", "mg-att-left", body);
  view.gridBox = element("div", "mg-att-heads", left);
  view.scale = element("div", "mg-att-scale", left);
  view.middle = element("div", "mg-att-middle", body);
  view.side = element("div", "mg-att-side", body);
  buildMap(view);
  view.calculation = element("div", "mg-att-steps", view.middle);
  listen(view);
  view.watch = new ResizeObserver(() => {
    if (view.data && root.clientWidth !== view.width) layOut(view);
  });
  view.watch.observe(root);
  return view;
}

function buildBar(view) {
  const bar = element("div", "mg-att-bar", view.root);
  view.hint = element("div", "mg-att-hint", bar);
  const group = (of, values) => buildChoice(view, bar, "mg-att-choice", of, values, (value) => { view[of] = value; refresh(view); });
  group("mean", [["one", "one"], ["layer", "layer"], ["all", "all"]]);
  group("back", [[true, "back"], [false, "by"]]);
}

function buildMap(view) {
  const box = view.mapBox = element("div", "mg-att-map", view.middle);
  view.mapTitle = element("div", "mg-att-map-title", box);
  view.mapFrame = element("div", "mg-att-frame", box);
  view.canvas = element("canvas", "", view.mapFrame);
  view.canvas.tabIndex = 0;
  view.canvas.setAttribute("role", "img");
  view.tip = element("div", "mg-att-tip", view.mapFrame);
  view.tip.hidden = true;
}

function listen(view) {
  const placeOf = (event) => {
    const cell = event.target.closest?.("[data-place]");
    return cell && view.root.contains(cell) ? Number(cell.dataset.place) : null;
  };
  view.text.onpointermove = (event) => { const place = placeOf(event); if (place !== null && place !== view.place) pointInText(view, place); };
  view.text.onpointerleave = () => pointInText(view, view.pinned);
  view.text.onclick = (event) => { const place = placeOf(event); if (place !== null) pin(view, place); };
  view.text.onkeydown = (event) => walk(view, event);
  view.canvas.onpointermove = (event) => overMap(view, event, false);
  view.canvas.onclick = (event) => overMap(view, event, true);
  view.canvas.onpointerleave = () => { view.tip.hidden = true; point(view, view.pinned); };
  view.canvas.onkeydown = (event) => walkMap(view, event);
}

// Pointing and choosing

function point(view, place, column = null) {
  Object.assign(view, { place, column });
  if (isDark(view.root) !== view.dark) return layOut(view);  // somebody has changed the theme
  drawLooks(view);
  drawMap(view);
  drawSide(view, () => switchMode(view));
}

function pointInText(view, place) {
  if (view.near) centre(view, place);
  point(view, place);
}

const sameText = ({ data }) => JSON.stringify([data.model, data.ids]);

function pinHere(view, place) {
  Object.assign(view, { pinned: place, key: null });
  keepChoices(view, "attention.place", KEPT_PLACE, sameText(view));
}

function pin(view, place, column = null) {
  pinHere(view, place);
  if (view.near) centre(view, place);
  point(view, place, column);
  if (view.steps) drawSteps(view);
  say(view);
}

function overMap(view, event, click) {
  const pair = pairUnder(view, event), box = view.canvas.getBoundingClientRect();
  showTip(view.tip, pair ? pairWords(view, ...pair) : "", event.clientX - box.left, event.clientY - box.top, box.width, box.height);
  if (!pair) return;
  const [row, column] = pair, place = view.back ? row : column, other = column > row ? null : column;
  if (click) { pinHere(view, place); say(view); }
  if (place !== view.place || other !== view.column) point(view, place, other);
}

function choose(view, n) {
  Object.assign(view, { head: n, mean: "one" });
  refresh(view);
}

const STRIDES = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

function walk(view, event) {
  const line = { ArrowUp: -view.perLine, ArrowDown: view.perLine }[event.key] ?? STRIDES[event.key];
  if (!line) return;
  event.preventDefault();
  pin(view, clamp(view.pinned + line, 0, view.data.length - 1));
}

function walkMap(view, event) {
  const strides = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!strides) return;
  event.preventDefault();
  const row = clamp(view.pinned + strides[0], 0, view.data.length - 1);
  const column = clamp((view.column ?? row) + strides[1], 0, row);
  pin(view, row, column);
  view.spoken.textContent = pairWords(view, row, column);
}

function say(view) {
  const parts = sharesOf(view, view.pinned).slice(0, 3).map(([place, share]) => `${quoted(view, place)} ${shareWords(view, share)}`);
  view.spoken.textContent = `${headName(view)}: ${lookWords(view, view.pinned)} ${parts.join(", ")}`;
}

function switchMode(view) {
  view.steps = !view.steps;
  if (view.steps) Object.assign(view, { mean: "one", back: true });
  refresh(view);
  view.side.querySelector(".mg-att-go").focus();
}

// Drawing everything

function refresh(view) {
  drawBar(view);
  markGrid(view);
  view.picture = null;
  view.mapBox.hidden = view.steps;
  view.calculation.hidden = !view.steps;
  view.root.dataset.mode = view.steps ? "steps" : "map";
  point(view, view.pinned, view.column);
  if (view.steps) drawSteps(view);
  say(view);
  keepChoices(view, "attention", KEPT_LOOKS, view.data.model);
}

function layOut(view) {
  view.width = view.root.clientWidth;
  if (!view.width) return;
  view.dark = isDark(view.root);
  drawText(view);
  drawGrid(view, (n) => choose(view, n));
  refresh(view);
}

function drawBar(view) {
  const { labels } = view.data;
  view.hint.textContent = labels.point;
  showChoices(view);
  view.scale.replaceChildren();
  element("span", "", view.scale, labels.scale);
  const box = element("span", "mg-att-ramp", view.scale);
  const stops = Array.from({ length: 11 }, (_, i) => `${css(shadeOf(view, (i / 10) ** 2))} ${10 * i}%`);
  box.style.background = `linear-gradient(90deg, ${stops})`;
  for (const share of [0, 0.05, 0.25, 1]) {
    const mark = element("i", "", box, shareWords(view, share, 0));
    mark.style.left = `${100 * Math.sqrt(share)}%`;
  }
}

// New data

// Far enough on that there is something to look back at, and something that is still to come
const firstPlace = (data) => Math.round((data.length - 1) * 0.64);

function update(view, data) {
  const before = view.data, readAlready = before?.ids.join() === data.ids.join();
  view.data = data;
  if (!readAlready || before.queries !== data.queries) calculate(view);
  if (!readAlready) {  // other weights on the same text: one goes on looking at the same place
    Object.assign(view, { pinned: firstPlace(data), column: null });
    if (!before) recallChoices(view, "attention.place", KEPT_PLACE, sameText(view));
    view.place = view.pinned = clamp(view.pinned, 0, data.length - 1);
    centre(view, view.pinned);
  }
  view.key = null;
  if (before?.model !== data.model) {
    Object.assign(view, { head: data.start, mean: "one" });
    if (!before) recallChoices(view, "attention", KEPT_LOOKS, data.model);
  }
  view.mapTitle.dataset.words = "";
  layOut(view);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-att"), view = viewOf(root, build);
  update(view, data);
  return () => { view.watch.disconnect(); forget(root); };
}
