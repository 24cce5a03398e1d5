// Every chart, heat map and map of a page as a file: plotly's own as PNG and SVG; what is drawn with HTML, SVG and canvases as
// an SVG that shows it as it stands there (what is on a canvas stays a picture of dots, twice as fine), or as a PNG of that.
// Always on light paper, with its title above. A component that draws on a canvas gives its root a `redraw`.

import { element } from "./element.js";
import { LIGHT, lighten } from "./paper.js";
import { loadPlotly } from "../plotly_loader.js";

const MAIN = '[data-testid="stMain"]', PLOTLY = ".js-plotly-plot", SHARP = 2, PAD = 20, TITLE_PX = 17;
const DRAWINGS = [".mg-att", ".mg-learned", ".mg-timeline", ".mg-emb", ".mg-lens", ".mg-bar", ".mg-compact", ".mg-names", ".mg-tiles", ".mg-costs", ".mg-ranks", ".mg-lot",
  ".mg-pipe", ".mg-flow", ".st-key-model_drawing", ".st-key-ablation_drawing"];
const HEADINGS = "h1, h2, h3, h4, .mg-label, .mg-tl-head";
const LEFT_OUT = "button, input, select, textarea, label, script, style, .mg-hidden, [hidden], [class$=-choice], .mg-emb-zoom";
const LONG_TITLE = 90;  // characters
const PARTED = "[class*=_drawing]", PARTS = "[class*=model_open_] button, .st-key-ablation_drawing button";  // of a drawing that is its own control
const LOOKS = ["align-content", "align-items", "align-self", "background-color", "background-image", "background-position", "background-repeat", "background-size", "border-bottom-color", "border-bottom-left-radius",
  "border-bottom-right-radius", "border-bottom-style", "border-bottom-width", "border-collapse", "border-left-color", "border-left-style", "border-left-width", "border-right-color", "border-right-style",
  "border-right-width", "border-spacing", "border-top-color", "border-top-left-radius", "border-top-right-radius", "border-top-style", "border-top-width", "bottom", "box-shadow", "box-sizing", "clip-path", "color",
  "column-count", "column-gap", "column-width", "direction", "display", "fill", "fill-opacity", "flex-basis", "flex-direction", "flex-grow", "flex-shrink", "flex-wrap", "font-family", "font-size", "font-style", "font-variant-numeric", "font-weight",
  "grid-auto-columns", "grid-auto-flow", "grid-column", "grid-row", "grid-template-areas", "grid-template-columns", "grid-template-rows", "height", "justify-content", "justify-items", "left", "letter-spacing", "line-height",
  "list-style-type", "margin-bottom", "margin-left", "margin-right", "margin-top", "max-height", "max-width", "min-height", "min-width", "opacity", "overflow-wrap", "overflow-x", "overflow-y", "padding-bottom", "padding-left",
  "padding-right", "padding-top", "place-items", "position", "right", "row-gap", "stroke", "stroke-dasharray", "stroke-linecap", "stroke-opacity", "stroke-width", "text-align", "text-anchor", "text-decoration-color",
  "text-decoration-line", "text-transform", "text-underline-offset", "top", "transform", "transform-origin", "unicode-bidi", "vertical-align", "visibility", "white-space", "width", "writing-mode", "z-index"];

/** What can be saved of the page, from top to bottom: [{ node, title, plotly }]. */
export function picturesOfPage() {
  const main = document.querySelector(MAIN);
  if (!main) return [];
  const seen = (node) => node.clientWidth > 60 && node.clientHeight > 12 && node.checkVisibility();
  const found = [...main.querySelectorAll([PLOTLY, ...DRAWINGS].join(","))].filter(seen);
  const outer = found.filter((node) => !found.some((other) => other !== node && !other.matches(PLOTLY) && other.contains(node)));
  return outer.map((node) => ({ node, title: titleOf(main, node), plotly: node.matches(PLOTLY) }));
}

// Its own name, or that of the nearest heading above it
function titleOf(main, node) {
  const named = node.closest("[aria-label]") ?? node.querySelector('[role="img"][aria-label]');
  if (named && main.contains(named) && (node.matches(PLOTLY) || named === node)) {
    const label = named.getAttribute("aria-label").split(". ")[0], brief = label.length > LONG_TITLE ? label.split(": ")[0] : label;
    if (brief.length <= LONG_TITLE) return brief;  // the others read out all numbers
  }
  if (node.matches(PARTED)) return main.querySelector("h1").textContent.trim();
  const above = [...main.querySelectorAll(HEADINGS)].filter((one) => one.checkVisibility() && one.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING && !node.contains(one));
  return above.at(-1)?.textContent.trim() || named?.getAttribute("aria-label") || document.title;
}

const fileName = (title, format) => {
  const word = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  const page = word(document.querySelector(`${MAIN} h1`)?.textContent ?? "");
  return `${["mini-gpt", page, word(title).slice(0, 40).replace(/-$/, "")].filter((part, i, all) => part && all.indexOf(part) === i).join("-")}.${format}`;
};

/** Save one of them as "png" or "svg". */
export async function savePicture(picture, format) {
  const name = fileName(picture.title, format);
  if (picture.plotly) return download(await plotlyImage(picture, format), name);
  const svg = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawingOf(picture))}`;
  return download(format === "svg" ? svg : await dots(svg), name);
}

function download(address, name) {
  const link = element("a", "", document.body);
  Object.assign(link, { href: address, download: name });
  link.click();
  link.remove();
}

async function dots(svg) {
  const image = new Image();
  image.src = svg;
  await image.decode();
  const canvas = document.createElement("canvas"), [width, height] = [SHARP * image.width, SHARP * image.height];
  Object.assign(canvas, { width, height });
  canvas.getContext("2d").drawImage(image, 0, 0, width, height);
  return canvas.toDataURL("image/png");
}

// Plotly's charts

async function plotlyImage({ node, title }, format) {
  const Plotly = await loadPlotly("api/plotly.js"), ink = { color: LIGHT.color };
  const layout = JSON.parse(JSON.stringify(node.layout)), lines = wrapped(title, node.clientWidth / 9), room = PAD + TITLE_PX * 1.35 * lines.length;
  for (const [name, axis] of Object.entries(layout)) {
    if (/^[xy]axis/.test(name) && axis && typeof axis === "object") {
      if (typeof axis.title === "string") axis.title = { text: axis.title };
      Object.assign(axis, { tickfont: { ...axis.tickfont, ...ink }, title: { ...axis.title, font: { ...axis.title?.font, ...ink } } });
    }
  }
  for (const one of layout.annotations ?? []) Object.assign(one, { font: { ...one.font, ...ink }, ...(one.bgcolor ? { bgcolor: "#FFFFFF" } : {}) });
  const kept = node._fullLayout.margin, width = node.clientWidth + 2 * PAD, height = Math.max(node.clientHeight, 240) + room;
  Object.assign(layout, {
    width, height, autosize: false, paper_bgcolor: "#FFFFFF", plot_bgcolor: "#FFFFFF", font: { ...layout.font, ...ink }, legend: { ...layout.legend, font: { ...layout.legend?.font, ...ink } },
    margin: { l: kept.l + PAD / 2, r: kept.r + PAD, t: kept.t + room, b: kept.b + PAD / 2 },
    title: { text: lines.map(plain).join("<br>"), x: 0, xref: "container", xanchor: "left", pad: { l: PAD, t: lines.length > 1 ? PAD : PAD / 2 }, y: 1, yref: "container", yanchor: "top", font: { size: TITLE_PX, ...ink }, automargin: false },
  });
  return Plotly.toImage({ data: structuredClone(node.data), layout }, { format, width, height, scale: format === "png" ? SHARP : 1 });
}

const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function wrapped(text, letters) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && `${lines.at(-1)} ${word}`.length > letters) lines.push(word);
    else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
  }
  return lines;
}

// What is drawn with HTML, SVG and canvases

function drawingOf({ node, title }) {
  const [copy, canvases] = onPaper(node), width = node.scrollWidth;
  const host = element("div", "", document.querySelector(`${MAIN} [data-testid="stMainBlockContainer"]`) ?? document.querySelector(MAIN));
  Object.assign(host.style, { position: "absolute", left: "-99999px", top: "0", width: `${width}px`, background: "#FFFFFF" });
  for (const [name, value] of Object.entries(LIGHT)) host.style.setProperty(name, value);
  host.appendChild(copy);
  try {
    [...copy.querySelectorAll("canvas")].forEach((canvas, i) => canvas.replaceWith(pictureOf(canvas, canvases[i])));
    for (const part of copy.querySelectorAll(LEFT_OUT)) if (!part.matches(PARTS) && !part.closest(PARTS) && !part.querySelector("img")) part.remove();
    const height = host.getBoundingClientRect().height;
    freeze(copy);
    const body = new XMLSerializer().serializeToString(copy), lines = wrapped(title, width / 8), top = PAD + TITLE_PX * 1.35 * lines.length;
    const text = lines.map((line, i) => `<text x="${PAD}" y="${PAD + TITLE_PX * (0.8 + 1.35 * i)}" font-family="sans-serif" font-weight="600" font-size="${TITLE_PX}" fill="${LIGHT.color}">${plain(line)}</text>`);
    const [wide, high] = [width + 2 * PAD, Math.ceil(top + height + 1.5 * PAD)];
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${high}" viewBox="0 0 ${wide} ${high}"><rect width="100%" height="100%" fill="#FFFFFF"/>${text.join("")}` +
      `<foreignObject x="${PAD}" y="${top + PAD / 2}" width="${width}" height="${Math.ceil(height + PAD)}">${body}</foreignObject></svg>`;
  } finally {
    host.remove();
  }
}

// A copy, and what stands on each canvas: drawn again on light paper and twice as fine where the component can
function onPaper(node) {
  const canvases = [...node.querySelectorAll("canvas")], roots = new Set(canvases.map((canvas) => ownerOf(canvas)).filter(Boolean)), ratio = Object.getOwnPropertyDescriptor(window, "devicePixelRatio");
  let back = () => {};
  try {
    if (ratio?.configurable !== false) Object.defineProperty(window, "devicePixelRatio", { value: Math.max(SHARP, devicePixelRatio), configurable: true });
    back = lighten(roots);
    const shown = [...node.querySelectorAll("canvas")].map((canvas) => (canvas.width && canvas.height ? canvas.toDataURL("image/png") : ""));
    return [node.cloneNode(true), shown];
  } finally {
    if (ratio) Object.defineProperty(window, "devicePixelRatio", ratio);
    back();
  }
}

function ownerOf(canvas) {
  for (let node = canvas; node; node = node.parentElement) if (node.redraw) return node;
  return null;
}

function pictureOf(canvas, source) {
  const image = document.createElement("img"), box = getComputedStyle(canvas);
  image.src = source;
  image.setAttribute("style", `display:block;width:${box.width};height:${box.height}`);
  return image;
}

// Every element keeps its looks as a style of its own; what stands before and after it becomes elements
function freeze(node) {
  const all = [node, ...node.querySelectorAll("*")];
  const looks = all.map((one) => {
    const style = getComputedStyle(one), pseudo = ["::before", "::after"].map((which) => getComputedStyle(one, which)).map((of) => (["none", "normal"].includes(of.content) ? null : [written(of.content), said(of)]));
    const oneLine = !one.children.length && one.textContent.trim() && one.clientHeight < 1.7 * parseFloat(style.lineHeight);  // the file may have another font
    return [said(style) + (oneLine ? ";white-space:pre" : "") + (one.closest("button") ? ";overflow:visible" : ""), pseudo];
  });
  all.forEach((one, i) => {
    const [style, [before, after]] = looks[i];
    one.setAttribute("style", style);
    one.removeAttribute("class");
    for (const [found, put] of [[before, "prepend"], [after, "append"]]) {
      if (!found) continue;
      const made = document.createElement("span");
      made.textContent = found[0];
      made.setAttribute("style", found[1]);
      one[put](made);
    }
  });
}

const said = (style) => LOOKS.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";");
const written = (content) => content.replace(/^"|"$/g, "").replaceAll('\\"', '"');
