// Where one character comes from: scores → ÷ temperature → top-k and top-p → probabilities → a random number on the
// cumulative bar → the character. Python sends the scores once a character; everything else is calculated here, at
// once. Runs again on every new `data`, so everything here can run twice.

import { element, fill, verbatim, write } from "../components/js/element.js";
import { keepChoices, recallChoices } from "../components/js/kept.js";
import { faceAlone, letter } from "../components/js/letters.js";
import { number, percent } from "../components/js/numbers.js";
import { forget, viewOf } from "../components/js/view.js";
import { chances, landing } from "./arithmetic.js";

const KEPT = ["speed", "path"];
const SHOWN = 9;              // rows of single characters
const SETTLE_MS = 350;        // how long a control has to rest before Python hears of it
const LEGIBLE = 0.035;        // share of the bar that a character's sign needs
const APART = 60;             // characters that have a part of the bar each
const OTHERS = "#7A7A7A";
const stories = new Map();    // what was drawn, kept for who comes back to this page: by where it began

// Building

function control(view, parent, name, kind, attributes) {
  const box = element("label", "mg-pipe-control", parent), title = element("span", "", box);
  const input = Object.assign(element("input", "", box), { type: kind, ...attributes });
  const value = kind === "range" ? element("output", "", box) : null;
  input.oninput = () => setting(view, name, Number(input.value));
  view.controls[name] = { title, input, value };
}

function button(view, parent, name, act) {
  const made = element("button", `mg-pipe-button mg-pipe-${name}`, parent);
  made.type = "button";
  made.onclick = act;
  view.buttons[name] = made;
}

function build(root) {
  root.replaceChildren();
  const view = { root, controls: {}, buttons: {}, heads: [], mounted: true, playing: null, asking: null };
  const bar = element("div", "mg-pipe-bar", root);
  button(view, bar, "back", () => back(view));
  button(view, bar, "draw", () => { pause(view); draw(view); });
  button(view, bar, "play", () => (view.playing ? pause(view) : play(view)));
  control(view, bar, "speed", "range", { min: 1, max: 20, step: 1 });
  view.say = element("div", "mg-note mg-pipe-say", bar);
  view.text = verbatim(element("div", "mg-flow mg-pipe-text", root));
  view.text.dir = "ltr";
  const grid = element("div", "mg-pipe-grid", root);
  for (let i = 0; i < 5; i++) view.heads.push(element("div", `mg-pipe-head mg-pipe-head-${i}`, grid));
  view.titles = view.heads.map((head) => element("div", "mg-label", head));
  control(view, view.heads[1], "temperature", "range", { min: 0, max: 2, step: 0.05 });
  control(view, view.heads[2], "top_k", "number", { min: 0, max: 1000, step: 1 });
  control(view, view.heads[2], "top_p", "number", { min: 0.05, max: 1, step: 0.05 });
  view.rows = element("div", "mg-pipe-rows", grid);
  view.rows.setAttribute("role", "table");
  const drawn = element("div", "mg-pipe-draw", grid);
  view.lot = element("div", "mg-pipe-lot", drawn);
  view.lot.setAttribute("role", "img");
  view.needle = element("div", "mg-pipe-needle", drawn);
  view.result = element("div", "mg-pipe-result", drawn);
  view.spoken = element("div", "mg-hidden", root);
  view.spoken.setAttribute("aria-live", "polite");
  root.tabIndex = -1;
  root.onkeydown = (event) => onKey(view, event);
  return view;
}

// Words and numbers

const chanceOf = (view, share) => percent(view, share, (share > 0 && share < 0.1) || (share > 0.99 && share < 1) ? 1 : 0);
const called = (view, id) => view.data.cells[id][1];

// Showing

function now(view) {
  const { logits, u } = view.story.here, bent = chances(logits, view.settings);
  return { ...bent, logits, u, token: landing(bent.probabilities, u) };
}

function show(view) {
  const { data, settings, story } = view, { labels } = data;
  for (const [name, { title, input, value }] of Object.entries(view.controls)) {
    const is = name === "speed" ? view.speed : settings[name];
    write(title, labels[name]);
    input.ariaLabel = labels[name];  // the words beside it may be hidden
    if (document.activeElement !== input || input.type === "range") input.value = is;
    if (value) write(value, number(view, is, name === "speed" ? 0 : 2));
  }
  write(view.buttons.back, labels.back);
  write(view.buttons.draw, labels.draw);
  write(view.buttons.play, view.playing ? labels.pause : labels.play);
  const ready = story.here !== null, full = story.drawn.length >= data.us.length;
  view.buttons.back.disabled = !story.drawn.length;
  view.buttons.draw.disabled = full;  // while the scores are on their way a click does nothing; that is too short to show
  view.buttons.play.disabled = full && !view.playing;  // a pause is possible at any time
  write(view.say, view.failure ?? (full ? labels.full : labels.choose));
  view.say.classList.toggle("mg-bad", Boolean(view.failure));
  view.titles.forEach((title, i) => write(title, labels.heads[i]));
  showText(view);
  view.root.dataset.ready = ready;
  if (!ready) return;
  const state = now(view);
  showRows(view, state);
  showLot(view, state);
}

function showText(view) {
  const { story, data, text } = view;
  text.replaceChildren();
  const put = ([shown, , ends], name) => letter(text, shown, ends, name);
  for (const cell of data.prompt) put(cell, "mg-given");
  story.drawn.forEach(({ id, chosen }) => put(data.cells[id], chosen ? "mg-pipe-chosen" : "mg-pipe-drawn"));
  element("span", "mg-pipe-next", text).textContent = "?";
  text.scrollTop = text.scrollHeight;
}

function rowsOf(state) {
  const { order, token } = state;
  const first = order.slice(0, SHOWN);
  if (!first.includes(token)) first[first.length - 1] = token;
  return { first, rest: order.filter((i) => !first.includes(i)) };
}

function showRows(view, state) {
  const { data, settings } = view, { labels } = data, { first, rest } = rowsOf(state);
  const { logits, divided, left_out, probabilities, token } = state;
  const reach = Math.max(...first.map((i) => Math.abs(logits[i])).filter(Number.isFinite), 1e-9);
  while (view.rows.children.length > first.length + 1) view.rows.lastChild.remove();
  first.forEach((id, place) => {
    const row = view.rows.children[place] ?? newRow(view);
    const [shown, name] = data.cells[id], out = left_out[id], p = probabilities[id];
    Object.assign(row.dataset, { id, logit: logits[id], p, out });
    row.className = `mg-pipe-row${id === token ? " mg-pipe-hit" : ""}${p ? "" : " mg-pipe-out"}`;
    const [head, score, scaled, kept, chance] = row.children, tile = head.firstChild;
    write(tile, faceAlone(shown));
    tile.disabled = false;
    tile.setAttribute("aria-label", fill(labels.choose_this, { character: name }));
    tile.dataset.tip = fill(labels.choose_this, { character: name });
    number_bar(score, number(view, logits[id], 2), logits[id] / reach);
    number_bar(scaled, divided[id] === null ? "" : number(view, divided[id], 2), divided[id] === null ? 0 : divided[id] / (reach / Math.max(settings.temperature, 0.05)));
    write(kept, settings.temperature === 0 ? (p ? labels.likeliest : "") : out === "k" ? labels.not_k : out === "p" ? labels.not_p : "✓");
    number_bar(chance, chanceOf(view, p), p);
  });
  const row = view.rows.children[first.length] ?? newRow(view);
  row.className = "mg-pipe-row mg-pipe-rest";
  for (const name of ["id", "logit", "p", "out"]) delete row.dataset[name];
  const [head, score, scaled, kept, chance] = row.children, tile = head.firstChild;
  tile.disabled = true;
  write(tile, "…");
  tile.removeAttribute("data-tip");
  tile.setAttribute("aria-label", fill(labels.others, { n: number(view, rest.length, 0) }));
  number_bar(score, fill(labels.others, { n: number(view, rest.length, 0) }), 0);
  number_bar(scaled, "", 0);
  const cut = rest.filter((i) => left_out[i]).length;
  write(kept, cut && settings.temperature !== 0 ? fill(labels.cut, { n: number(view, cut, 0) }) : "");
  const share = rest.reduce((all, i) => all + probabilities[i], 0);
  number_bar(chance, chanceOf(view, share), share);
  row.hidden = !rest.length;
}

function newRow(view) {
  const row = element("div", "mg-pipe-row", view.rows);
  row.setAttribute("role", "row");
  const head = element("div", "", row), tile = verbatim(element("button", "mg-pipe-tile", head));
  head.setAttribute("role", "rowheader");
  tile.type = "button";
  tile.onclick = () => { pause(view); if (row.dataset.id !== undefined) take(view, Number(row.dataset.id), true); };
  for (let i = 0; i < 4; i++) element("div", `mg-pipe-cell mg-pipe-cell-${i + 1}`, row).setAttribute("role", "cell");
  return row;
}

function number_bar(cell, text, share) {
  if (cell.childNodes.length !== 2) cell.replaceChildren(element("i"), element("span"));
  const [bar, words] = cell.childNodes;
  write(words, text);
  bar.style.width = `${Math.min(100, 100 * Math.abs(share || 0))}%`;
  bar.classList.toggle("mg-minus", share < 0);
}

/** The bar in the order of the ids: whose part it is, where it begins and how large it is. Unlikely characters that follow
    each other have one part together: of thousands nobody could see each, and a browser would be slow. */
function partsOf({ probabilities, order, token }) {
  const apart = new Set([...order.slice(0, APART), token]), parts = [];
  let reached = 0;
  probabilities.forEach((p, id) => {
    if (!p) return;
    const alone = apart.has(id), last = parts.at(-1);
    if (alone || !last || last.alone) parts.push({ id, alone, from: reached, share: p, n: 1 });
    else { last.share += p; last.n += 1; }
    reached += p;
  });
  return parts;
}

function showLot(view, state) {
  const { data, settings } = view, { labels } = data, { probabilities, u, token } = state;
  const parts = partsOf(state);
  while (view.lot.children.length > parts.length) view.lot.lastChild.remove();
  parts.forEach(({ id, from, share: p, n }, place) => {
    const part = view.lot.children[place] ?? element("div", "", view.lot);
    part.className = id === token ? "mg-pipe-part mg-pipe-hit" : "mg-pipe-part";
    part.style.top = `${100 * from}%`;
    part.style.height = `${100 * p}%`;
    part.style.background = n > 1 ? OTHERS : "";
    write(part, n === 1 && p >= LEGIBLE ? faceAlone(data.cells[id][0]) : "");
    const whose = n > 1 ? fill(labels.others, { n: number(view, n, 0) }) : called(view, id);
    part.dataset.tip = `${whose} · ${number(view, from, 3)} – ${number(view, from + p, 3)}`;
  });
  const sure = settings.temperature === 0;
  view.needle.hidden = sure;
  view.needle.style.top = `calc(${u} * var(--tall))`;
  const [shown, name] = data.cells[token];
  const sentence = fill(sure ? labels.no_draw : labels.landed, { u: number(view, u, 3), character: name, share: chanceOf(view, probabilities[token]) });
  if (!view.result.firstChild) { element("div", "mg-pipe-u", view.result); element("div", "mg-pipe-token", view.result); element("div", "mg-note", view.result); }
  const [random, tile, words] = view.result.children;
  write(random, sure ? "" : `u = ${number(view, u, 3)}`);
  write(tile, faceAlone(shown));
  tile.dataset.token = token;
  tile.dataset.u = u;
  write(words, sentence);
  view.lot.setAttribute("aria-label", sentence);
}

// What was drawn, for a reload: the characters alone, since the scores are asked for again

function keep(view) {
  view.path = view.story.drawn.map(({ id, chosen }) => [id, chosen]);
  keepChoices(view, "pipeline", KEPT, view.origin);
}

function beginStory(view, logits, data) {
  Object.assign(view, { path: [], speed: view.speed ?? 4 });
  recallChoices(view, "pipeline", KEPT, view.origin);
  const drawn = view.path.slice(0, data.us.length).filter(([id]) => data.cells[id]).map(([id, chosen]) => ({ id, chosen, before: null }));
  return { drawn, here: drawn.length ? null : { logits, u: data.us[0] } };
}

// Acting

function setting(view, name, value) {
  if (name === "speed") {
    view.speed = value;
    keep(view);
  } else {
    const { min, max } = view.controls[name].input;
    if (!Number.isFinite(value) || value < Number(min) || value > Number(max)) return;
    view.settings[name] = name === "top_k" ? Math.round(value) : value;
    clearTimeout(view.telling);
    view.telling = setTimeout(() => { view.sent = JSON.stringify(view.settings); view.trigger("settings", { ...view.settings }); }, SETTLE_MS);
  }
  show(view);
}

function draw(view) {
  if (view.story.here && view.story.drawn.length < view.data.us.length) return take(view, now(view).token, false);
  return Promise.resolve();
}

function take(view, id, chosen) {
  const { story } = view;
  story.drawn.push({ id, chosen, before: story.here });
  keep(view);
  write(view.spoken, view.playing ? "" : called(view, id));
  if (chosen) view.trigger("chosen", id);
  return ask(view);
}

function back(view) {
  pause(view);
  const last = view.story.drawn.pop();
  if (!last) return;
  view.asking?.abort();
  keep(view);
  view.failure = null;
  view.story.here = last.before;
  if (last.before) show(view);
  else ask(view);
}

async function ask(view) {
  const { data, story } = view, request = new AbortController(), n = story.drawn.length;
  view.asking?.abort();
  view.asking = request;
  story.here = null;
  show(view);
  try {
    const ids = [...data.ids, ...story.drawn.map(({ id }) => id)].slice(-data.block_size);
    const address = new URL(`${data.url}&ids=${ids.join(",")}`, document.baseURI);
    const answer = await fetch(address, { signal: request.signal, cache: "no-store" });
    const { logits, error } = await answer.json();
    if (!logits) throw new Error(error ?? answer.status);
    if (story.drawn.length !== n) return;
    story.here = { logits: logits.map((score) => score ?? -Infinity), u: data.us[n] };
    view.failure = null;
  } catch (error) {
    if (request.signal.aborted) return;
    pause(view);
    story.here = story.drawn.pop()?.before ?? null;
    view.failure = error instanceof TypeError ? data.labels.failed : error.message;
  }
  if (story === view.story) show(view);
}

async function play(view) {
  if (!view.story.here) return;
  const ticket = view.playing = {};
  show(view);
  while (view.playing === ticket && view.mounted && view.story.drawn.length < view.data.us.length) {
    const due = new Promise((resolve) => setTimeout(resolve, 1000 / view.speed));
    await draw(view);
    await due;
  }
  if (view.playing === ticket) pause(view);
}

function pause(view) {
  if (!view.playing) return;
  view.playing = null;
  show(view);
}

function onKey(view, event) {
  if (event.target.tagName === "INPUT" || event.altKey || event.ctrlKey || event.metaKey) return;
  const acts = { ArrowRight: () => { pause(view); draw(view); }, ArrowLeft: () => back(view) };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".mg-pipe"), view = viewOf(root, build);
  const origin = JSON.stringify([data.url, data.ids, data.us.slice(0, 2)]);
  Object.assign(view, { data, trigger: setTriggerValue, mounted: true, speed: view.speed ?? 4 });
  const told = JSON.stringify(data.settings);
  if (view.told !== told && view.sent !== told) view.settings = { ...data.settings };  // changed elsewhere
  view.told = told;
  if (view.origin !== origin) {
    pause(view);
    view.asking?.abort();
    view.origin = origin;
    if (!stories.has(origin)) stories.set(origin, beginStory(view, data.logits.map((score) => score ?? -Infinity), data));
    view.story = stories.get(origin);
    if (!view.story.here) ask(view);
    if (stories.size > 8) stories.delete(stories.keys().next().value);
  }
  root.setAttribute("aria-label", data.labels.title);
  view.rows.setAttribute("aria-label", data.labels.heads.slice(0, 4).join("; "));
  show(view);

  return () => {
    view.mounted = false;
    view.playing = null;
    view.asking?.abort();
    clearTimeout(view.telling);
    forget(root);
  };
}
