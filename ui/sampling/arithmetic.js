// From the scores of all characters to one of them, as minigpt_core/sampling.py does it.

/** Scores (V) → what becomes of them: divided, which are left out and why, and the probabilities (V). */
export function chances(logits, { temperature, top_k, top_p }) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const order = logits.map((_, i) => i).toSorted((a, b) => logits[b] - logits[a] || a - b);  // equals stay in id order
  const left_out = logits.map(() => "");
  if (temperature === 0) {
    const likeliest = order[0];
    return { order, left_out, divided: logits.map(() => null), probabilities: logits.map((_, i) => +(i === likeliest)) };
  }
  const divided = logits.map((score) => score / temperature);
  const weights = logits.map((score) => Math.exp((score - most) / temperature));
  if (top_k > 0 && top_k < logits.length) for (const i of order.slice(top_k)) { weights[i] = 0; left_out[i] = "k"; }
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const all = sum(weights);
  let probabilities = weights.map((weight) => weight / all);
  if (top_p < 1) {
    let reached = 0;
    const cut = [];
    for (const i of order) {
      const before = reached;
      reached += probabilities[i];
      if (before >= top_p && !left_out[i]) { cut.push(i); left_out[i] = "p"; }
    }
    for (const i of cut) probabilities[i] = 0;
    const rest = sum(probabilities);
    probabilities = probabilities.map((p) => p / rest);
  }
  return { order, left_out, divided, probabilities };
}

/** The first id, in id order, whose cumulative probability exceeds u. */
export function landing(probabilities, u) {
  let reached = 0, last = 0;
  for (let i = 0; i < probabilities.length; i++) {
    if (!probabilities[i]) continue;
    last = i;
    reached += probabilities[i];
    if (reached > u) return i;
  }
  return last;
}
