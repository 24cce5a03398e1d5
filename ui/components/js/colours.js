// Colours as [red, green, blue], and what the page's theme is.

export const CIVIDIS = [[0, 32, 76], [39, 63, 108], [91, 95, 109], [131, 129, 120], [176, 165, 114], [225, 204, 92], [255, 233, 69]];

// The kinds of characters, as in style.css
export const KINDS_LIGHT = { vowel: "#0072B2", consonant: "#7A7A7A", space: "#E69F00", digit: "#009E73", mark: "#CC79A7" };
export const KINDS_DARK = { vowel: "#56B4E9", consonant: "#A9B0BA", space: "#E69F00", digit: "#2BC49B", mark: "#E39CC4" };

// The same as letters on the light ground, where most of them are too pale; on the dark one they can be read as they are
export const KINDS_WRITTEN = { vowel: "#0067A0", consonant: "#666666", space: "#8A5F00", digit: "#00694D", mark: "#A03E76" };

export const css = (colour) => `rgb(${colour.join(",")})`;

export const mix = (a, b, share) => a.map((x, i) => Math.round(x + (b[i] - x) * share));

/** The colour of a share, 0 to 1, on a scale of colours. */
export function onScale(scale, share) {
  const place = Math.min(Math.max(share, 0), 1) * (scale.length - 1), low = Math.min(Math.floor(place), scale.length - 2);
  return mix(scale[low], scale[low + 1], place - low);
}

/** Black or white, whichever can be read better on a colour: the same choice as in ui/words/tokens.py. */
export function inkOn(colour) {
  const [r, g, b] = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

export function isDark(root) {
  const [red, green, blue] = getComputedStyle(root).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 384;  // light text
}

const ofTheme = (root, name) => getComputedStyle(root).getPropertyValue(name).trim();

/** The page's own colours, as CSS. */
export const primaryColour = (root) => ofTheme(root, "--st-primary-color") || "#0B5FA5";
export const groundColour = (root) => ofTheme(root, "--st-background-color") || "#fff";
