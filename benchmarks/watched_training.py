"""What watching costs: steps/s of one run with its Training page open in Chromium, and with nobody looking.

Chromium is halted and woken in turn during the same run, every few seconds, so that the machine's mood cancels out:
first with the page as it opens by itself, then with everything on it unfolded and, below the chart, each part that
moves or is large. Also checks that the chart is never mounted anew while it is watched. Not for Windows.

    python -m benchmarks.watched_training [seconds a turn] [turns]
"""

import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from minigpt_core.jobs.manager import JobManager
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from scripts.browser import find_chromium, go, launch, new_context, wait_until_idle
from scripts.running_app import running_app
from ui.training.tabs import TABS

SETTLE_SECONDS = 4.0  # the page has opened, the spare worker has started
WAKE_SECONDS = 0.5  # what was missed has been drawn
UNFOLDED = {
    "curves": ".mg-curves .js-plotly-plot",
    "pairs": ".mg-learned canvas",
    "microscope": ".mg-scope-tab",
}
FOLDED = "[data-testid=stExpander] details:not([open]) summary"


def long_run(store: RunStore) -> str:
    """The notebook's run, at full speed and for longer than this benchmark takes."""
    text = corpus.normalize(corpus.load("le-chat-curieux").text)
    training = replace(NOTEBOOK.training, steps=5_000_000)
    return new_run(store, text=text, title="benchmark", model_fields=NOTEBOOK.model, training=training).id


def speed(store: RunStore, run_id: str, seconds: float) -> float:
    """Steps per second of a run over the next `seconds`."""
    first, started = store.run(run_id).step, time.monotonic()
    time.sleep(seconds)
    return (store.run(run_id).step - first) / (time.monotonic() - started)


def unfold(page: Page, section: str) -> None:
    """Open everything on the page, and this part below the chart."""
    page.locator("[class*='st-key-page-training-tab'] button").nth(list(TABS).index(section)).click()
    page.locator(UNFOLDED[section]).first.wait_for()
    for _ in range(page.locator(FOLDED).count()):
        page.locator(FOLDED).first.click()
        wait_until_idle(page)


@contextmanager
def halted(browser: Browser) -> Iterator[None]:
    """Inside this context nobody looks: all processes of the browser stand still."""
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    processes = [process["id"] for process in found]
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def compare(
    page: Page, store: RunStore, run_id: str, seconds: float, turns: int
) -> list[tuple[float, float]]:
    """Steps per second with and without somebody looking at the page, in turn."""
    browser, found = page.context.browser, []
    assert browser is not None
    for _ in range(turns):
        time.sleep(WAKE_SECONDS)
        looking = speed(store, run_id, seconds)
        with halted(browser):
            time.sleep(WAKE_SECONDS)
            found.append((looking, speed(store, run_id, seconds)))
    return found


def watch(
    browser: Browser, url: str, store: RunStore, run_id: str, seconds: float, turns: int, section: str | None
) -> None:
    """Open the page, compare, and print what came of it."""
    context = new_context(browser)
    page = context.new_page()
    go(page, url, "training", run=run_id)
    chart = page.locator(".js-plotly-plot").first
    chart.wait_for()
    chart.evaluate("plot => plot.dataset.marked = 'yes'")
    if section:
        unfold(page, section)
    time.sleep(SETTLE_SECONDS)
    found = compare(page, store, run_id, seconds, turns)
    assert chart.get_attribute("data-marked") == "yes", "the chart was mounted anew"
    points = chart.evaluate("plot => Math.max(...plot.data.map(trace => trace.x ? trace.x.length : 0))")
    context.close()
    watched, unwatched = (statistics.median(speeds) for speeds in zip(*found, strict=True))
    ratios = sorted(a / b for a, b in found)
    name = f"all unfolded, and {section}" if section else "as it opens"
    print(
        f"{name:<28} watched {watched:5.0f} steps/s ({points} points), unwatched {unwatched:5.0f}; "
        f"ratio: median {statistics.median(ratios):.3f}, half of them {ratios[turns // 4]:.3f} to "
        f"{ratios[-1 - turns // 4]:.3f}",
        flush=True,
    )


def main() -> None:
    """Print the ratio for the page as it opens, and for all that can be opened on it."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    executable = find_chromium()
    assert executable, "needs Chromium"
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder)) as app,
        sync_playwright() as playwright,
    ):
        store, browser = RunStore(app.home), launch(playwright, executable)
        jobs, run_id = JobManager(store, warm=False), long_run(store)
        jobs.submit(run_id)
        for section in (None, *UNFOLDED):
            watch(browser, app.url, store, run_id, seconds, turns, section)
        browser.close()
        jobs.close()


if __name__ == "__main__":
    main()
