// The rows of characters and places as a map that moves through the training, and all their cosines. Python sends the
// points and cosines of every checkpoint once; moving, turning and choosing need no answer from the server. Runs again
// on every new `data`.

const KIND = { vowel: "#0072B2", consonant: "#7A7A7A", space: "#E69F00", digit: "#009E73", mark: "#CC79A7" };
const KIND_DARK = { vowel: "#56B4E9", consonant: "#A9B0BA", space: "#E69F00", digit: "#2BC49B", mark: "#E39CC4" };
const CIVIDIS = [[0, 32, 76], [39, 63, 108], [91, 95, 109], [131, 129, 120], [176, 165, 114], [225, 204, 92], [255, 233, 69]];
const ABOVE = [0, 114, 178], BELOW = [230, 159, 0];  // as on the Model page: blue above 0, orange below
const NEIGHBOURS = 8, LINES = 5;
const SECONDS_A_MOMENT = 0.9;
const REACH = 24;             // pixels from a point within which the pointer means it
const FEW = 20;               // a character met less often in the text has hardly been learned
const views = new WeakMap();

const element = (tag, name, parent, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  parent?.appendChild(made);
  return made;
};
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const mix = (a, b, share) => a.map((x, i) => Math.round(x + (b[i] - x) * share));
const css = (colour) => `rgb(${colour.join(",")})`;

function bytes(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer;
}

// What is shown: one set of rows (characters or places)

function unpack(set) {
  const count = set.items.length;
  return {
    ...set, count, flat: new Float32Array(bytes(set.flat)), deep: new Float32Array(bytes(set.deep)),
    cosines: new Int16Array(bytes(set.cosines)),
  };
}

const current = (view) => view.sets[view.what];
const moment = (view) => Math.round(view.time);
const lookOf = (view) => (view.look === "table" ? "table" : view.look === "deep" ? "deep" : "flat");

function cosine(view, i, j) {
  const set = current(view);
  return set.cosines[(moment(view) * set.count + i) * set.count + j] / view.data.unit;
}

// The point of row i at a time between two moments
function pointAt(view, i, time) {
  const set = current(view), deep = lookOf(view) === "deep", D = deep ? 3 : 2, points = deep ? set.deep : set.flat;
  const low = Math.min(Math.floor(time), view.data.steps.length - 1), high = Math.min(low + 1, view.data.steps.length - 1);
  const at = (n, d) => points[(n * set.count + i) * D + d];
  return Array.from({ length: D }, (_, d) => at(low, d) + (at(high, d) - at(low, d)) * (time - low));
}

// Pixels for a unit of the map. The same at all times, so that growing and shrinking are seen
function scaleOf(view) {
  const set = current(view), deep = lookOf(view) === "deep", room = [view.width / 2 - 26, view.data.height / 2 - 26];
  const far = (set.far ??= { flat: farthest(set.flat, 2), deep: farthest(set.deep, 3) })[deep ? "deep" : "flat"];
  return view.zoom * (deep ? Math.min(...room) / Math.hypot(...far) * 1.35 : Math.min(room[0] / far[0], room[1] / far[1]));
}

function farthest(points, D) {
  const far = new Array(D).fill(1e-9);
  points.forEach((x, n) => { far[n % D] = Math.max(far[n % D], Math.abs(x)); });
  return far;
}

// Words and numbers

const number = (view, x, digits = 0) => x.toLocaleString(view.data.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
const percent = (view, x) => `${number(view, 100 * x)}\u202f%`;
const nameOf = (view, i) => {
  const item = current(view).items[i];
  return view.what === "places" ? fill(view.data.labels.place, { n: number(view, item.place) }) : fill(view.data.labels.quoted, { c: item.name });
};
const faceOf = (view, i) => current(view).items[i].face;

function isDark(root) {
  const [red, green, blue] = getComputedStyle(root).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 384;  // light text
}

function colourOf(view, i) {
  const set = current(view);
  if (view.what === "characters") return (view.dark ? KIND_DARK : KIND)[set.items[i].kind];
  const place = (i / Math.max(set.count - 1, 1)) * (CIVIDIS.length - 1), low = Math.min(Math.floor(place), CIVIDIS.length - 2);
  return css(mix(CIVIDIS[low], CIVIDIS[low + 1], place - low));
}

// The frame

function build(root) {
  root.replaceChildren();
  const view = { root, what: "characters", look: "flat", order: "kind", time: 0, chosen: 0, over: null, zoom: 1, pan: [0, 0], turn: 0.6, tilt: 0.35, playing: false, choices: [] };
  const bar = element("div", "mg-emb-bar", root);
  view.whatBox = group(view, bar, "what", ["characters", "places"]);
  group(view, bar, "look", ["flat", "deep", "table"]);
  view.orderBox = group(view, bar, "order", ["kind", "alike"]);
  view.legend = element("div", "mg-emb-legend", bar);
  const body = element("div", "mg-emb-body", root), left = element("div", "mg-emb-left", body);
  view.frame = element("div", "mg-emb-frame", left);
  view.canvas = element("canvas", "", view.frame);
  view.canvas.tabIndex = 0;
  view.canvas.setAttribute("role", "img");
  view.tip = element("div", "mg-emb-tip", view.frame);
  view.tip.hidden = true;
  view.kept = element("div", "mg-emb-kept", view.frame);
  view.zoomBox = element("div", "mg-emb-zoom", view.frame);
  view.zooms = [["+", 1.5], ["−", 1 / 1.5]].map(([sign, factor]) => {
    const button = element("button", "", view.zoomBox, sign);
    button.type = "button";
    button.onclick = () => zoom(view, factor);
    return button;
  });
  buildTime(view, view.timeBox = element("div", "mg-emb-time", left));
  view.side = element("div", "mg-emb-side", body);
  view.spoken = element("div", "mg-hidden", root);
  view.spoken.setAttribute("aria-live", "polite");
  listen(view);
  view.watch = new ResizeObserver(() => {
    if (view.data && view.frame.clientWidth !== view.width) refresh(view);
  });
  view.watch.observe(root);
  return view;
}

function group(view, bar, of, values) {
  const box = element("div", "mg-emb-choice", bar);
  for (const value of values) {
    const button = element("button", "", box);
    button.type = "button";
    button.onclick = () => set(view, of, value);
    view.choices.push({ button, of, value });
  }
  return box;
}

function set(view, of, value) {
  if (of === "what" && view[of] !== value) Object.assign(view, { chosen: value === "places" ? 0 : view.data.start, over: null, zoom: 1, pan: [0, 0] });
  view[of] = value;
  refresh(view);
}

function buildTime(view, box) {
  view.play = element("button", "mg-emb-play", box);
  view.play.type = "button";
  view.play.onclick = () => (view.playing ? pause(view) : play(view));
  const slot = element("div", "mg-emb-slot", box);
  view.slider = element("input", "", slot);
  Object.assign(view.slider, { type: "range", min: 0, step: 0.01 });
  view.slider.oninput = () => { pause(view); goTo(view, Number(view.slider.value)); };
  view.slider.onchange = () => goTo(view, moment(view));  // rests on a checkpoint
  view.slider.onkeydown = (event) => {
    const stride = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!stride) return;
    event.preventDefault();
    pause(view);
    goTo(view, clamp(moment(view) + stride, 0, view.data.steps.length - 1));
  };
  view.ticks = element("div", "mg-emb-ticks", slot);
  view.when = element("div", "mg-emb-when", box);
}

function listen(view) {
  const { canvas } = view;
  canvas.onpointermove = (event) => overCanvas(view, event);
  canvas.onpointerleave = () => { view.tip.hidden = true; view.over = null; draw(view); };
  canvas.onpointerdown = (event) => {
    view.drag = { x: event.clientX, y: event.clientY, moved: false };
    canvas.setPointerCapture(event.pointerId);
  };
  canvas.onpointerup = (event) => {
    if (!view.drag?.moved) overCanvas(view, event, true);
    view.drag = null;
  };
  canvas.onkeydown = (event) => {
    const stride = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!stride) return;
    event.preventDefault();
    const order = orderOf(view), at = order.indexOf(view.chosen);
    choose(view, order[(at + stride + order.length) % order.length]);
  };
}

// Nearer or farther, about the chosen row
function zoom(view, factor) {
  const before = project(view, view.chosen, view.time), wanted = clamp(view.zoom * factor, 1, 8);
  const grown = wanted / view.zoom, middle = [view.width / 2, view.data.height / 2];
  view.zoom = wanted;
  view.pan = wanted === 1 ? [0, 0] : [0, 1].map((d) => view.pan[d] + (before[d] - middle[d] - view.pan[d]) * (1 - grown));
  draw(view);
}

// Time

function play(view) {
  view.playing = true;
  if (view.time >= view.data.steps.length - 1) view.time = 0;
  let last = performance.now();
  const tick = (now) => {
    if (!view.playing || !view.root.isConnected) return;
    const end = view.data.steps.length - 1;
    goTo(view, Math.min(view.time + (now - last) / 1000 / SECONDS_A_MOMENT, end));
    last = now;
    if (view.time >= end) pause(view);
    else requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  label(view);
}

function pause(view) {
  view.playing = false;
  label(view);
}

function goTo(view, time) {
  const before = moment(view);
  view.time = time;
  view.slider.value = time;
  if (moment(view) !== before) drawSide(view);
  label(view);
  draw(view);
}

function label(view) {
  const { labels, steps } = view.data, step = number(view, steps[moment(view)]);
  view.play.textContent = view.playing ? labels.pause : labels.play;
  view.play.disabled = steps.length < 2;
  view.when.textContent = fill(steps.length < 2 ? labels.only : labels.step, { n: step });
  view.slider.setAttribute("aria-valuetext", view.when.textContent);
  const deep = lookOf(view) === "deep", kept = current(view)[deep ? "deep_kept" : "flat_kept"][moment(view)];
  view.kept.hidden = lookOf(view) === "table";
  view.kept.textContent = fill(labels.kept, { share: percent(view, kept) });
}

// Everything

function refresh(view) {
  const { labels, steps } = view.data;
  view.dark = isDark(view.root);
  view.width = view.frame.clientWidth;
  if (!view.width) return;
  for (const { button, of, value } of view.choices) {
    button.textContent = labels[value];
    button.setAttribute("aria-pressed", String(view[of] === value));
    if (of === "what" && value === "places") {
      button.disabled = !view.sets.places;
      button.title = view.sets.places ? "" : labels.no_places;
    }
  }
  view.orderBox.hidden = lookOf(view) !== "table";
  view.zoomBox.hidden = lookOf(view) === "table";
  view.zooms.forEach((button, n) => button.setAttribute("aria-label", n ? labels.farther : labels.nearer));
  view.timeBox.dataset.moments = steps.length;
  view.slider.max = steps.length - 1;
  view.slider.value = view.time;
  view.slider.setAttribute("aria-label", labels.time);
  view.ticks.replaceChildren();
  const sparse = Math.ceil(steps.length / Math.max(2, Math.floor((view.width - 240) / 46)));
  steps.forEach((step, n) => {
    const tick = element("i", "", view.ticks, n % sparse === 0 || n === steps.length - 1 ? number(view, step) : "");
    tick.style.left = `${steps.length > 1 ? 100 * n / (steps.length - 1) : 0}%`;
  });
  drawLegend(view);
  label(view);
  drawSide(view);
  draw(view);
  spin(view);
}

function drawLegend(view) {
  const { labels } = view.data, box = view.legend, table = lookOf(view) === "table";
  box.replaceChildren();
  if (table || view.what === "places") {
    const ramp = element("span", "mg-emb-ramp", box);
    const colours = table ? [-1, -0.64, -0.36, -0.16, -0.04, 0, 0.04, 0.16, 0.36, 0.64, 1].map((x) => cosineColour(view, x)) : CIVIDIS.map(css);
    ramp.style.background = `linear-gradient(90deg, ${colours.join(",")})`;
    const marks = table ? [[0, -1], [25, -0.25], [50, 0], [75, 0.25], [100, 1]].map(([at, x]) => [at, number(view, x, x % 1 ? 2 : 0)])
      : [[0, number(view, current(view).items[0].place)], [100, number(view, current(view).items.at(-1).place)]];
    for (const [at, text] of marks) element("i", "", ramp, text).style.left = `${at}%`;
    ramp.before(element("span", "", null, table ? labels.cosine : labels.place_scale));
    return;
  }
  const kinds = new Set(current(view).items.map((item) => item.kind));
  for (const [kind, colour] of Object.entries(view.dark ? KIND_DARK : KIND)) {
    if (!kinds.has(kind)) continue;
    const entry = element("span", "mg-emb-kind", box, labels.kinds[kind]);
    entry.style.setProperty("--c", colour);
  }
  if (current(view).items.some((item) => item.accent)) element("span", "mg-emb-kind mg-emb-accent", box, labels.accent);
}

// The map

function prepare(view, height) {
  const { canvas } = view, ratio = devicePixelRatio;
  const [wide, high] = [Math.round(view.width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  canvas.style.width = `${view.width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, view.width, height);
  return context;
}

function draw(view) {
  if (isDark(view.root) !== view.dark) return refresh(view);  // somebody has changed the theme
  const { labels } = view.data, deep = lookOf(view) === "deep", table = lookOf(view) === "table";
  view.canvas.setAttribute("aria-label", `${table ? labels.table_alt : labels.map_alt} ${labels.hint}`);
  const context = prepare(view, view.data.height);
  context.font = "13px sans-serif";
  if (table) drawTable(view, context);
  else drawMap(view, context, deep);
}

// Where row i stands on the screen: [x, y, nearness], nearness 1 in front and 0 behind
function project(view, i, time) {
  const scale = scaleOf(view), [x, y, z = 0] = pointAt(view, i, time);
  if (lookOf(view) !== "deep") return [view.width / 2 + view.pan[0] + x * scale, view.data.height / 2 + view.pan[1] - y * scale, 1];
  return turned(view, x * scale, y * scale, z * scale);
}

function turned(view, x, y, z) {
  const [cos, sin] = [Math.cos(view.turn), Math.sin(view.turn)], across = x * cos + z * sin, away = -x * sin + z * cos;
  const [up, out] = [y * Math.cos(view.tilt) - away * Math.sin(view.tilt), y * Math.sin(view.tilt) + away * Math.cos(view.tilt)];
  const size = Math.min(view.width, view.data.height) / 2, near = 1 / (1 - 0.28 * out / size);
  return [view.width / 2 + across * near, view.data.height / 2 - up * near, clamp(0.5 + out / size / 2, 0, 1)];
}

function drawMap(view, context, deep) {
  const set = current(view), ink = getComputedStyle(view.root).color;
  drawGround(view, context, deep, ink);
  view.spots = set.items.map((_, i) => project(view, i, view.time));
  if (view.what === "places") drawChain(view, context);
  drawTrail(view, context);
  drawLinks(view, context);
  const order = [...view.spots.keys()].sort((a, b) => view.spots[a][2] - view.spots[b][2]);
  for (const i of order) if (i !== view.chosen && i !== view.over) drawItem(view, context, i, deep);
  if (view.over !== null) drawItem(view, context, view.over, deep);
  drawItem(view, context, view.chosen, deep);
}

function drawGround(view, context, deep, ink) {
  context.strokeStyle = ink;
  context.globalAlpha = 0.13;
  context.lineWidth = 1;
  const [w, h] = [view.width, view.data.height];
  context.beginPath();
  if (deep) {
    const r = Math.min(w, h) / 2 - 22;
    for (const ends of [[[-r, 0, 0], [r, 0, 0]], [[0, -r, 0], [0, r, 0]], [[0, 0, -r], [0, 0, r]]]) {
      const [a, b] = ends.map((end) => turned(view, ...end));
      context.moveTo(a[0], a[1]);
      context.lineTo(b[0], b[1]);
    }
  } else {
    const [x, y] = [w / 2 + view.pan[0], h / 2 + view.pan[1]];
    context.moveTo(0, y); context.lineTo(w, y);
    context.moveTo(x, 0); context.lineTo(x, h);
  }
  context.stroke();
  context.globalAlpha = 1;
}

// One place after the other
function drawChain(view, context) {
  context.lineWidth = 1.5;
  for (let i = 1; i < view.spots.length; i++) {
    context.globalAlpha = 0.5;
    context.strokeStyle = colourOf(view, i);
    context.beginPath();
    context.moveTo(view.spots[i - 1][0], view.spots[i - 1][1]);
    context.lineTo(view.spots[i][0], view.spots[i][1]);
    context.stroke();
  }
  context.globalAlpha = 1;
}

// The way of the chosen row through the training
function drawTrail(view, context) {
  const moments = view.data.steps.map((_, n) => n).filter((n) => n < view.time);
  if (!moments.length) return;
  context.strokeStyle = colourOf(view, view.chosen);
  context.globalAlpha = 0.55;
  context.lineWidth = 2;
  context.setLineDash([2, 5]);
  context.beginPath();
  for (const n of [...moments, view.time]) context.lineTo(...project(view, view.chosen, n));
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function drawLinks(view, context) {
  const from = view.spots[view.chosen];
  for (const [i, cos] of nearest(view, view.chosen).slice(0, LINES)) {
    if (cos <= 0) continue;
    context.strokeStyle = getComputedStyle(view.root).getPropertyValue("--st-primary-color").trim() || "#0B5FA5";
    context.globalAlpha = 0.25 + 0.6 * cos;
    context.lineWidth = 1 + 3 * cos;
    context.beginPath();
    context.moveTo(from[0], from[1]);
    context.lineTo(view.spots[i][0], view.spots[i][1]);
    context.stroke();
  }
  context.globalAlpha = 1;
}

function drawItem(view, context, i, deep) {
  const item = current(view).items[i], [x, y, near] = view.spots[i], marked = i === view.chosen || i === view.over;
  const size = (view.what === "places" ? 4.5 : 11) * (deep ? 0.72 + 0.5 * near : 1) * (marked ? 1.25 : 1);
  const rare = view.what === "characters" && item.count < FEW, colour = colourOf(view, i), style = getComputedStyle(view.root);
  context.globalAlpha = (deep ? 0.4 + 0.6 * near : 1) * (rare && !marked ? 0.45 : 1);
  context.beginPath();
  context.arc(x, y, size, 0, 7);
  context.fillStyle = style.getPropertyValue("--st-background-color").trim() || "#fff";
  if (view.what !== "places") context.fill();
  context.fillStyle = colour;
  context.globalAlpha *= view.what === "places" ? 1 : marked ? 0.42 : 0.24;
  context.fill();
  context.globalAlpha = (deep ? 0.4 + 0.6 * near : 1) * (rare && !marked ? 0.45 : 1);
  context.lineWidth = marked ? 2.4 : 1.1;
  context.strokeStyle = marked ? style.getPropertyValue("--st-primary-color").trim() || colour : colour;
  context.stroke();
  if (item.accent) {
    context.lineWidth = 1;
    context.beginPath();
    context.arc(x, y, size + 2.6, 0, 7);
    context.stroke();
  }
  if (view.what !== "places" || marked || i % 8 === 0) write(view, context, i, x, y, size);
  context.globalAlpha = 1;
}

function write(view, context, i, x, y, size) {
  const places = view.what === "places", face = places ? number(view, current(view).items[i].place) : faceOf(view, i);
  context.fillStyle = getComputedStyle(view.root).color;
  context.textAlign = places ? "left" : "center";
  context.textBaseline = "middle";
  const long = face.length > 2 && !places;
  context.font = `650 ${places ? 11.5 : long ? size * 0.62 : size * 1.36}px "Source Code Pro", ui-monospace, monospace`;
  context.fillText(face, places ? x + size + 3 : x, places ? y : y + 0.5);
}

// Neighbours, by the angle between all numbers of the rows

function nearest(view, i) {
  return current(view).items.map((_, j) => [j, cosine(view, i, j)]).filter(([j]) => j !== i).sort((a, b) => b[1] - a[1]);
}

function drawSide(view) {
  const { labels } = view.data, side = view.side, set = current(view), item = set.items[view.chosen];
  const held = side.contains(document.activeElement);
  side.replaceChildren();
  const head = element("div", "mg-emb-head", side), tile = element("span", "mg-emb-tile", head);
  tile.style.setProperty("--c", colourOf(view, view.chosen));
  element("bdi", item.face.length > 2 ? "mg-emb-long" : "", tile, view.what === "places" ? number(view, item.place) : item.face);
  const words = element("div", "", head);
  element("div", "mg-emb-title", words, nameOf(view, view.chosen));
  if (view.what === "characters") {
    const times = item.count === 0 ? labels.time_none : item.count === 1 ? labels.time_one : fill(labels.times, { n: number(view, item.count) });
    element("div", "mg-note", words, `${labels.kinds[item.kind]} · ${times}`);
    if (item.count < FEW) element("div", "mg-note", side, labels.rare);
  }
  element("div", "mg-emb-title mg-emb-second", side, labels.nearest);
  const all = nearest(view, view.chosen), list = element("div", "mg-emb-list", side);
  for (const [j, cos] of all.slice(0, NEIGHBOURS)) neighbour(view, list, j, cos);
  const far = all.at(-1);
  if (far && all.length > NEIGHBOURS) {
    element("div", "mg-emb-title mg-emb-second", side, labels.farthest);
    neighbour(view, element("div", "mg-emb-list", side), ...far);
  }
  if (view.what === "characters") drawKinship(view, side);
  if (held) list.querySelector("button")?.focus();
}

function neighbour(view, list, j, cos) {
  const row = element("button", "mg-emb-row", list);
  row.type = "button";
  row.setAttribute("aria-label", `${nameOf(view, j)}: ${number(view, cos, 2)}`);
  row.onclick = () => choose(view, j);
  row.onpointerenter = () => { view.over = j; draw(view); };
  row.onpointerleave = () => { view.over = null; draw(view); };
  const name = element("bdi", "", row, view.what === "places" ? number(view, current(view).items[j].place) : faceOf(view, j));
  name.style.setProperty("--c", colourOf(view, j));
  const bar = element("span", "mg-emb-track", row), part = element("i", "", bar);
  part.style.cssText = `width:${50 * Math.abs(cos)}%;${cos < 0 ? "right" : "left"}:50%;background:${css(cos < 0 ? BELOW : ABOVE)}`;
  element("span", "mg-emb-n", row, number(view, cos, 2));
}

// Are vowels alike? The mean cosine within the kind, and to consonants
function drawKinship(view, side) {
  const { labels } = view.data, items = current(view).items, rows = items.map((item, i) => [item, i]).filter(([item]) => item.count >= FEW);
  const of = (kind) => rows.filter(([item]) => item.kind === kind).map(([, i]) => i);
  const vowels = of("vowel"), consonants = of("consonant");
  if (vowels.length < 3 || consonants.length < 3) return;
  const mean = (a, b) => {
    const pairs = a.flatMap((i) => b.filter((j) => i !== j).map((j) => cosine(view, i, j)));
    return number(view, pairs.reduce((x, y) => x + y, 0) / pairs.length, 2);
  };
  element("div", "mg-emb-title mg-emb-second", side, labels.kinship);
  const table = element("div", "mg-emb-kin", side);
  for (const [name, a, b] of [["two_vowels", vowels, vowels], ["two_consonants", consonants, consonants], ["one_each", vowels, consonants]]) {
    element("span", "", table, labels[name]);
    element("b", "", table, mean(a, b));
  }
}

function choose(view, i) {
  view.chosen = i;
  view.over = null;
  drawSide(view);
  draw(view);
  const words = nearest(view, i).slice(0, 3).map(([j, cos]) => `${nameOf(view, j)} ${number(view, cos, 2)}`);
  view.spoken.textContent = `${nameOf(view, i)}. ${view.data.labels.nearest} ${words.join(", ")}`;
}

// The table of all cosines

function orderOf(view) {
  const set = current(view);
  if (lookOf(view) === "table" && view.order === "alike") return set.alike;
  return set.by_kind;
}

function cosineColour(view, x) {
  const ground = view.dark ? [20, 24, 31] : [251, 250, 247];
  return css(mix(ground, x < 0 ? BELOW : view.dark ? [86, 180, 233] : ABOVE, Math.sqrt(Math.abs(x))));
}

function tableFrame(view) {
  const count = current(view).count, margin = 17, size = Math.min(view.width, view.data.height);
  return { count, margin, size, left: (view.width - size) / 2, cell: (size - margin) / count };
}

function drawTable(view, context) {
  const { count, margin, size, left, cell } = tableFrame(view), order = orderOf(view), style = getComputedStyle(view.root);
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < count; b++) {
      context.fillStyle = cosineColour(view, clamp(cosine(view, order[a], order[b]), -1, 1));
      context.fillRect(left + margin + b * cell, margin + a * cell, cell + 0.4, cell + 0.4);
    }
  }
  context.textAlign = "center";
  context.textBaseline = "middle";
  order.forEach((i, n) => {
    const marked = i === view.chosen || i === view.over;
    if (cell < 7 && !marked && n % Math.ceil(9 / cell)) return;
    const label = view.what === "places" ? number(view, current(view).items[i].place) : faceOf(view, i);
    if (view.what === "places" && !marked && n % Math.ceil(22 / cell)) return;
    context.font = `${marked ? 800 : 550} ${clamp(cell * 1.05, 8.5, 13)}px "Source Code Pro", ui-monospace, monospace`;
    context.fillStyle = view.what === "places" ? style.color : colourOf(view, i);
    if (marked) context.fillStyle = style.color;
    const middle = margin + (n + 0.5) * cell, shown = label.length > 3 ? "▯" : label;
    context.fillText(shown, left + middle, margin / 2);
    context.fillText(shown, left + margin / 2 - 1, middle);
  });
  const at = order.indexOf(view.chosen);
  context.strokeStyle = style.getPropertyValue("--st-primary-color").trim() || style.color;
  context.lineWidth = 2;
  context.strokeRect(left + margin, margin + at * cell, size - margin, cell);
}

// Pointing

function overCanvas(view, event, click = false) {
  const box = view.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  if (view.drag && lookOf(view) !== "table" && dragBy(view, event)) return;
  if (lookOf(view) === "table") return overTable(view, x, y, click);
  const away = view.spots.map(([a, b], i) => [Math.hypot(a - x, b - y), i]).sort((a, b) => a[0] - b[0])[0];
  const found = away && away[0] < REACH ? away[1] : null;
  if (click && found !== null) return choose(view, found);
  if (found !== view.over) { view.over = found; draw(view); }
  view.canvas.style.cursor = found !== null ? "pointer" : lookOf(view) === "deep" || view.zoom > 1 ? "grab" : "default";
  tell(view, x, y, found === null ? "" : found === view.chosen ? nameOf(view, found) : `${nameOf(view, view.chosen)} · ${nameOf(view, found)}: ${number(view, cosine(view, view.chosen, found), 2)}`);
}

function overTable(view, x, y, click) {
  const { count, margin, left, cell } = tableFrame(view), order = orderOf(view);
  const [row, column] = [Math.floor((y - margin) / cell), Math.floor((x - left - margin) / cell)];
  const inside = row >= 0 && column >= 0 && row < count && column < count;
  if (!inside) return tell(view, x, y, "");
  const [i, j] = [order[row], order[column]];
  if (click) return choose(view, i);
  if (view.over !== j) { view.over = j; draw(view); }
  tell(view, x, y, `${nameOf(view, i)} · ${nameOf(view, j)}: ${number(view, cosine(view, i, j), 2)}`);
}

function tell(view, x, y, words) {
  view.tip.hidden = !words;
  view.tip.textContent = words;
  view.tip.style.left = x > view.width / 2 ? "" : `${x + 16}px`;
  view.tip.style.right = x > view.width / 2 ? `${view.width - x + 12}px` : "";
  view.tip.style.top = `${clamp(y + 14, 0, view.data.height - 34)}px`;
}

// Dragging turns the map in three dimensions, and moves it in two once it has been enlarged
function dragBy(view, event) {
  const { drag } = view, dx = event.clientX - drag.x, dy = event.clientY - drag.y, deep = lookOf(view) === "deep";
  if ((Math.hypot(dx, dy) < 3 && !drag.moved) || (!deep && view.zoom === 1)) return false;
  Object.assign(drag, { x: event.clientX, y: event.clientY, moved: true });
  if (deep) Object.assign(view, { turn: view.turn + dx / 160, tilt: clamp(view.tilt + dy / 160, -1.4, 1.4), held: true });
  else view.pan = [view.pan[0] + dx, view.pan[1] + dy];
  draw(view);
  return true;
}

// In three dimensions the map turns slowly, until somebody takes it in hand: depth is seen in the movement
function spin(view) {
  if (lookOf(view) !== "deep" || view.held || view.spinning || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  view.spinning = true;
  let last = performance.now();
  const tick = (now) => {
    view.spinning = lookOf(view) === "deep" && !view.held && view.root.isConnected;
    if (!view.spinning) return;
    if (view.over === null) {
      view.turn += (now - last) / 9000;
      if (!view.playing) draw(view);
    }
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

// New data

function update(view, data) {
  const other = view.data?.model !== data.model;
  view.data = data;
  view.sets = Object.fromEntries(Object.entries(data.sets).map(([name, rows]) => [name, unpack(rows)]));
  if (!view.sets[view.what]) view.what = "characters";
  if (other) Object.assign(view, { time: data.steps.length - 1, chosen: view.what === "places" ? 0 : data.start, over: null, playing: false, zoom: 1, pan: [0, 0] });
  refresh(view);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-emb");
  let view = views.get(root);
  if (!view) views.set(root, view = build(root));
  update(view, data);
  return () => { view.watch.disconnect(); view.playing = false; views.delete(root); };
}
