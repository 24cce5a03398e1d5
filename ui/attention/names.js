// Characters, places, heads and shares, as the page calls them.

import { fill } from "../components/js/element.js";
import { number, percent } from "../components/js/numbers.js";
import { shown } from "./patterns.js";

const charAt = (view, place) => view.data.characters[view.data.ids[place]];
export const shareWords = (view, share, digits = share > 0 && share < 0.0995 ? 1 : 0) => percent(view, share, digits);
export const score = (view, x) => (Math.abs(x) >= 1e5 ? x.toExponential(1).replace("e+", "e") : number(view, x, Math.abs(x) >= 1000 ? 0 : 2)).replace("-", "−");
export const placeName = (view, place) => number(view, place + view.data.first);
export const faceOf = (view, place) => charAt(view, place)[0];
export const quoted = (view, place) => fill(view.data.labels.quoted, { c: charAt(view, place)[1] });

export function headName(view) {
  const { labels, layers, heads } = view.data, layer = Math.floor(view.head / heads) + 1;
  if (view.mean === "all") return fill(labels.mean_all, { n: number(view, layers * heads) });
  if (view.mean === "layer") return fill(labels.mean_layer, { layer: number(view, layer), n: number(view, heads) });
  return nameOf(view, view.head);
}

export function nameOf(view, n) {
  const { labels, heads } = view.data;
  return fill(labels.head_n, { layer: number(view, Math.floor(n / heads) + 1), head: number(view, n % heads + 1) });
}

export const lookWords = (view, place) => fill(view.back ? view.data.labels.looks : view.data.labels.seen_by, { character: quoted(view, place), n: placeName(view, place) });

export function pairWords(view, row, column) {
  if (column > row) return view.data.labels.later;
  return `${quoted(view, row)} → ${quoted(view, column)}: ${shareWords(view, shown(view)[row * view.data.length + column])}`;
}
