// Beside the map: the head in words, and the largest shares.

import { element, fill } from "../components/js/element.js";
import { sharesOf } from "./patterns.js";
import { faceOf, headName, lookWords, placeName, quoted, shareWords } from "./names.js";

const BARS = 5;

export function drawSide(view, switchMode) {
  const { labels, about } = view.data, side = view.side, mean = view.mean !== "one";
  side.replaceChildren();
  element("div", "mg-att-title", side, headName(view));
  element("div", "mg-att-sentence", side, mean ? labels.mean_words : about[view.head].sentence);
  if (!mean) {
    const rules = element("div", "mg-att-bars", side);
    rules.title = labels.measured;
    for (const rule of about[view.head].rules) barOf(view, rules, rule.name, rule.share, rule.words, rule.chance);
  }
  if (!view.steps) drawLooked(view, side);
  const button = element("button", "mg-att-go", side, view.steps ? labels.to_map : labels.steps);
  button.type = "button";
  button.onclick = switchMode;
}

function drawLooked(view, side) {
  const { labels } = view.data;
  element("div", "mg-att-title mg-att-second", side, lookWords(view, view.place));
  const list = element("div", "mg-att-bars mg-att-looked", side);
  const shares = sharesOf(view, view.place).filter(([place]) => view.back || place !== view.place).slice(0, BARS);
  for (const [place, share] of shares) barOf(view, list, faceOf(view, place), share, `${quoted(view, place)}, ${fill(labels.place, { n: placeName(view, place) })}`);
  if (!shares.length) element("div", "mg-note", list, labels.nobody);
}

function barOf(view, parent, name, share, tip, chance) {
  const row = element("div", "mg-att-row", parent);
  row.dataset.tip = tip;
  element("span", "mg-att-name", row, name);
  const bar = element("span", "mg-att-track", row), part = element("i", "", bar);
  part.style.width = `${100 * share}%`;
  if (chance !== undefined) element("b", "", bar).style.left = `${100 * chance}%`;
  element("span", "mg-att-n", row, shareWords(view, share));
}
