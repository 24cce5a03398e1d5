"""How large the live chart's answer is, how long it takes, for runs of up to 1,000,000 steps, and what watching costs.

python -m benchmarks.live_answer
"""

import math
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

from minigpt_core.configs import TrainConfig
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent, SampleEvent, StepEvent
from scripts.running_app import RunningApp, running_app

BATCH = 600  # steps a transaction, about what a worker writes at full speed


def long_run(store: RunStore, steps: int) -> str:
    """A run with a noisy curve of that length; a sample and an evaluation at every twentieth of it."""
    text = corpus.normalize(corpus.load("le-chat-curieux").text)
    run = new_run(
        store, text=text, title="long", model_fields=NOTEBOOK.model, training=TrainConfig(steps=steps)
    )
    noise = random.Random(0)
    with store.lock(run.id):
        for first in range(1, steps + 1, BATCH):
            numbers = range(first, min(first + BATCH, steps + 1))
            losses = [2 + 2 * math.exp(-step / 900) + noise.random() / 3 for step in numbers]
            batch = [
                StepEvent(step=step, loss=loss, learning_rate=3e-3, grad_norm=1.0)
                for step, loss in zip(numbers, losses, strict=True)
            ]
            store.append(run.id, steps=batch, step=numbers[-1])
        for part in range(21):
            step = part * steps // 20
            evaluation = MetricsEvent(
                step=step, train_loss=2.2345678, val_loss=2.3456789, val_accuracy=0.3456789
            )
            sample = SampleEvent(step=step, text=text[:200])
            store.append(run.id, evaluations=[evaluation], samples=[sample])
    store.set_status(run.id, "done")
    return run.id


def given(store: RunStore, number: int) -> list[str]:
    """Runs of as many people that a server which starts will go on with, ten steps a second each."""
    assert NOTEBOOK.corpus
    text = corpus.normalize(corpus.load(NOTEBOOK.corpus).text)
    training = TrainConfig(steps=100_000, pace=10.0, eval_interval=1000)
    runs = [
        new_run(
            store,
            text=text,
            title="long",
            model_fields=NOTEBOOK.model,
            training=training,
            workspace=f"pupil{n}",
        )
        for n in range(number)
    ]
    for run in runs:
        store.give(run.id)
    return [run.id for run in runs]


def watched(
    app: RunningApp, run_ids: Sequence[str], watchers: int, seconds: float = 10
) -> tuple[float, list[float]]:
    """What the server works a second while each watcher asks four times a second, and how long it waits each time."""

    def watch(run_id: str) -> list[float]:
        waits, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            asked = time.monotonic()
            urlopen(f"{app.url}/api/runs/{run_id}").read()
            waits.append(time.monotonic() - asked)
            time.sleep(max(0.0, 0.25 - waits[-1]))
        return waits

    before = processor_seconds(app.process.pid)
    with ThreadPoolExecutor(watchers) as threads:
        waits = list(threads.map(watch, [run_ids[n % len(run_ids)] for n in range(watchers)]))
    return (processor_seconds(app.process.pid) - before) / seconds, [wait for some in waits for wait in some]


def processor_seconds(pid: int) -> float:
    """Processor time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print one line a length."""
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as app:
        store = RunStore(app.home)
        for steps in (500, 10_000, 100_000, 1_000_000):
            address = f"{app.url}/api/runs/{long_run(store, steps)}"
            times = []
            for _ in range(30):
                started = time.perf_counter()
                size = len(urlopen(address).read())
                times.append(time.perf_counter() - started)
            print(f"{steps:>9} steps: {size / 1000:.1f} KB, median {1000 * statistics.median(times):.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        runs = given(RunStore(Path(folder)), 30)
        with running_app(Path(folder)) as app:
            while not all(RunStore(Path(folder)).run(run).step for run in runs):
                time.sleep(0.5)
            for shown in (runs[:1], runs):
                load, waits = watched(app, shown, 30)
                median, late = (
                    1000 * wait for wait in (statistics.median(waits), statistics.quantiles(waits, n=20)[-1])
                )
                print(
                    f"30 watch {len(shown)} of 30 runs that go on, 4 polls a second each: the server works {load:.0%} "
                    f"of a core, {len(waits)} answers, p50 {median:.0f} ms, p95 {late:.0f} ms; "
                    f"load {os.getloadavg()[0]:.0f}"
                )


if __name__ == "__main__":
    main()
