// How our charts look: the page's own colours and font, no legend, nothing to drag.

import { groundColour } from "./colours.js";

const GRID = "rgba(128,128,128,0.2)";

export const AXIS = { zeroline: false, gridcolor: GRID, linecolor: GRID, fixedrange: true };

/** Pixels of the letters in a chart: these, or as large as the back row of a room needs them (`ui/projector.css`). */
export const letters = (root, usual) => Math.max(usual, parseFloat(getComputedStyle(root).getPropertyValue("--mg-chart-text")) || 0);

export function chartLayout(root, separators) {
  const { color, fontFamily } = getComputedStyle(root);
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", separators, showlegend: false, dragmode: false,
    font: { color, family: fontFamily, size: letters(root, 12) }, hovermode: "x unified",
    hoverlabel: { bgcolor: groundColour(root), font: { color } },
  };
}

/** Room beside a chart for labels of this size that begin `gap` behind it, in pixels: at least `least`. */
export function roomFor(root, labels, size, gap, least) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${size}px ${getComputedStyle(root).fontFamily}`;
  const words = labels.map((label) => label.replace(/<[^>]*>/g, ""));
  return Math.max(least, ...words.map((word) => Math.ceil(pen.measureText(word).width) + 2 * gap));
}
