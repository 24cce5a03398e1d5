// A kept run played again in the live chart: everything it has told comes in one answer, and is shown up to the step that a
// clock of this page has reached. Nobody is asked again, and nothing is written.

import { element, fill, write } from "./element.js";

const FRAME_MS = 90;          // between two pictures
const SECONDS = [30, 60, 120, 300];  // for a whole run
const TIMES = [1, 2, 10, 50];        // its own speed, where that was recorded
const SHORTEST_S = 3;         // nothing is seen of what is quicker
const USUAL = "all 30";
const MILESTONES = [0, 0.1, 0.4, 1];  // which of the samples so far: the same as live (`minigpt_core/store/live_state.py`)

export function buildReplay(view, root, show) {
  const bar = element("div", "mg-live-replay", root), part = (tag) => element(tag, "", bar);
  const [play, again, place, speed] = ["button", "button", "input", "select"].map(part);
  play.type = again.type = "button";
  place.type = "range";
  place.min = 0;
  bar.hidden = true;
  view.replay = { bar, play, again, place, speed, show, full: null, at: 0, playing: false, choice: USUAL };
  play.onclick = () => (view.replay.playing ? hold(view) : start(view));
  again.onclick = () => { view.replay.at = 0; start(view); };
  place.oninput = () => { view.replay.at = Number(place.value); hold(view); moment(view); };
  speed.onchange = () => { view.replay.choice = speed.value; showReplay(view); };
}

/** The line with its buttons, if the run is played again. */
export function showReplay(view) {
  const { bar, play, again, place, speed, full, at, playing, choice } = view.replay, { labels, locale, replay: on } = view.data;
  bar.hidden = !on;
  if (!on) return;
  const words = labels.replay;
  write(play, playing ? `❚❚ ${words.pause}` : `▶ ${words.play}`);
  write(again, words.again);
  place.setAttribute("aria-label", words.place);
  speed.setAttribute("aria-label", words.speed);
  if (!full) return;
  place.max = full.step;
  if (!playing || document.activeElement !== place) place.value = Math.round(at);
  place.setAttribute("aria-valuetext", `${labels.step} ${Math.round(at)} / ${full.step}`);
  const number = (n) => new Intl.NumberFormat(locale).format(n);
  const options = [
    ...TIMES.filter((times) => full.seconds / times > SHORTEST_S).map((times) => [`times ${times}`, `×${times} · ${times === 1 ? words.recorded : fill(words.times, { n: number(times) })}`]),
    ...SECONDS.map((seconds) => [`all ${seconds}`, seconds < 60 ? fill(words.all_seconds, { n: number(seconds) }) : fill(words.all_minutes, { n: number(seconds / 60) })]),
  ];
  if (speed.dataset.said !== JSON.stringify(options)) {
    speed.dataset.said = JSON.stringify(options);
    speed.replaceChildren();
    for (const [value, text] of options) element("option", "", speed, text).value = value;
  }
  speed.value = choice;
}

/** Steps a second at the chosen speed. */
function pace({ full, choice }) {
  const [kind, n] = choice.split(" ");
  return kind === "all" ? full.step / Number(n) : Number(n) * full.step / full.seconds;
}

/** Fetch the whole run, once, and begin. */
export async function replay(view) {
  const told = view.replay, { url, script } = view.data;
  if (told.full || told.fetching === url) return;
  told.fetching = url;
  const answer = await fetch(new URL(url, document.baseURI), { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${answer.status} ${script}`);
  const full = await answer.json();
  if (!view.mounted || view.data.url !== url) return;
  Object.assign(told, { full, at: 0 });
  start(view);
}

/** Forget the run that was played. */
export function endReplay(view) {
  clearTimeout(view.replay.timer);
  Object.assign(view.replay, { full: null, fetching: null, at: 0, playing: false });
}

function start(view) {
  const told = view.replay;
  if (!told.full) return;
  if (told.at >= told.full.step) told.at = 0;
  clearTimeout(told.timer);
  Object.assign(told, { playing: true, before: performance.now() });
  moment(view).then(() => tick(view));
}

function hold(view) {
  clearTimeout(view.replay.timer);
  view.replay.playing = false;
  showReplay(view);
}

async function tick(view) {
  const told = view.replay;
  if (!told.playing || !view.mounted || !told.full) return;
  const now = performance.now();
  if (!document.hidden) told.at = Math.min(told.full.step, told.at + (now - told.before) / 1000 * pace(told));
  told.before = now;
  if (told.at >= told.full.step) told.playing = false;
  await moment(view);
  if (told.playing) told.timer = setTimeout(() => tick(view), FRAME_MS);
}

async function moment(view) {
  const told = view.replay;
  if (!told.full) return;
  view.state = stateAt(told.full, Math.floor(told.at), pace(told));
  showReplay(view);
  await told.show();
}

/** What was told of the run when it stood at this step; `seconds_left` and `rate` are those of the replay. */
export function stateAt(full, step, rate) {
  const cut = ({ x, y }) => {
    const n = x.findLastIndex((at) => at <= step) + 1;
    return { x: x.slice(0, n), y: y.slice(0, n) };
  };
  const evaluations = full.evaluations.filter((one) => one.step <= step), newest = evaluations.at(-1);
  const measured = (name) => {
    const known = evaluations.filter((one) => one[name] !== null);
    return { x: known.map((one) => one.step), y: known.map((one) => one[name]) };
  };
  const smooth = cut(full.smooth), samples = full.samples.filter((one) => one.step <= step), last = samples.length - 1;
  const shown = [...new Set(MILESTONES.map((share) => Math.round(share * last)))];
  return {
    status: "running", step, steps: full.steps, rate, seconds_left: (full.step - step) / rate, queue_position: null, stopping: false,
    loss: smooth.y.at(-1) ?? null, val_loss: newest?.val ?? null, val_error: newest?.error ?? null, accuracy: newest?.accuracy ?? null, evaluated: newest?.step ?? null,
    raw: cut(full.raw), smooth, train: measured("train"), val: measured("val"),
    changes: full.changes.filter((one) => one.step <= step), samples: last < 0 ? [] : shown.map((i) => samples[i]),
  };
}
