// A text coloured by how surprised a model is at each character. Python sends `data`; pointing at a character, or moving
// with the arrow keys, says what was expected there. Runs again on every new `data`, so everything can run twice.

import { element, fill, verbatim, write } from "../components/js/element.js";
import { keepChoices, recallChoices } from "../components/js/kept.js";
import { faceAlone, letter, tint } from "../components/js/letters.js";
import { number, percent } from "../components/js/numbers.js";
import { forget, viewOf } from "../components/js/view.js";

const KEPT = ["place"];
const FIRST = 150;  // among so many characters, the greatest surprise is looked at first

function chanceOf(view, share) {
  return percent(view, share, share < 0.1 || share > 0.99 ? 1 : 0);
}

function build(root) {
  root.replaceChildren();
  const view = { root, text: verbatim(element("div", "mg-flow mg-surprise-text", root)), side: element("div", "mg-surprise-side", root), place: 1 };
  view.text.dir = "ltr";
  view.text.tabIndex = 0;
  view.text.setAttribute("role", "group");
  const over = (event) => {
    const cell = event.target.closest("[data-place]");
    if (cell) look(view, Number(cell.dataset.place));
  };
  view.text.onmouseover = view.text.onclick = over;
  view.text.onkeydown = (event) => {
    const moves = { ArrowLeft: view.place - 1, ArrowRight: view.place + 1, Home: 1, End: view.data.ids.length - 1 };
    if (!(event.key in moves) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    look(view, moves[event.key], true);
  };
  view.side.setAttribute("aria-live", "polite");
  return view;
}

function draw(view) {
  const { ids, losses, cells, stretch, scale, most } = view.data, all = document.createDocumentFragment();
  view.cells = ids.map((id, place) => {
    const [shown, , ends] = cells[id], cell = letter(all, shown, ends, place ? "mg-p" : "mg-given");
    if (!place) return cell;
    tint(cell, scale, 1 - losses[place - 1] / most);  // the darkest at `most` nats and beyond
    cell.dataset.place = place;
    cell.dataset.nats = losses[place - 1];
    if (stretch && place > 1 && (place - 1) % stretch === 0) cell.classList.add("mg-surprise-again");
    return cell;
  });
  view.text.replaceChildren(all);
  view.text.setAttribute("aria-label", view.data.labels.hint);
}

function look(view, place, follow = false) {
  const { data, cells } = view, { ids, losses, likeliest, chances, labels } = data, top = data.top;
  view.place = Math.min(Math.max(place, 1), ids.length - 1);
  keepChoices(view, "surprise", KEPT, view.told);
  view.text.querySelector(".mg-ring")?.classList.remove("mg-ring");
  cells[view.place]?.classList.add("mg-ring");
  if (follow) cells[view.place].scrollIntoView({ block: "nearest" });
  const i = view.place - 1, [shown, name] = data.cells[ids[view.place]], nats = losses[i];
  const side = document.createDocumentFragment();
  write(element("div", "mg-label", side), fill(labels.place, { n: number(view, view.place + 1, 0), all: number(view, ids.length, 0) }));
  const head = element("div", "mg-surprise-head", side);
  write(verbatim(element("b", "", head)), faceAlone(shown));
  const words = element("span", "", head);
  write(element("div", "", words), fill(labels.chance, { p: chanceOf(view, Math.exp(-nats)) }));
  write(element("div", "", words), fill(labels.surprise, { nats: number(view, nats, 2) }));
  head.setAttribute("aria-label", `${name}: ${head.lastChild.textContent}`);
  write(element("div", "mg-label", side), labels.expected);
  for (let k = 0; k < top; k++) {
    const id = likeliest[i * top + k], p = chances[i * top + k], row = element("div", "mg-surprise-row", side);
    write(element("b", id === ids[view.place] ? "mg-surprise-right" : "", row), faceAlone(data.cells[id][0]));
    row.firstChild.setAttribute("aria-label", data.cells[id][1]);
    element("i", "", element("div", "mg-surprise-bar", row)).style.width = `${100 * p}%`;
    write(element("span", "", row), chanceOf(view, p));
    row.dataset.p = p;
  }
  view.side.replaceChildren(side);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-surprise"), view = viewOf(root, build);
  const before = view.data, told = JSON.stringify([data.ids, data.losses, data.locale]);
  view.data = data;
  if (view.told !== told) {
    view.told = told;
    draw(view);
    const first = data.losses.slice(0, FIRST);
    if (!before) {
      view.place = first.indexOf(Math.max(...first)) + 1;
      recallChoices(view, "surprise", KEPT, view.told);
    }
    look(view, view.place);
  }
  return () => forget(root);
}
