// How a map of rows fits its frame: the same on every page that draws one. Its middle is the middle of the rows, a unit
// is as long across as upwards, and it stays the same at all moments, so that growing is seen.

const LONELY = 1.5;  // times as far out as any other row: it would press them all into the middle

/**
 * How far the frame reaches from the middle, [across, upwards]. A row that is alone far out, at any moment, does not count.
 * `points`: x and y of `count` rows, for all moments in turn.
 */
export function reachOf(points, count) {
  return [0, 1].map((d) => {
    const far = Array.from({ length: count }, () => 1e-9);
    for (let n = d; n < points.length; n += 2) far[(n >> 1) % count] = Math.max(far[(n >> 1) % count], Math.abs(points[n]));
    const [first, second = first] = far.toSorted((a, b) => b - a);
    return first > LONELY * second ? second : first;
  });
}

/** Pixels for a unit of the map; `room`: pixels from the middle to the edges. */
export const unitOf = (reach, room) => Math.min(room[0] / reach[0], room[1] / reach[1]);

/** A place in pixels from the middle, brought to the edge if it lies beyond: [x, y, whether it does]. */
export function inside([x, y], room) {
  const over = Math.max(Math.abs(x) / room[0], Math.abs(y) / room[1]);
  return over > 1.001 ? [x / over, y / over, true] : [x, y, false];
}

/** A sign beside a point at the edge, which says that it lies farther out in that direction. */
export function drawArrow(pen, [x, y], middle, size) {
  const turn = Math.atan2(y - middle[1], x - middle[0]);
  pen.save();
  pen.translate(x, y);
  pen.rotate(turn);
  pen.beginPath();
  pen.moveTo(size + 9, 0);
  pen.lineTo(size + 2, -5);
  pen.lineTo(size + 2, 5);
  pen.fill();
  pen.restore();
}
