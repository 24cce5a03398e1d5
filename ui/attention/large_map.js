// One head large: who looks at whom.

import { sharpPen } from "../components/js/canvas.js";
import { letters } from "../components/js/chart.js";
import { primaryColour } from "../components/js/colours.js";
import { element } from "../components/js/element.js";
import { clamp } from "../components/js/numbers.js";
import { shown } from "./patterns.js";
import { bitmap } from "./shades.js";
import { faceOf, headName } from "./names.js";

const NEAR = 28;              // characters a side of the enlarged map
const ROOM = 336;             // pixels of the map at the front of a room
const READABLE = 8;           // pixels a character needs on an axis

function frame(view) {
  const { length: T } = view.data, near = view.near && T > NEAR;
  const size = clamp(view.middle.clientWidth - 4, 200, letters(view.root, 1) > 1 ? ROOM : view.width >= 1100 ? 400 : 352);
  const side = near ? NEAR : T, margin = letters(view.root, size / side >= READABLE ? 11 : 14) + 4;
  return { near, side, size, margin, cell: (size - margin) / side, row: near ? view.row : 0, left: near ? view.left : 0 };
}

export function centre(view, place) {
  const end = Math.max(view.data.length - NEAR, 0);
  view.row = clamp(place - Math.floor(NEAR / 2), 0, end);
  view.left = view.row;
}

export function drawMap(view) {
  if (view.steps) return;
  const { length: T, labels } = view.data, at = view.frame = frame(view);
  drawMapTitle(view, at);
  view.canvas.setAttribute("aria-label", `${headName(view)}. ${view.mean === "one" ? view.data.about[view.head].sentence : ""} ${labels.map_hint}`);
  const context = sharpPen(view.canvas, at.size, at.size);
  hatch(view, context, at);
  view.picture ??= bitmap(view, shown(view), T);
  context.imageSmoothingEnabled = false;
  context.save();
  context.beginPath();
  context.rect(at.margin, at.margin, at.size - at.margin, at.size - at.margin);
  context.clip();
  context.drawImage(view.picture, at.left, at.row, at.side, at.side, at.margin, at.margin, at.side * at.cell, at.side * at.cell);
  context.restore();
  drawCross(view, context, at);
  drawAxes(view, context, at);
}

function drawMapTitle(view, at) {
  const { labels, length: T } = view.data;
  const words = `${at.near}${T}${view.data.locale}`;
  if (view.mapTitle.dataset.words === words) return;
  view.mapTitle.dataset.words = words;
  view.mapTitle.replaceChildren();
  element("span", "", view.mapTitle, `${labels.who} · ${labels.whom}`);
  if (T <= NEAR) return;
  const button = element("button", "mg-att-link", view.mapTitle, at.near ? labels.whole : labels.near);
  button.type = "button";
  button.onclick = () => { view.near = !view.near; centre(view, view.pinned); drawMap(view); };
}

function hatch(view, context, at) {
  const { margin, size } = at;
  context.save();
  context.beginPath();
  context.rect(margin, margin, size - margin, size - margin);
  context.clip();
  context.strokeStyle = view.dark ? "rgba(255,255,255,0.07)" : "rgba(30,36,48,0.08)";
  context.lineWidth = 1;
  for (let x = margin - size; x < size; x += 7) {
    context.beginPath();
    context.moveTo(x, size);
    context.lineTo(x + size, 0);
    context.stroke();
  }
  context.restore();
}

function drawCross(view, context, at) {
  const { margin, cell, size } = at;
  const y = margin + (view.place - at.row) * cell, x = margin + (view.place - at.left) * cell;
  context.strokeStyle = primaryColour(view.root);
  context.lineWidth = 1.5;
  const inside = (z) => z > margin - cell && z < size;
  if (view.back && inside(y)) context.strokeRect(margin, y, Math.min((view.place - at.left + 1) * cell, size - margin), Math.max(cell, 2));
  if (!view.back && inside(x)) context.strokeRect(x, Math.max(y, margin), Math.max(cell, 2), size - Math.max(y, margin));
  if (view.column !== null) {
    context.lineWidth = 2.5;
    context.strokeRect(margin + (view.column - at.left) * cell - 1, y - 1, cell + 2, cell + 2);
  }
}

function drawAxes(view, context, at) {
  const { margin, cell, side } = at, style = getComputedStyle(view.text);
  const all = cell >= READABLE * 0.82, size = letters(view.root, clamp(cell * 1.05, 8.5, 13)), every = Math.ceil((0.8 * size) / cell);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let n = 0; n < side; n++) {
    for (const across of [true, false]) {
      const place = n + (across ? at.left : at.row);
      if (place >= view.data.length) continue;
      const here = view.back === across ? place === view.column : place === view.place;
      if (!here && (!all || n % every)) continue;
      context.font = `${here ? 800 : 500} ${here ? Math.max(size, 12) : size}px ${style.fontFamily}`;
      context.fillStyle = style.color;
      context.globalAlpha = here || !all ? 1 : 0.8;
      const middle = margin + (n + 0.5) * cell, edge = margin / 2 - 1;
      context.fillText(shortFace(view, place), across ? middle : edge, across ? edge : middle);
    }
  }
  context.globalAlpha = 1;
}

const shortFace = (view, place) => (faceOf(view, place).length > 2 ? "▯" : faceOf(view, place));

/** [row, column] of the cell that the pointer means, null beside the map. */
export function pairUnder(view, event) {
  const at = view.frame, box = view.canvas.getBoundingClientRect();
  const row = Math.floor((event.clientY - box.top - at.margin) / at.cell) + at.row;
  const column = Math.floor((event.clientX - box.left - at.margin) / at.cell) + at.left;
  const inside = row >= at.row && column >= at.left && row < Math.min(at.row + at.side, view.data.length) && column < Math.min(at.left + at.side, view.data.length);
  return inside ? [row, column] : null;
}
