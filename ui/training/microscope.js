// One training step, part by part. Python sends the numbers of a step; every click is answered here, only another
// step asks the script. It runs again on every new `data`.

import { element, fill } from "../components/js/element.js";
import { keepChoices, recallChoices } from "../components/js/kept.js";
import { number, percent } from "../components/js/numbers.js";
import { forget, viewOf } from "../components/js/view.js";

const KEPT = ["part", "at"];
const PLAY_MS = 3500;         // a sentence must be readable
const ABOVE = "#0072B2", BELOW = "#D55E00", RIGHT = "#009E73", WRONG = "#7A7A7A";  // as in the style sheet

function build(root) {
  root.replaceChildren();
  const view = { root, part: 0, at: [0, 0], timer: null, tag: null };
  const top = element("div", "mg-scope-top", root);
  view.back = element("button", "mg-scope-button", top, "◀");
  view.title = element("div", "mg-scope-title", top);
  view.next = element("button", "mg-scope-button", top, "▶");
  view.tabs = element("div", "mg-scope-tabs", top);
  view.tabs.setAttribute("role", "tablist");
  view.play = element("button", "mg-scope-button mg-scope-play", top);
  view.say = element("div", "mg-scope-say", root);
  view.say.setAttribute("aria-live", "polite");
  view.body = element("div", "mg-scope-body", root);
  view.back.onclick = () => { stop(view); view.move(-1); };
  view.next.onclick = () => { stop(view); view.move(1); };
  view.play.onclick = () => (view.timer ? stop(view) : start(view));
  root.onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !event.target.closest(".mg-scope-tabs")) return;
    show(view, Math.min(4, Math.max(0, view.part + by)));
    view.tabs.children[view.part].focus();
  };
  return view;
}

function start(view) {
  const go = () => {
    if (view.part < 4) return show(view, view.part + 1);
    if (!view.data.hasNext) return stop(view);
    view.part = 0;
    view.move(1);  // drawn when its numbers are here
  };
  view.timer = setInterval(go, PLAY_MS);
  go();
  drawTop(view);
}

function stop(view) {
  clearInterval(view.timer);
  view.timer = null;
  drawTop(view);
}

// Words and numbers

function small(view, value) {  // a number of any size, readably
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size && size < 1e-4) {
    const [digits, power] = value.toExponential(1).split("e");
    return `${number(view, Number(digits), 1)}·10${[...String(Number(power))].map((c) => ({ "-": "⁻" })[c] ?? "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("")}`;
  }
  return number(view, value, size < 10 ? 4 : 1);
}

// Drawing

function show(view, part) {
  view.part = part;
  draw(view);
}

function drawTop(view) {
  const { data } = view, words = data.labels;
  view.title.textContent = fill(words.step, { n: number(view, data.step + 1, 0) });
  for (const [button, word, on] of [[view.back, words.back, data.hasBack], [view.next, words.next, data.hasNext]]) {
    button.disabled = !on;
    button.title = word;
    button.setAttribute("aria-label", word);
  }
  view.play.textContent = view.timer ? `❚❚ ${words.pause}` : `▶ ${words.play}`;
  if (view.tabs.children.length !== 5) {
    view.tabs.replaceChildren();
    words.parts.forEach((_, i) => {
      const tab = element("button", "mg-scope-tab", view.tabs);
      tab.setAttribute("role", "tab");
      tab.onclick = () => { stop(view); show(view, i); };
    });
  }
  [...view.tabs.children].forEach((tab, i) => {
    tab.innerHTML = "";
    element("b", "", tab, String(i + 1));
    element("span", "", tab, words.parts[i]);
    tab.setAttribute("aria-selected", String(i === view.part));
    tab.tabIndex = i === view.part ? 0 : -1;
  });
}

function draw(view) {
  keepChoices(view, "microscope", KEPT);
  drawTop(view);
  const { data } = view, words = data.labels, [b, t] = view.at;
  const values = {
    B: number(view, data.windows[0], 0), T: number(view, data.characters[0], 0), n: number(view, data.windows[0] * data.characters[0], 0),
    x: data.faces[data.x[b][t]], y: data.faces[data.y[b][t]], loss: number(view, data.loss, 4), rate: data.rate,
  };
  if (view.part === 4) values.n = number(view, data.updates.length, 0);
  view.say.textContent = fill(words.say[view.part], values);
  view.body.replaceChildren();
  [batch, guess, losses, gradients, update][view.part](view, view.body);
}

function tiles(view, parent, { guessed = true, coloured = false } = {}) {
  const { data } = view, words = data.labels;
  const grid = element("div", "mg-scope-tiles", parent);
  data.x.forEach((row, b) => {
    const line = element("div", "mg-scope-row", grid);
    row.forEach((x, t) => {
      const y = data.y[b][t], loss = data.losses[b][t], chosen = b === view.at[0] && t === view.at[1];
      const tile = element("button", `mg-scope-tile mg-${data.kinds[coloured ? y : x]}${chosen ? " mg-scope-chosen" : ""}`, line);
      const upper = element("b", "", tile, data.faces[x]), lower = element("i", "", tile, coloured ? number(view, loss, 1) : data.faces[y]);
      for (const part of [upper, lower]) if (part.textContent.length > 2 && !coloured) part.classList.add("mg-long");
      if (coloured) {
        upper.textContent = data.faces[y];
        const at = Math.min(data.scale.length - 1, Math.floor(Math.exp(-loss) * data.scale.length));
        tile.style.background = data.scale[at];
        tile.style.color = at > 8 ? "#14181F" : "#FFFFFF";
      } else if (!guessed) lower.remove();
      const p = percent(view, Math.exp(-loss), 1);
      tile.title = fill(words.loss_of, { loss: number(view, loss, 2), y: data.faces[y], p });
      tile.setAttribute("aria-label", `${data.faces[x]} → ${data.faces[y]}. ${tile.title}`);
      tile.onclick = () => { view.at = [b, t]; draw(view); };
    });
  });
  const shown = { shown: number(view, data.windows[1], 0), all: number(view, data.windows[0], 0), columns: number(view, data.characters[1], 0), T: number(view, data.characters[0], 0) };
  const some = data.windows[0] > data.windows[1] || data.characters[0] > data.characters[1];
  element("div", "mg-note", parent, [words.click, some ? fill(words.shown, shown) : ""].join(" "));
}

function legend(parent, entries) {  // [class, colour, word] of each colour
  const line = element("div", "mg-legend", parent);
  for (const [kind, colour, word] of entries) {
    const entry = element("span", kind, line, word);
    if (colour) entry.style.setProperty("--k", colour);
  }
}

const kinds = (view, parent) => legend(parent, Object.entries(view.data.labels.legend.kinds).map(([kind, word]) => [`mg-${kind}`, "", word]));

function scale(view, parent) {
  const { low, high } = view.data.labels.legend, line = element("div", "mg-note", parent, low);
  element("i", "mg-scale", line).style.background = `linear-gradient(90deg, ${view.data.scale.join(", ")})`;
  line.append(high);
}

function batch(view, body) {
  tiles(view, body);
  kinds(view, body);
}

function losses(view, body) {
  tiles(view, body, { coloured: true });
  scale(view, body);
}

function guess(view, body) {
  const { data } = view, words = data.labels, [b, t] = view.at, x = data.x[b][t];
  const flow = element("div", "mg-scope-flow", body);
  const from = element("div", "mg-scope-from", flow);
  element("div", `mg-scope-tile mg-scope-large mg-${data.kinds[x]}`, from, data.faces[x]);
  element("div", "mg-label", from, fill(words.row, { n: number(view, data.numbers[x].length, 0), all: number(view, data.width, 0) }));
  const cells = element("div", "mg-scope-numbers", from);
  for (const value of data.numbers[x]) {
    const cell = element("span", "", cells, number(view, value, 2));
    cell.style.setProperty("--w", `${Math.min(55, 22 * Math.abs(value))}%`);
    cell.style.setProperty("--k", value < 0 ? BELOW : ABOVE);
  }
  legend(from, [["", ABOVE, words.legend.above], ["", BELOW, words.legend.below]]);
  element("div", "mg-scope-arrow", flow, data.tiny ? "→" : `→ ${fill(words.through, { n: number(view, data.layers, 0) })} →`);
  bars(view, flow, (_, score, p) => ({ share: p, text: percent(view, p, 1), before: number(view, score, 2) }), words.score);
  legend(body, [["", RIGHT, words.legend.right], ["", WRONG, words.legend.wrong]]);
}

function bars(view, parent, value, before) {
  const { data } = view, words = data.labels, [b, t] = view.at, right = data.y[b][t];
  const table = element("div", `mg-scope-bars${before ? " mg-scope-scored" : ""}`, parent);
  if (before) {
    const head = element("div", "mg-scope-bar mg-label", table);
    element("span", "", head);
    element("span", "mg-scope-before", head, before);
    element("span", "mg-scope-track", head, words.probability);
    element("span", "", head);
  }
  for (const [id, score, p] of data.tops[b][t]) {
    const found = value(id, score, p), row = element("div", `mg-scope-bar${id === right ? " mg-scope-right" : ""}`, table);
    element("span", `mg-scope-tile mg-${data.kinds[id]}`, row, data.faces[id]);
    if (before) element("span", "mg-scope-before", row, found.before);
    const track = element("span", `mg-scope-track${found.centred ? " mg-scope-centred" : ""}`, row);
    element("i", found.share < 0 ? "mg-minus" : "", track).style.width = `${(found.centred ? 50 : 100) * Math.min(1, Math.abs(found.share))}%`;
    element("span", "mg-scope-value", row, found.text + (id === right ? ` ← ${words.right}` : ""));
  }
  const rest = data.vocabulary - data.tops[b][t].length;
  if (rest > 0) element("div", "mg-note", table, fill(words.others, { n: number(view, rest, 0) }));
}

function gradients(view, body) {
  const { data } = view, words = data.labels, [b, t] = view.at, right = data.y[b][t];
  const both = element("div", "mg-scope-two", body), left = element("div", "", both), other = element("div", "", both);
  element("div", "mg-label", left, fill(words.push, { n: number(view, data.windows[0] * data.characters[0], 0) }));
  bars(view, left, (id, _, p) => {
    const push = p - (id === right ? 1 : 0);
    return { share: push, text: number(view, push, 3), centred: true };
  });
  legend(left, [["", RIGHT, words.legend.right], ["", WRONG, words.legend.wrong]]);
  element("div", "mg-label", other, words.lengths);
  const table = element("div", "mg-scope-bars", other), most = Math.max(...data.gradients.map((group) => group[2]), 1e-30);
  for (const [name, count, length] of data.gradients) {
    const row = element("div", "mg-scope-bar mg-scope-group", table);
    element("span", "", row, name).title = fill(words.weights, { n: number(view, count, 0) });
    element("i", "", element("span", "mg-scope-track", row)).style.width = `${(100 * length) / most}%`;
    element("span", "mg-scope-value", row, small(view, length));
  }
}

function update(view, body) {
  const { data } = view, words = data.labels;
  const table = element("table", "mg-scope-table", body), head = element("tr", "", element("thead", "", table));
  for (const [, word] of words.table) element("th", "", head, word);
  const rows = element("tbody", "", table);
  for (const weight of data.updates) {
    const row = element("tr", "", rows), name = element("td", "", row);
    const both = element("div", "mg-scope-weight", name);
    element("span", "", both, weight.words);
    element("code", "", both, weight.name);
    for (const [column] of words.table.slice(1)) element("td", "mg-scope-n", row, small(view, weight[column]));
    if (weight.with) element("div", "mg-scope-with", row.lastChild, weight.with);
  }
  if (words.remembers) element("div", "mg-note", body, words.remembers);
  if (data.again !== null) {
    element("div", "mg-scope-again", body, fill(words.again, { after: number(view, data.again, 4), before: number(view, data.loss, 4) }));
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".mg-scope"), view = viewOf(root, build);
  if (!view.data) recallChoices(view, "microscope", KEPT);
  view.data = data;
  view.move = (by) => setTriggerValue("move", by);
  view.at = [Math.min(view.at[0], data.x.length - 1), Math.min(view.at[1], data.x[0].length - 1)];
  draw(view);
  return () => {  // only when the component leaves the page
    clearInterval(view.timer);
    forget(root);
  };
}
