// Numbers: as Python sends them, and as somebody who reads in `view.data.locale` expects them.

export const NARROW_SPACE = "\u202f";
const LEAST_PERCENT = 0.001;  // anything below is told as less than this

export const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

/** What Python has written in base64. */
export const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

export function number(view, value, digits = 0) {
  if (value == null || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(view.data.locale, options).format(value).replace("-", "−");
}

/** A share in words, as Python's `percent`: what would round to nothing is told all the same. */
export function percent(view, share, digits = 0) {
  const size = 100 * share;
  if (!(size > 0 && size <= 0.5 / 10 ** digits)) return `${number(view, size, digits)}${NARROW_SPACE}%`;
  const shown = (value) => new Intl.NumberFormat(view.data.locale, { maximumSignificantDigits: 2 }).format(value);
  return size < LEAST_PERCENT ? `<${NARROW_SPACE}${shown(LEAST_PERCENT)}${NARROW_SPACE}%` : `${shown(size)}${NARROW_SPACE}%`;
}
