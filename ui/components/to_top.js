// Something new: it is shown from its top, wherever what was there before was scrolled to.

const BOXES = {
  page: '[data-testid="stMain"], .st-key-lesson_panel, [data-testid="stBottom"]',
  sidebar: '[data-testid="stSidebarContent"]',
};

export default function ({ data }) {
  const shown = (window.minigptShown ??= {});
  if (shown[data.of] === data.what) return;
  shown[data.of] = data.what;
  for (const box of document.querySelectorAll(BOXES[data.of])) box.scrollTop = 0;
}
