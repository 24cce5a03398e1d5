// The text, and arcs to where a character looks.

import { css, inkOn } from "../components/js/colours.js";
import { element, shape } from "../components/js/element.js";
import { sharesOf } from "./patterns.js";
import { shadeOf } from "./shades.js";
import { shareWords } from "./names.js";

const ARCS = 16, FAINTEST = 0.01, LABELLED = 0.08;
const NARROWEST = 10.5;       // pixels of a character in a text of several lines

export function drawText(view) {
  const { ids, characters, labels, length: T } = view.data, room = view.width - 26;
  const oneLine = room / T >= 12.5, lines = oneLine ? 1 : Math.ceil(T * NARROWEST / room);
  view.perLine = Math.ceil(T / lines);
  const cell = view.cell = Math.min(Math.floor(10 * room / view.perLine) / 10, 22);
  view.text.style.setProperty("--cell", `${cell}px`);
  view.strip.dataset.lines = oneLine ? "one" : "many";
  view.text.setAttribute("aria-label", labels.text);
  view.text.replaceChildren();
  view.origin.textContent = view.data.written < T ? labels.written : "";
  view.cells = ids.map((id, place) => {
    const [shownAs, , kind] = characters[id], made = element("span", `mg-att-c mg-${kind}`, view.text);
    made.dataset.place = place;
    if (place >= view.data.written) made.classList.add("mg-att-written");
    if (shownAs.length > 2) made.classList.add("mg-att-long");
    element("bdi", "", made, shownAs);
    return made;
  });
}

export function drawLooks(view) {
  const shares = sharesOf(view, view.place), known = new Map(shares), labelled = labelledOf(view, shares);
  view.cells.forEach((cell, place) => {
    const share = known.get(place), colour = share === undefined ? null : shadeOf(view, share);
    cell.style.background = colour && share > 0.004 ? css(colour) : "";
    cell.style.color = colour && share > 0.004 ? inkOn(colour) : "";
    cell.classList.toggle("mg-att-here", place === view.place);
    cell.classList.toggle("mg-att-out", share === undefined && view.back);
    cell.dataset.share = labelled.has(place) ? shareWords(view, share) : "";
  });
  drawArcs(view, shares);
}

// The places whose share is written beneath them: the largest ones, as far as their numbers do not touch
function labelledOf(view, shares) {
  const labelled = [];
  for (const [place, share] of shares.slice(0, 6)) {
    if (share >= LABELLED && labelled.every((other) => Math.abs(other - place) * view.cell > 32)) labelled.push(place);
  }
  return new Set(labelled);
}

function drawArcs(view, shares) {
  view.arcs.replaceChildren();
  const box = view.strip.getBoundingClientRect();
  const where = (place) => {
    const cell = view.cells[place].getBoundingClientRect();
    return [cell.left + cell.width / 2 - box.left, cell.top - box.top, cell.bottom - box.top];
  };
  const [x, top, bottom] = where(view.place), room = view.strip.dataset.lines === "one" ? 46 : 20;
  for (const [place, share] of shares.slice(0, ARCS).toReversed()) {
    if (share < FAINTEST || place === view.place) continue;
    const [toX, toTop, toBottom] = where(place);
    const height = Math.min(room, 9 + Math.abs(toX - x) * 0.22), edge = top - 1, end = toTop - 1;
    const path = Math.abs(toTop - top) < 4
      ? `M${x},${edge} C${x},${edge - height * 1.3} ${toX},${end - height * 1.3} ${toX},${end}`
      : toTop < top
        ? `M${x},${edge} C${x},${edge - 16} ${toX},${toBottom + 16} ${toX},${toBottom + 1}`
        : `M${x},${bottom + 1} C${x},${bottom + 16} ${toX},${end - 16} ${toX},${end}`;
    shape("path", { d: path, "stroke-width": 1 + 6 * share, "stroke-opacity": 0.25 + 0.75 * Math.sqrt(share) }, view.arcs);
  }
}
