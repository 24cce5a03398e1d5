// A table of characters by characters as a heat map, the characters on both axes. `frame` says how it lies on its
// canvas: `count` cells a side, each `cell` wide, behind a `margin` for the characters.

const FAINT = 0.66;  // still legible

/** The characters on both axes, the others than those of the cell [row, column] `at` only faintly. */
export function drawFaces(pen, faces, { margin, cell }, at = null) {
  const strength = (axis, i) => (!at || at[axis] === i ? 1 : FAINT);
  const every = Math.ceil(0.8 * parseFloat(/([\d.]+)px/.exec(pen.font)[1]) / cell);  // larger letters than cells: only some of them
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  faces.forEach((face, i) => {
    if (i % every && !at?.includes(i)) return;
    const short = face.slice(0, 3), middle = margin + (i + 0.5) * cell;
    pen.globalAlpha = strength(1, i);
    pen.fillText(short, middle, margin / 2, every * cell);
    pen.globalAlpha = strength(0, i);
    pen.fillText(short, margin / 2, middle, margin);
  });
  pen.globalAlpha = 1;
}

/** All cells; `colour(n)` of the n-th one, row by row, with a gap between them. */
export function drawCells(pen, { count, margin, cell }, colour, gap = 0) {
  for (let n = 0; n < count * count; n++) {
    pen.fillStyle = colour(n);
    pen.fillRect(margin + (n % count) * cell, margin + Math.floor(n / count) * cell, cell - gap, cell - gap);
  }
}

/** [row, column] of the cell that the pointer means, null beside the table. The canvas may be shown in any size. */
export function cellUnder(event, canvas, { count, margin, cell }) {
  const box = canvas.getBoundingClientRect(), size = margin + count * cell;
  const place = (at, from, length) => Math.floor((((at - from) / length) * size - margin) / cell);
  const row = place(event.clientY, box.top, box.height), column = place(event.clientX, box.left, box.width);
  return row >= 0 && column >= 0 && row < count && column < count ? [row, column] : null;
}
