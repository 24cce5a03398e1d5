"""How soon Compare answers with 100 runs of 5,000 steps in the store, the Time machine's slider, and another page
while 8 trainings share the machine.

    python -m benchmarks.cockpit [tries]

Prints medians of several tries in one run of a real server and a real Chromium, and beside them the processor time of
Compare's script, which a busy machine does not lengthen much.
"""

import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from streamlit.testing.v1 import AppTest

from benchmarks.responsiveness import report, reruns, watched_context
from minigpt_core.configs import TrainConfig
from minigpt_core.jobs.manager import JobManager
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent, StepEvent
from scripts.browser import find_chromium, go, launch, wait_until_idle
from scripts.running_app import ROOT, running_app

RUNS, STEPS = 100, 5000
AT_ONCE = 8
GPT_FIELDS = {
    "n_layer": 2,
    "n_head": 4,
    "positions": "learned",
    "mlp": "gelu",
    "residual": True,
    "norm": "layernorm",
}
TICK = ".mg-cmp-table input"

# Milliseconds from moving the slider until the next frame has been painted.
_MOVE = """at => new Promise(resolve => {
  const slider = document.querySelector('.mg-timeline input');
  const started = performance.now();
  slider.value = at;
  slider.dispatchEvent(new Event('input'));
  requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - started)));
})"""


def fill(store: RunStore) -> None:
    """A hundred runs as the store would keep them, with made-up losses."""
    story, chance = corpus.load("the-curious-cat"), random.Random(1)
    text = corpus.normalize(story.text)
    for n in range(RUNS):
        training = TrainConfig(steps=STEPS, learning_rate=0.001 * (n + 1), sample_length=0)
        run = new_run(
            store, text=text, title=story.title, model_fields={}, training=training, status="stopped"
        )
        losses = [2.3 + 1.6 * math.exp(-step / 300) + chance.gauss(0, 0.1) for step in range(1, STEPS + 1)]
        steps = [
            StepEvent(step=step, loss=loss, learning_rate=0.01, grad_norm=1.0)
            for step, loss in enumerate(losses, 1)
        ]
        evaluations = [
            MetricsEvent(step=step, train_loss=losses[step - 1], val_loss=losses[step - 1], val_accuracy=0.3)
            for step in range(250, STEPS + 1, 250)
        ]
        store.append(
            run.id,
            steps=steps,
            evaluations=evaluations,
            step=STEPS,
            seconds=5.0,
            best_step=STEPS,
            best_val_loss=2.3,
        )
        store.set_status(run.id, "done")


def ticks(page: Page, tries: int) -> list[float]:
    """The script runs that ticking a run in the table causes."""
    milliseconds = []
    for n in range(tries):
        before = time.perf_counter()
        page.locator(TICK).nth(5 + n).click()
        wait_until_idle(page, quiet=50)
        milliseconds.append(1000 * (time.perf_counter() - before))
    return milliseconds


def script(home: Path, tries: int) -> list[float]:
    """Processor time of Compare's script, all of it in this process, in milliseconds."""
    os.environ |= {"MINIGPT_HOME": str(home), "MINIGPT_WARM_WORKER": "0"}
    test = AppTest.from_file(str(ROOT / "ui" / "shell.py"), default_timeout=120).run()
    test.switch_page("../pages/compare.py").run()
    found = []
    for _ in range(tries):
        before = time.process_time()
        test.run()
        found.append(1000 * (time.process_time() - before))
    return found


@contextmanager
def trainings(home: Path, count: int) -> Iterator[None]:
    """So many workers training GPTs, as a server with that limit would let them."""
    store, text = RunStore(home), corpus.normalize(corpus.load("the-curious-cat").text)
    jobs = JobManager(store, max_running=count, warm=False)
    try:
        made = [
            new_run(
                store, text=text, title="", model_fields=GPT_FIELDS, training=TrainConfig(steps=10**6, seed=seed)
            ).id
            for seed in range(count)
        ]  # fmt: skip
        for run_id in made:
            jobs.submit(run_id)
        while not all(store.run(run_id).step for run_id in made):
            time.sleep(0.2)
        yield
    finally:
        jobs.close()


def main() -> None:
    """Print every figure."""
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    executable = find_chromium()
    assert executable, "needs Chromium"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fill(RunStore(home))
        report(f"compare with {RUNS} runs: processor time of the script", script(home, tries))
        with running_app(home) as app, sync_playwright() as playwright:
            browser = launch(playwright, executable)
            page = watched_context(browser).new_page()
            go(page, app.url, "compare", lang="en")
            page.wait_for_selector(TICK)
            report(f"compare with {RUNS} runs: one script run", reruns(page, tries))
            report(f"compare with {RUNS} runs: from a tick to quiet", ticks(page, tries))
            go(page, app.url, "timeline", lang="en", run="preparedTinyEn")
            page.wait_for_selector(".mg-timeline canvas")
            moved = [float(page.evaluate(_MOVE, at)) for at in range(tries)]
            report("timeline: from the slider to the painted picture", moved)
            with trainings(home, AT_ONCE):
                go(page, app.url, "vocabulary", lang="en")
                report(f"vocabulary while {AT_ONCE} trainings run: one script run", reruns(page, tries))
            browser.close()


if __name__ == "__main__":
    main()
