// A text letter by letter: each one an element of its own that can be pointed at.

import { css, inkOn, onScale } from "./colours.js";
import { element } from "./element.js";

/** One character at the end of `parent`. `shown` is its face; one that ends a line is followed by a new one. */
export function letter(parent, shown, endsLine, name) {
  const cell = element("span", name, parent);
  element("bdi", "", cell, shown);
  if (endsLine) cell.after("\n");
  return cell;
}

/** Colour a character by its share, 0 to 1: the same scale and the same ink as in ui/words/tokens.py. */
export function tint(cell, scale, share) {
  const colour = onScale(scale, share);
  cell.style.setProperty("--p", css(colour));
  cell.style.setProperty("--ink", inkOn(colour));
}

/** The face of a character that stands alone: inside a text a space is seen without a sign. */
export const faceAlone = (shown) => (shown === " " ? "␣" : shown);
