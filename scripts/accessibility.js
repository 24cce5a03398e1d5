// What `scripts/accessibility.py` asks of a page. It is there before the page, so that everything that listens to a
// pointer is noted while the page is built.

(() => {
  const POINTER = /^(click|pointerdown|mousedown|pointermove|mousemove)$/;
  const add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (kind, ...others) {
    if (this instanceof Element && POINTER.test(kind)) this.mgListens = true;
    return add.call(this, kind, ...others);
  };

  const USABLE = 'a[href], button, input, select, textarea, summary, [role="button"], [role="slider"], [role="tab"], [contenteditable="true"]';
  const GROUP = '[role="radiogroup"], [role="tablist"], [role="menu"], [role="grid"], [role="listbox"], [role="toolbar"], .mg-att-grid';
  // The arrows of a field for numbers, and that of a menu, do what keys do in the field; plotly's layers are no controls
  const ELSEWHERE = '[inert], [aria-hidden="true"], .js-plotly-plot, [data-testid^="stNumberInputStep"], [data-testid="stSelectbox"]';

  const within = (one) => [...(one?.querySelectorAll("*") ?? [])];
  const parents = (one) => (one.parentElement ? [one.parentElement, ...parents(one.parentElement)] : []);
  const isSeen = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const words = (one) => (one.getAttribute("aria-label") || one.innerText || one.title || one.name || "").trim().slice(0, 40);
  const named = (one) => {
    const classes = [...one.classList].filter((name) => !/^e[0-9a-z]{6}|^st-/.test(name)).join(".");
    return `${one.tagName.toLowerCase()}.${classes} [${one.closest("[data-testid]")?.dataset.testid}] “${words(one)}”`;
  };

  /** Headings as [level, words]. */
  const headings = () => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6, [role=heading]")].filter(isSeen)
    .map((one) => [Number(one.getAttribute("aria-level") ?? one.tagName[1]), words(one)]);

  /** What has the focus now, null for nothing: its name, its place, whether it was here before and whether it can be seen. */
  function focused() {
    const one = document.activeElement;
    if (!one || one === document.body || one === document.documentElement) return null;
    const { width, height } = one.getBoundingClientRect(), again = Boolean(one.mgReached);
    Object.assign(one, { mgReached: true });
    window.mgFocused = one;
    return { what: named(one), again, seen: width > 0 && height > 0 && getComputedStyle(one).visibility !== "hidden" };
  }

  /** How that one looks which had the focus last, with what stands around it and in it: another string where it shows the focus. */
  function look() {
    const one = window.mgFocused, label = one?.closest("label");
    if (!one) return "";
    const near = [one, ...parents(one).slice(0, 3), ...within(one).slice(0, 6), ...(label ? [label, ...within(label)] : [])];
    const said = (each, part) => {
      const style = getComputedStyle(each, part);
      const { boxShadow, borderColor, backgroundColor, textDecorationLine, color, opacity, content } = style;
      const outline = style.outlineStyle === "none" ? "" : style.outlineWidth + style.outlineColor;
      return [outline, boxShadow, borderColor, backgroundColor, textDecorationLine, color, opacity, part && content].join();
    };
    return near.map((each) => [null, "::before", "::after"].map((part) => said(each, part)).join()).join("|");
  }

  /** What a pointer can use and Tab has not reached. In a group whose arrow keys move, one of them is enough. */
  function unreached() {
    const listens = (one) => one.mgListens || one.onclick || one.onpointerdown || one.onpointermove || one.onmousemove;
    const reached = (one) => one?.mgReached;
    return [...document.body.querySelectorAll("*")]
      .filter((one) => one.id !== "root" && (one.matches(USABLE) || listens(one)))
      .filter((one) => isSeen(one) && !one.disabled && one.getAttribute("aria-disabled") !== "true" && !one.closest(ELSEWHERE))
      .filter((one) => ![one, ...parents(one), ...within(one), ...within(one.closest(GROUP)), ...within(one.closest("label"))].some(reached))
      .map(named);
  }

  /** What stands beyond the window's edge where nothing scrolls to it. */
  function beyond() {
    const width = document.documentElement.clientWidth, main = document.querySelector('[data-testid="stMain"]');
    const scrolls = (one) => /auto|scroll/.test(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth && one !== main;
    const right = (one) => one.getBoundingClientRect().right;
    const left = (one) => one.getBoundingClientRect().left;
    const outside = [...main.querySelectorAll("*")]
      .filter((one) => one.getBoundingClientRect().width && isSeen(one) && (right(one) > width + 1 || left(one) < -1))
      .filter((one) => !one.closest('.mg-hidden, svg, [aria-hidden="true"], .mg-tail') && ![one, ...parents(one)].some(scrolls))
      .filter((one) => ![...one.children].some((inner) => right(inner) > width + 1));
    const sideways = Math.max(document.documentElement.scrollWidth - width, main.scrollWidth - main.clientWidth);
    return [...(sideways > 1 ? [`the page scrolls sideways by ${sideways}`] : []), ...outside.map(named)];
  }

  /** What is smaller than 24 pixels. Links in sentences may be, and what the browser draws itself is as large as it wants. */
  const small = () => [...document.querySelectorAll('.stMain button, .stMain a[href], .stMain [role="slider"]')]
    .filter((one) => isSeen(one) && !one.closest('p, .mg-flow, .js-plotly-plot, [aria-hidden="true"]'))
    .map((one) => [one, (one.closest("label") ?? one).getBoundingClientRect()])
    .filter(([, { width, height }]) => width > 1 && height > 1 && Math.min(width, height) < 24)
    .map(([one, { width, height }]) => `${named(one)} ${Math.round(width)}×${Math.round(height)}`);

  window.mgLooks = { headings, focused, look, unreached, beyond, small };
})();
