// What a picture says, for those who hear the page. It stands in the picture's label: read when somebody comes to it, and
// silent while the picture moves.

import { fill } from "./element.js";
import { number } from "./numbers.js";

const DIGITS = 2;

/** A curve {x: steps, y} in words: where it begins, ends, and is lowest; "" for an empty one.
 *  `sentence` has {name}, {first}, {from}, {last}, {to}, {lowest} and {where}. */
export function curveWords(view, sentence, name, { x, y }) {
  if (!y?.length) return "";
  const low = y.reduce((best, value, i) => (value < y[best] ? i : best), 0), said = (value) => number(view, value, DIGITS);
  return fill(sentence, {
    name, first: said(y[0]), from: number(view, x[0]), last: said(y.at(-1)), to: number(view, x.at(-1)), lowest: said(y[low]), where: number(view, x[low]),
  });
}

/** The places of the largest values, the largest first. */
export const largest = (values, n) => Array.from(values.keys()).toSorted((a, b) => values[b] - values[a]).slice(0, n);
