// A training from checkpoint to checkpoint. Python sends all moments once; moving and playing need no answer from the
// server. Runs again on every new `data`.

const CIVIDIS = [[0, 32, 76], [39, 63, 108], [91, 95, 109], [131, 129, 120], [176, 165, 114], [225, 204, 92], [255, 233, 69]];
const KIND_DARK = { vowel: "#56B4E9", consonant: "#A9B0BA", space: "#E69F00", digit: "#2BC49B", mark: "#E39CC4" };
const SECONDS_A_MOMENT = 0.8;
const LABEL = 16;  // pixels for the characters beside a table
const views = new WeakMap();

const element = (tag, name, parent, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  parent?.appendChild(made);
  return made;
};
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);
const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const moment = (view) => Math.round(view.time);
const write = (target, text) => { if (target.textContent !== text) target.textContent = text; };

function cividis(share) {
  const at = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1), low = Math.min(Math.floor(at), CIVIDIS.length - 2);
  return CIVIDIS[low].map((x, i) => Math.round(x + (CIVIDIS[low + 1][i] - x) * (at - low)));
}

function isDark(root) {
  const [red, green, blue] = getComputedStyle(root).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 384;  // light text
}

// Everything that does not depend on the moment

function build(view) {
  const { root, data } = view, { labels } = data;
  root.replaceChildren();
  const bar = element("div", "mg-tl-bar", root);
  view.play = element("button", "mg-tl-play", bar);
  view.play.onclick = () => (view.playing ? hold(view) : play(view));
  view.slider = element("input", "", bar);
  Object.assign(view.slider, { type: "range", min: 0, max: data.steps.length - 1, step: 1 });
  view.slider.setAttribute("aria-label", labels.slider);
  view.slider.oninput = () => { hold(view); view.time = Number(view.slider.value); show(view); };
  view.step = element("div", "mg-tl-step", bar);
  const grid = element("div", "mg-tl-grid", root);
  const cell = (head) => {
    const box = element("div", "", grid);
    return { box, head: element("div", "mg-tl-head", box, head) };
  };
  const loss = cell(labels.loss);
  view.loss = element("span", "mg-tl-loss", loss.head);
  view.curve = curve(view, loss.box);
  view.sample = element("div", "mg-tl-sample", cell(labels.writes).box);
  view.bars = bars(view, cell(labels.next).box);
  const picture = element("div", "", grid);
  view.picture = data.picture.kind === "pairs" ? tables(view, picture) : map(view, picture);
  view.normal = normal(view);
}

function curve(view, parent) {
  const { data } = view, W = 300, H = 138, pad = { l: 30, r: 6, t: 8, b: 8 };
  const make = (tag, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text) made.textContent = text;
    return made;
  };
  const svg = make("svg", { viewBox: `0 0 ${W} ${H}`, class: "mg-tl-curve", role: "img", "aria-label": data.labels.loss });
  const losses = data.curve.map(([, y]) => y).filter((y) => y < 1.5 * data.chance), low = Math.min(...losses, data.chance), high = Math.max(...losses, data.chance);
  const last = Math.max(1, ...data.curve.map(([x]) => x), data.steps.at(-1));
  const x = (step) => pad.l + step / last * (W - pad.l - pad.r);
  const y = (loss) => pad.t + Math.min(1, Math.max(0, (high - loss) / (high - low || 1))) * (H - pad.t - pad.b);
  const number = new Intl.NumberFormat(data.locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  for (const at of [low, high]) svg.append(make("text", { x: pad.l - 5, y: y(at) + 4, "text-anchor": "end", "font-size": 11, fill: "currentColor", opacity: 0.8 }, number.format(at)));
  svg.append(make("line", { x1: pad.l, x2: W - pad.r, y1: y(data.chance), y2: y(data.chance), stroke: data.colours.grey, "stroke-dasharray": "2 3" }));
  svg.append(make("text", { x: W - pad.r, y: y(data.chance) + 13, "text-anchor": "end", "font-size": 11, fill: "currentColor", opacity: 0.8 }, data.labels.chance));
  svg.append(make("polyline", { points: data.curve.map(([step, loss]) => `${x(step)},${y(loss)}`).join(" "), fill: "none", stroke: data.colours.loss, "stroke-width": 2.2 }));
  const cursor = make("line", { y1: pad.t, y2: H - pad.b, stroke: "currentColor", "stroke-width": 1.2, opacity: 0.6 });
  const dot = make("circle", { r: 4.5, fill: data.colours.loss, stroke: "currentColor", "stroke-width": 1.2 });
  svg.append(cursor, dot);
  parent.append(svg);
  return () => {
    const now = data.moments[moment(view)];
    cursor.setAttribute("x1", x(now.step)); cursor.setAttribute("x2", x(now.step));
    dot.setAttribute("visibility", now.loss == null ? "hidden" : "visible");
    dot.setAttribute("cx", x(now.step)); dot.setAttribute("cy", y(now.loss ?? 0));
  };
}

function bars(view, parent) {
  const { faces, shares } = view.data.bars, most = Math.max(...shares.flat()), box = element("div", "mg-tl-bars", parent);
  const percent = new Intl.NumberFormat(view.data.locale, { style: "percent", maximumFractionDigits: 0 });
  const rows = faces.map((face) => { element("b", "", box, face); return { fill: element("i", "", element("div", "", box)), share: element("span", "", box) }; });
  return () => rows.forEach((row, i) => {
    const share = shares[moment(view)][i];
    row.fill.style.width = `${100 * share / most}%`;
    write(row.share, percent.format(share));
  });
}

// TinyGPT: two tables on one scale

function tables(view, parent) {
  const { data } = view, { faces, names } = data.picture, N = faces.length;
  const learned = bytes(data.picture.learned), counted = bytes(data.picture.counted);
  const row = element("div", "mg-tl-tables", parent);
  const note = element("div", "mg-tl-note", parent);
  const side = Math.floor(Math.min((data.height - LABEL) / N, ((parent.clientWidth || 600) - 18) / 2 / (N + 2)));
  const canvas = (title, values) => {
    const box = element("div", "", row), dpr = window.devicePixelRatio || 1;
    element("div", "mg-tl-head", box, title);
    const made = element("canvas", "", box), size = LABEL + N * side;
    Object.assign(made, { width: size * dpr, height: size * dpr });
    Object.assign(made.style, { width: `${size}px`, height: `${size}px` });
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", title);
    const pen = made.getContext("2d");
    pen.scale(dpr, dpr);
    pen.fillStyle = getComputedStyle(view.root).color;
    pen.font = `${Math.min(11, side + 1)}px ui-monospace, monospace`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    faces.forEach((face, i) => { pen.fillText(face, LABEL + (i + 0.5) * side, LABEL / 2); pen.fillText(face, LABEL / 2, LABEL + (i + 0.5) * side); });
    const at = (event) => {
      const { left, top } = made.getBoundingClientRect(), i = Math.floor((event.clientY - top - LABEL) / side), j = Math.floor((event.clientX - left - LABEL) / side);
      return i >= 0 && j >= 0 && i < N && j < N ? [i, j] : null;
    };
    made.onmousemove = (event) => {
      const found = at(event);
      view.pointed = found && fill(data.labels.cell, { next: names[found[1]], current: names[found[0]], share: Math.round(100 * (values()[found[0] * N + found[1]] / 255) ** 2) });
      made.title = view.pointed ?? "";
    };
    return () => {
      const now = values();
      for (let i = 0; i < N * N; i++) {
        pen.fillStyle = `rgb(${cividis(now[i] / 255).join(",")})`;
        pen.fillRect(LABEL + (i % N) * side, LABEL + Math.floor(i / N) * side, side, side);
      }
    };
  };
  const drawLearned = canvas(data.labels.learned, () => learned.subarray(moment(view) * N * N, (moment(view) + 1) * N * N));
  canvas(data.labels.counted, () => counted)();
  return () => {
    drawLearned();
    write(note, `${data.labels.current} · ${fill(data.labels.distance, { distance: data.picture.distances[moment(view)] })}`);
  };
}

// GPT: the map of the characters' rows

function map(view, parent) {
  const { data } = view, { faces, kinds } = data.picture, N = faces.length, S = data.steps.length;
  const points = new Float32Array(bytes(data.picture.points).buffer);
  element("div", "mg-tl-head", parent, data.labels.map);
  const made = element("canvas", "", parent), dpr = window.devicePixelRatio || 1;
  const width = parent.clientWidth || 600, height = data.height;
  Object.assign(made, { width: width * dpr, height: height * dpr });
  Object.assign(made.style, { width: `${width}px`, height: `${height}px` });
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", data.labels.map);
  const pen = made.getContext("2d"), reach = [0, 1].map((d) => Math.max(...points.filter((_, i) => i % 2 === d).map(Math.abs), 1e-9));
  const scale = Math.min((width / 2 - 14) / reach[0], (height / 2 - 12) / reach[1]);
  pen.scale(dpr, dpr);
  return () => {
    const low = Math.min(Math.floor(view.time), S - 1), high = Math.min(low + 1, S - 1), share = view.time - low;
    const colours = isDark(view.root) ? KIND_DARK : data.colours.kinds;
    pen.clearRect(0, 0, width, height);
    pen.font = "600 14px ui-monospace, monospace";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (let i = 0; i < N; i++) {
      const [x, y] = [0, 1].map((d) => { const a = points[(low * N + i) * 2 + d]; return a + (points[(high * N + i) * 2 + d] - a) * share; });
      pen.fillStyle = colours[kinds[i]];
      pen.fillText(faces[i], width / 2 + x * scale, height / 2 - y * scale);
    }
  };
}

// What text looks like at each loss

function normal(view) {
  const { data } = view, box = element("div", "mg-tl-normal", view.root);
  element("div", "mg-tl-head", box, data.labels.normal);
  const lines = data.milestones.map(({ at, loss, sample }) => {
    const line = element("button", "", box);
    line.title = data.labels.jump;
    element("b", "", line, loss);
    element("span", "", line, sample);
    line.onclick = () => { hold(view); view.time = at; show(view); };
    return line;
  });
  return () => {
    const reached = data.milestones.filter(({ at }) => at <= moment(view)).length - 1;
    lines.forEach((line, i) => line.setAttribute("aria-current", i === reached));
  };
}

// What depends on the moment

function show(view) {
  const { data } = view, { labels } = data, now = data.moments[moment(view)], number = new Intl.NumberFormat(data.locale);
  const words = fill(labels.step, { step: number.format(now.step), steps: number.format(data.total) });
  view.slider.value = moment(view);
  view.slider.setAttribute("aria-valuetext", `${words}, ${now.words}`);
  write(view.play, view.playing ? `❚❚ ${labels.pause}` : `▶ ${labels.play}`);
  write(view.step, words);
  write(view.loss, now.loss == null ? "–" : new Intl.NumberFormat(data.locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(now.loss));
  write(view.sample, now.sample || labels.nothing);
  view.curve(); view.bars(); view.picture(); view.normal();
}

function play(view) {
  const last = view.data.steps.length - 1;
  if (view.time >= last) view.time = 0;
  view.playing = true;
  view.before = null;
  const frame = (now) => {
    if (!view.playing || !view.mounted) return;
    if (view.before !== null) view.time = Math.min(last, view.time + (now - view.before) / 1000 / SECONDS_A_MOMENT);
    view.before = now;
    if (view.time >= last) view.playing = false;
    show(view);
    if (view.playing) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

function hold(view) {
  if (!view.playing) return;
  view.playing = false;
  view.time = moment(view);
  show(view);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-timeline");
  let view = views.get(parentElement);
  if (!view || view.root !== root) {
    view = { root, time: data.steps.length - 1, playing: false };
    views.set(parentElement, view);
    new ResizeObserver(() => {
      if (view.width !== root.clientWidth && view.mounted) { view.width = root.clientWidth; build(view); show(view); }
    }).observe(root);
  }
  if (view.run !== data.run) Object.assign(view, { run: data.run, time: data.steps.length - 1, playing: false });
  Object.assign(view, { data, mounted: true, width: root.clientWidth });
  view.time = Math.min(view.time, data.steps.length - 1);
  build(view);
  show(view);
  return () => {
    view.mounted = view.playing = false;
    views.delete(parentElement);
  };
}
