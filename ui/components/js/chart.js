// How our charts look: the page's own colours and font, no legend, nothing to drag.

import { groundColour } from "./colours.js";

const GRID = "rgba(128,128,128,0.2)";

export const AXIS = { zeroline: false, gridcolor: GRID, linecolor: GRID, fixedrange: true };

export function chartLayout(root, separators) {
  const { color, fontFamily } = getComputedStyle(root);
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", separators, showlegend: false, dragmode: false,
    font: { color, family: fontFamily, size: 12 }, hovermode: "x unified",
    hoverlabel: { bgcolor: groundColour(root), font: { color } },
  };
}
