"""What everything around the training steps costs, and the memory of a worker, at `nanogpt-cpu`.

    python -m benchmarks.overhead [--steps 500] [--threads 1]

The share is the CPU time of evaluations, samples, checkpoints, the store and listening for Pause and Stop in that of
the whole run, with the preset's own evaluation interval. The memory is that of a worker process that trains this
preset. `TINY_SHAKESPEARE` names the text.
"""

import argparse
import os
import queue
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import torch

from minigpt_core.jobs.launchers import LocalWorker
from minigpt_core.jobs.recording import Recorder
from minigpt_core.jobs.worker import Controls, take_up
from minigpt_core.presets import NANOGPT_CPU
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.texts.encodings import decode
from minigpt_core.training import StepEvent

WATCHED_STEPS = 40  # of the worker process, past the first evaluation
LOOK_SECONDS = 0.2


def start_run(store: RunStore, steps: int) -> Run:
    """The preset's run on Tiny Shakespeare, with as many steps as there is time for."""
    text = decode(Path(os.environ["TINY_SHAKESPEARE"]).read_bytes()).text
    return new_run(
        store,
        text=corpus.normalize(text, lower=False),
        title="Tiny Shakespeare",
        model_fields=NANOGPT_CPU.model,
        training=replace(NANOGPT_CPU.training, steps=steps),
        lower=False,
        preset=NANOGPT_CPU.name,
    )


def train(store: RunStore, run: Run) -> dict[str, float]:
    """What `worker.train` does, with the CPU seconds that went into each kind of event."""
    controls = Controls(queue.Queue(), tell=lambda *_, **__: None)
    spent: dict[str, float] = defaultdict(float)
    with store.lock(run.id):
        trainer = take_up(store, run, wait=controls.wait)
        recorder = Recorder(store, run.id, trainer)
        controls.drive(trainer, recorder)
        before = time.process_time()
        for event in trainer.run():
            made = time.process_time()
            spent[type(event).__name__] += made - before
            recorder.record(event)
            before = time.process_time()
            spent["store"] += before - made
    return spent


def worker_memory(store: RunStore, run: Run) -> float:
    """Most memory (MB) of a worker process that trains the run."""
    worker = LocalWorker(store, lambda *_: None)
    try:
        assert worker.pid
        while "VmHWM" not in status(worker.pid):  # it is just being started
            time.sleep(LOOK_SECONDS)
        worker.send({"do": "train", "run": run.id})
        while store.run(run.id).step < WATCHED_STEPS:
            time.sleep(LOOK_SECONDS)
        return high_water(worker.pid)
    finally:
        worker.close()
        worker.join(10)


def status(pid: int) -> str:
    """What Linux says of a process."""
    return Path(f"/proc/{pid}/status").read_text()


def high_water(pid: int) -> float:
    """Most memory that a process has had so far, in MB."""
    return next(int(line.split()[1]) / 1024 for line in status(pid).splitlines() if line.startswith("VmHWM"))


def main() -> int:
    """Print the share of the overhead, its parts, and the memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if "TINY_SHAKESPEARE" not in os.environ:
        print("Set TINY_SHAKESPEARE to the path of the text.", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as home:
        store = RunStore(Path(home))
        spent = train(store, start_run(store, options.steps))
        whole, steps = sum(spent.values()), spent[StepEvent.__name__]
        print(
            f"{options.steps} steps: {steps:.1f} CPU s; everything around them {(whole - steps) / whole:.1%} more:"
        )
        for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
            print(f"    {name:<16} {seconds:7.2f} CPU s  {seconds / whole:.2%}")
        busy = worker_memory(store, start_run(store, options.steps))
        print(f"memory of a worker: at most {busy:.0f} MB while it trains")
    return 0


if __name__ == "__main__":
    sys.exit(main())
