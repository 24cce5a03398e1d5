// Several texts side by side as they are being written. Python sends `data` (where to read them from, what each one is
// called); this file reads the stream, colours each character by its probability, and shows where a text parts from the
// one above it. It runs again on every new `data`, so everything here can run twice.

import { element, fill, verbatim, write } from "../components/js/element.js";
import { letter, tint } from "../components/js/letters.js";
import { number, percent } from "../components/js/numbers.js";
import { streamed } from "../components/js/stream.js";
import { forget, viewOf } from "../components/js/view.js";

function build(root) {
  root.replaceChildren();
  const bar = element("div", "mg-lanes-bar", root);
  const view = { root, lanes: [], names: {}, shown: 0, control: null, mounted: true };
  view.say = element("div", "mg-note", bar);
  view.button = element("button", "mg-writes-button", bar);
  view.button.type = "button";
  view.button.onclick = () => (view.state === "writing" ? stop(view) : begin(view));
  view.body = element("div", "mg-lanes-body", root);
  view.spoken = element("div", "mg-hidden", root);
  view.spoken.setAttribute("aria-live", "polite");
  return view;
}

function clear(view) {
  const { data } = view;
  view.body.replaceChildren();
  view.names = {};
  view.shown = 0;
  view.lanes = data.lanes.map(({ title, note, prompt }) => {
    const box = element("div", "mg-lane", view.body), side = element("div", "mg-lane-side", box);
    const head = element("div", "mg-lane-head", side);
    element("div", "mg-lane-title", head).textContent = title;
    const parts = element("div", "mg-lane-parts", head);
    element("div", "mg-lane-says", side).textContent = note;
    const open = element("div", "mg-lane-open", side), bar = element("i", "", element("div", "mg-lane-bar", open));
    open.hidden = !data.entropy;
    const text = verbatim(element("div", "mg-flow mg-lane-text", box));
    text.dir = "ltr";
    text.tabIndex = 0;
    text.setAttribute("role", "group");
    text.setAttribute("aria-label", title);
    for (const [shown, , ends] of prompt) letter(text, shown, ends && !data.compact, "mg-given");
    return { text, parts, bar, open: element("span", "", open), entropy: 0, letters: [], parted: null };
  });
}

function add(view, step) {
  const { data } = view;
  step.forEach(([character, probability, entropy], i) => {
    const lane = view.lanes[i], above = data.compare ? view.lanes[i - 1] : undefined;
    const [shown, name, ends] = view.names[character], place = lane.letters.length;
    lane.letters.push(character);
    const same = above && lane.parted === null && step[i - 1][0] === character;
    const cell = letter(lane.text, shown, ends && !data.compact, same ? "mg-p mg-same" : "mg-p");
    tint(cell, data.scale, probability);
    cell.dataset.tip = `${name} · ${percent(view, probability, 1)}`;
    if (above && lane.parted === null && !same) {
      lane.parted = place;
      cell.classList.add("mg-ring");
    }
    lane.entropy += entropy;
  });
  view.shown++;
}

function tell(view) {
  const { labels, compare, length, entropy, chance } = view.data;
  if (entropy && view.shown) for (const lane of view.lanes) {
    const mean = lane.entropy / view.shown;
    lane.bar.style.width = `${100 * mean / chance}%`;
    write(lane.open, fill(labels.open, { nats: number(view, mean, 2), n: number(view, Math.exp(mean), 1) }));
    lane.open.dataset.entropy = mean;
  }
  if (compare) for (const lane of view.lanes.slice(1)) {
    write(lane.parts, lane.parted !== null ? fill(labels.parts, { n: number(view, lane.parted + 1, 0) }) : view.state === "done" ? labels.same : "");
    lane.parts.dataset.parted = lane.parted ?? "";
  }
  view.root.dataset.state = view.state;
  write(view.say, view.failure ?? (view.state === "writing" ? fill(labels.count, { n: number(view, view.shown, 0), all: number(view, length, 0) }) : labels.explain));
  write(view.button, view.state === "writing" ? labels.stop : labels.again);
}

function enter(view, state, failure = null) {
  Object.assign(view, { state, failure });
  tell(view);
  if (state === "done") write(view.spoken, labels_done(view));
}

const labels_done = (view) => fill(view.data.labels.done, { n: number(view, view.shown, 0) });

function stop(view) {
  halt(view);
  enter(view, "stopped");
}

function halt(view) {
  view.control?.abort();  // the server stops, too
  view.control = null;
}

async function begin(view) {
  halt(view);
  clear(view);
  enter(view, "writing");
  const control = view.control = new AbortController();
  try {
    for await (const lines of streamed(view.data.url, control.signal)) {
      if (control !== view.control) return;
      for (const { names, steps } of lines) {
        Object.assign(view.names, names);
        for (const step of steps) add(view, step);
      }
      tell(view);
    }
    if (control === view.control) enter(view, "done");
  } catch (error) {
    if (control === view.control) enter(view, "stopped", error instanceof TypeError ? view.data.labels.failed : error.message);
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-lanes"), view = viewOf(root, build);
  const before = view.data;
  Object.assign(view, { data, mounted: true });
  root.style.setProperty("--side", data.side);
  if (JSON.stringify(before) !== JSON.stringify(data)) begin(view);
  else tell(view);

  return () => {
    view.mounted = false;
    halt(view);
    forget(root);
  };
}
