// Two heat maps on one scale: what a TinyGPT has learned, and what counting gives. This file asks and draws; nothing
// reruns the script.

const ENDED = ["done", "stopped", "diverged", "failed", "interrupted"];
const MARGIN = 26;   // for the characters on both axes, in the canvas' own units
const SIZE = 470;
const FULL = 65535;  // a share of 1
const views = new WeakMap();

const element = (tag, name, parent, text) => {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
};

const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);

const numbers = (base64) => new Uint16Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);

function build(root) {
  root.replaceChildren();
  const view = { root, at: null, timer: null, state: null };
  const two = element("div", "mg-learned-two", root);
  view.maps = ["learned", "counted"].map((name) => {
    const box = element("div", "", two), title = element("h4", "", box), axes = element("div", "mg-note", box), canvas = element("canvas", "", box);
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.onpointermove = (event) => point(view, canvas, event);
    canvas.onpointerleave = () => { view.at = null; draw(view); };
    canvas.onkeydown = (event) => {
      const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!by) return;
      event.preventDefault();
      const n = view.data.faces.length, [row, column] = view.at ?? [0, 0];
      view.at = [Math.min(n - 1, Math.max(0, row + by[0])), Math.min(n - 1, Math.max(0, column + by[1]))];
      draw(view);
    };
    return { name, title, axes, canvas };
  });
  view.say = element("div", "mg-learned-say", root);
  view.say.setAttribute("aria-live", "polite");
  view.foot = element("div", "mg-learned-foot", root);
  view.curve = element("div", "mg-learned-curve", root);
  view.resize = new ResizeObserver(() => draw(view));
  view.resize.observe(two);
  return view;
}

function point(view, canvas, event) {
  const box = canvas.getBoundingClientRect(), n = view.data.faces.length, cell = (SIZE - MARGIN) / n;
  const place = (at, from, length) => Math.floor((((at - from) / length) * SIZE - MARGIN) / cell);
  const row = place(event.clientY, box.top, box.height), column = place(event.clientX, box.left, box.width);
  view.at = row >= 0 && column >= 0 && row < n && column < n ? [row, column] : null;
  draw(view);
}

function paint(view, { canvas }, table) {
  const { data } = view, n = data.faces.length, cell = (SIZE - MARGIN) / n, style = getComputedStyle(view.root);
  const sharp = Math.max(1, (canvas.clientWidth * devicePixelRatio) / SIZE);
  canvas.width = canvas.height = Math.round(SIZE * sharp);
  const pen = canvas.getContext("2d");
  pen.scale(sharp, sharp);
  pen.font = `500 ${Math.min(13, cell + 0.5)}px ${style.getPropertyValue("--mg-mono") || "monospace"}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (let i = 0; i < n; i += 1) {
    const lit = (axis) => !view.at || view.at[axis] === i, long = data.faces[i].length > 2;
    const face = long ? data.faces[i].slice(0, 3) : data.faces[i];
    pen.fillStyle = style.color;
    pen.globalAlpha = lit(1) ? 1 : 0.4;
    pen.fillText(face, MARGIN + (i + 0.5) * cell, MARGIN / 2, cell);
    pen.globalAlpha = lit(0) ? 1 : 0.4;
    pen.fillText(face, MARGIN / 2, MARGIN + (i + 0.5) * cell, MARGIN);
  }
  pen.globalAlpha = 1;
  const shade = (share) => data.scale[Math.min(data.scale.length - 1, Math.floor(Math.sqrt(share / FULL) * data.scale.length))];
  for (let row = 0; row < n; row += 1) {
    for (let column = 0; column < n; column += 1) {
      pen.fillStyle = table ? shade(table[row * n + column]) : "rgba(128, 128, 128, 0.15)";
      pen.fillRect(MARGIN + column * cell, MARGIN + row * cell, cell - 0.4, cell - 0.4);
    }
  }
  if (!view.at) return;
  pen.strokeStyle = "#D55E00";
  pen.lineWidth = 2;
  pen.strokeRect(MARGIN + view.at[1] * cell - 1, MARGIN + view.at[0] * cell - 1, cell + 1.6, cell + 1.6);
}

function draw(view) {
  const { data, state } = view, words = data.labels, n = data.faces.length;
  const learned = state?.table ? numbers(state.table) : null, counted = numbers(data.counted);
  view.maps[0].title.textContent = learned ? fill(words.learned, { step: view.number(state.step, 0) }) : words.waiting;
  view.maps[1].title.textContent = words.counted;
  for (const { axes } of view.maps) axes.textContent = `↓ ${words.row} → ${words.column}`;
  paint(view, view.maps[0], learned);
  paint(view, view.maps[1], counted);
  for (const { canvas, title } of view.maps) canvas.setAttribute("aria-label", `${title.textContent}. ${words.row} ${words.column}`);
  view.say.textContent = view.at ? sentence(view, learned, counted, n) : words.point;
  view.foot.replaceChildren();
  const scale = element("span", "", view.foot), bar = element("span", "mg-learned-scale", scale);
  bar.style.background = `linear-gradient(90deg, ${data.scale.join(",")})`;
  element("span", "", scale, words.scale);
  if (data.all > n) element("span", "", view.foot, fill(words.some, { n: view.number(n, 0), all: view.number(data.all, 0) }));
  curve(view);
}

function sentence(view, learned, counted, n) {
  const [row, column] = view.at, { data } = view, share = (table) => (table ? view.number((100 * table[row * n + column]) / FULL, 1) : "–");
  return fill(data.labels.cell, {
    current: data.faces[row], next: data.faces[column], learned: share(learned), counted: share(counted), times: view.number(data.times[row], 0),
  });
}

const SVG = "http://www.w3.org/2000/svg";

function curve(view) {
  const { state, data } = view, words = data.labels;
  view.curve.replaceChildren();
  const { x = [], y = [] } = state?.distances ?? {};
  if (!x.length) return;
  const svg = document.createElementNS(SVG, "svg"), width = 400, height = 90, last = Math.max(1, x.at(-1)), top = Math.max(...y, 1e-9);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const draw = (tag, attributes, text) => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    svg.appendChild(made);
  };
  const left = 34, place = (i) => [left + ((width - left - 8) * x[i]) / last, 8 + (height - 28) * (1 - y[i] / top)];
  draw("line", { x1: left, x2: width, y1: height - 20, y2: height - 20 });
  draw("text", { x: left - 5, y: 13, "text-anchor": "end" }, view.number(top, 1));
  draw("text", { x: left - 5, y: height - 16, "text-anchor": "end" }, "0");
  draw("text", { x: width, y: height - 5, "text-anchor": "end" }, view.number(last, 0));
  draw("path", { d: x.map((_, i) => `${i ? "L" : "M"}${place(i).map((v) => v.toFixed(1)).join(" ")}`).join("") });
  const [endX, endY] = place(x.length - 1);
  draw("circle", { cx: endX, cy: endY, r: 4 });
  const text = element("div", "", view.curve);
  element("div", "mg-label", text, words.distance);
  element("div", "", text, fill(words.now, { n: view.number(y.at(-1), 3) }));
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", text.textContent);
  view.curve.prepend(svg);
}

async function poll(view) {
  clearTimeout(view.timer);
  if (!view.root.isConnected) return;
  const { url, every } = view.data;
  if (!document.hidden) {
    try {
      const response = await fetch(new URL(url, document.baseURI));
      if (response.ok && url === view.data.url) {
        view.state = await response.json();
        draw(view);
      }
    } catch { /* the live chart says that the program cannot be reached */ }
  }
  if (!ENDED.includes(view.state?.status)) view.timer = setTimeout(() => poll(view), every);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".mg-learned");
  let view = views.get(parentElement);
  if (view?.root !== root) views.set(parentElement, view = build(root));
  if (view.data?.url !== data.url) Object.assign(view, { state: null, at: null });
  view.data = data;
  view.number = (value, digits) => new Intl.NumberFormat(data.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  draw(view);
  poll(view);
  return () => {  // only when the component leaves the page
    clearTimeout(view.timer);
    view.resize.disconnect();
    views.delete(parentElement);
  };
}
