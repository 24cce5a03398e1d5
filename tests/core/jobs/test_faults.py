"""`kill -9` of worker and server at random moments: nothing that was acknowledged is lost. `benchmarks/faults.py` does
the same fifty times."""

import random
import secrets
import sys
import time
from pathlib import Path

import pytest

from benchmarks.faults import Lost, Seen, check, kill_once, make_run
from minigpt_core.store.runs import RunStore
from minigpt_core.training import StepEvent


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the worker in /proc")
@pytest.mark.parametrize("what", ["worker", "server"])
def test_nothing_acknowledged_is_lost(tmp_path: Path, what: str) -> None:
    seed = secrets.randbelow(10**6)
    sys.stdout.write(f"seed {seed}\n")  # shown if it fails
    kill_once(tmp_path, what, random.Random(seed).uniform(0, 0.6), steps=1200)  # two seconds: it is under way


def test_what_is_lost_would_be_noticed(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = make_run(store, 400)
    store.append(run.id, steps=[StepEvent(step=1, loss=2.0, learning_rate=0.1, grad_norm=1.0)])
    check(store, run, Seen({1: 2.0}, {}, set()))
    for lost in (
        Seen({1: 2.5}, {}, set()),
        Seen({2: 2.0}, {}, set()),
        Seen({}, {4: 1.0}, set()),
        Seen({}, {}, {9}),
    ):
        with pytest.raises(Lost, match=r"a metric|a checkpoint"):
            check(store, run, lost)


def test_a_clock_that_jumps_back_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore(tmp_path)
    first = make_run(store, 400)
    store.set_status(first.id, "running")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86_400)
    second = make_run(store, 400)
    store.append(
        second.id, steps=[StepEvent(step=1, loss=2.0, learning_rate=0.1, grad_norm=1.0)], seconds=0.5
    )
    store.set_status(first.id, "done")
    assert [run.id for run in store.runs()] == [second.id, first.id]  # the order of making, not of the clock
    run = store.run(first.id)
    assert run.started is not None and run.finished is not None and run.finished >= run.started
    assert store.run(second.id).seconds == 0.5
    store.delete(first.id)
    assert store.purge_deleted(older_than=3600) == 0  # put into the bin just now
