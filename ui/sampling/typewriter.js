// The text as it is being written. Python sends `data` (where to read the text from, the prompt, words); this file
// reads the stream, colours each character by its probability, and says which one was pointed at. It runs again on
// every new `data`, so everything here can run twice.

import { element, fill, verbatim } from "../components/js/element.js";
import { letter, tint } from "../components/js/letters.js";
import { percent } from "../components/js/numbers.js";
import { streamed } from "../components/js/stream.js";
import { forget, viewOf } from "../components/js/view.js";

const PACE = 90;          // characters per second, when somebody wants to watch
const TICK_MS = 16;
const SETTLE_MS = 90;     // how long a key has to rest before Python hears of it
const SAID_MS = 2000;     // how long "copied" is said
const BUTTON = { writing: stop, stopped: goOn, done: (view) => begin(view, true) };  // what it does in each state

function build(root) {
  root.replaceChildren();
  const bar = element("div", "mg-writes-bar", root);
  const view = { root, cells: [], steps: [], names: {}, shown: 0, control: null, timer: null, sent: null, mounted: true };
  view.title = element("div", "mg-label", bar);
  view.count = element("div", "mg-note mg-writes-count", bar);
  view.button = element("button", "mg-writes-button", bar);
  view.button.type = "button";
  view.button.onclick = () => BUTTON[view.state](view);
  for (const [name, act] of [["copy", copy], ["save", save]]) {
    view[name] = element("button", "mg-writes-button", bar);
    view[name].type = "button";
    view[name].onclick = () => act(view);
  }
  view.text = verbatim(element("div", "mg-flow mg-writes-text", root));
  view.text.dir = "ltr";
  view.text.tabIndex = 0;
  view.text.setAttribute("role", "group");
  view.text.onclick = (event) => {
    const cell = event.target.closest("[data-place]");
    if (cell && view.text.contains(cell)) choose(view, Number(cell.dataset.place));
  };
  view.text.onkeydown = (event) => onKey(view, event);
  view.spoken = element("div", "mg-hidden", root);
  view.spoken.setAttribute("aria-live", "polite");
  return view;
}

// Showing

function clear(view) {
  view.text.replaceChildren();
  Object.assign(view, { cells: [], shown: 0 });
  for (const [shown, , endsLine] of view.data.prompt) letter(view.text, shown, endsLine, "mg-given");
}

function show(view, upTo) {
  if (!view.shown) clear(view);
  const { text } = view, atEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 40;
  for (; view.shown < upTo; view.shown++) {
    const [id, probability] = view.steps[view.shown], [shown, name, endsLine] = view.names[id];
    const cell = letter(text, shown, endsLine, "mg-p");
    tint(cell, view.data.scale, probability);
    cell.dataset.tip = `${name} · ${percent(view, probability, 1)}`;
    cell.dataset.place = view.shown;
    view.cells.push(cell);
  }
  if (view.watched && atEnd) text.scrollTop = text.scrollHeight;
  mark(view);
  count(view);
}

function mark(view) {
  view.text.querySelector(".mg-ring")?.classList.remove("mg-ring");
  view.cells[view.place]?.classList.add("mg-ring");
}

function count(view) {
  const { labels, length, locale } = view.data, number = new Intl.NumberFormat(locale);
  const sentence = view.failure ?? fill(labels.count, { n: number.format(view.shown), all: number.format(length) });
  if (view.count.textContent !== sentence) view.count.textContent = sentence;
  view.root.dataset.state = view.state;  // for the style sheet
  view.button.textContent = labels[view.state];
  view.button.dataset.tip = view.state === "done" ? labels.again : "";
  view.copy.textContent = labels.copy;
  view.save.textContent = labels.save;
  view.copy.disabled = view.save.disabled = !view.shown;
}

function enter(view, state, failure = null) {
  Object.assign(view, { state, failure });
  count(view);
  if (state !== "done") return;
  view.spoken.textContent = fill(view.data.labels.finished, { n: view.shown });
  reveal(view);
}

function reveal({ text, cells, place }) {  // the chosen character, which the page explains: only the text scrolls
  const cell = cells[place];
  if (!cell) return;
  const frame = text.getBoundingClientRect(), box = cell.getBoundingClientRect();
  if (box.top < frame.top || box.bottom > frame.bottom)
    text.scrollBy({ top: box.top - frame.top - text.clientHeight / 3, behavior: "smooth" });
}

// Taking it away

const written = ({ data, steps, names, shown }) =>
  [...data.prompt, ...steps.slice(0, shown).map(([id]) => names[id])].map((cell) => cell[3]).join("");

async function copy(view) {
  try {
    await navigator.clipboard.writeText(written(view));
  } catch {  // browsers refuse where the address is not a secure one, as in a classroom: the old way
    const field = element("textarea", "mg-hidden", view.root);
    field.value = written(view);
    field.select();
    document.execCommand("copy");
    field.remove();
    view.copy.focus();
  }
  view.copy.textContent = view.data.labels.copied;
  view.spoken.textContent = view.data.labels.copied;
  clearTimeout(view.said);
  view.said = setTimeout(() => count(view), SAID_MS);
}

function save(view) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([written(view)], { type: "text/plain;charset=utf-8" }));
  link.download = view.data.file;
  link.click();
  URL.revokeObjectURL(link.href);
}

// Writing

function begin(view, watched) {
  halt(view);
  Object.assign(view, { steps: [], names: {}, shown: 0, watched });
  if (watched) clear(view);  // otherwise the old text stays until the new one has begun
  goOn(view);
}

// The same text, its characters called in another language: it comes as far as it was, and only goes on if it did
function sayAgain(view) {
  const { shown, state, failure } = view;
  begin(view, view.watched);
  if (!failure) Object.assign(view, { startedAt: shown, until: state === "stopped" ? shown : null });
}

function goOn(view) {
  halt(view);
  view.started = performance.now();
  Object.assign(view, { startedAt: view.shown, until: null });
  enter(view, "writing");
  if (view.steps.length < view.data.length) read(view, view.steps.length);
  tick(view);
}

function stop(view) {
  halt(view);
  enter(view, "stopped");
  if (view.shown && view.place >= view.shown) choose(view, view.shown - 1);
}

function halt(view) {
  clearTimeout(view.timer);
  view.control?.abort();  // the server stops, too
  view.control = null;
}

async function read(view, from) {
  const control = view.control = new AbortController();
  try {
    for await (const lines of streamed(`${view.data.url}&lang=${view.data.locale}&from=${from}`, control.signal)) {
      if (control !== view.control) return;
      for (const { names, steps } of lines) {
        Object.assign(view.names, names);
        view.steps.push(...steps);
      }
      tick(view);
    }
  } catch (error) {
    if (control === view.control) enter(view, "stopped", error instanceof TypeError ? view.data.labels.failed : error.message);
  }
}

function tick(view) {
  clearTimeout(view.timer);
  if (!view.mounted || view.state !== "writing") return;
  const due = view.startedAt + Math.floor((performance.now() - view.started) / 1000 * PACE) + 1;
  const upTo = Math.min(view.steps.length, view.until ?? view.data.length, view.watched ? due : Infinity);
  if (upTo > view.shown) show(view, upTo);
  if (view.shown >= view.data.length) enter(view, "done");
  else if (view.until !== null && view.shown >= view.until) stop(view);
  else view.timer = setTimeout(() => tick(view), TICK_MS);
}

// Pointing

function choose(view, place) {
  view.place = view.sent = Math.min(Math.max(place, 0), view.shown - 1);
  mark(view);
  const [id, probability] = view.steps[view.place];
  view.spoken.textContent = `${view.names[id][1]}, ${percent(view, probability, 1)}`;
  clearTimeout(view.telling);
  view.telling = setTimeout(() => view.trigger("pick", view.place), SETTLE_MS);
}

function onKey(view, event) {
  const moves = { ArrowLeft: view.place - 1, ArrowRight: view.place + 1, Home: 0, End: view.shown - 1 };
  if (!(event.key in moves) || !view.shown || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  choose(view, moves[event.key]);
  reveal(view);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".mg-writes"), view = viewOf(root, build);
  const before = view.data;
  Object.assign(view, { data, trigger: setTriggerValue, mounted: true });
  if (view.sent === null || view.sent === data.place) Object.assign(view, { place: data.place, sent: null });
  root.style.height = `${data.height}px`;
  view.title.textContent = data.labels.title;
  view.text.setAttribute("aria-label", data.labels.hint);
  if (before?.url !== data.url) begin(view, before !== undefined && before.play !== data.play);
  else if (before.locale !== data.locale) sayAgain(view);
  else { mark(view); count(view); }

  return () => {  // only when the component leaves the page
    view.mounted = false;
    halt(view);
    clearTimeout(view.telling);
    forget(root);
  };
}
