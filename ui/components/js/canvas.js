// What is drawn on a canvas, and the words beside the pointer.

/** The pen of an empty canvas of that many CSS pixels, as sharp as the screen. */
export function sharpPen(canvas, width, height) {
  const ratio = devicePixelRatio, [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

/** Words beside a point of a box, on the side where there is room; none: nothing. */
export function showTip(tip, words, x, y, width, height) {
  tip.hidden = !words;
  tip.textContent = words;
  tip.style.left = x > width / 2 ? "" : `${x + 14}px`;
  tip.style.right = x > width / 2 ? `${width - x + 10}px` : "";
  tip.style.top = `${y > height - 60 ? y - 38 : y + 16}px`;
}
