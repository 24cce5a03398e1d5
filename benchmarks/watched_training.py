"""What watching costs: steps/s of one run with its Training page open in Chromium, and with no page open.

The page is opened and closed in turn during the same run, so that the machine's mood cancels out. Also checks that
the chart is never mounted anew while it is watched.

    python -m benchmarks.watched_training [seconds a turn] [turns]
"""

import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from minigpt_core import corpus
from minigpt_core.jobs import JobManager
from minigpt_core.new_run import new_run
from minigpt_core.presets import NOTEBOOK
from minigpt_core.runs import RunStore
from scripts.browser import find_chromium, go, launch, new_context
from scripts.running_app import running_app

SETTLE_SECONDS = 4.0  # the page has opened or closed, the spare worker has started


def long_run(store: RunStore) -> str:
    """The notebook's run, at full speed and for longer than this benchmark takes."""
    text = corpus.normalize(corpus.load(NOTEBOOK.corpus).text)
    training = replace(NOTEBOOK.training, steps=5_000_000)
    return new_run(store, text=text, title="benchmark", model_fields=NOTEBOOK.model, training=training).id


def speed(store: RunStore, run_id: str, seconds: float) -> float:
    """Steps per second of a run over the next `seconds`."""
    first, started = store.run(run_id).step, time.monotonic()
    time.sleep(seconds)
    return (store.run(run_id).step - first) / (time.monotonic() - started)


def watched(browser: Browser, url: str, store: RunStore, run_id: str, seconds: float) -> tuple[float, int]:
    """Speed with the page open, and how many points the chart shows at the end."""
    context = new_context(browser)
    page = context.new_page()
    go(page, url, "training", run=run_id)
    chart = page.locator(".js-plotly-plot").first
    chart.wait_for()
    chart.evaluate("plot => plot.dataset.marked = 'yes'")
    time.sleep(SETTLE_SECONDS)
    found = speed(store, run_id, seconds)
    assert chart.get_attribute("data-marked") == "yes", "the chart was mounted anew"
    points = chart.evaluate("plot => Math.max(...plot.data.map(trace => trace.x ? trace.x.length : 0))")
    context.close()
    return found, points


def main() -> None:
    """Alternate between the two, and print each turn and the ratio of the medians."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 4
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
        with_page, without = [], []
        for turn in range(turns):
            found, points = watched(browser, app.url, store, run_id, seconds)
            with_page.append(found)
            time.sleep(SETTLE_SECONDS)
            without.append(speed(store, run_id, seconds))
            print(
                f"turn {turn + 1}: watched {found:.0f} steps/s ({points} points), unwatched {without[-1]:.0f} steps/s"
            )
        ratios = [a / b for a, b in zip(with_page, without, strict=True)]
        print(
            f"watched / unwatched: median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}"
        )
        browser.close()
        jobs.close()


if __name__ == "__main__":
    main()
