"""Kill workers and servers at random moments, again and again: is every acknowledged metric and checkpoint still
there, and does the run come to the losses of one that nobody disturbed?

    python -m benchmarks.faults            50 times, a new seed
    python -m benchmarks.faults 10 1234    10 times with the seed 1234

"Acknowledged" is what a reader has seen in the store before the kill: it must be there after it, unchanged.
"""

import os
import queue
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minigpt_core.background import import_path
from minigpt_core.configs import TrainConfig
from minigpt_core.jobs.manager import JobManager
from minigpt_core.jobs.worker import Controls, take_up, train
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import StepEvent

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
STEPS = 1500
PACE = 600.0  # steps per second: so that a kill hits a run that is under way
LATEST_KILL = 1.5  # seconds after the first step
PATIENCE = 120.0

SERVER = """
import sys, time
from pathlib import Path
from minigpt_core.jobs.manager import JobManager
from minigpt_core.store.runs import RunStore
store = RunStore(Path(sys.argv[1]))
jobs = JobManager(store, max_running=1, warm=False)
jobs.submit(sys.argv[2])
print("started", flush=True)
time.sleep(600)
"""


@dataclass(frozen=True)
class Seen:
    """What a reader had seen of a run before the kill."""

    losses: dict[int, float]
    evaluations: dict[int, float | None]
    checkpoints: set[int]


class Lost(Exception):
    """Something that had been acknowledged is not there any more, or is another."""


def look(store: RunStore, run: Run) -> Seen:
    """Everything that is acknowledged now. Checkpoints first: those that are thinned out later don't count."""
    checkpoints = {info.step for info in store.checkpoints(run.id)}
    return Seen(
        {step.step: step.loss for step in store.steps_since(run.id, limit=10**6)},
        {event.step: event.val_loss for event in store.evaluations(run.id)},
        checkpoints,
    )


def check(store: RunStore, run: Run, seen: Seen) -> None:
    """Raise `Lost` unless all that was seen is still there, and every checkpoint can be loaded."""
    now = look(store, run)
    if (
        not seen.losses.items() <= now.losses.items()
        or not seen.evaluations.items() <= now.evaluations.items()
    ):
        raise Lost("a metric")
    if not seen.checkpoints <= now.checkpoints:  # this run has fewer than are ever thinned out
        raise Lost("a checkpoint")
    for step in now.checkpoints:
        store.load_checkpoint(run.id, step)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise Lost("the run itself: nothing happens any more")
        time.sleep(0.01)


def make_run(store: RunStore, steps: int) -> Run:
    """A run that is slow enough to be hit, with ten evaluations."""
    training = TrainConfig(steps=steps, pace=PACE, eval_interval=steps // 10, sample_length=10)
    model = {"block_size": 8, "n_embd": 16}
    return new_run(store, text=TEXT, title="chat", model_fields=model, training=training)


def undisturbed(store: RunStore, run: Run) -> dict[int, float]:
    """The losses of the same run in one go."""
    trainer = take_up(store, run)
    return {event.step: event.loss for event in trainer.run() if isinstance(event, StepEvent)}


def worker_of(store: RunStore, run: Run) -> int:
    """The process that has the run's lock (Linux)."""
    lock = store.home / "locks" / f"run-{run.id}.lock"
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == lock:
                return int(link.parts[2])
        except OSError:
            continue
    raise Lost("the worker: it has ended by itself")


def kill_once(home: Path, what: str, delay: float, steps: int = STEPS) -> int:
    """One training whose worker or server is killed after `delay` seconds; the step that it had reached."""
    store = RunStore(home)
    run = make_run(store, steps)
    expected = undisturbed(store, run)
    with a_server(store, run, what) as server:
        until(lambda: store.run(run.id).step > 0)
        time.sleep(delay)
        seen = look(store, run)
        os.kill(server if what == "server" else worker_of(store, run), signal.SIGKILL)
        until(lambda: not store.is_locked(run.id))  # a worker whose server has gone saves a checkpoint first
        check(store, run, seen)
    reached = store.run(run.id).step
    if store.run(run.id).status != "done":
        assert store.run(run.id).status == "interrupted"
        train(store, run.id, Controls(queue.Queue(), lambda *_, **__: None))
    if look(store, run).losses != expected:
        raise Lost("the losses: resumed, they are others")
    return reached


@contextmanager
def a_server(store: RunStore, run: Run, what: str) -> Iterator[int]:
    """What has a worker train the run: a process of its own if it is to be killed, else this one. Its process id."""
    if what == "worker":
        jobs = JobManager(store, max_running=1, warm=False)
        jobs.submit(run.id)
        try:
            yield os.getpid()
        finally:
            jobs.close()
        return
    command = [sys.executable, "-c", SERVER, str(store.home), run.id]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, env=os.environ | import_path() | {"OMP_NUM_THREADS": "1"}
    )
    try:
        yield server.pid
    finally:
        server.kill()
        server.wait()


def main() -> None:
    """Kill, look, resume, compare; half of the times the worker, half of the times the server."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for n in range(times):
        what, delay = ("worker", "server")[n % 2], chance.uniform(0, LATEST_KILL)
        with tempfile.TemporaryDirectory() as home:
            reached = kill_once(Path(home), what, delay)
        print(
            f"{n + 1:>3}  {what:<6} killed after {delay:.2f} s at step {reached:>4}: nothing lost", flush=True
        )
    print(f"{times} of {times}: every acknowledged metric and checkpoint is there, the losses are the same.")


if __name__ == "__main__":
    main()
