// The rows as points of a map, in two dimensions or in three, at any time of the training.

import { letters } from "../components/js/chart.js";
import { groundColour, primaryColour } from "../components/js/colours.js";
import { clamp, number } from "../components/js/numbers.js";
import { drawArrow, inside, reachOf, unitOf } from "./frame.js";
import { FEW, alike, colourOf, current, faceOf, lookOf } from "./rows.js";

const LINES = 5;
const FAINTEST_LETTER = 0.75;  // what lies behind, or is rare, can still be read

// The point of row i at a time between two moments
function pointAt(view, i, time) {
  const set = current(view), deep = lookOf(view) === "deep", D = deep ? 3 : 2, points = deep ? set.deep : set.flat;
  const low = Math.min(Math.floor(time), view.data.steps.length - 1), high = Math.min(low + 1, view.data.steps.length - 1);
  const at = (n, d) => points[(n * set.count + i) * D + d];
  return Array.from({ length: D }, (_, d) => at(low, d) + (at(high, d) - at(low, d)) * (time - low));
}

const roomOf = (view) => [view.width / 2 - 26, view.data.height / 2 - 26];

// Pixels for a unit of the map. The same at all times, so that growing and shrinking are seen
function scaleOf(view) {
  const set = current(view), room = roomOf(view);
  if (lookOf(view) !== "deep") return view.zoom * unitOf((set.reach ??= reachOf(set.flat, set.count)), room);
  return view.zoom * Math.min(...room) / Math.hypot(...(set.far ??= farthest(set.deep, 3))) * 1.35;
}

function farthest(points, D) {
  const far = Array.from({ length: D }, () => 1e-9);
  points.forEach((x, n) => { far[n % D] = Math.max(far[n % D], Math.abs(x)); });
  return far;
}

/** Where row i stands on the screen: [x, y, nearness, whether it lies farther out]; nearness 1 in front and 0 behind. */
export function project(view, i, time) {
  const scale = scaleOf(view), [x, y, z = 0] = pointAt(view, i, time);
  if (lookOf(view) === "deep") return [...turned(view, x * scale, y * scale, z * scale), false];
  const [across, down, beyond] = view.zoom > 1 ? [x * scale, -y * scale, false] : inside([x * scale, -y * scale], roomOf(view));
  return [view.width / 2 + view.pan[0] + across, view.data.height / 2 + view.pan[1] + down, 1, beyond];
}

function turned(view, x, y, z) {
  const [cos, sin] = [Math.cos(view.turn), Math.sin(view.turn)], across = x * cos + z * sin, away = -x * sin + z * cos;
  const [up, out] = [y * Math.cos(view.tilt) - away * Math.sin(view.tilt), y * Math.sin(view.tilt) + away * Math.cos(view.tilt)];
  const size = Math.min(view.width, view.data.height) / 2, near = 1 / (1 - 0.28 * out / size);
  return [view.width / 2 + across * near, view.data.height / 2 - up * near, clamp(0.5 + out / size / 2, 0, 1)];
}

export function drawMap(view, context, deep) {
  const set = current(view);
  drawGround(view, context, deep);
  view.spots = set.items.map((_, i) => project(view, i, view.time));
  if (view.what === "places") drawChain(view, context);
  drawTrail(view, context);
  drawLinks(view, context);
  const order = [...view.spots.keys()].toSorted((a, b) => view.spots[a][2] - view.spots[b][2]);
  for (const i of order) if (i !== view.chosen && i !== view.over) drawItem(view, context, i, deep);
  if (view.over !== null) drawItem(view, context, view.over, deep);
  drawItem(view, context, view.chosen, deep);
}

function drawGround(view, context, deep) {
  context.strokeStyle = getComputedStyle(view.root).color;
  context.globalAlpha = 0.13;
  context.lineWidth = 1;
  const [w, h] = [view.width, view.data.height];
  context.beginPath();
  if (deep) {
    const r = Math.min(w, h) / 2 - 22;
    for (const ends of [[[-r, 0, 0], [r, 0, 0]], [[0, -r, 0], [0, r, 0]], [[0, 0, -r], [0, 0, r]]]) {
      const [a, b] = ends.map((end) => turned(view, ...end));
      context.moveTo(a[0], a[1]);
      context.lineTo(b[0], b[1]);
    }
  } else {
    const [x, y] = [w / 2 + view.pan[0], h / 2 + view.pan[1]];
    context.moveTo(0, y); context.lineTo(w, y);
    context.moveTo(x, 0); context.lineTo(x, h);
  }
  context.stroke();
  context.globalAlpha = 1;
}

// One place after the other
function drawChain(view, context) {
  context.lineWidth = 1.5;
  for (let i = 1; i < view.spots.length; i++) {
    context.globalAlpha = 0.5;
    context.strokeStyle = colourOf(view, i);
    context.beginPath();
    context.moveTo(view.spots[i - 1][0], view.spots[i - 1][1]);
    context.lineTo(view.spots[i][0], view.spots[i][1]);
    context.stroke();
  }
  context.globalAlpha = 1;
}

// The way of the chosen row through the training
function drawTrail(view, context) {
  const moments = view.data.steps.map((_, n) => n).filter((n) => n < view.time);
  if (!moments.length) return;
  context.strokeStyle = colourOf(view, view.chosen);
  context.globalAlpha = 0.55;
  context.lineWidth = 2;
  context.setLineDash([2, 5]);
  context.beginPath();
  for (const n of [...moments, view.time]) context.lineTo(...project(view, view.chosen, n).slice(0, 2));
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function drawLinks(view, context) {
  const from = view.spots[view.chosen];
  for (const [i, cos] of alike(view, view.chosen).slice(0, LINES)) {
    context.strokeStyle = primaryColour(view.root);
    context.globalAlpha = 0.25 + 0.6 * cos;
    context.lineWidth = 1 + 3 * cos;
    context.beginPath();
    context.moveTo(from[0], from[1]);
    context.lineTo(view.spots[i][0], view.spots[i][1]);
    context.stroke();
  }
  context.globalAlpha = 1;
}

function drawItem(view, context, i, deep) {
  const item = current(view).items[i], [x, y, near, beyond] = view.spots[i], marked = i === view.chosen || i === view.over;
  const size = (view.what === "places" ? 4.5 : letters(view.root, 15) / 1.36) * (deep ? 0.72 + 0.5 * near : 1) * (marked ? 1.25 : 1);
  const rare = view.what === "characters" && item.count < FEW, colour = colourOf(view, i);
  context.globalAlpha = (deep ? 0.4 + 0.6 * near : 1) * (rare && !marked ? 0.45 : 1);
  context.beginPath();
  context.arc(x, y, size, 0, 7);
  context.fillStyle = groundColour(view.root);
  if (view.what !== "places") context.fill();
  context.fillStyle = colour;
  context.globalAlpha *= view.what === "places" ? 1 : marked ? 0.42 : 0.24;
  context.fill();
  context.globalAlpha = (deep ? 0.4 + 0.6 * near : 1) * (rare && !marked ? 0.45 : 1);
  context.lineWidth = marked ? 2.4 : 1.1;
  context.strokeStyle = marked ? primaryColour(view.root) : colour;
  context.stroke();
  if (item.accent) {
    context.lineWidth = 1;
    context.beginPath();
    context.arc(x, y, size + 2.6, 0, 7);
    context.stroke();
  }
  if (beyond) {
    context.fillStyle = colour;
    drawArrow(context, [x, y], [view.width / 2, view.data.height / 2], size);
  }
  if (view.what !== "places" || marked || i % 8 === 0) drawFace(view, context, i, x, y, size);
  context.globalAlpha = 1;
}

function drawFace(view, context, i, x, y, size) {
  const places = view.what === "places", face = places ? number(view, current(view).items[i].place) : faceOf(view, i);
  context.fillStyle = getComputedStyle(view.root).color;
  context.globalAlpha = Math.max(context.globalAlpha, FAINTEST_LETTER);
  context.textAlign = places ? "left" : "center";
  context.textBaseline = "middle";
  const long = face.length > 2 && !places;
  context.font = `650 ${places ? letters(view.root, 11.5) : letters(view.root, long ? size * 0.62 : size * 1.36)}px "Source Code Pro", ui-monospace, monospace`;
  context.fillText(face, places ? x + size + 3 : x, places ? y : y + 0.5);
}
