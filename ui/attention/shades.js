// Attention as a colour. It grows with the root of the share, so that small ones can be told apart; the scale says so.

import { onScale } from "../components/js/colours.js";

const RAMP = {  // from no attention to all of it: one hue, told apart by colour-blind people
  light: [[251, 250, 247], [198, 219, 239], [107, 174, 214], [33, 113, 181], [8, 48, 107]],
  dark: [[20, 24, 31], [19, 55, 88], [30, 108, 168], [86, 180, 233], [236, 248, 255]],
};

export const shadeOf = (view, share) => onScale(view.dark ? RAMP.dark : RAMP.light, Math.sqrt(share));

/** A pattern as a small picture: where many cells share a pixel, the largest share counts, so that thin lines stay. */
export function bitmap(view, pattern, side) {
  const T = view.data.length, canvas = document.createElement("canvas"), most = new Float32Array(side * side).fill(-1);
  for (let i = 0; i < T; i++) {
    for (let j = 0; j <= i; j++) {
      const at = Math.floor(i * side / T) * side + Math.floor(j * side / T);
      most[at] = Math.max(most[at], pattern[i * T + j]);
    }
  }
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d"), image = context.createImageData(side, side);
  most.forEach((share, at) => {
    if (share >= 0) image.data.set([...shadeOf(view, share), 255], 4 * at);  // what nobody may look at stays clear
  });
  context.putImageData(image, 0, 0);
  return canvas;
}
