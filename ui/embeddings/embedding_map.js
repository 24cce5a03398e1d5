// The rows of characters and places as a map that moves through the training, and all their cosines. Python sends the
// points and cosines of every checkpoint once; moving, turning and choosing need no answer from the server. Runs again
// on every new `data`. This file holds the parts together: what is looked at, and at which time.

import { sharpPen, showTip } from "../components/js/canvas.js";
import { letters } from "../components/js/chart.js";
import { buildChoice, showChoices } from "../components/js/choice.js";
import { CIVIDIS, KINDS_DARK, KINDS_LIGHT, css, isDark } from "../components/js/colours.js";
import { element, fill } from "../components/js/element.js";
import { keepChoices, recallChoices } from "../components/js/kept.js";
import { clamp, number, percent } from "../components/js/numbers.js";
import { forget, viewOf } from "../components/js/view.js";
import { cosineColour, drawTable, orderOf, pairAt } from "./cosine_table.js";
import { drawSide } from "./neighbours.js";
import { drawMap, project } from "./points.js";
import { alike, cosine, current, lookOf, moment, nameOf, unpack } from "./rows.js";

const SECONDS_A_MOMENT = 0.9;
const KEPT_LOOKS = ["what", "look", "order"];
const KEPT_PLACE = ["time", "chosen"];  // as far as the model is the same
const REACH = 24;             // pixels from a point within which the pointer means it

// The frame

function build(root) {
  root.replaceChildren();
  const view = { root, what: "characters", look: "flat", order: "kind", time: 0, chosen: 0, over: null, zoom: 1, pan: [0, 0], turn: 0.6, tilt: 0.35, playing: false };
  const bar = element("div", "mg-emb-bar", root);
  const group = (of, values) => buildChoice(view, bar, "mg-emb-choice", of, values.map((value) => [value, value]), (value) => set(view, of, value));
  group("what", ["characters", "places"]);
  group("look", ["flat", "deep", "table"]);
  view.orderBox = group("order", ["kind", "alike"]);
  view.legend = element("div", "mg-emb-legend", bar);
  const body = element("div", "mg-emb-body", root), left = element("div", "mg-emb-left", body);
  view.frame = element("div", "mg-emb-frame", left);
  view.canvas = element("canvas", "", view.frame);
  view.canvas.tabIndex = 0;
  view.canvas.setAttribute("role", "img");
  view.tip = element("div", "mg-emb-tip", view.frame);
  view.tip.hidden = true;
  view.kept = element("div", "mg-emb-kept", view.frame);
  view.zoomBox = element("div", "mg-emb-zoom", view.frame);
  view.zooms = [["+", 1.5], ["−", 1 / 1.5]].map(([sign, factor]) => {
    const button = element("button", "", view.zoomBox, sign);
    button.type = "button";
    button.onclick = () => zoom(view, factor);
    return button;
  });
  buildTime(view, view.timeBox = element("div", "mg-emb-time", left));
  view.side = element("div", "mg-emb-side", body);
  view.spoken = element("div", "mg-hidden", root);
  view.spoken.setAttribute("aria-live", "polite");
  root.redraw = () => refresh(view);
  listen(view);
  view.watch = new ResizeObserver(() => {
    if (view.data && view.frame.clientWidth !== view.width) refresh(view);
  });
  view.watch.observe(root);
  return view;
}

const samePlace = ({ data, what }) => JSON.stringify([data.model, data.first, what]);

const keepPlace = (view) => keepChoices(view, "embeddings.place", KEPT_PLACE, samePlace(view));

function recallPlace(view) {
  recallChoices(view, "embeddings.place", KEPT_PLACE, samePlace(view));
  view.time = clamp(Math.round(view.time), 0, view.data.steps.length - 1);
  view.chosen = clamp(view.chosen, 0, current(view).items.length - 1);
}

function set(view, of, value) {
  if (of === "what" && view[of] !== value) Object.assign(view, { chosen: value === "places" ? 0 : view.data.start, over: null, zoom: 1, pan: [0, 0] });
  view[of] = value;
  keepChoices(view, "embeddings", KEPT_LOOKS);
  keepPlace(view);
  refresh(view);
}

function buildTime(view, box) {
  view.play = element("button", "mg-emb-play", box);
  view.play.type = "button";
  view.play.onclick = () => (view.playing ? pause(view) : play(view));
  const slot = view.slot = element("div", "mg-emb-slot", box);
  view.slider = element("input", "", slot);
  Object.assign(view.slider, { type: "range", min: 0, step: 0.01 });
  view.slider.oninput = () => { pause(view); goTo(view, Number(view.slider.value)); };
  view.slider.onchange = () => goTo(view, moment(view));  // rests on a checkpoint
  view.slider.onkeydown = (event) => {
    const stride = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!stride) return;
    event.preventDefault();
    pause(view);
    goTo(view, clamp(moment(view) + stride, 0, view.data.steps.length - 1));
  };
  view.ticks = element("div", "mg-emb-ticks", slot);
  view.when = element("div", "mg-emb-when", box);
}

function listen(view) {
  const { canvas } = view;
  canvas.onpointermove = (event) => overCanvas(view, event);
  canvas.onpointerleave = () => { view.tip.hidden = true; view.over = null; draw(view); };
  canvas.onpointerdown = (event) => {
    view.drag = { x: event.clientX, y: event.clientY, moved: false };
    canvas.setPointerCapture(event.pointerId);
  };
  canvas.onpointerup = (event) => {
    if (!view.drag?.moved) overCanvas(view, event, true);
    view.drag = null;
  };
  canvas.onkeydown = (event) => {
    const stride = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!stride) return;
    event.preventDefault();
    const order = orderOf(view), at = order.indexOf(view.chosen);
    choose(view, order[(at + stride + order.length) % order.length]);
  };
}

// Nearer or farther, about the chosen row
function zoom(view, factor) {
  const before = project(view, view.chosen, view.time), wanted = clamp(view.zoom * factor, 1, 8);
  const grown = wanted / view.zoom, middle = [view.width / 2, view.data.height / 2];
  view.zoom = wanted;
  view.pan = wanted === 1 ? [0, 0] : [0, 1].map((d) => view.pan[d] + (before[d] - middle[d] - view.pan[d]) * (1 - grown));
  draw(view);
}

// Time

function play(view) {
  view.playing = true;
  if (view.time >= view.data.steps.length - 1) view.time = 0;
  let last = performance.now();
  const tick = (now) => {
    if (!view.playing || !view.root.isConnected) return;
    const end = view.data.steps.length - 1;
    goTo(view, Math.min(view.time + (now - last) / 1000 / SECONDS_A_MOMENT, end));
    last = now;
    if (view.time >= end) pause(view);
    else requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  label(view);
}

function pause(view) {
  view.playing = false;
  label(view);
}

function goTo(view, time) {
  const before = moment(view);
  view.time = time;
  view.slider.value = time;
  if (moment(view) !== before) {
    showSide(view);
    keepPlace(view);
  }
  label(view);
  draw(view);
}

function label(view) {
  const { labels, steps } = view.data, step = number(view, steps[moment(view)]);
  view.play.textContent = view.playing ? labels.pause : labels.play;
  view.when.textContent = fill(steps.length < 2 ? labels.only : labels.step, { n: step });
  view.slider.setAttribute("aria-valuetext", view.when.textContent);
  const deep = lookOf(view) === "deep", kept = current(view)[deep ? "deep_kept" : "flat_kept"][moment(view)];
  view.kept.hidden = lookOf(view) === "table";
  view.kept.textContent = fill(labels.kept, { share: percent(view, kept) });
}

// Everything

function refresh(view) {
  const { labels, steps } = view.data;
  view.dark = isDark(view.root);
  view.width = view.frame.clientWidth;
  if (!view.width) return;
  showChoices(view);
  const { button: places } = view.choices.find(({ value }) => value === "places");
  places.disabled = !view.sets.places;
  places.title = view.sets.places ? "" : labels.no_places;
  view.orderBox.hidden = lookOf(view) !== "table";
  view.zoomBox.hidden = lookOf(view) === "table";
  view.zooms.forEach((button, n) => button.setAttribute("aria-label", n ? labels.farther : labels.nearer));
  view.play.hidden = view.slot.hidden = steps.length < 2;
  view.slider.max = steps.length - 1;
  view.slider.value = view.time;
  view.slider.setAttribute("aria-label", labels.time);
  view.ticks.replaceChildren();
  const sparse = Math.ceil(steps.length / Math.max(2, Math.floor((view.width - 240) / 46)));
  steps.forEach((step, n) => {
    const tick = element("i", "", view.ticks, n % sparse === 0 || n === steps.length - 1 ? number(view, step) : "");
    tick.style.left = `${steps.length > 1 ? 100 * n / (steps.length - 1) : 0}%`;
  });
  drawLegend(view);
  label(view);
  showSide(view);
  draw(view);
  spin(view);
}

function drawLegend(view) {
  const { labels } = view.data, box = view.legend, table = lookOf(view) === "table";
  box.replaceChildren();
  if (table || view.what === "places") {
    const ramp = element("span", "mg-emb-ramp", box);
    const colours = table ? [-1, -0.64, -0.36, -0.16, -0.04, 0, 0.04, 0.16, 0.36, 0.64, 1].map((x) => cosineColour(view, x)) : CIVIDIS.map(css);
    ramp.style.background = `linear-gradient(90deg, ${colours.join(",")})`;
    const marks = table ? [[0, -1], [25, -0.25], [50, 0], [75, 0.25], [100, 1]].map(([at, x]) => [at, number(view, x, x % 1 ? 2 : 0)])
      : [[0, number(view, current(view).items[0].place)], [100, number(view, current(view).items.at(-1).place)]];
    for (const [at, text] of marks) element("i", "", ramp, text).style.left = `${at}%`;
    ramp.before(element("span", "", null, table ? labels.cosine : labels.place_scale));
    return;
  }
  const kinds = new Set(current(view).items.map((item) => item.kind));
  for (const [kind, colour] of Object.entries(view.dark ? KINDS_DARK : KINDS_LIGHT)) {
    if (!kinds.has(kind)) continue;
    const entry = element("span", "mg-emb-kind", box, labels.kinds[kind]);
    entry.style.setProperty("--c", colour);
  }
  if (current(view).items.some((item) => item.accent)) element("span", "mg-emb-kind mg-emb-accent", box, labels.accent);
}

// The map

function draw(view) {
  if (isDark(view.root) !== view.dark) return refresh(view);  // somebody has changed the theme
  const { labels } = view.data, deep = lookOf(view) === "deep", table = lookOf(view) === "table";
  view.canvas.setAttribute("aria-label", `${table ? labels.table_alt : labels.map_alt} ${nearestWords(view, view.chosen)}. ${labels.hint}`);
  const context = sharpPen(view.canvas, view.width, view.data.height);
  context.font = `${letters(view.root, 13)}px sans-serif`;
  if (table) drawTable(view, context);
  else drawMap(view, context, deep);
}

function showSide(view) {
  drawSide(view, { choose: (i) => choose(view, i), point: (i) => { view.over = i; draw(view); } });
}

function choose(view, i) {
  view.chosen = i;
  view.over = null;
  keepPlace(view);
  showSide(view);
  draw(view);
  view.spoken.textContent = nearestWords(view, i);
}

function nearestWords(view, i) {
  const words = alike(view, i).slice(0, 3).map(([j, cos]) => `${nameOf(view, j)} ${number(view, cos, 2)}`);
  return `${nameOf(view, i)}. ${view.data.labels.nearest} ${words.join(", ") || view.data.labels.none_alike}`;
}

// Pointing

function overCanvas(view, event, click = false) {
  const box = view.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  if (view.drag && lookOf(view) !== "table" && dragBy(view, event)) return;
  if (lookOf(view) === "table") return overTable(view, x, y, click);
  const away = view.spots.map(([a, b], i) => [Math.hypot(a - x, b - y), i]).toSorted((a, b) => a[0] - b[0])[0];
  const found = away && away[0] < REACH ? away[1] : null;
  if (click && found !== null) return choose(view, found);
  if (found !== view.over) { view.over = found; draw(view); }
  view.canvas.style.cursor = found !== null ? "pointer" : lookOf(view) === "deep" || view.zoom > 1 ? "grab" : "default";
  const words = found === null ? "" : found === view.chosen ? nameOf(view, found) : likeness(view, view.chosen, found);
  tell(view, x, y, found !== null && view.spots[found][3] ? `${words} · ${view.data.labels.beyond}` : words);
}

function overTable(view, x, y, click) {
  const pair = pairAt(view, x, y);
  if (!pair) return tell(view, x, y, "");
  const [i, j] = pair;
  if (click) return choose(view, i);
  if (view.over !== j) { view.over = j; draw(view); }
  tell(view, x, y, likeness(view, i, j));
}

const likeness = (view, i, j) => `${nameOf(view, i)} · ${nameOf(view, j)}: ${number(view, cosine(view, i, j), 2)}`;

const tell = (view, x, y, words) => showTip(view.tip, words, x, y, view.width, view.data.height);

// Dragging turns the map in three dimensions, and moves it in two once it has been enlarged
function dragBy(view, event) {
  const { drag } = view, dx = event.clientX - drag.x, dy = event.clientY - drag.y, deep = lookOf(view) === "deep";
  if ((Math.hypot(dx, dy) < 3 && !drag.moved) || (!deep && view.zoom === 1)) return false;
  Object.assign(drag, { x: event.clientX, y: event.clientY, moved: true });
  if (deep) Object.assign(view, { turn: view.turn + dx / 160, tilt: clamp(view.tilt + dy / 160, -1.4, 1.4), held: true });
  else view.pan = [view.pan[0] + dx, view.pan[1] + dy];
  draw(view);
  return true;
}

// In three dimensions the map turns slowly, until somebody takes it in hand: depth is seen in the movement
function spin(view) {
  if (lookOf(view) !== "deep" || view.held || view.spinning || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  view.spinning = true;
  let last = performance.now();
  const tick = (now) => {
    view.spinning = lookOf(view) === "deep" && !view.held && view.root.isConnected;
    if (!view.spinning) return;
    if (view.over === null) {
      view.turn += (now - last) / 9000;
      if (!view.playing) draw(view);
    }
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

// New data

function update(view, data) {
  if (!view.data) recallChoices(view, "embeddings", KEPT_LOOKS);
  const before = view.data, other = before?.model !== data.model;
  view.data = data;
  view.sets = Object.fromEntries(Object.entries(data.sets).map(([name, rows]) => [name, unpack(rows)]));
  if (!view.sets[view.what]) view.what = "characters";
  if (other) Object.assign(view, { time: data.first, chosen: view.what === "places" ? 0 : data.start, over: null, playing: false, zoom: 1, pan: [0, 0] });
  if (!before) recallPlace(view);
  refresh(view);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-emb"), view = viewOf(root, build);
  update(view, data);
  return () => { view.watch.disconnect(); view.playing = false; forget(root); };
}
