// Scores, mask and softmax of every head, from its queries and keys. A head has a number n = layer · heads + head. A
// pattern is a Float32Array of T · T: row i says where i looks.

import { bytes } from "../components/js/numbers.js";

export function dot(q, k, i, j, size) {
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

export function calculate(view) {
  const { layers, heads, length: T, size } = view.data;
  const [q, k] = [view.data.queries, view.data.keys].map((sent) => new Float32Array(bytes(sent).buffer)), each = T * size;
  const part = (x, n) => x.subarray(n * each, (n + 1) * each);
  view.q = Array.from({ length: layers * heads }, (_, n) => part(q, n));
  view.k = view.q.map((_, n) => part(k, n));
  view.patterns = view.q.map((mine, n) => patternOf(mine, view.k[n], T, size));
  view.means = {};
}

export function shown(view) {
  const { heads } = view.data, layer = Math.floor(view.head / heads);
  if (view.mean === "one") return view.patterns[view.head];
  const name = view.mean === "all" ? "all" : `layer ${layer}`;
  const some = view.mean === "all" ? view.patterns : view.patterns.slice(layer * heads, (layer + 1) * heads);
  return view.means[name] ??= meanOf(some);
}

// What one character's row (where it looks) or column (who looks at it) says: [[place, share], …], the largest first
export function sharesOf(view, place) {
  const T = view.data.length, pattern = shown(view), shares = [];
  if (view.back) for (let j = 0; j <= place; j++) shares.push([j, pattern[place * T + j]]);
  else for (let i = place; i < T; i++) shares.push([i, pattern[i * T + place]]);
  return shares.toSorted((a, b) => b[1] - a[1]);
}
