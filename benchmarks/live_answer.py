"""How large the live chart's answer is, how long it takes, for runs of up to 1,000,000 steps, and what watching costs.

python -m benchmarks.live_answer
"""

import math
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
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


@contextmanager
def trained(store: RunStore, run_ids: Sequence[str]) -> Iterator[None]:
    """Meanwhile these runs go on, a step every tenth of a second."""
    with ExitStack() as locks:
        for run_id in run_ids:
            locks.enter_context(store.lock(run_id))
            store.set_status(run_id, "running")
        over = threading.Event()

        def go_on() -> None:
            step = 1_000
            while not over.wait(0.1):
                step += 1
                for run_id in run_ids:
                    loss = StepEvent(step=step, loss=2.0, learning_rate=3e-3, grad_norm=1.0)
                    store.append(run_id, steps=[loss], step=step)

        thread = threading.Thread(target=go_on)
        thread.start()
        yield
        over.set()
        thread.join()


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
        runs = [long_run(store, 1_000) for _ in range(30)]
        for shown in (runs[:1], runs):
            with trained(store, shown):
                load, waits = watched(app, shown, 30)
            median, late = (
                1000 * wait for wait in (statistics.median(waits), statistics.quantiles(waits, n=20)[-1])
            )
            print(
                f"30 watch {len(shown)} run(s) that go on, 4 polls a second each: {load:.0%} of a core, "
                f"p50 {median:.0f} ms, p95 {late:.0f} ms"
            )


if __name__ == "__main__":
    main()
