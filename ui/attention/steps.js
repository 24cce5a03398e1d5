// Step by step: query · key, scale, mask, softmax, with the numbers of this head and this character.

import { element, fill } from "../components/js/element.js";
import { clamp, number } from "../components/js/numbers.js";
import { dot, shown } from "./patterns.js";
import { faceOf, nameOf, placeName, quoted, score, shareWords } from "./names.js";

const STEP_ROWS = 6, MASKED_ROWS = 2;

export function drawSteps(view) {
  const { labels, size, length: T } = view.data, box = view.calculation, i = view.pinned;
  const q = view.q[view.head], k = view.k[view.head], row = shown(view).subarray(i * T, i * T + i + 1);
  const order = [...row.keys()].toSorted((a, b) => row[b] - row[a]), rows = order.slice(0, STEP_ROWS);
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
  element("span", "", cell, shareWords(view, share));
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
