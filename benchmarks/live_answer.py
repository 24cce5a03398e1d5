"""How large the live chart's answer is, and how long it takes, for runs of up to 1,000,000 steps.

python -m benchmarks.live_answer
"""

import math
import random
import statistics
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from minigpt_core.configs import TrainConfig
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent, SampleEvent, StepEvent
from scripts.running_app import running_app

BATCH = 600  # steps a transaction, about what a worker writes at full speed


def long_run(store: RunStore, steps: int) -> str:
    """A run with a noisy curve of that length; a sample and an evaluation at every twentieth of it."""
    text = corpus.normalize(corpus.load(NOTEBOOK.corpus).text)
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


if __name__ == "__main__":
    main()
