// Numbers: as Python sends them, and as somebody who reads in `view.data.locale` expects them.

export const NARROW_SPACE = "\u202f";

export const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

/** What Python has written in base64. */
export const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

export function number(view, value, digits = 0) {
  if (value == null || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(view.data.locale, options).format(value).replace("-", "−");
}

export const percent = (view, share, digits = 0) => `${number(view, 100 * share, digits)}${NARROW_SPACE}%`;
