// Beside the map: the chosen row and its neighbours, by the angle between all numbers of the rows.

import { css } from "../components/js/colours.js";
import { element, fill } from "../components/js/element.js";
import { number } from "../components/js/numbers.js";
import { ABOVE, BELOW, FEW, alike, colourOf, cosine, current, faceOf, nameOf, opposite } from "./rows.js";

const NEIGHBOURS = 8;

/** `acts.choose(i)` is called for a row that somebody chooses, `acts.point(i)` for one that is pointed at, or null. */
export function drawSide(view, acts) {
  const { labels } = view.data, side = view.side, set = current(view), item = set.items[view.chosen];
  const held = side.contains(document.activeElement);
  side.replaceChildren();
  const head = element("div", "mg-emb-head", side), tile = element("span", "mg-emb-tile", head);
  tile.style.setProperty("--c", colourOf(view, view.chosen));
  element("bdi", item.face.length > 2 ? "mg-emb-long" : "", tile, view.what === "places" ? number(view, item.place) : item.face);
  const words = element("div", "", head);
  element("div", "mg-emb-title", words, nameOf(view, view.chosen));
  if (view.what === "characters") {
    const times = item.count === 0 ? labels.time_none : item.count === 1 ? labels.time_one : fill(labels.times, { n: number(view, item.count) });
    element("div", "mg-note", words, `${labels.kinds[item.kind]} · ${times}`);
    if (item.count < FEW) element("div", "mg-note", side, labels.rare);
  }
  element("div", "mg-emb-title mg-emb-second", side, labels.nearest);
  const near = alike(view, view.chosen), list = element("div", "mg-emb-list", side), far = opposite(view, view.chosen).at(-1);
  for (const [j, cos] of near.slice(0, NEIGHBOURS)) neighbour(view, list, j, cos, acts);
  if (!near.length) element("div", "mg-note", side, labels.none_alike);
  element("div", "mg-note", side, fill(labels.by_chance, { chance: number(view, set.chance, 2) }));
  if (far) {
    element("div", "mg-emb-title mg-emb-second", side, labels.farthest);
    neighbour(view, element("div", "mg-emb-list", side), ...far, acts);
  }
  if (view.what === "characters") drawKinship(view, side);
  if (held) list.querySelector("button")?.focus();
}

function neighbour(view, list, j, cos, { choose, point }) {
  const row = element("button", "mg-emb-row", list);
  row.type = "button";
  row.setAttribute("aria-label", `${nameOf(view, j)}: ${number(view, cos, 2)}`);
  row.onclick = () => choose(j);
  row.onpointerenter = () => point(j);
  row.onpointerleave = () => point(null);
  const name = element("bdi", "", row, view.what === "places" ? number(view, current(view).items[j].place) : faceOf(view, j));
  name.style.setProperty("--c", colourOf(view, j));
  const bar = element("span", "mg-emb-track", row), part = element("i", "", bar);
  part.style.cssText = `width:${50 * Math.abs(cos)}%;${cos < 0 ? "right" : "left"}:50%;background:${css(cos < 0 ? BELOW : ABOVE)}`;
  element("span", "mg-emb-n", row, number(view, cos, 2));
}

// Are vowels alike? The mean cosine within the kind, and to consonants
function drawKinship(view, side) {
  const { labels } = view.data, items = current(view).items, rows = items.map((item, i) => [item, i]).filter(([item]) => item.count >= FEW);
  const of = (kind) => rows.filter(([item]) => item.kind === kind).map(([, i]) => i);
  const vowels = of("vowel"), consonants = of("consonant");
  if (vowels.length < 3 || consonants.length < 3) return;
  const mean = (a, b) => {
    const pairs = a.flatMap((i) => b.filter((j) => i !== j).map((j) => cosine(view, i, j)));
    return number(view, pairs.reduce((x, y) => x + y, 0) / pairs.length, 2);
  };
  element("div", "mg-emb-title mg-emb-second", side, labels.kinship);
  const table = element("div", "mg-emb-kin", side);
  for (const [name, a, b] of [["two_vowels", vowels, vowels], ["two_consonants", consonants, consonants], ["one_each", vowels, consonants]]) {
    element("span", "", table, labels[name]);
    element("b", "", table, mean(a, b));
  }
}
