// Who looks where. Python sends the queries and keys of every head once; scores, mask and softmax are calculated here,
// so pointing, choosing and comparing need no answer from the server. Runs again on every new `data`.
//
// A head has a number n = layer · heads + head. A pattern is a Float32Array of T · T: row i says where i looks.

const RAMP = {  // from no attention to all of it: one hue, told apart by colour-blind people
  light: [[251, 250, 247], [198, 219, 239], [107, 174, 214], [33, 113, 181], [8, 48, 107]],
  dark: [[20, 24, 31], [19, 55, 88], [30, 108, 168], [86, 180, 233], [236, 248, 255]],
};
const ARCS = 16, FAINTEST = 0.01, LABELLED = 0.08;
const NEAR = 28;              // characters a side of the enlarged map
const READABLE = 8;           // pixels a character needs on an axis
const NARROWEST = 10.5;       // pixels of a character in a text of several lines
const BARS = 5, STEP_ROWS = 6, MASKED_ROWS = 2;
const views = new WeakMap();

const element = (tag, name, parent, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  parent?.appendChild(made);
  return made;
};
const shape = (tag, attributes, parent) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.appendChild(made);
  return made;
};
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

// The calculation

function decode(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

function dot(q, k, i, j, size) {
  let sum = 0;
  for (let c = 0, a = i * size, b = j * size; c < size; c++) sum += q[a + c] * k[b + c];
  return sum;
}

function patternOf(q, k, T, size) {
  const pattern = new Float32Array(T * T);
  for (let i = 0; i < T; i++) {
    let most = -Infinity, total = 0;
    for (let j = 0; j <= i; j++) most = Math.max(most, pattern[i * T + j] = dot(q, k, i, j, size) / Math.sqrt(size));
    for (let j = 0; j <= i; j++) total += pattern[i * T + j] = Math.exp(pattern[i * T + j] - most);
    for (let j = 0; j <= i; j++) pattern[i * T + j] /= total;
  }
  return pattern;
}

function meanOf(patterns) {
  const mean = new Float32Array(patterns[0].length);
  for (const pattern of patterns) for (let i = 0; i < mean.length; i++) mean[i] += pattern[i] / patterns.length;
  return mean;
}

function calculate(view) {
  const { layers, heads, length: T, size } = view.data;
  const [q, k] = [decode(view.data.queries), decode(view.data.keys)], each = T * size;
  const part = (x, n) => x.subarray(n * each, (n + 1) * each);
  view.q = Array.from({ length: layers * heads }, (_, n) => part(q, n));
  view.k = view.q.map((_, n) => part(k, n));
  view.patterns = view.q.map((mine, n) => patternOf(mine, view.k[n], T, size));
  view.means = {};
}

function shown(view) {
  const { heads } = view.data, layer = Math.floor(view.head / heads);
  if (view.mean === "one") return view.patterns[view.head];
  const name = view.mean === "all" ? "all" : `layer ${layer}`;
  const some = view.mean === "all" ? view.patterns : view.patterns.slice(layer * heads, (layer + 1) * heads);
  return view.means[name] ??= meanOf(some);
}

// What one character's row (where it looks) or column (who looks at it) says: [[place, share], …], the largest first
function sharesOf(view, place) {
  const T = view.data.length, pattern = shown(view), shares = [];
  if (view.back) for (let j = 0; j <= place; j++) shares.push([j, pattern[place * T + j]]);
  else for (let i = place; i < T; i++) shares.push([i, pattern[i * T + place]]);
  return shares.sort((a, b) => b[1] - a[1]);
}

// Words and numbers

const charAt = (view, place) => view.data.characters[view.data.ids[place]];
const number = (view, x, digits = 0) => x.toLocaleString(view.data.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (view, x, digits = x > 0 && x < 0.0995 ? 1 : 0) => {
  return `${number(view, 100 * x, digits)}\u202f%`;
};
const score = (view, x) => (Math.abs(x) >= 1e5 ? x.toExponential(1).replace("e+", "e") : number(view, x, Math.abs(x) >= 1000 ? 0 : 2)).replace("-", "−");
const placeName = (view, place) => number(view, place + view.data.first);
const faceOf = (view, place) => charAt(view, place)[0];
const quoted = (view, place) => fill(view.data.labels.quoted, { c: charAt(view, place)[1] });

function headName(view) {
  const { labels, layers, heads } = view.data, layer = Math.floor(view.head / heads) + 1;
  if (view.mean === "all") return fill(labels.mean_all, { n: number(view, layers * heads) });
  if (view.mean === "layer") return fill(labels.mean_layer, { layer: number(view, layer), n: number(view, heads) });
  return nameOf(view, view.head);
}

function nameOf(view, n) {
  const { labels, heads } = view.data;
  return fill(labels.head_n, { layer: number(view, Math.floor(n / heads) + 1), head: number(view, n % heads + 1) });
}

// Colours: the root of a share, so that small ones can be told apart; the scale says so

function isDark(root) {
  const [red, green, blue] = getComputedStyle(root).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 384;  // light text
}

function rgb(view, share) {
  const place = Math.sqrt(clamp(share, 0, 1)) * (view.ramp.length - 1), low = Math.min(Math.floor(place), view.ramp.length - 2);
  return view.ramp[low].map((a, i) => Math.round(a + (view.ramp[low + 1][i] - a) * (place - low)));
}

const css = (colour) => `rgb(${colour.join(",")})`;

function ink(colour) {
  const [r, g, b] = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

// The frame

function build(root) {
  root.replaceChildren();
  const view = { root, head: 0, mean: "one", back: true, near: false, steps: false, place: 0, pinned: 0, column: null, key: null };
  buildBar(view);
  view.strip = element("div", "mg-att-strip", root);
  view.arcs = shape("svg", { class: "mg-att-arcs", "aria-hidden": "true" }, view.strip);
  view.text = element("div", "mg-att-text", view.strip);
  view.text.tabIndex = 0;
  view.origin = element("div", "mg-att-origin", view.strip);
  view.text.setAttribute("role", "group");
  view.spoken = element("div", "mg-hidden", root);
  view.spoken.setAttribute("aria-live", "polite");
  const body = element("div", "mg-att-body", root);
  const left = element("div", "mg-att-left", body);
  view.gridBox = element("div", "mg-att-heads", left);
  view.scale = element("div", "mg-att-scale", left);
  view.middle = element("div", "mg-att-middle", body);
  view.side = element("div", "mg-att-side", body);
  buildMap(view);
  view.calculation = element("div", "mg-att-steps", view.middle);
  listen(view);
  view.watch = new ResizeObserver(() => {
    if (view.data && root.clientWidth !== view.width) layOut(view);
  });
  view.watch.observe(root);
  return view;
}

function buildBar(view) {
  const bar = element("div", "mg-att-bar", view.root);
  view.hint = element("div", "mg-att-hint", bar);
  view.choices = [];
  const group = (values, of) => {
    const box = element("div", "mg-att-choice", bar);
    for (const [value, label] of values) {
      const button = element("button", "", box);
      button.type = "button";
      button.onclick = () => { Object.assign(view, { [of]: value }); refresh(view); };
      view.choices.push({ button, of, value, label });
    }
  };
  group([["one", "one"], ["layer", "layer"], ["all", "all"]], "mean");
  group([[true, "back"], [false, "by"]], "back");
}

function buildMap(view) {
  const box = view.mapBox = element("div", "mg-att-map", view.middle);
  view.mapTitle = element("div", "mg-att-map-title", box);
  view.mapFrame = element("div", "mg-att-frame", box);
  view.canvas = element("canvas", "", view.mapFrame);
  view.canvas.tabIndex = 0;
  view.canvas.setAttribute("role", "img");
  view.tip = element("div", "mg-att-tip", view.mapFrame);
  view.tip.hidden = true;
}

function listen(view) {
  const placeOf = (event) => {
    const cell = event.target.closest?.("[data-place]");
    return cell && view.root.contains(cell) ? Number(cell.dataset.place) : null;
  };
  view.text.onpointermove = (event) => { const place = placeOf(event); if (place !== null && place !== view.place) pointInText(view, place); };
  view.text.onpointerleave = () => pointInText(view, view.pinned);
  view.text.onclick = (event) => { const place = placeOf(event); if (place !== null) pin(view, place); };
  view.text.onkeydown = (event) => walk(view, event);
  view.canvas.onpointermove = (event) => overMap(view, event, false);
  view.canvas.onclick = (event) => overMap(view, event, true);
  view.canvas.onpointerleave = () => { view.tip.hidden = true; point(view, view.pinned); };
  view.canvas.onkeydown = (event) => walkMap(view, event);
}

// Pointing and choosing

function point(view, place, column = null) {
  Object.assign(view, { place, column });
  if (isDark(view.root) !== view.dark) return layOut(view);  // somebody has changed the theme
  drawLooks(view);
  drawMap(view);
  drawSide(view);
}

function pointInText(view, place) {
  if (view.near) centre(view, place);
  point(view, place);
}

function pin(view, place, column = null) {
  Object.assign(view, { pinned: place, key: null });
  if (view.near) centre(view, place);
  point(view, place, column);
  if (view.steps) drawSteps(view);
  say(view);
}

function choose(view, n) {
  Object.assign(view, { head: n, mean: "one" });
  refresh(view);
}

const STRIDES = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

function walk(view, event) {
  const line = { ArrowUp: -view.perLine, ArrowDown: view.perLine }[event.key] ?? STRIDES[event.key];
  if (!line) return;
  event.preventDefault();
  pin(view, clamp(view.pinned + line, 0, view.data.length - 1));
}

function walkMap(view, event) {
  const strides = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!strides) return;
  event.preventDefault();
  const row = clamp(view.pinned + strides[0], 0, view.data.length - 1);
  const column = clamp((view.column ?? row) + strides[1], 0, row);
  pin(view, row, column);
  view.spoken.textContent = pairWords(view, row, column);
}

function say(view) {
  const parts = sharesOf(view, view.pinned).slice(0, 3).map(([place, share]) => `${quoted(view, place)} ${percent(view, share)}`);
  view.spoken.textContent = `${headName(view)}: ${lookWords(view, view.pinned)} ${parts.join(", ")}`;
}

const lookWords = (view, place) => fill(view.back ? view.data.labels.looks : view.data.labels.seen_by, { character: quoted(view, place), n: placeName(view, place) });

function pairWords(view, row, column) {
  if (column > row) return view.data.labels.later;
  return `${quoted(view, row)} → ${quoted(view, column)}: ${percent(view, shown(view)[row * view.data.length + column])}`;
}

// Drawing everything

function refresh(view) {
  drawBar(view);
  markGrid(view);
  view.picture = null;
  view.mapBox.hidden = view.steps;
  view.calculation.hidden = !view.steps;
  view.root.dataset.mode = view.steps ? "steps" : "map";
  point(view, view.pinned, view.column);
  if (view.steps) drawSteps(view);
  say(view);
}

function layOut(view) {
  view.width = view.root.clientWidth;
  if (!view.width) return;
  view.dark = isDark(view.root);
  view.ramp = view.dark ? RAMP.dark : RAMP.light;
  drawText(view);
  drawGrid(view);
  refresh(view);
}

function drawBar(view) {
  const { labels } = view.data;
  view.hint.textContent = labels.point;
  for (const { button, of, value, label } of view.choices) {
    button.textContent = labels[label];
    button.setAttribute("aria-pressed", String(view[of] === value));
  }
  view.scale.replaceChildren();
  element("span", "", view.scale, labels.scale);
  const box = element("span", "mg-att-ramp", view.scale);
  const stops = Array.from({ length: 11 }, (_, i) => `${css(rgb(view, (i / 10) ** 2))} ${10 * i}%`);
  box.style.background = `linear-gradient(90deg, ${stops})`;
  for (const share of [0, 0.05, 0.25, 1]) {
    const mark = element("i", "", box, percent(view, share, 0));
    mark.style.left = `${100 * Math.sqrt(share)}%`;
  }
}

// The text and its arcs

function drawText(view) {
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

function drawLooks(view) {
  const shares = sharesOf(view, view.place), known = new Map(shares), labelled = labelledOf(view, shares);
  view.cells.forEach((cell, place) => {
    const share = known.get(place), colour = share === undefined ? null : rgb(view, share);
    cell.style.background = colour && share > 0.004 ? css(colour) : "";
    cell.style.color = colour && share > 0.004 ? ink(colour) : "";
    cell.classList.toggle("mg-att-here", place === view.place);
    cell.classList.toggle("mg-att-out", share === undefined && view.back);
    cell.dataset.share = labelled.has(place) ? percent(view, share) : "";
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
  for (const [place, share] of shares.slice(0, ARCS).reverse()) {
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

// The grid of all heads

function drawGrid(view) {
  const { labels, layers, heads } = view.data, box = view.gridBox;
  const room = view.width >= 1100 ? 430 : 326, tile = clamp(Math.floor((room - 22) / heads) - 6, 30, heads <= 2 ? 104 : layers > 3 ? 58 : 86);
  box.replaceChildren();
  box.parentElement.style.width = `${room}px`;
  const title = element("div", "mg-att-title", box, labels.grid);
  title.title = fill(layers === 1 ? labels.grid_hint_one : labels.grid_hint, { n: number(view, layers), heads: number(view, heads) });
  const grid = element("div", "mg-att-grid", box);
  grid.style.gridTemplateColumns = `16px repeat(${heads}, ${tile}px)`;
  grid.dataset.small = tile < 56;
  view.tiles = [];
  for (let layer = 0; layer < layers; layer++) {
    element("div", "mg-att-layer", grid, fill(labels.layer_n, { n: number(view, layer + 1) }));
    for (let head = 0; head < heads; head++) view.tiles.push(tileOf(view, grid, layer * heads + head, tile));
  }
  grid.onkeydown = (event) => walkGrid(view, event);
}

function tileOf(view, grid, n, size) {
  const about = view.data.about[n], button = element("button", "mg-att-tile", grid);
  button.type = "button";
  button.setAttribute("aria-label", `${nameOf(view, n)}. ${about.tip}`);
  button.dataset.tip = `${nameOf(view, n)} · ${about.tip}`;
  button.onclick = () => choose(view, n);
  const canvas = element("canvas", "", button), pixels = Math.round(size * devicePixelRatio);
  canvas.width = canvas.height = pixels;
  canvas.style.height = `${size}px`;
  paint(view, canvas.getContext("2d"), view.patterns[n], pixels);
  element("span", about.clear ? "" : "mg-att-vague", button, about.caption);
  return button;
}

// A whole pattern on a small square: where many cells share a pixel, the largest share counts, so that thin lines stay
function paint(view, context, pattern, pixels) {
  const T = view.data.length, picture = bitmap(view, pattern, Math.min(T, pixels));
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, pixels, pixels);
}

function bitmap(view, pattern, side) {
  const T = view.data.length, canvas = document.createElement("canvas"), most = new Float32Array(side * side).fill(-1);
  for (let i = 0; i < T; i++) {
    for (let j = 0; j <= i; j++) {
      const at = Math.floor(i * side / T) * side + Math.floor(j * side / T);
      most[at] = Math.max(most[at], pattern[i * T + j]);
    }
  }
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d"), image = context.createImageData(side, side);
  most.forEach((share, at) => {
    if (share >= 0) image.data.set([...rgb(view, share), 255], 4 * at);  // what nobody may look at stays clear
  });
  context.putImageData(image, 0, 0);
  return canvas;
}

function markGrid(view) {
  const { heads } = view.data, layer = Math.floor(view.head / heads);
  view.tiles.forEach((tile, n) => {
    const chosen = view.mean === "all" || (view.mean === "layer" ? Math.floor(n / heads) === layer : n === view.head);
    tile.setAttribute("aria-pressed", String(chosen));
    tile.tabIndex = n === view.head ? 0 : -1;
  });
}

function walkGrid(view, event) {
  const { heads } = view.data, stride = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -heads, ArrowDown: heads }[event.key];
  if (!stride || !(view.head + stride in view.tiles)) return;
  event.preventDefault();
  choose(view, view.head + stride);
  view.tiles[view.head].focus();
}

// One head large

function frame(view) {
  const { length: T } = view.data, near = view.near && T > NEAR;
  const size = clamp(view.middle.clientWidth - 4, 200, view.width >= 1100 ? 400 : 352);
  const side = near ? NEAR : T, margin = size / side >= READABLE ? 15 : 18;
  return { near, side, size, margin, cell: (size - margin) / side, row: near ? view.row : 0, left: near ? view.left : 0 };
}

function centre(view, place) {
  const end = Math.max(view.data.length - NEAR, 0);
  view.row = clamp(place - Math.floor(NEAR / 2), 0, end);
  view.left = view.row;
}

function drawMap(view) {
  if (view.steps) return;
  const { length: T, labels } = view.data, at = view.frame = frame(view), ratio = devicePixelRatio;
  drawMapTitle(view, at);
  const { canvas } = view, pixels = Math.round(at.size * ratio);
  if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
  canvas.style.width = canvas.style.height = `${at.size}px`;
  canvas.setAttribute("aria-label", `${labels.map_hint} ${headName(view)}`);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, at.size, at.size);
  hatch(view, context, at);
  view.picture ??= bitmap(view, shown(view), T);
  context.imageSmoothingEnabled = false;
  context.save();
  context.beginPath();
  context.rect(at.margin, at.margin, at.size - at.margin, at.size - at.margin);
  context.clip();
  context.drawImage(view.picture, at.left, at.row, at.side, at.side, at.margin, at.margin, at.side * at.cell, at.side * at.cell);
  context.restore();
  drawCross(view, context, at);
  drawAxes(view, context, at);
}

function drawMapTitle(view, at) {
  const { labels, length: T } = view.data;
  const words = `${at.near}${T}${view.data.locale}`;
  if (view.mapTitle.dataset.words === words) return;
  view.mapTitle.dataset.words = words;
  view.mapTitle.replaceChildren();
  element("span", "", view.mapTitle, `${labels.who} · ${labels.whom}`);
  if (T <= NEAR) return;
  const button = element("button", "mg-att-link", view.mapTitle, at.near ? labels.whole : labels.near);
  button.type = "button";
  button.onclick = () => { view.near = !view.near; centre(view, view.pinned); drawMap(view); };
}

function hatch(view, context, at) {
  const { margin, size } = at;
  context.save();
  context.beginPath();
  context.rect(margin, margin, size - margin, size - margin);
  context.clip();
  context.strokeStyle = view.dark ? "rgba(255,255,255,0.07)" : "rgba(30,36,48,0.08)";
  context.lineWidth = 1;
  for (let x = margin - size; x < size; x += 7) {
    context.beginPath();
    context.moveTo(x, size);
    context.lineTo(x + size, 0);
    context.stroke();
  }
  context.restore();
}

function drawCross(view, context, at) {
  const { margin, cell, size } = at, accent = getComputedStyle(view.root).getPropertyValue("--st-primary-color").trim() || "#0B5FA5";
  const y = margin + (view.place - at.row) * cell, x = margin + (view.place - at.left) * cell;
  context.strokeStyle = accent;
  context.lineWidth = 1.5;
  const inside = (z) => z > margin - cell && z < size;
  if (view.back && inside(y)) context.strokeRect(margin, y, Math.min((view.place - at.left + 1) * cell, size - margin), Math.max(cell, 2));
  if (!view.back && inside(x)) context.strokeRect(x, Math.max(y, margin), Math.max(cell, 2), size - Math.max(y, margin));
  if (view.column !== null) {
    context.lineWidth = 2.5;
    context.strokeRect(margin + (view.column - at.left) * cell - 1, y - 1, cell + 2, cell + 2);
  }
}

function drawAxes(view, context, at) {
  const { margin, cell, side } = at, style = getComputedStyle(view.text);
  const letters = cell >= READABLE * 0.82, size = clamp(cell * 1.05, 8.5, 13);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let n = 0; n < side; n++) {
    for (const across of [true, false]) {
      const place = n + (across ? at.left : at.row);
      if (place >= view.data.length) continue;
      const here = view.back === across ? place === view.column : place === view.place;
      if (!letters && !here) continue;
      context.font = `${here ? 800 : 500} ${here ? Math.max(size, 12) : size}px ${style.fontFamily}`;
      context.fillStyle = style.color;
      context.globalAlpha = here || !letters ? 1 : 0.8;
      const middle = margin + (n + 0.5) * cell, edge = margin / 2 - 1;
      context.fillText(shortFace(view, place), across ? middle : edge, across ? edge : middle);
    }
  }
  context.globalAlpha = 1;
}

const shortFace = (view, place) => (faceOf(view, place).length > 2 ? "▯" : faceOf(view, place));

function overMap(view, event, click) {
  const at = view.frame, box = view.canvas.getBoundingClientRect();
  const row = Math.floor((event.clientY - box.top - at.margin) / at.cell) + at.row;
  const column = Math.floor((event.clientX - box.left - at.margin) / at.cell) + at.left;
  const inside = row >= at.row && column >= at.left && row < Math.min(at.row + at.side, view.data.length) && column < Math.min(at.left + at.side, view.data.length);
  view.tip.hidden = !inside;
  if (!inside) return;
  view.tip.textContent = pairWords(view, row, column);
  const x = event.clientX - box.left, y = event.clientY - box.top;
  view.tip.style.left = x > box.width / 2 ? "" : `${x + 14}px`;
  view.tip.style.right = x > box.width / 2 ? `${box.width - x + 10}px` : "";
  view.tip.style.top = `${y > box.height - 60 ? y - 38 : y + 16}px`;
  const place = view.back ? row : column, other = column > row ? null : column;
  if (click) { view.pinned = place; view.key = null; say(view); }
  if (place !== view.place || other !== view.column) point(view, place, other);
}

// Beside it: the head in words, and the largest shares

function drawSide(view) {
  const { labels, about } = view.data, side = view.side, mean = view.mean !== "one";
  side.replaceChildren();
  element("div", "mg-att-title", side, headName(view));
  element("div", "mg-att-sentence", side, mean ? labels.mean_words : about[view.head].sentence);
  if (!mean) {
    const rules = element("div", "mg-att-bars", side);
    rules.title = labels.measured;
    for (const rule of about[view.head].rules) barOf(view, rules, rule.name, rule.share, rule.words, rule.chance);
  }
  if (!view.steps) drawLooked(view, side);
  const button = element("button", "mg-att-go", side, view.steps ? labels.to_map : labels.steps);
  button.type = "button";
  button.onclick = () => switchMode(view);
}

function switchMode(view) {
  view.steps = !view.steps;
  if (view.steps) Object.assign(view, { mean: "one", back: true });
  refresh(view);
  view.side.querySelector(".mg-att-go").focus();
}

function drawLooked(view, side) {
  const { labels } = view.data;
  element("div", "mg-att-title mg-att-second", side, lookWords(view, view.place));
  const list = element("div", "mg-att-bars mg-att-looked", side);
  const shares = sharesOf(view, view.place).filter(([place]) => view.back || place !== view.place).slice(0, BARS);
  for (const [place, share] of shares) barOf(view, list, faceOf(view, place), share, `${quoted(view, place)}, ${fill(labels.place, { n: placeName(view, place) })}`);
  if (!shares.length) element("div", "mg-note", list, labels.nobody);
}

function barOf(view, parent, name, share, tip, chance) {
  const row = element("div", "mg-att-row", parent);
  row.dataset.tip = tip;
  element("span", "mg-att-name", row, name);
  const bar = element("span", "mg-att-track", row), part = element("i", "", bar);
  part.style.width = `${100 * share}%`;
  if (chance !== undefined) element("b", "", bar).style.left = `${100 * chance}%`;
  element("span", "mg-att-n", row, percent(view, share));
}

// Step by step: query · key, scale, mask, softmax, with the numbers of this head and this character

function drawSteps(view) {
  const { labels, size, length: T } = view.data, box = view.calculation, i = view.pinned;
  const q = view.q[view.head], k = view.k[view.head], row = shown(view).subarray(i * T, i * T + i + 1);
  const order = [...row.keys()].sort((a, b) => row[b] - row[a]), rows = order.slice(0, STEP_ROWS);
  const others = order.slice(STEP_ROWS), masked = Array.from({ length: Math.min(MASKED_ROWS, T - 1 - i) }, (_, n) => i + 1 + n);
  view.key ??= rows[0];
  box.replaceChildren();
  element("div", "mg-att-title", box, fill(labels.steps_title, { character: quoted(view, i), n: placeName(view, i), head: nameOf(view, view.head) }));
  drawProduct(view, box, q.subarray(i * size, (i + 1) * size), k.subarray(view.key * size, (view.key + 1) * size));
  const table = element("table", "mg-att-table", box), scaled = (j) => dot(q, k, i, j, size) / Math.sqrt(size);
  const head = element("tr", "", element("thead", "", table));
  for (const name of ["whom", "score", "scaled", "masked", "exp", "share"]) {
    element("th", "", head, fill(labels[`column_${name}`], { n: number(view, size) })).scope = "col";
  }
  const body = element("tbody", "", table), total = [...row.keys()].reduce((sum, j) => sum + Math.exp(scaled(j)), 0);
  for (const j of [...rows, ...masked]) stepRow(view, body, i, j, scaled(j), total);
  if (others.length) {
    const sum = others.reduce((all, j) => all + Math.exp(scaled(j)), 0);
    const line = tableRow(body, [fill(others.length === 1 ? labels.other : labels.others, { n: number(view, others.length) }), "", "", "", score(view, sum)], "mg-att-others");
    shareCell(view, line, sum / total);
    body.insertBefore(line, body.children[rows.length]);
  }
  shareCell(view, tableRow(body, [labels.total, "", "", "", score(view, total)], "mg-att-total"), 1);
}

function tableRow(body, cells, name) {
  const row = element("tr", name, body);
  for (const cell of cells) element("td", "", row, cell);
  return row;
}

function shareCell(view, row, share) {
  const cell = element("td", "mg-att-share", row), bar = element("i", "", cell);
  bar.style.width = `${Math.round(46 * share)}px`;
  element("span", "", cell, percent(view, share));
}

function stepRow(view, body, i, j, scaled, total) {
  const hidden = j > i, { labels, size } = view.data;
  const cells = ["", score(view, scaled * Math.sqrt(size)), score(view, scaled), hidden ? "−∞" : "✓", hidden ? "0" : score(view, Math.exp(scaled))];
  const row = tableRow(body, cells, hidden ? "mg-att-masked" : "");
  const button = element("button", "mg-att-key", row.firstChild);
  button.type = "button";
  element("bdi", "", button, faceOf(view, j));
  element("small", "", button, hidden ? labels.forbidden : fill(labels.place, { n: placeName(view, j) }));
  button.setAttribute("aria-pressed", String(j === view.key));
  button.onclick = () => { view.key = j; drawSteps(view); view.calculation.querySelector("[aria-pressed=true]")?.focus(); };
  row.title = labels.pick_row;
  row.onclick = () => button.click();
  button.addEventListener("click", (event) => event.stopPropagation());
  shareCell(view, row, hidden ? 0 : Math.exp(scaled) / total);
}

function drawProduct(view, box, q, k) {
  const { labels } = view.data, products = q.map((x, c) => x * k[c]), grid = element("div", "mg-att-product", box);
  const strip = (label, values, largest) => {
    element("span", "", grid, label);
    const cells = element("div", "mg-att-cells", grid);
    for (const value of values) {
      const cell = element("i", "", cells), colour = value >= 0 ? "0,114,178" : "230,159,0";  // as on the Model page
      cell.style.background = `rgba(${colour},${clamp(Math.abs(value) / largest, 0, 1).toFixed(2)})`;
      cell.title = score(view, value);
    }
  };
  const most = (values) => values.reduce((m, x) => Math.max(m, Math.abs(x)), 1e-9);
  const both = Math.max(most(q), most(k));
  strip(fill(labels.query, { character: quoted(view, view.pinned) }), q, both);
  strip(fill(labels.key, { character: quoted(view, view.key) }), k, both);
  strip(labels.product, products, most(products));
  element("b", "", grid, fill(labels.sum, { n: score(view, products.reduce((a, b) => a + b, 0)) }));
}

// New data

// Far enough on that there is something to look back at, and something that is still to come
const firstPlace = (data) => Math.round((data.length - 1) * 0.64);

function update(view, data) {
  const before = view.data, sameText = before?.ids.join() === data.ids.join();
  view.data = data;
  if (!sameText || before.queries !== data.queries) calculate(view);
  if (!sameText) {  // other weights on the same text: one goes on looking at the same place
    Object.assign(view, { pinned: firstPlace(data), place: firstPlace(data), column: null });
    centre(view, view.pinned);
  }
  view.key = null;
  if (before?.model !== data.model) {
    Object.assign(view, { head: data.start, mean: "one" });
  }
  view.mapTitle.dataset.words = "";
  layOut(view);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-att");
  let view = views.get(root);
  if (!view) views.set(root, view = build(root));
  update(view, data);
  return () => { view.watch.disconnect(); views.delete(root); };
}
