"""A server that is ended, politely or not, and comes back: its runs go on without a click, to the same losses."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from minigpt_core.configs import TrainConfig
from minigpt_core.jobs.worker import take_up
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import StepEvent
from scripts.running_app import running_app

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
STEPS, PACE = 400, 100.0
PATIENCE = 300.0  # seconds; this machine may be busy


def make_run(store: RunStore, pace: float = PACE) -> Run:
    training = TrainConfig(steps=STEPS, pace=pace, eval_interval=50, sample_length=10)
    model = {"block_size": 8, "n_embd": 16}
    return new_run(store, text=TEXT, title="chat", model_fields=model, training=training)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_runs_go_on_by_themselves_when_the_server_comes_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = RunStore(home)
    first, second, held = make_run(store), make_run(store, pace=0), make_run(store)
    undisturbed = [event.loss for event in take_up(store, first).run() if isinstance(event, StepEvent)]
    for run in (first, second):
        store.give(run.id)
    store.give(held.id, "parked")
    env = {"MINIGPT_MAX_RUNNING": "1", "MINIGPT_WARM_WORKER": "0"}
    for how in (signal.SIGTERM, signal.SIGKILL):
        with running_app(home, env=env) as app:
            reached = store.run(first.id).step
            until(lambda reached=reached: store.run(first.id).step > reached + 20)  # type: ignore[misc]
            assert [store.run(run.id).status for run in (second, held)] == ["queued", "paused"]
            app.process.send_signal(how)
            app.process.wait(PATIENCE)
        until(lambda: not store.is_locked(first.id))  # its worker has saved a checkpoint and left
        assert store.run(first.id).status == "interrupted"
    at_full_speed = ChangeEvent(step=store.load_checkpoint(first.id).step, name="pace", value=0.0)
    store.append(first.id, changes=[at_full_speed])
    with running_app(home, env=env):
        until(lambda: store.run(second.id).status == "done")
    assert [store.run(run.id).status for run in (first, held)] == ["done", "interrupted"]
    for run in (first, second):
        assert [step.loss for step in store.steps_since(run.id)] == undisturbed
