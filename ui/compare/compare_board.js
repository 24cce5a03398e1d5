// All runs in a table, the ticked ones in one chart. Python sends the rows; the curves are asked for here, and asked for
// again while a run goes on. Runs again on every new `data`.

import { AXIS, chartLayout, letters, roomFor } from "../components/js/chart.js";
import { groundColour, isDark } from "../components/js/colours.js";
import { element, fill } from "../components/js/element.js";
import { keepChoices, recallChoices } from "../components/js/kept.js";
import { curveWords } from "../components/js/spoken.js";
import { forget, viewOf } from "../components/js/view.js";
import { loadPlotly } from "../components/plotly_loader.js";

const KEPT = ["what", "logLoss", "logSteps", "sort"];
const LIVE = ["queued", "running", "paused"];
const COLOURS_LIGHT = ["#0072B2", "#D55E00", "#009E73", "#B0568F", "#B07A00", "#2C8FC9"];
const COLOURS_DARK = ["#56B4E9", "#E8813A", "#2BC49B", "#E39CC4", "#E6B93C", "#8CC6FF"];
const DASHES = ["solid", "dash", "dot"], MARKS = ["■", "╍", "┅"];  // by how many others lie below a line
const SAME = 0.005;  // nats per character: closer curves cannot be told apart
const MARGIN = { l: 40, r: 216, t: 24, b: 34 };
const NARROW_PX = 520;      // a narrower chart has no room beside it: the table below names the lines by their colours
const LABEL = 12, GAP = 9, LABEL_PX = 15, LABEL_CHARACTERS = 30, LABEL_BEGIN = 9;
const MOST_DIFFERENCES = 3;
const COLUMNS = [["run", ""], ["status", "12%"], ["model", "10%"], ["differs", "19%"], ["text", "11%"], ["best", "7.5%", "loss"], ["last", "7.5%", "last"], ["time", "8%", "seconds"]];
const GROUPED = ["best", "last"];  // of the loss on unseen text
const SAVED_HEIGHT = 420;   // of a picture: there is more room for it than on the page
const SAVED_MARGIN = 40;    // more for the labels: a picture is drawn in a font of its own, which may be wider

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

// A long name keeps its begin and, since it ends in what was changed, its end
function cut(text) {
  const all = [...text];
  if (all.length <= LABEL_CHARACTERS) return text;
  return `${all.slice(0, LABEL_BEGIN).join("")}…${all.slice(LABEL_BEGIN + 1 - LABEL_CHARACTERS).join("")}`;
}

function build(root) {
  root.replaceChildren();
  const view = { root, curves: new Map(), tags: new Map(), slots: new Map(), what: "batches", logLoss: false, logSteps: false, sort: "", mounted: true };
  view.bar = element("div", "mg-cmp-bar", root);
  view.chart = element("div", "mg-cmp-chart", root);
  view.chart.setAttribute("role", "img");
  view.box = element("div", "mg-cmp-table", root);
  recallChoices(view, "compare", KEPT);
  view.resize = new ResizeObserver(() => { if (window.Plotly && view.drawn) draw(view); });
  view.resize.observe(view.chart);
  view.onVisible = () => { if (!document.hidden) poll(view); };
  document.addEventListener("visibilitychange", view.onVisible);
  return view;
}

// Above the chart

function showBar(view) {
  const { labels } = view.data;
  view.bar.replaceChildren();
  const kinds = element("div", "mg-cmp-kinds", view.bar);
  for (const what of ["batches", "unseen"]) {
    const button = element("button", "", kinds, labels[what]);
    button.setAttribute("aria-pressed", view.what === what);
    button.onclick = () => { view.what = what; keepChoices(view, "compare", KEPT); showBar(view); draw(view); };
  }
  for (const [name, key] of [["log_loss", "logLoss"], ["log_steps", "logSteps"]]) {
    const label = element("label", "", view.bar);
    const box = element("input", "", label);
    box.type = "checkbox";
    box.checked = view[key];
    box.onchange = () => { view[key] = box.checked; keepChoices(view, "compare", KEPT); draw(view); };
    label.append(labels[name]);
  }
  element("span", "mg-cmp-space", view.bar);
  for (const format of ["png", "svg"]) {
    const button = element("button", "mg-cmp-save", view.bar, format.toUpperCase());
    button.title = labels[format];
    button.setAttribute("aria-label", labels[format]);
    button.disabled = !view.chosen.length;
    button.onclick = () => save(view, format);
  }
}

async function save(view, format) {
  const Plotly = await loadPlotly(view.data.script);
  const paper = groundColour(view.root);
  const width = view.chart.clientWidth + SAVED_MARGIN, height = Math.max(SAVED_HEIGHT, view.data.height), all = lines(view);
  const drawn = layout(view, all, height, false), margin = { ...drawn.margin, r: drawn.margin.r + SAVED_MARGIN };
  const figure = { data: traces(view, all), layout: { ...drawn, margin, paper_bgcolor: paper, plot_bgcolor: paper } };
  const address = await Plotly.toImage(figure, { format, width, height, scale: format === "png" ? 2 : 1 });
  const link = element("a", "", document.body);
  link.href = address;
  link.download = `mini-gpt.${format}`;
  link.click();
  link.remove();
}

// The table

function sorted(view) {
  const { rows } = view.data;
  if (view.sort) return rows.toSorted((a, b) => (a[view.sort] ?? Infinity) - (b[view.sort] ?? Infinity));
  const [first, others] = [true, false].map((wanted) => rows.filter((row) => view.first.includes(row.id) === wanted));
  return [...first, ...others];  // those that were chosen for the reader; what they tick themselves stays where it is
}

// A prepared run was no step of anybody's search: it is not compared, and nothing with it
function differences(view, row, below) {
  const { labels } = view.data;
  if (row.prepared || !below || below.prepared) return labels.first;
  const found = Object.keys(row.settings).filter((name) => row.settings[name] !== below.settings[name])
    .map((name) => `${name} ${below.settings[name]} → ${row.settings[name]}`);
  if (row.model !== below.model) found.splice(0, found.length, `${labels.model} ${below.model} → ${row.model}`);  // it explains the rest
  if (row.text !== below.text) found.unshift(`${labels.text} ${below.text} → ${row.text}`);
  const listed = found.slice(0, MOST_DIFFERENCES), more = found.length - listed.length;
  if (more > 0) listed.push(fill(labels.more, { n: more }));
  return listed.join(" · ") || labels.nothing;
}

function showTable(view) {
  const { labels } = view.data, at = view.box.scrollTop;
  const focused = view.box.contains(document.activeElement) ? document.activeElement.dataset.is : null;
  view.box.replaceChildren();
  const table = element("table", "", view.box), columns = element("colgroup", "", table), heads = element("thead", "", table);
  const upper = element("tr", "", heads), lower = element("tr", "", heads);
  element("col", "", columns).style.width = "52px";
  element("th", "", upper).rowSpan = 2;
  for (const [name, width, sort] of COLUMNS) {
    element("col", "", columns).style.width = width;
    if (name === "best") Object.assign(element("th", "mg-cmp-group", upper, labels.unseen), { colSpan: 2, scope: "colgroup" });
    const grouped = GROUPED.includes(name), cell = element("th", sort ? "mg-cmp-n" : "", grouped ? lower : upper, sort ? undefined : labels[name]);
    cell.rowSpan = grouped ? 1 : 2;
    if (!sort) continue;
    const button = element("button", "", cell, labels[name] + (view.sort === sort ? " ↑" : ""));
    button.title = labels.sort;
    if (grouped) button.setAttribute("aria-label", `${labels[name]}: ${labels.unseen}`);
    button.dataset.is = `sort ${sort}`;
    cell.setAttribute("aria-sort", view.sort === sort ? "ascending" : "none");
    button.onclick = () => { view.sort = view.sort === sort ? "" : sort; keepChoices(view, "compare", KEPT); showTable(view); };
  }
  const body = element("tbody", "", table), rows = sorted(view);
  rows.forEach((row, i) => addRow(view, body, row, rows[i + 1]));
  view.box.scrollTop = at;
  if (view.reveal) reveal(view);
  if (focused) view.box.querySelector(`[data-is="${CSS.escape(focused)}"]`)?.focus();
}

// The top of the table, unless the run that was asked for from elsewhere would be out of sight
function reveal(view) {
  const row = view.box.querySelector(".mg-cmp-focus");
  view.reveal = false;
  view.box.scrollTop = row ? Math.max(0, row.offsetTop + row.offsetHeight - view.box.clientHeight) : 0;
}

function addRow(view, body, row, below) {
  const { labels } = view.data;
  const line = element("tr", row.id === view.focus ? "mg-cmp-focus" : "", body);
  line.onclick = (event) => { if (!event.target.closest("input")) choose(view, view.chosen, row.id); };
  const first = element("td", "", line), box = element("input", "", first), swatch = element("i", "mg-cmp-swatch", first);
  box.type = "checkbox";
  box.dataset.is = `box ${row.id}`;
  box.checked = view.chosen.includes(row.id);
  box.disabled = !box.checked && view.chosen.length >= view.data.most;
  box.setAttribute("aria-label", fill(labels.show, { name: row.name }));
  box.onchange = () => choose(view, box.checked ? [...view.chosen, row.id] : view.chosen.filter((id) => id !== row.id), row.id);
  if (box.checked) swatch.style.background = colourOf(view, row.id);
  const name = element("button", "mg-cmp-name", element("td", "mg-cmp-run", line));
  element("bdi", "", name, row.name);
  name.dataset.is = `name ${row.id}`;
  name.title = [row.name, row.note].filter(Boolean).join("\n");
  const status = element("span", "mg-cmp-status", element("td", row.broke ? "mg-cmp-broke" : "", line));
  status.parentElement.style.setProperty("--k", row.colour);
  status.dataset.run = row.id;
  const model = element("td", "mg-cmp-model", line, row.model);
  model.title = row.about;
  const differs = differences(view, row, below);
  element("div", "mg-cmp-differs", element("td", "", line), differs).title = differs;
  element("bdi", "", element("td", "mg-cmp-text", line), row.text);
  element("td", "mg-cmp-n", line, row.loss_words).title = row.measured.loss;
  const last = element("td", `mg-cmp-n${row.broke ? " mg-cmp-broke" : ""}`, line, row.last_words);
  last.style.setProperty("--k", row.colour);
  last.title = row.measured.last;
  if (row.last_step) element("small", "", last, row.last_step);
  element("td", "mg-cmp-n", line, row.time);
  showStatus(view, status, row);
}

function showStatus(view, cell, row) {
  const now = view.curves.get(row.id), { labels, statuses } = view.data;
  const going = row.live && now && LIVE.includes(now.status);  // how it ended is Python's word: it may have broken down
  const number = new Intl.NumberFormat(view.data.locale);
  const words = going ? fill(labels.step, { status: statuses[now.status] ?? row.word, step: number.format(now.step) }) : row.word;
  if (cell.textContent !== words) cell.textContent = words;
}

function choose(view, chosen, focus) {
  const before = view.chosen.join();
  view.chosen = chosen;
  view.focus = focus;
  takeSlots(view);
  showTable(view);
  if (chosen.join() !== before) { showBar(view); draw(view); poll(view); }
  view.trigger("choice", { chosen, focus });
}

// A run keeps its colour for as long as it is ticked
function takeSlots(view) {
  for (const id of view.slots.keys()) if (!view.chosen.includes(id)) view.slots.delete(id);
  const taken = new Set(view.slots.values());
  for (const id of view.chosen) {
    if (view.slots.has(id)) continue;
    let slot = 0;
    while (taken.has(slot)) slot += 1;
    taken.add(slot);
    view.slots.set(id, slot);
  }
}

function colourOf(view, id) {
  const palette = isDark(view.root) ? COLOURS_DARK : COLOURS_LIGHT;
  return palette[view.slots.get(id) % palette.length];
}

// The chart

const referencesOf = (view) => view.data.references[view.what];  // counted on the same part of the text as the curves

// The lines in the order they are drawn: one's own on top of the prepared ones, a short one on top of a long one. What
// lies on another one is dashed, so that both are seen. Python's names for a choice follow it
function lines(view) {
  const rows = new Map(view.data.rows.map((row) => [row.id, row]));
  const all = view.chosen.filter((id) => rows.has(id) && view.curves.has(id)).map((id) => {
    const curve = view.curves.get(id), main = view.what === "unseen" ? curve.val : curve.smooth, row = rows.get(id);
    return { id, name: view.data.names[id] ?? row.name, prepared: row.prepared, colour: colourOf(view, id), main, raw: curve.raw };
  }).filter((line) => line.main.x.length);
  all.sort((a, b) => b.prepared - a.prepared || b.main.x.at(-1) - a.main.x.at(-1));
  return all.map((line, i) => {
    const below = all.slice(0, i).filter((other) => coincide(other.main, line.main)).length;
    const round = Math.floor(view.slots.get(line.id) / COLOURS_LIGHT.length);
    return { ...line, dash: DASHES[Math.min(below + round, DASHES.length - 1)] };
  });
}

// Whether two curves are the same where both have points: at least two of them
function coincide(a, b) {
  const known = new Map(a.x.map((x, i) => [x, a.y[i]]));
  const apart = b.x.map((x, i) => Math.abs(known.get(x) - b.y[i])).filter((gap) => !Number.isNaN(gap));
  return apart.length > 1 && apart.every((gap) => gap < SAME);
}

function limits(view, all) {
  const losses = all.flatMap((line) => line.main.y).filter(isFinite), known = referencesOf(view).map((line) => line.value);
  if (!losses.length && !known.length) return [0, 1];
  const top = known.length ? Math.max(...known) : Infinity, starts = all.map((line) => line.main.y[0]);
  const high = Math.max(...known, Math.min(Math.max(...starts, ...(known.length ? [] : losses)), 1.25 * top));
  const low = Math.min(...losses.filter((loss) => loss <= high), ...known);
  return view.logLoss ? [Math.max(low * 0.95, 0.01), high * 1.04] : [low - 0.05 * (high - low), high + 0.04 * (high - low)];
}

const scaleOf = ({ root }) => letters(root, LABEL) / LABEL;  // larger at the front of a room

// Labels at the right, none on top of another
function spread(wanted, height, apart) {
  const order = wanted.map((_, i) => i).toSorted((a, b) => wanted[a] - wanted[b]), places = [...wanted];
  let free = -Infinity;
  for (const i of order) places[i] = free = Math.max(wanted[i], free + apart);
  free = height + 26 + apart;
  for (const i of order.toReversed()) places[i] = free = Math.min(places[i], free - apart);
  return places;
}

function layout(view, all, height = view.data.height, narrow = view.chart.clientWidth < NARROW_PX) {
  const { data } = view, { labels } = data, references = referencesOf(view);
  const [low, high] = limits(view, all), scale = view.logLoss ? Math.log10 : (y) => y;
  const margin = Object.fromEntries(Object.entries(MARGIN).map(([side, room]) => [side, room * scaleOf(view)]));
  const inner = height - margin.t - margin.b;
  const pixel = (y) => (scale(high) - scale(Math.min(Math.max(y, low), high))) / (scale(high) - scale(low)) * inner;
  const ends = [...references.map((line) => ({ y: line.value, text: narrow ? escape(line.label) : `┄ ${escape(line.label)}`, faint: true })),
    ...(narrow ? [] : all).map((line) => ({ y: line.main.y.at(-1), text: `<span style="color:${line.colour}">${MARKS[DASHES.indexOf(line.dash)]}</span> ${escape(cut(line.name))}` }))];
  const at = ends.map((end) => pixel(end.y)), places = spread(at, inner, LABEL_PX * scaleOf(view));
  const planned = all.length ? [] : view.chosen.map((id) => view.curves.get(id)?.steps ?? 1);  // they wait, or have just begun
  const last = Math.max(1, ...planned, ...all.map((line) => line.main.x.at(-1)));
  const words = { showarrow: false, font: { size: letters(view.root, LABEL) }, align: "left", xanchor: "left", xref: "paper" };
  return {
    ...chartLayout(view.root, data.separators), height, autosize: true,
    margin: narrow ? { ...margin, r: 10 } : { ...margin, r: roomFor(view.root, ends.map((end) => end.text), letters(view.root, LABEL), GAP, margin.r) },
    xaxis: { ...AXIS, showgrid: false, type: view.logSteps ? "log" : "linear", range: view.logSteps ? [0, Math.log10(last)] : [0, last],
      title: { text: labels.x, font: { size: letters(view.root, 12) }, standoff: 2 }, unifiedhovertitle: { text: `${labels.x} %{x:,d}` } },
    yaxis: { ...AXIS, type: view.logLoss ? "log" : "linear", range: [scale(low), scale(high)], nticks: 7 },
    shapes: references.map((line) => ({ type: "line", xref: "paper", x0: 0, x1: 1, yref: "y", y0: line.value, y1: line.value,
      line: { color: data.grey, width: 1.3, dash: "dot" }, layer: "below" })),
    annotations: [
      { ...words, x: 0, xshift: 1 - margin.l, yref: "paper", y: 1, yanchor: "bottom", yshift: 4, text: labels[`y_${view.what}`] },
      ...ends.map((end, i) => ({ ...words, ...(narrow ? { xanchor: "right", bgcolor: groundColour(view.root) } : { xshift: GAP }), x: 1, yref: "paper", y: 1, yanchor: "middle", yshift: -places[i], text: end.text, opacity: end.faint ? 0.8 : 1 })),
      ...(all.length ? [] : [{ ...words, xanchor: "center", x: 0.5, yref: "paper", y: 0.6, text: labels.empty, opacity: 0.75, font: { size: letters(view.root, 14) } }]),
    ],
  };
}

function traces(view, all) {
  const raw = view.what === "unseen" ? [] : all.map((line) => ({
    type: "scatter", mode: "lines", x: line.raw.x, y: line.raw.y, opacity: 0.22, line: { color: line.colour, width: 1 }, hoverinfo: "skip" }));
  return [...raw, ...all.map((line) => ({
    type: "scatter", mode: view.what === "unseen" ? "lines+markers" : "lines", x: line.main.x, y: line.main.y, name: escape(cut(line.name)),
    hovertemplate: "%{y:.2f}", line: { color: line.colour, width: 2.3, dash: line.dash }, marker: { size: 5 } }))];
}

async function draw(view) {
  view.chart.setAttribute("aria-label", view.data.labels.chart);  // an image has a name before it is drawn
  const Plotly = await loadPlotly(view.data.script);
  if (!view.mounted || !view.root.isConnected) return;
  const all = lines(view);
  view.chart.style.height = `${view.data.height}px`;
  view.chart.setAttribute("aria-label", `${view.data.labels.chart}. ${all.map((line) => curveWords(view, view.data.labels.curve, line.name, line.main)).join(" ")}`);
  await Plotly.react(view.chart, traces(view, all), layout(view, all), { displayModeBar: false, responsive: true });
  view.drawn = true;
}

// Curves

const wanted = (view) => view.data.rows.filter((row) => row.live || (view.chosen.includes(row.id) && !view.curves.has(row.id)));

async function ask(view, row) {
  const tag = view.tags.get(row.id);
  const answer = await fetch(new URL(view.data.api + row.id, document.baseURI), { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  if (answer.status === 304) return false;
  if (!answer.ok) throw new Error(`${answer.status}`);
  view.tags.set(row.id, answer.headers.get("ETag"));
  view.curves.set(row.id, await answer.json());
  return true;
}

async function poll(view) {
  clearTimeout(view.timer);
  if (!view.mounted || document.hidden) return;
  if (view.asking) { view.again = true; return; }
  view.asking = true;
  const rows = wanted(view);
  const news = await Promise.all(rows.map((row) => ask(view, row).catch(() => false)));
  view.asking = false;
  if (!view.mounted) return;
  rows.forEach((row, i) => { if (news[i]) { const cell = view.box.querySelector(`[data-run="${CSS.escape(row.id)}"]`); if (cell) showStatus(view, cell, row); } });
  if (rows.some((row, i) => news[i] && view.chosen.includes(row.id))) draw(view);
  const changed = rows.find((row) => row.live && view.curves.has(row.id) && view.curves.get(row.id).status !== row.status);
  if (changed) {
    const said = `${changed.id} ${view.curves.get(changed.id).status}`;
    if (view.said !== said) { view.said = said; view.trigger("status", said); }
  }
  if (view.again) { view.again = false; poll(view); }
  else if (view.data.rows.some((row) => row.live)) view.timer = setTimeout(() => poll(view), view.data.every);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".mg-compare"), view = viewOf(root, build);
  Object.assign(view, { data, trigger: setTriggerValue, mounted: true, said: null });
  if (view.revision !== data.revision) Object.assign(view, { revision: data.revision, chosen: data.chosen, first: data.chosen, focus: data.focus, reveal: true });
  const known = new Set(data.rows.map((row) => row.id));
  view.chosen = view.chosen.filter((id) => known.has(id));
  if (!known.has(view.focus)) view.focus = data.focus;
  for (const row of data.rows) {  // it went on or ended since: what was kept of it is old
    if (!row.live && view.curves.has(row.id) && view.curves.get(row.id).status !== row.status) view.curves.delete(row.id);
  }
  takeSlots(view);
  showBar(view);
  showTable(view);
  draw(view).catch(() => {});
  poll(view);

  return () => {  // only when the component leaves the page
    view.mounted = false;
    clearTimeout(view.timer);
    view.resize.disconnect();
    document.removeEventListener("visibilitychange", view.onVisible);
    if (view.drawn) window.Plotly?.purge(view.chart);
    forget(root);
  };
}
