"""How soon the Attention and Embeddings pages answer: script runs after a typed text, and pointing in the browser.

On a busy machine only the order of magnitude means something.

    python -m benchmarks.inspection_pages [tries]
"""

import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.inspection import LENGTH, WATCH_RERUNS, page_reruns, untrained_run
from benchmarks.responsiveness import report
from scripts.browser import find_chromium, go, launch, new_context, wait_until_idle
from scripts.running_app import running_app

# Milliseconds that the browser needs to draw everything anew for each of some characters that are pointed at
_POINT = """async () => {
  const taken = [];
  for (const cell of [...document.querySelectorAll('.mg-att-c')].filter((_, n) => n % 8 === 3)) {
    const started = performance.now();
    cell.dispatchEvent(new PointerEvent('pointermove', { bubbles: true }));
    document.body.getBoundingClientRect();
    taken.push(performance.now() - started);
    await new Promise(requestAnimationFrame);
  }
  return taken;
}"""


def pointing(page: Page) -> None:
    """Pointing at one character after the other: how long each takes, and that no script runs."""
    page.evaluate(WATCH_RERUNS)
    taken = [float(x) for x in page.evaluate(_POINT)]
    wait_until_idle(page)
    report("attention: one character pointed at", taken)
    print(
        f"  script runs caused by {len(taken)} of them: {len(page.evaluate('window.reruns'))} (none allowed)"
    )


def opening(page: Page, url: str, name: str, run: str, tries: int) -> None:
    """From asking for the page to its picture, with a warm server."""
    taken = []
    for _ in range(tries):
        started = page.evaluate("Date.now()")
        go(page, url, name, lang="en", run=run)
        taken.append(float(page.evaluate("Date.now()")) - started)
    print(
        f"{name}: opened and idle after {statistics.median(taken):.0f} ms, of which 300 ms are waited to be sure"
    )


def main() -> None:
    """Print every figure."""
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    executable = find_chromium()
    if executable is None:
        print("No Chromium: nothing was measured.")
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        run = untrained_run(home, LENGTH)
        with running_app(home) as app, sync_playwright() as playwright:
            browser = launch(playwright, executable)
            page = new_context(browser).new_page()
            page_reruns(page, app.url, "attention", run, tries)
            pointing(page)
            opening(page, app.url, "embeddings", run.id, tries)
            browser.close()


if __name__ == "__main__":
    main()
