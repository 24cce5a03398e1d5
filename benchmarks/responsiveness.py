"""How soon the dashboard answers, seen from the browser: clicks, reruns, a long paste.

Prints medians of several tries in one run of a real server and a real Chromium; on a busy machine only the order
of magnitude means something.

    python -m benchmarks.responsiveness [tries]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from scripts.browser import PAGES, START, find_chromium, go, launch, new_context, wait_until_idle
from scripts.running_app import running_app

STOP = ".st-key-training_stop button"
WORDS = ".st-key-glossary button"  # a control that every page has

# Notes when a condition first holds after a click, in milliseconds of the page's own clock.
_CLICK_AND_WAIT = """([selector, condition]) => new Promise(resolve => {
  const holds = new Function('return ' + condition);
  const started = performance.now();
  document.querySelector(selector).click();
  const look = () => holds() ? resolve(performance.now() - started) : requestAnimationFrame(look);
  look();
})"""

# A new run in the address, and a chart of its first steps (the run before has got beyond LATER_STEP).
FIRST_POINT = """location.search.match(/run=(\\w+)/)?.[1] !== window.runBefore
  && [...document.querySelectorAll('.js-plotly-plot')].some(plot =>
    plot.data.some(trace => trace.x?.length && trace.x.at(-1) > 0 && trace.x.at(-1) < LATER))"""
LATER_STEP = 100
# "stopping …" is the component's own word at the click; "stopped" is what the server says.
STOPPED = "/stopped/i.test(document.querySelector('.mg-live-status').textContent)"

# The lengths of the script runs that a click causes, as Streamlit's root element shows them.
_WATCH_RERUNS = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  window.reruns = []; let started = 0;
  new MutationObserver(() => {
    const now = performance.now();
    if (app.dataset.testScriptState === 'running') started = started || now;
    else if (started) { window.reruns.push(now - started); started = 0; }
  }).observe(app, { attributes: true, attributeFilter: ['data-test-script-state'] });
}"""


def click_until(page: Page, selector: str, condition: str) -> float:
    """Milliseconds from a click until a JavaScript condition holds."""
    return float(page.evaluate(_CLICK_AND_WAIT, [selector, condition]))


def start_and_stop(browser: Browser, url: str) -> tuple[float, float]:
    """From Start to the chart's first point, and from Stop until the page says so."""
    context = new_context(browser)
    page = context.new_page()
    go(page, url, "training")
    page.evaluate("window.runBefore = location.search.match(/run=(\\w+)/)?.[1]")
    first_point = click_until(page, START, FIRST_POINT.replace("LATER", str(LATER_STEP)))
    page.wait_for_function(f"parseInt(document.querySelector('.mg-live-big').textContent) > {LATER_STEP}")
    stop = click_until(page, STOP, STOPPED)
    wait_until_idle(page)
    context.close()
    return first_point, stop


def reruns(page: Page, tries: int) -> list[float]:
    """Lengths of the script runs that opening and closing the glossary causes, in milliseconds."""
    page.evaluate(_WATCH_RERUNS)
    for _ in range(tries):
        page.locator(WORDS).first.click()
        wait_until_idle(page)
    return [float(x) for x in page.evaluate("window.reruns")]


def report(what: str, milliseconds: list[float]) -> None:
    """One line: the median, and the range."""
    low, high = min(milliseconds), max(milliseconds)
    print(f"{what:<52} median {statistics.median(milliseconds):6.0f} ms   {low:.0f} to {high:.0f}")


def main() -> None:
    """Print every figure."""
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    executable = find_chromium()
    assert executable, "needs Chromium"
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder)) as app,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright, executable)
        time.sleep(6)  # the warm worker is ready
        pairs = [start_and_stop(browser, app.url) for _ in range(tries)]
        report("Start → first point of the chart", [first for first, _ in pairs])
        report("Stop → the run has stopped, and the page says so", [stop for _, stop in pairs])
        context = new_context(browser)
        page = context.new_page()
        for name in PAGES:
            go(page, app.url, name, lang="en")
            report(f"{name}: one script run", reruns(page, tries))
        context.close()
        browser.close()


if __name__ == "__main__":
    main()
