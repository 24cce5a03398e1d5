// The training cockpit. Python sends `data` (words, reference lines, where to ask); this file asks, draws, and says
// once when the run's status has changed. It runs again on every new `data`, so everything here can run twice.

import { letters } from "./js/chart.js";
import { groundColour, isDark } from "./js/colours.js";
import { element, fill, verbatim, write } from "./js/element.js";
import { percent } from "./js/numbers.js";
import { buildReplay, endReplay, replay, showReplay } from "./js/replay.js";
import { curveWords } from "./js/spoken.js";
import { forget, viewOf } from "./js/view.js";
import { loadPlotly } from "./plotly_loader.js";

const ENDED = ["done", "stopped", "diverged", "failed", "interrupted", "gone"];
const STATUS_COLOURS = { running: "train", paused: "validation", done: "done", diverged: "problem", failed: "problem", interrupted: "problem" };
const DONE = "#009E73";
const SLOWEST_MS = 5000;      // between two tries when the server does not answer
const SOON_MS = 80;           // until the first point is there, and from Stop to the end
const HELD_MS = 1000;         // while it is paused or waits: what the owner presses is drawn at once anyway
const REST_MS = 3000;         // after its end: another tab may resume the run, or delete it
const SPEAK_EVERY_MS = 30000; // for those who hear the page
const LINE_PX = 16;           // height of one line of a reference line's label
const LEADER_PX = 14;         // from the end of a reference line to its label
const FARTHEST_PX = 40;       // a label farther up or down would seem to belong to another line
const LETTER_PX = 12;         // lines nearer to each other share a letter's place: "a–c"
const MARGIN = { l: 56, r: 138, t: 30, b: 44 };
const NARROW_PX = 520;        // a narrower chart has no room beside it: a letter at each line, the words below
const AXES_KEPT = "mg-live-log";  // which axes are logarithmic, as somebody has chosen in this tab
const LEAST_LOSS = 1e-3;      // a logarithmic axis has no 0
const MOST_HIGHER = 3;        // a linear axis reaches so many times as high as its highest line
const YOUNG_SHARE = 1.2;      // a young run's axis reaches to the next round number beyond so many times its steps
const SHORTEST_AXIS = 10;     // steps
const SIGN_LETTER_PX = 6.5;   // width of a letter of a change's sign
const SIGN_GAP_PX = 10;
const SPEED_MS = 60000;       // the time left follows from the mean speed of so long, evaluations and other programs included
const SPEED_FROM_MS = 1000;   // a shorter time says too little
const UNSEEN_MS = 3000;       // nobody asked for so long: the run may have been paused meanwhile

function build(root) {
  root.replaceChildren();
  const top = element("div", "mg-live-top", root);
  const figure = (size) => {
    const box = element("div", "", top);
    return { box, label: element("div", "mg-label", box), value: element("div", size, box) };
  };
  const view = {
    root, figures: { step: figure("mg-live-big") }, status: null, url: undefined, timer: null, wait: 0, tag: null, state: null,
    reported: undefined, spokenAt: 0, mounted: true, seen: [], log: { x: false, y: false }, chosenAxes: keptAxes(),
  };
  for (const name of ["loss", "val", "accuracy", "rate", "left"]) view.figures[name] = figure("mg-live-figure");
  view.status = element("div", "mg-live-status", top);
  const bar = element("div", "mg-live-bar", root);
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  view.bar = bar;
  view.done = element("i", "", bar);
  buildReplay(view, root, () => {
    if (view.data.without_validation) Object.assign(view.state, UNSEEN);
    return showMoment(view);
  });
  view.say = element("div", "mg-live-say", root);
  view.say.setAttribute("role", "status");
  const body = element("div", "mg-live-body", root);
  const plot = element("div", "mg-live-plot", body);
  view.chart = element("div", "mg-live-chart", plot);
  view.chart.setAttribute("role", "img");
  view.axes = axisButtons(view, plot);
  view.lines = element("div", "mg-live-lines", plot);
  view.writes = element("div", "mg-live-writes", body);
  view.spoken = element("div", "mg-hidden", root);
  view.spoken.setAttribute("aria-live", "polite");
  view.resize = new ResizeObserver(() => {
    if (!window.Plotly || !view.chart.clientWidth || !view.chart.classList.contains("js-plotly-plot")) return;
    window.Plotly.Plots.resize(view.chart);
    draw(view).catch(() => showStatus(view, "unreachable"));  // labels have other room now
  });
  view.resize.observe(view.chart);
  view.onVisible = () => { if (!document.hidden) poll(view); };
  document.addEventListener("visibilitychange", view.onVisible);
  return view;
}

// Logarithmic or linear, for each axis

function keptAxes() {
  try {
    return { ...JSON.parse(sessionStorage.getItem(AXES_KEPT)) };
  } catch {  // a browser that lets nothing be stored
    return {};
  }
}

// What nobody has chosen is linear, but for the loss of a run that is farther up by now than a linear axis reaches
function chooseAxes(view) {
  const { x = false, y = isBeyond(view) } = view.chosenAxes;
  view.log = { x, y };
}

function axisButtons(view, plot) {
  const group = element("div", "mg-live-axes", plot), words = element("span", "", group);
  group.setAttribute("role", "group");
  const buttons = ["x", "y"].map((axis) => {
    const button = element("button", "", group);
    button.type = "button";
    button.onclick = () => {
      view.chosenAxes[axis] = !view.log[axis];
      try { sessionStorage.setItem(AXES_KEPT, JSON.stringify(view.chosenAxes)); } catch { /* not remembered, then */ }
      draw(view).catch(() => showStatus(view, "unreachable"));
    };
    return button;
  });
  return { group, words, buttons };
}

function showAxes(view) {
  const { labels } = view.data, { group, words, buttons } = view.axes;
  write(words, labels.log);
  group.setAttribute("aria-label", labels.log_help);
  [["x", labels.step, labels.log_x], ["y", labels.loss, labels.log_y]].forEach(([axis, word, help], i) => {
    write(buttons[i], word);
    buttons[i].setAttribute("aria-label", help);
    buttons[i].setAttribute("aria-pressed", view.log[axis]);
    buttons[i].dataset.tip = help;
  });
}

// A value on an axis as plotly wants it in ranges and annotations (in shapes it wants the value itself)
const onAxis = (value, log) => log ? Math.log10(value) : value;

// Words and numbers

function formatter(view) {
  const locale = view.data.locale;
  const number = (value, digits) => value == null || !isFinite(value) ? "–" :
    new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  const { second, minute, hour } = view.data.labels.units;
  const duration = (seconds) => {
    if (seconds == null || !isFinite(seconds)) return "–";
    const whole = Math.round(seconds), pad = (n) => String(n).padStart(2, "0");
    if (whole < 60) return `${whole}\u202f${second}`;
    if (whole < 3600) return `${Math.floor(whole / 60)}\u202f${minute} ${pad(whole % 60)}\u202f${second}`;
    return `${number(Math.floor(whole / 3600), 0)}\u202f${hour} ${pad(Math.floor(whole % 3600 / 60))}\u202f${minute}`;
  };
  const loss = (nats, digits) => nats > view.data.largest ? view.data.labels.over : number(nats, nats < 1000 ? digits : 0);
  return { number, duration, loss };
}

/** A figure, and smaller what it is of. */
function putFigure(value, text, words) {
  if (value.children.length !== 2) value.replaceChildren(verbatim(element("span")), element("small"));
  write(value.firstChild, text);
  write(value.lastChild, words);
}

function showFigures(view) {
  const { labels, steps } = view.data, state = view.state ?? {}, { number, duration, loss } = formatter(view);
  const all = state.steps ?? steps, step = state.step ?? 0;
  const put = (name, label, text, help, when) => {
    const { box, label: title, value } = view.figures[name];
    write(title, label);
    putFigure(value, text, when ? ` ${when}` : "");
    if (help) box.dataset.tip = help;
  };
  const { label, value, box } = view.figures.step;
  write(label, labels.step);
  putFigure(value, number(step, 0), ` / ${number(all, 0)}`);
  box.removeAttribute("data-tip");
  const which = state.loss == null ? "" : labels.last_batches;
  const bits = (nats) => loss(nats == null ? null : nats / Math.LN2, 2);
  put("loss", labels.loss, loss(state.loss, 2), fill(labels.loss_help, { bits: bits(state.loss) }), which);
  const perplexity = loss(state.val_loss == null ? null : Math.exp(state.val_loss), 1);
  const error = state.val_error == null ? "" : `± ${loss(Math.max(state.val_error, 0.01), 2)}`;
  const inBits = state.val_loss == null ? "" : fill(labels.bits, { n: bits(state.val_loss) });
  const before = state.evaluated < step && ENDED.includes(state.status) ? fill(labels.at_step, { step: number(state.evaluated, 0) }) : "";
  const details = state.val_loss > view.data.largest ? labels.beyond : before || [error, inBits].filter(Boolean).join(" · ");
  put("val", labels.val_loss, loss(state.val_loss, 2), fill(labels.val_help, { perplexity }), details);
  put("accuracy", labels.accuracy, state.accuracy == null ? "–" : percent(view, state.accuracy), labels.accuracy_help,
    state.accuracy == null ? "" : fill(labels.at_step, { step: number(state.evaluated, 0) }));
  const rate = state.rate;
  put("rate", labels.rate, rate ? fill(labels.per_second, { n: number(rate, rate < 10 ? 1 : 0) }) : "–");
  put("left", view.data.replay ? labels.replay.left : labels.left, duration(secondsLeft(view)));
  const share = all ? Math.min(100, 100 * step / all) : 0;
  view.done.style.width = `${share}%`;
  view.bar.setAttribute("aria-valuenow", share.toFixed(0));
  view.bar.setAttribute("aria-label", `${labels.step} ${number(step, 0)} / ${number(all, 0)}`);
}

// At the mean speed that this tab has seen; at the server's, that of the last second, before it has seen enough
function secondsLeft(view) {
  const { state, seen } = view, first = seen[0], last = seen.at(-1);
  if (view.data.replay || state?.status !== "running" || !last || last.at - first.at < SPEED_FROM_MS || last.step === first.step) return state?.seconds_left;
  return (state.steps - last.step) * (last.at - first.at) / (last.step - first.step) / 1000;
}

// Each answer of a run that goes on, from its first step, until its speed is another one because somebody changed it
function noteStep(view) {
  const { status, step, changes } = view.state, at = performance.now(), last = view.seen.at(-1);
  if (status !== "running" || !last || last.changes !== changes.length || step < last.step || at - last.at > UNSEEN_MS) view.seen = [];
  if (status === "running" && step > 0) view.seen.push({ at, step, changes: changes.length });
  while (view.seen.length > 2 && at - view.seen[1].at >= SPEED_MS) view.seen.shift();
}

function showStatus(view, failure) {
  const { labels, colours } = view.data, state = view.state;
  const status = failure === "gone" ? null : state?.status ?? view.data.status;
  write(view.status, view.data.replay ? labels.replay.sign : !status ? "" : isStopping(view) ? labels.stopping : labels.status[status] ?? status);
  view.status.style.setProperty("--k", view.data.replay ? colours.reference : view.data.ended ?? (status === "done" ? DONE : colours[STATUS_COLOURS[status]] ?? colours.reference));
  view.status.classList.toggle("mg-busy", status === "running" && !view.data.replay);
  let sentence = "";
  if (failure) sentence = failure === "gone" ? labels.gone : labels.unreachable;
  else if (status === "queued" && state?.queue_position) sentence = fill(labels.queued, { n: state.queue_position });
  write(view.say, sentence);
  view.say.classList.toggle("mg-bad", Boolean(failure));
}

function showSamples(view) {
  const { labels } = view.data, { number } = formatter(view);
  const samples = view.state?.samples ?? [];
  const newest = samples[samples.length - 1];
  const broken = newest?.text.replace(/\n+/g, (ends) => "⏎".repeat(ends.length) + "\n");
  const written = (text, shown) => text.trim() ? shown : labels.blank;
  const label = ENDED.includes(view.state?.status) && newest?.step < view.state.step ? labels.last : labels.now;
  const lines = newest ? [[fill(label, { step: number(newest.step, 0) }), written(newest.text, broken), "mg-live-sample"]] : [];
  for (const old of samples.slice(0, -1).toReversed())
    lines.push([fill(labels.earlier, { step: number(old.step, 0) }), written(old.text, old.text.replaceAll("\n", "⏎")), "mg-live-sample mg-live-old"]);
  while (view.writes.children.length > Math.max(lines.length, 1)) view.writes.lastChild.remove();
  if (!lines.length) {
    view.writes.replaceChildren();
    const box = element("div", "", view.writes);
    write(element("div", "mg-label", box), labels.writes);
    write(element("div", "mg-live-soon", box), labels.no_sample);
  }
  lines.forEach(([title, text, name], i) => {
    let box = view.writes.children[i];
    if (!box || box.children.length !== 2) {
      const made = document.createElement("div");
      element("div", "mg-label", made);
      element("div", "", made).dir = "auto";
      if (box) box.replaceWith(made);
      else view.writes.appendChild(made);
      box = made;
    }
    write(box.firstChild, title);
    verbatim(box.lastChild).className = name;
    write(box.lastChild, text);
  });
}

function speak(view) {
  const state = view.state, now = Date.now();
  if (state?.loss == null || (state.status === "running" && now - view.spokenAt < SPEAK_EVERY_MS)) return;
  view.spokenAt = now;
  const { number, loss } = formatter(view);
  write(view.spoken, fill(view.data.labels.spoken, { step: number(state.step, 0), steps: number(state.steps, 0), loss: loss(state.loss, 2) }));
}

// The chart

// What the axes have a place for: plotly draws a line to a point at 0 of a logarithmic axis as if it came from the left
function placed({ x, y } = { x: [], y: [] }, log) {
  if (!log.x && !log.y) return { x, y };
  const seen = x.map((_, i) => i).filter((i) => (!log.x || x[i] > 0) && (!log.y || y[i] > 0));
  return { x: seen.map((i) => x[i]), y: seen.map((i) => y[i]) };
}

function traces(view) {
  const { labels, colours } = view.data, { state } = view;
  const [raw, smooth, train, val] = ["raw", "smooth", "train", "val"].map((name) => placed(state?.[name], view.log));
  const told = (y) => y > view.data.largest ? labels.over : "%{y:.3f}";
  const line = (curve, name, extra) => ({ type: "scatter", mode: "lines", ...curve, name, hovertemplate: curve.y.map(told), ...extra });
  const last = smooth.x.length - 1, changed = marks(view);
  return [
    line(raw, labels.raw, { line: { color: colours.train, width: 1 }, opacity: isDark(view.root) ? 0.45 : 0.32, hoverinfo: "skip", hovertemplate: null }),
    line(smooth, labels.smooth, { line: { color: colours.train, width: 2.8 } }),
    line(train, labels.train, { mode: "lines+markers", cliponaxis: false, line: { color: colours.train, width: 1, dash: "dot" },
      marker: { symbol: "circle-open", size: 7, line: { width: 1.6 } } }),
    line(val, labels.val, { mode: "lines+markers", cliponaxis: false, line: { color: colours.validation, width: 1.6 }, marker: { symbol: "diamond", size: 7 } }),
    { type: "scatter", mode: "markers", cliponaxis: false, yaxis: "y2", x: changed.map(({ at }) => at), y: changed.map(() => 1), text: changed.map(({ long }) => long),
      marker: { symbol: "triangle-down", color: colours.reference, size: 9 }, showlegend: false, hovertemplate: "%{text}<extra></extra>" },
    { type: "scatter", mode: "markers", cliponaxis: false, x: last < 0 ? [] : [smooth.x[last]], y: last < 0 ? [] : [smooth.y[last]],
      marker: { color: colours.train, size: 11, line: { color: "#fff", width: 1.5 } }, showlegend: false, hoverinfo: "skip" },
  ];
}

// How far the axis of steps reaches: while a run is young only somewhat beyond it, so that its curve fills the chart
function lastStep(view) {
  const { url, step: known, steps } = view.data, all = view.state?.steps ?? steps;
  if (!url) return all;
  const wanted = Math.max(SHORTEST_AXIS, YOUNG_SHARE * (view.state?.step ?? known)), power = 10 ** Math.floor(Math.log10(wanted));
  return Math.min(all, [1, 2, 5, 10].map((digit) => digit * power).find((round) => round >= wanted));
}

// What the axis shows, from bottom to top, as plotly wants it
function lossRange(view) {
  const { raw, smooth, train, val } = view.state ?? {}, lines = shownLines(view).map(({ value }) => value);
  const highest = Math.max(...lines, 0.1);
  const curves = [...(smooth?.y ?? []), ...(train?.y ?? []), ...(val?.y ?? [])];
  const reached = Math.max(...curves, 0) * 1.04;
  const high = Math.max(highest * 1.04, view.log.y ? reached : Math.min(reached, highest * MOST_HIGHER));  // a linear one would be all of a spike
  const rawLow = raw?.y.length ? Math.min(...raw.y) : Infinity;
  const low = Math.min(...lines, ...curves, rawLow), { y: log } = view.log;
  const bottom = onAxis(log ? Math.max(LEAST_LOSS, low) : low, log), top = onAxis(high, log);
  return [bottom - 0.06 * (top - bottom), top];
}

// Whether it ends above what a linear axis shows: a run that diverges
function isBeyond(view) {
  const { smooth, val } = view.state ?? {}, highest = Math.max(...view.data.references.map(({ value }) => value), 0.1);
  return Math.max(smooth?.y.at(-1) ?? 0, val?.y.at(-1) ?? 0) > highest * MOST_HIGHER;
}

const shownLines = (view) => view.data.references.filter(({ value }) => !view.log.y || value > LEAST_LOSS);

const isNarrow = ({ chart }) => chart.clientWidth < NARROW_PX;
const scaleOf = ({ root }) => letters(root, 12) / 12;  // larger at the front of a room
const margins = (view) => {
  const scale = scaleOf(view);
  return isNarrow(view) ? { ...MARGIN, l: 46, r: 28 } : { l: MARGIN.l * scale, r: MARGIN.r * scale, t: MARGIN.t * scale, b: MARGIN.b * scale };
};

// What the margins leave of the chart, and a legend of several lines; before it is drawn nobody knows how many
const plotHeight = ({ chart }) => Math.max(80, chart._fullLayout?._size?.h ?? chart.clientHeight - MARGIN.t - MARGIN.b);

// Labels of the reference lines stand in the right margin (on a phone, letters there and the words below), moved apart so that none covers another,
// and joined with their lines. The data names the important lines first: one that would push a label too far gets none.
function referenceLabels(view, [low, high]) {
  const height = plotHeight(view), narrow = isNarrow(view);
  const lines = shownLines(view).toSorted((a, b) => narrow ? b.value - a.value : 0).map(({ value, label }, n) => {
    const words = narrow ? [String.fromCharCode(97 + n)] : wrap(label, 22), y = onAxis(value, view.log.y);
    return { y, words, at: (high - y) / (high - low) * height, half: words.length * LINE_PX * scaleOf(view) / 2 + 2 };
  });
  let labelled = [];
  for (const line of narrow ? sharing(lines) : lines) labelled = movedApart([...labelled, line], -MARGIN.t, height + 4) ?? labelled;
  return labelled.map(({ y, words, at, place }) => ({
    xref: "paper", x: 1, yref: "y", y, yanchor: "middle", borderpad: 0, text: words.join("<br>"),
    ...(narrow ? { xanchor: "left", xshift: 5, yshift: at - place, showarrow: false, font: { size: 12 } } :
      { xanchor: "left", ax: LEADER_PX, ay: place - at, showarrow: true, arrowhead: 0, arrowwidth: 1, arrowcolor: view.data.colours.reference,
        align: "left", font: { size: letters(view.root, 12) } }),
  }));
}

// Lines with a letter each, from top to bottom: those that stand so close that their letters would be moved away from
// them have one label together, at the middle one
function sharing(lines) {
  const groups = [];
  for (const line of lines) {
    if (groups.length && line.at - groups.at(-1).at(-1).at < LETTER_PX) groups.at(-1).push(line);
    else groups.push([line]);
  }
  return groups.map((group) => {
    const [first] = group[0].words, [last] = group.at(-1).words;
    return { ...group[Math.floor(group.length / 2)], words: [group.length > 1 ? `${first}–${last}` : first] };
  });
}

// The lines from top to bottom, each with the `place` of its label: as near to where it belongs (`at`) as its
// neighbours allow (least squares). Nothing if they do not fit between top and bottom, or one lies too far away.
function movedApart(lines, top, bottom) {
  const sorted = lines.toSorted((a, b) => a.at - b.at);
  const blocks = [];
  let above = top;
  for (const line of sorted) {  // without what stands above it, every label would be at `wanted`
    const under = above + line.half;
    blocks.push({ wanted: line.at - under, lines: [{ line, under }] });
    above += 2 * line.half;
    while (blocks.length > 1 && blocks.at(-2).wanted > blocks.at(-1).wanted) {
      const last = blocks.pop(), before = blocks.pop(), [n, m] = [before.lines.length, last.lines.length];
      blocks.push({ wanted: (n * before.wanted + m * last.wanted) / (n + m), lines: [...before.lines, ...last.lines] });
    }
  }
  const free = bottom - above;
  const spots = blocks.flatMap(({ wanted, lines: together }) =>
    together.map(({ line, under }) => ({ ...line, place: under + Math.min(free, Math.max(0, wanted)) })));
  return free >= 0 && spots.every(({ at, place }) => Math.abs(place - at) <= FARTHEST_PX) ? spots : null;
}

// What was changed while the run went: one mark for each step at which something was

function marks(view) {
  const { locale, labels } = view.data, { number } = formatter(view), byStep = new Map();
  for (const { step, name, value } of view.state?.changes ?? []) byStep.set(step, { ...byStep.get(step), [name]: value });
  const digits = new Intl.NumberFormat(locale, { maximumSignificantDigits: 4 });
  const said = ([, value], words) => fill(words[value] ?? words.other, { value: digits.format(value) });
  return [...byStep].map(([step, changed]) => {
    const found = Object.entries(changed).filter(([name]) => labels.changes[name]);
    const long = found.map((one) => said(one, labels.changes[one[0]].long)).join(", ");
    return {
      at: Math.max(1, step),  // a logarithmic axis has no 0
      short: found.map((one) => said(one, labels.changes[one[0]].short)).join(" · "),
      long: fill(labels.from_step, { change: long, step: number(step + 1, 0) }),
    };
  });
}

// Signs at the top, each only where it does not run into another: the others are told by the pointer
function signs(view, found) {
  const { l, r } = margins(view), width = Math.max(1, view.chart.clientWidth - l - r), { x: log } = view.log, last = onAxis(Math.max(2, lastStep(view)), log);
  let free = Infinity;
  return found.toReversed().flatMap(({ at, short, long }) => {  // the newest one first
    const place = onAxis(at, log) / last * width, size = short.length * SIGN_LETTER_PX * scaleOf(view), right = place + size < width;
    const [from, to] = right ? [place, place + size] : [place - size, place];
    if (from < 0 || to > Math.min(free, width)) {
      free = Math.min(free, place);
      return [];
    }
    free = from - SIGN_GAP_PX;
    return [{ xref: "x", x: onAxis(at, log), xanchor: right ? "left" : "right", xshift: right ? 3 : -3, yref: "paper", y: 1, yanchor: "top",
      text: short, hovertext: long, showarrow: false, font: { size: letters(view.root, 11.5) }, bgcolor: groundColour(view.root), borderpad: 1 }];
  });
}

const markLines = (found, colour) => found.map(({ at }) => ({ type: "line", xref: "x", x0: at, x1: at, yref: "paper", y0: 0, y1: 1,
  line: { color: colour, width: 1, dash: "dot" }, opacity: 0.75, layer: "below" }));

// Before the first run, where the reference lines leave most room: what will be seen here
function soon(view, [low, high]) {
  const lines = [low, ...shownLines(view).map(({ value }) => onAxis(value, view.log.y)), high].toSorted((a, b) => a - b);
  const gaps = lines.slice(1).map((line, i) => ({ size: line - lines[i], middle: (line + lines[i]) / 2 }));
  const { middle } = gaps.reduce((best, gap) => gap.size > best.size ? gap : best);
  return { xref: "paper", x: 0.5, yref: "y", y: middle, text: wrap(view.data.labels.no_curve, 34).join("<br>"), showarrow: false,
    font: { size: letters(view.root, 14) }, opacity: 0.85, bgcolor: groundColour(view.root), borderpad: 8 };
}

// On the chart itself, so that no picture of it is taken for a training that goes on
const replaySign = (view) => ({ xref: "paper", x: 0.5, yref: "paper", y: 1, yanchor: "top", showarrow: false, text: `<b>↻ ${view.data.labels.replay.sign}</b>`,
  font: { size: letters(view.root, 17) }, bgcolor: groundColour(view.root), bordercolor: view.data.colours.reference, borderwidth: 1.5, borderpad: 5 });

function wrap(label, width = 22) {
  const lines = [""];
  for (const word of label.split(" ")) {
    if ((lines.at(-1) + " " + word).length > width && lines.at(-1)) lines.push(word);
    else lines[lines.length - 1] += (lines.at(-1) ? " " : "") + word;
  }
  return lines;
}

function layout(view) {
  const { labels, separators, colours } = view.data, { log } = view, last = lastStep(view);
  const style = getComputedStyle(view.root), text = style.color;
  const grid = "rgba(128,128,128,0.2)", range = lossRange(view), changed = marks(view);
  const kind = (name) => ({ type: log[name] ? "log" : "linear", uirevision: `${view.data.url} ${log[name]}` });  // else an old zoom would stay
  const axis = { automargin: false, zeroline: false, gridcolor: grid, linecolor: grid, title: { font: { size: letters(view.root, 12.5) } } };
  return {
    uirevision: view.data.url ?? "empty",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", separators, margin: margins(view), autosize: true,
    font: { color: text, family: style.fontFamily, size: letters(view.root, 12) },
    hovermode: "x unified", dragmode: "zoom",
    hoverlabel: { bgcolor: groundColour(view.root), font: { color: text } },
    legend: { orientation: "h", x: 0, y: 1.005, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)", font: { size: letters(view.root, 11) } },
    xaxis: { ...axis, ...kind("x"), showgrid: false, range: log.x ? [0, Math.log10(Math.max(2, last))] : [0, last], title: { ...axis.title, text: labels.steps_axis, standoff: 6 },
      showspikes: false,
      unifiedhovertitle: { text: `${labels.step} %{x:,d}` } },
    yaxis: { ...axis, ...kind("y"), range, title: { ...axis.title, text: labels.loss_axis, standoff: 8 } },
    yaxis2: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },  // of the marks: no zoom moves them
    shapes: [...markLines(changed, colours.reference), ...shownLines(view).map(({ value }) => ({ type: "line", xref: "paper", x0: 0, x1: 1, yref: "y", y0: value, y1: value,
      line: { color: colours.reference, width: 1.4, dash: "dot" }, layer: "below" }))],
    annotations: [...referenceLabels(view, range), ...signs(view, changed), ...(view.data.url ? [] : [soon(view, range)]),
      ...(view.data.replay ? [replaySign(view)] : [])],
  };
}

// The picture in words: the curves, and what they are compared with
function chartWords(view) {
  const { labels } = view.data, curves = ["smooth", "val"].map((name) => curveWords(view, labels.curve, labels[name], view.state?.[name] ?? {}));
  const lines = shownLines(view).map(({ label }) => label).join("; ");
  return [`${view.data.replay ? labels.replay.chart : labels.chart}.`, ...curves, lines && fill(labels.lines, { lines })].filter(Boolean).join(" ");
}

// Where there is no room beside the chart: what the letters at the lines stand for
function showLines(view) {
  const lines = shownLines(view).toSorted((a, b) => b.value - a.value);
  view.lines.hidden = !isNarrow(view);
  while (view.lines.children.length > lines.length) view.lines.lastChild.remove();
  lines.forEach(({ label }, n) => {
    write(view.lines.children[n] ?? element("span", "", view.lines), `${String.fromCharCode(97 + n)}\u00a0\u00a0${label}`);
  });
}

async function draw(view) {
  const { labels, locale } = view.data;
  chooseAxes(view);
  showAxes(view);
  showLines(view);
  view.chart.setAttribute("aria-label", chartWords(view));  // an image has a name before it is drawn
  const Plotly = await loadPlotly(view.data.script);
  if (!view.mounted) return;
  const config = {
    displaylogo: false, displayModeBar: false, locale,
    locales: { [locale]: { dictionary: { "Double-click to zoom back out": labels.hint }, format: {} } },
  };
  const height = plotHeight(view);
  await Plotly.react(view.chart, traces(view), layout(view), config);
  if (view.mounted && plotHeight(view) !== height) await Plotly.react(view.chart, traces(view), layout(view), config);
}

/** Everything of the moment that `view.state` tells. */
async function showMoment(view) {
  showFigures(view);
  showSamples(view);
  showStatus(view, null);
  await draw(view);
}

// Asking

const UNSEEN = { val: { x: [], y: [] }, val_loss: null, val_error: null, accuracy: null };

async function ask(view) {
  const answer = await fetch(new URL(view.data.url, document.baseURI), { cache: "no-cache" });
  if (answer.status === 404) return "gone";
  if (!answer.ok) throw new Error(answer.status);
  const tag = answer.headers.get("etag");
  view.again = Number(answer.headers.get("ask-again")) || 0;  // later in a large class
  return tag && tag === view.tag ? "same" : { tag, state: await answer.json() };
}

async function poll(view) {
  clearTimeout(view.timer);
  const asked = view.data, url = asked.url;
  if (!view.mounted || !url || asked.replay || document.hidden || view.asking) return;
  view.asking = true;
  let failure = null;
  try {
    const answer = await ask(view);
    if (asked !== view.data) return;  // the script knows something newer, or another run was chosen
    view.wait = Math.max(view.data.every, view.again);
    if (answer === "gone") failure = "gone";
    else if (answer === "same") noteStep(view);
    else {
      view.state = asked.without_validation ? { ...answer.state, ...UNSEEN } : answer.state;
      view.tag = answer.tag;
      noteStep(view);
      await showMoment(view);
      speak(view);
    }
  } catch {
    failure = "unreachable";
    view.wait = Math.min(SLOWEST_MS, (view.wait || view.data.every) * 2);
  } finally {
    view.asking = false;
    if (view.mounted) {
      showStatus(view, failure);
      const status = failure === "gone" ? "gone" : failure ? null : view.state?.status;
      if (asked !== view.data) poll(view);
      else {
        tell(view, status);
        view.timer = setTimeout(() => poll(view), pause(view, status));
      }
    }
  }
}

function pause(view, status) {
  if (ENDED.includes(status)) return REST_MS;
  if (awaitsFirstPoint(view) || isStopping(view)) return Math.max(SOON_MS, view.again / 3);
  return ["paused", "queued"].includes(status) ? Math.max(HELD_MS, view.wait) : view.wait;
}

// What the script knows counts until the server has answered
const isStopping = ({ state, data }) => !ENDED.includes(state?.status) && (state?.stopping ?? data.stopping);

const awaitsFirstPoint = ({ state }) => ["queued", "running"].includes(state?.status) && !state.queue_position && !state.raw.x.length;

// One rerun of the script for each change, never two: of the status, or of the machine that trains
function tell(view, status) {
  const moved = view.state?.node ?? null, now = `${status} ${moved}`;
  if (!status || (status === view.data.status && moved === view.data.node) || now === view.reported) return;
  view.reported = now;
  view.trigger("status", status);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".mg-live"), view = viewOf(root, build);
  view.mounted = true;
  view.trigger = setTriggerValue;
  if (view.url !== data.url) endReplay(view);
  if (view.url !== data.url) Object.assign(view, { url: data.url, seen: [], state: null, tag: null, reported: undefined, spokenAt: 0 });
  if (view.data?.without_validation !== data.without_validation) view.tag = null;  // what is known now was not shown, or was
  if (view.reported === `${data.status} ${data.node}`) view.reported = undefined;
  if (!data.replay && view.state && data.status !== view.state.status && (ENDED.includes(data.status) || !ENDED.includes(view.state.status))) {
    Object.assign(view.state, { status: data.status, stopping: data.stopping });  // the script has looked later
    view.tag = null;
  } else if (view.state && data.stopping) view.state.stopping = true;
  view.data = data;
  view.wait = data.every;
  root.style.setProperty("--mg-height", `${data.height}px`);
  showFigures(view);
  showSamples(view);
  showStatus(view, null);
  showReplay(view);
  draw(view).catch(() => showStatus(view, "unreachable"));
  if (data.replay) replay(view).catch(() => showStatus(view, "unreachable"));
  else poll(view);

  return () => {  // only when the component leaves the page
    view.mounted = false;
    clearTimeout(view.timer);
    endReplay(view);
    view.resize.disconnect();
    document.removeEventListener("visibilitychange", view.onVisible);
    window.Plotly?.purge(view.chart);
    forget(root);
  };
}
