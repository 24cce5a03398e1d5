// Another step: the page is shown from its top, wherever the one before was scrolled to.

const PAGE = '[data-testid="stMain"]', STRIP = ".st-key-lesson_panel, [data-testid=\"stBottom\"]";

export default function ({ data }) {
  if (window.minigptLessonStep === data.step) return;
  window.minigptLessonStep = data.step;
  for (const box of document.querySelectorAll(`${PAGE}, ${STRIP}`)) box.scrollTop = 0;
}
