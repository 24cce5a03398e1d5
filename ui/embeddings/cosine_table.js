// The table of all cosines.

import { letters } from "../components/js/chart.js";
import { css, mix, primaryColour } from "../components/js/colours.js";
import { clamp, number } from "../components/js/numbers.js";
import { ABOVE, BELOW, cosine, current, faceOf, inkOf, lookOf } from "./rows.js";

export function orderOf(view) {
  const set = current(view);
  if (lookOf(view) === "table" && view.order === "alike") return set.alike;
  return set.by_kind;
}

export function cosineColour(view, x) {
  const ground = view.dark ? [20, 24, 31] : [251, 250, 247];
  return css(mix(ground, x < 0 ? BELOW : view.dark ? [86, 180, 233] : ABOVE, Math.sqrt(Math.abs(x))));
}

function tableFrame(view) {
  const count = current(view).count, margin = letters(view.root, 17), size = Math.min(view.width, view.data.height);
  return { count, margin, size, left: (view.width - size) / 2, cell: (size - margin) / count };
}

export function drawTable(view, context) {
  const { count, margin, size, left, cell } = tableFrame(view), order = orderOf(view), style = getComputedStyle(view.root);
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < count; b++) {
      context.fillStyle = cosineColour(view, clamp(cosine(view, order[a], order[b]), -1, 1));
      context.fillRect(left + margin + b * cell, margin + a * cell, cell + 0.4, cell + 0.4);
    }
  }
  context.textAlign = "center";
  context.textBaseline = "middle";
  const face = letters(view.root, clamp(cell * 1.05, 8.5, 13));
  order.forEach((i, n) => {
    const marked = i === view.chosen || i === view.over;
    if (cell < 7 && !marked && n % Math.ceil(9 / cell)) return;
    const label = view.what === "places" ? number(view, current(view).items[i].place) : faceOf(view, i);
    if (view.what === "places" && !marked && n % Math.ceil(22 / cell)) return;
    if (!marked && n % Math.ceil((0.8 * face) / cell)) return;
    context.font = `${marked ? 800 : 550} ${face}px "Source Code Pro", ui-monospace, monospace`;
    context.fillStyle = view.what === "places" ? style.color : inkOf(view, i);
    if (marked) context.fillStyle = style.color;
    const middle = margin + (n + 0.5) * cell, shown = label.length > 3 ? "▯" : label;
    context.fillText(shown, left + middle, margin / 2);
    context.fillText(shown, left + margin / 2 - 1, middle);
  });
  const at = order.indexOf(view.chosen);
  context.strokeStyle = primaryColour(view.root);
  context.lineWidth = 2;
  context.strokeRect(left + margin, margin + at * cell, size - margin, cell);
}

/** The rows [i, j] of the cell at a place of the canvas, null beside the table. */
export function pairAt(view, x, y) {
  const { count, margin, left, cell } = tableFrame(view), order = orderOf(view);
  const [row, column] = [Math.floor((y - margin) / cell), Math.floor((x - left - margin) / cell)];
  return row >= 0 && column >= 0 && row < count && column < count ? [order[row], order[column]] : null;
}
