// What is shown: one set of rows (characters or places), their names and colours, and how much alike they are.

import { CIVIDIS, KINDS_DARK, KINDS_LIGHT, KINDS_WRITTEN, css, onScale } from "../components/js/colours.js";
import { fill } from "../components/js/element.js";
import { bytes, number } from "../components/js/numbers.js";

export const ABOVE = [0, 114, 178];   // as on the Model page: blue above 0, orange below
export const BELOW = [230, 159, 0];
export const FEW = 20;  // a character met less often in the text has hardly been learned

export function unpack(set) {
  const count = set.items.length;
  return {
    ...set, count, flat: new Float32Array(bytes(set.flat).buffer), deep: new Float32Array(bytes(set.deep).buffer),
    cosines: new Int16Array(bytes(set.cosines).buffer),
  };
}

export const current = (view) => view.sets[view.what];
export const moment = (view) => Math.round(view.time);
export const lookOf = (view) => (view.look === "table" ? "table" : view.look === "deep" ? "deep" : "flat");

export function cosine(view, i, j) {
  const set = current(view);
  return set.cosines[(moment(view) * set.count + i) * set.count + j] / view.data.unit;
}

/** [[row, cosine], …] of the others, those first that point most nearly in the same direction. */
export function nearest(view, i) {
  return current(view).items.map((_, j) => [j, cosine(view, i, j)]).filter(([j]) => j !== i).toSorted((a, b) => b[1] - a[1]);
}

/** Those of them that are nearer, or more opposite, than rows drawn at random would be. */
export const alike = (view, i) => nearest(view, i).filter(([, cos]) => cos > current(view).chance);
export const opposite = (view, i) => nearest(view, i).filter(([, cos]) => cos < -current(view).chance);

export const nameOf = (view, i) => {
  const item = current(view).items[i];
  return view.what === "places" ? fill(view.data.labels.place, { n: number(view, item.place) }) : fill(view.data.labels.quoted, { c: item.name });
};
export const faceOf = (view, i) => current(view).items[i].face;

/** The colour of a row's kind for letters. */
export const inkOf = (view, i) => (view.dark ? KINDS_DARK : KINDS_WRITTEN)[current(view).items[i].kind];

export function colourOf(view, i) {
  const set = current(view);
  if (view.what === "characters") return (view.dark ? KINDS_DARK : KINDS_LIGHT)[set.items[i].kind];
  return css(onScale(CIVIDIS, i / Math.max(set.count - 1, 1)));
}
