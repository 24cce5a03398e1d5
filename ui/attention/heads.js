// The grid of all heads; `choose(n)` is called for the one that somebody wants to see large.

import { element, fill } from "../components/js/element.js";
import { clamp, number } from "../components/js/numbers.js";
import { bitmap } from "./shades.js";
import { nameOf } from "./names.js";

const LEAST_WITH_WORDS = 56;  // pixels: narrower tiles stand without their captions

export function drawGrid(view, choose) {
  const { labels, layers, heads } = view.data, box = view.gridBox;
  const room = view.width >= 1100 ? 430 : 326, tile = clamp(Math.floor((room - 22) / heads) - 6, 30, heads <= 2 ? 104 : layers > 3 ? 58 : 86);
  box.replaceChildren();
  box.parentElement.style.width = `${room}px`;
  const title = element("div", "mg-att-title", box, labels.grid);
  title.title = fill(layers === 1 ? labels.grid_hint_one : labels.grid_hint, { n: number(view, layers), heads: number(view, heads) });
  const grid = element("div", "mg-att-grid", box);
  grid.style.gridTemplateColumns = `16px repeat(${heads}, ${tile}px)`;
  grid.dataset.small = tile < LEAST_WITH_WORDS;
  view.tiles = [];
  for (let layer = 0; layer < layers; layer++) {
    element("div", "mg-att-layer", grid, fill(labels.layer_n, { n: number(view, layer + 1) }));
    for (let head = 0; head < heads; head++) view.tiles.push(tileOf(view, grid, layer * heads + head, tile, choose));
  }
  grid.onkeydown = (event) => walkGrid(view, event, choose);
}

function tileOf(view, grid, n, size, choose) {
  const about = view.data.about[n], button = element("button", "mg-att-tile", grid);
  button.type = "button";
  button.setAttribute("aria-label", `${nameOf(view, n)}. ${about.tip}`);
  button.dataset.tip = `${nameOf(view, n)} · ${about.tip}`;
  button.onclick = () => choose(n);
  const canvas = element("canvas", "", button), pixels = Math.round(size * devicePixelRatio);
  canvas.width = canvas.height = pixels;
  canvas.style.height = `${size}px`;
  paint(view, canvas.getContext("2d"), view.patterns[n], pixels);
  element("span", about.clear ? "" : "mg-att-vague", button, about.caption).hidden = size < LEAST_WITH_WORDS;
  return button;
}

function paint(view, context, pattern, pixels) {
  const picture = bitmap(view, pattern, Math.min(view.data.length, pixels));
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, pixels, pixels);
}

export function markGrid(view) {
  const { heads } = view.data, layer = Math.floor(view.head / heads);
  view.tiles.forEach((tile, n) => {
    const chosen = view.mean === "all" || (view.mean === "layer" ? Math.floor(n / heads) === layer : n === view.head);
    tile.setAttribute("aria-pressed", String(chosen));
    tile.tabIndex = n === view.head ? 0 : -1;
  });
}

function walkGrid(view, event, choose) {
  const { heads } = view.data, stride = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -heads, ArrowDown: heads }[event.key];
  if (!stride || !(view.head + stride in view.tiles)) return;
  event.preventDefault();
  choose(view.head + stride);
  view.tiles[view.head].focus();
}
