// What is too small for the back row of a room: words below `text` pixels, labels in charts below `chart`. Canvases are asked
// what was written on them since `HEAR` was put in place.
({ text, chart }) => {
  const seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && getComputedStyle(e).clipPath === "none"
    && !e.closest('[data-testid="stIconMaterial"], .katex, [data-testid="stSkipLink"]');
  const found = [], near = 0.1;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement, words = node.data.trim();
    if (!words || !e || e.closest("script, style, noscript") || !seen(e)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width < 2 || box.bottom < 0 || box.top > innerHeight || box.right < 0) continue;
    const scale = e.getScreenCTM?.(), inChart = Boolean(e.closest("svg"));
    const size = parseFloat(getComputedStyle(e).fontSize) * (scale ? Math.hypot(scale.a, scale.b) : 1);
    if (size < (inChart ? chart : text) - near) found.push(`${words.slice(0, 30)}: ${size.toFixed(1)}`);
  }
  for (const canvas of document.querySelectorAll("canvas")) {
    const smallest = canvas.smallestLetters && canvas.smallestLetters * canvas.clientWidth / canvas.width;
    if (smallest && seen(canvas) && smallest < chart - near) found.push(`canvas of ${canvas.parentElement.className}: ${smallest.toFixed(1)}`);
  }
  return found;
}
