"""What a training says over a line is stored as if it had a store, whatever becomes of the line."""

import pickle
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import StoreError
from minigpt_core.jobs.recording import Record, Recorder
from minigpt_core.jobs.remote_record import AT_ONCE, Entry, Keeper, Outbox
from minigpt_core.jobs.worker import beginning, take_up
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import Checkpoint, DoneEvent, StepEvent

TRAINING = TrainConfig(steps=60, eval_interval=10, eval_windows=2, sample_length=5, batch_size=2)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


def a_run(store: RunStore) -> Run:
    return new_run(
        store, text="the cat sat on the mat. " * 20, title="cat", model_fields={"block_size": 8, "n_embd": 16},
        training=TRAINING,
    )  # fmt: skip


def train(store: RunStore, run: Run, record: Record) -> None:
    """As a worker does, with a changed setting on the way."""
    trainer = take_up(store, run)
    recorder = Recorder(record, run.id, trainer)
    recorder.begin("running")
    for event in trainer.run():
        recorder.record(event)
        if isinstance(event, StepEvent) and event.step == 20:
            trainer.steering.change(learning_rate=0.01)
        if isinstance(event, StepEvent) and event.step % 7 == 0:
            recorder.flush()
        if isinstance(event, DoneEvent):
            recorder.end(event.status)


def content(store: RunStore, run: Run) -> dict[str, object]:
    """All that is stored of a run, but for times and speeds."""
    now = store.run(run.id)
    checkpoints = {info.step: store.load_checkpoint(run.id, info.step) for info in store.checkpoints(run.id)}
    return {
        "run": (
            now.status,
            now.step,
            now.in_force,
            now.best_step,
            now.best_val_loss,
            now.device,
            now.threads,
        ),
        "steps": store.steps_since(run.id, limit=1000),
        "curve": store.curve(run.id),
        "evaluations": store.evaluations(run.id),
        "samples": store.samples(run.id),
        "changes": store.changes(run.id),
        "weights": {
            step: {
                name: tensor.tolist() for name, tensor in kept.tensors.items() if name.startswith("model.")
            }
            for step, kept in checkpoints.items()
        },
    }


class Line:
    """Brings entries from an outbox to a store, and fails as lines do."""

    def __init__(self, outbox: Outbox, keeper: Keeper, seed: int) -> None:
        self._outbox, self._keeper, self._chance = outbox, keeper, random.Random(seed)
        self.acknowledged = 0

    def carry(self, patience: float = 0.05) -> None:
        """One question and its answer, one of which may get lost, come twice, or be cut."""
        entries = pickle.loads(pickle.dumps(self._outbox.take(self.acknowledged, patience)))
        fate = self._chance.random()
        if fate < 0.3:
            return  # the answer is lost
        if fate < 0.5:
            entries = entries[: self._chance.randrange(len(entries) + 1)]
        stored = self._keeper.keep(entries)
        if fate < 0.7:
            return  # what was stored is not heard of
        self.acknowledged = stored
        if fate < 0.8:
            self._keeper.keep(entries)


def by_line(store: RunStore, run: Run, outbox: Outbox, seed: int) -> None:
    line = Line(outbox, Keeper(store, run.id), seed)
    training = threading.Thread(target=train, args=(store, run, outbox))
    training.start()
    while training.is_alive() or not outbox.wait_until_stored(0):
        line.carry()
    training.join()


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_line_loses_nothing_and_stores_nothing_twice(store: RunStore, seed: int) -> None:
    direct, remote = a_run(store), a_run(store)
    train(store, direct, store)
    by_line(store, remote, Outbox(most_entries=5), seed)
    assert content(store, remote) == content(store, direct)
    assert len(store.steps_since(remote.id)) == TRAINING.steps


def test_what_was_acknowledged_is_stored_when_the_training_dies_and_it_goes_on_to_the_same_losses(
    store: RunStore,
) -> None:
    direct, remote = a_run(store), a_run(store)
    train(store, direct, store)
    outbox, keeper = Outbox(), Keeper(store, remote.id)
    train(store, remote, outbox)
    said = outbox.take(0)
    assert 10 < len(said) < AT_ONCE
    cut = said[: len(said) * 2 // 3]
    assert keeper.keep(cut) == cut[-1].number
    steps = [step.step for entry in cut for step in entry.what.get("steps", ())]
    assert [step.step for step in store.steps_since(remote.id, limit=1000)] == steps != []
    kept = [entry.what["checkpoint"].step for entry in cut if entry.do == "save_checkpoint"]
    assert store.load_checkpoint(remote.id).step == max(kept)
    assert beginning(store, store.run(remote.id))[1] is not None
    train(store, store.run(remote.id), store)
    first = store.steps_since(direct.id, limit=1000)
    assert store.steps_since(remote.id, limit=1000) == first


def wait_for(true: Callable[[], bool]) -> None:
    event = threading.Event()
    for _ in range(1000):
        if true():
            return
        event.wait(0.01)
    raise AssertionError


def test_a_training_waits_for_its_record(store: RunStore) -> None:
    run = a_run(store)
    outbox = Outbox(most_entries=3)
    training = threading.Thread(target=train, args=(store, run, outbox), daemon=True)
    training.start()
    wait_for(lambda: len(outbox.take(0)) == 3)
    training.join(0.2)
    assert training.is_alive() and len(outbox.take(0)) == 3
    keeper = Keeper(store, run.id)
    while training.is_alive() or outbox.take(keeper.stored):
        keeper.keep(outbox.take(keeper.stored, 0.05))
    assert store.run(run.id).status == "done"


def test_weights_wait_for_room_but_one_always_fits(store: RunStore) -> None:
    trainer = take_up(store, a_run(store))
    checkpoint: Checkpoint = trainer.checkpoint()
    outbox = Outbox(most_bytes=10)
    outbox.save_checkpoint("run", checkpoint)
    writing = threading.Thread(
        target=outbox.save_checkpoint, args=("run", replace(checkpoint, step=1)), daemon=True
    )
    writing.start()
    writing.join(0.1)
    assert writing.is_alive() and not outbox.wait_until_stored(0)
    assert [entry.number for entry in outbox.take(0)] == [1]
    assert [entry.number for entry in outbox.take(1, 5)] == [2]
    writing.join(5)
    assert outbox.take(2) == [] and outbox.wait_until_stored(0)


def test_a_gap_is_no_record(store: RunStore) -> None:
    run = a_run(store)
    keeper = Keeper(store, run.id)
    status = {"status": "running"}
    assert keeper.keep([Entry(number=1, do="set_status", what=status)]) == 1
    with pytest.raises(StoreError, match="missing"):
        keeper.keep([Entry(number=3, do="set_status", what=status)])
    assert keeper.stored == 1


def test_what_cannot_be_stored_now_is_asked_for_again(store: RunStore, tmp_path: Path) -> None:
    run = a_run(store)
    keeper, outbox = Keeper(store, run.id), Outbox()
    for step in range(1, 4):
        outbox.append(
            run.id, steps=[StepEvent(step=step, loss=1.0, learning_rate=0.1, grad_norm=1.0)], step=step
        )
    (store.home / "runs.sqlite3").rename(tmp_path / "away")
    (store.home / "runs.sqlite3").mkdir()
    with pytest.raises(StoreError):
        keeper.keep(outbox.take(0))
    assert keeper.stored == 0
    (store.home / "runs.sqlite3").rmdir()
    (tmp_path / "away").rename(store.home / "runs.sqlite3")
    assert keeper.keep(outbox.take(keeper.stored)) == 3
    assert [step.step for step in store.steps_since(run.id)] == [1, 2, 3]
