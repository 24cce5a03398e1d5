// The class at a glance: a card for each pupil, which says who it is, how far they have come and how their training goes.

import { element, fill, verbatim, write } from "../components/js/element.js";
import { number, percent } from "../components/js/numbers.js";
import { poll } from "../components/js/poll.js";
import { viewOf } from "../components/js/view.js";

const DOTS = ["chose_text", "trained", "sampled"];
const GOING = ["running", "queued", "paused"];

function build(root) {
  root.replaceChildren();
  const summary = element("div", "mg-class-sum", root);
  summary.setAttribute("role", "status");
  const cards = element("ul", "mg-class-cards", root);
  return { root, summary, cards, known: new Map() };
}

function buildCard(view, pupil) {
  const item = element("li", "mg-pupil", view.cards), button = element("button", "", item);
  button.type = "button";
  button.onclick = () => view.choose(pupil.number);
  const top = element("span", "mg-pupil-top", button);
  const card = { item, button, name: element("bdi", "", top), dots: [] };
  const where = element("span", "mg-pupil-page", button);
  card.page = element("span", "", where);
  card.lesson = element("span", "", where);
  const row = element("span", "mg-pupil-dots", button);
  DOTS.forEach(() => card.dots.push(element("span", "", row)));
  const line = element("span", "mg-pupil-run", button);
  card.state = element("span", "", line);
  card.loss = verbatim(element("b", "", line));
  card.bar = element("i", "", button);
  view.known.set(pupil.number, card);
  return card;
}

// What is wrong comes before what goes on: the teacher looks for it
function stateOf(view, { here, run }) {
  const { labels } = view.data;
  if (!run) return here ? labels.nothing_yet : labels.away;
  const word = run.finding ? labels.findings[run.finding] : labels.status[run.status];
  const place = run.place ? ` (${run.place})` : "";
  return here ? word + place : `${labels.away} · ${word}`;
}

function showCard(view, pupil) {
  const { labels } = view.data, { run } = pupil;
  const card = view.known.get(pupil.number) ?? buildCard(view, pupil);
  write(card.name, pupil.name);
  write(card.page, pupil.here ? labels.pages[pupil.page] ?? "" : "");
  const [lesson, step] = pupil.lesson ?? [];
  write(card.lesson, lesson ? fill(labels.lesson_step, { step }) : "");
  card.lesson.title = lesson ? fill(labels.lesson, { lesson: labels.lessons[lesson] ?? lesson, step }) : "";
  DOTS.forEach((dot, i) => {
    card.dots[i].classList.toggle("mg-yes", pupil[dot]);
    write(card.dots[i], `${pupil[dot] ? "✓" : "·"} ${labels.dots[dot]}`);
  });
  const share = run ? run.step / run.steps : 0, goes = run && GOING.includes(run.status);
  write(card.state, goes ? `${stateOf(view, pupil)} · ${percent(view, Math.round(100 * share) / 100)}` : stateOf(view, pupil));
  write(card.loss, run?.loss == null ? "" : `${run.rough ? "≈ " : ""}${number(view, run.loss, 2)}`);
  card.loss.title = run?.rough ? labels.rough : "";
  card.item.style.setProperty("--k", run?.colour ?? "#7A7A7A");
  card.item.style.setProperty("--p", `${100 * share}%`);
  card.item.classList.toggle("mg-away", !pupil.here);
  card.item.classList.toggle("mg-trouble", ["diverged", "at_chance", "stuck"].includes(run?.finding));
  card.button.setAttribute("aria-pressed", view.data.chosen === pupil.number);
  return card;
}

function show(view) {
  const { pupils } = view.state, { labels } = view.data;
  const count = (which) => pupils.filter(which).length;
  const numbers = {
    here: count((p) => p.here), away: count((p) => !p.here), training: count((p) => p.run?.status === "running"),
    waiting: count((p) => p.run?.status === "queued"), trouble: count((p) => ["diverged", "at_chance", "stuck"].includes(p.run?.finding)),
  };
  write(view.summary, pupils.length ? fill(labels.summary, numbers) : labels.nobody);
  for (const pupil of pupils) showCard(view, pupil);
  const there = new Set(pupils.map((pupil) => pupil.number));
  for (const [who, card] of view.known) {
    if (!there.has(who)) { card.item.remove(); view.known.delete(who); }
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const view = viewOf(parentElement.querySelector(".mg-class"), build);
  Object.assign(view, { data, choose: (who) => setTriggerValue("chosen", who) });
  if (view.state) show(view);
  poll(view, show);
}
