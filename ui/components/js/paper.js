// What is printed or saved is on light paper, whatever the theme of the page.

const WIDTH = 700, LARGEST = 0.95;  // pixels of A4 between its margins (186 mm); how large at most, of the screen's size
const PAPERED = '[data-testid="stMainBlockContainer"]';

export const LIGHT = { color: "#1E2430", "color-scheme": "light", "--st-text-color": "#1E2430", "--st-background-color": "#FFFFFF", "--st-secondary-background-color": "#F1EEE7",
  "--st-border-color": "#DDD8CC", "--st-primary-color": "#0B5FA5", "--st-link-color": "#0B5FA5", "--mg-ground": "#FFFFFF", "--mg-border": "#DDD8CC", "--mg-accent": "#0B5FA5" };

/** Have these roots of components draw for light paper; what is returned has them draw for the page again. */
export function lighten(roots) {
  const before = [...roots].map((root) => root.getAttribute("style"));
  for (const root of roots) {
    for (const [name, value] of Object.entries(LIGHT)) root.style.setProperty(name, value);
    root.redraw();
  }
  return () => [...roots].forEach((root, i) => {
    if (before[i] === null) root.removeAttribute("style");
    else root.setAttribute("style", before[i]);
    root.redraw();
  });
}

/** Before the page is printed: as wide as on the screen, as small as the paper needs; canvases on light paper. */
export function drawForPaper() {
  const page = document.documentElement;
  let back = null;
  window.addEventListener("beforeprint", () => {
    const main = document.querySelector(PAPERED);
    if (!main || back) return;
    const style = getComputedStyle(main), width = main.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    page.style.setProperty("--mg-paper-width", `${width}px`);
    page.style.setProperty("--mg-paper", Math.min(LARGEST, WIDTH / width));
    back = lighten(new Set([...main.querySelectorAll("*")].filter((node) => node.redraw)));
  });
  window.addEventListener("afterprint", () => {
    back?.();
    back = null;
  });
}
