"""Taking a run up again: its record ends at the checkpoint, and the settings in force are those last asked for."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.jobs.recording import Recorder
from minigpt_core.jobs.worker import beginning, take_up
from minigpt_core.steering import ChangeEvent
from minigpt_core.store import schema
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore, insert_run
from minigpt_core.training import Checkpoint, MetricsEvent, SampleEvent, StepEvent, Trainer

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
TABLES = ("steps", "buckets", "evaluations", "samples", "changes", "checkpoints")


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


def rows(store: RunStore, run: Run, *tables: str) -> dict[str, list[Any]]:
    """What tables hold of a run, without the times of writing."""
    found = {}
    with sqlite3.connect(store.home / "runs.sqlite3") as db:
        key = db.execute("SELECT key FROM runs WHERE id = ?", (run.id,)).fetchone()[0]
        for table in tables or TABLES:
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            kept = ", ".join(name for name in columns if name not in ("run", "time", "created"))
            query = f"SELECT {kept} FROM {table} WHERE run = ? ORDER BY 1, 2"
            found[table] = db.execute(query, (key,)).fetchall()
    db.close()
    return found


def stored_run(store: RunStore) -> Run:
    """A run without a text: only for its rows."""
    return store.create_run(
        text_id="0" * 64, text_title="", characters="ab", lower=True, model=ModelConfig(vocab_size=2),
        training=TrainConfig(steps=1000, learning_rate=0.1),
    )  # fmt: skip


def checkpoint(step: int, **state: Any) -> Checkpoint:
    usual = {
        "learning_rate": 0.1,
        "pace": 0.0,
        "eval_interval": 50,
        "seconds": step / 10,
        "evaluated_step": step,
    }
    return Checkpoint(
        step=step, tensors={"model.w": torch.zeros(1)},
        state=usual | {"best_step": None, "best_val_loss": None} | state,
    )  # fmt: skip


def record(store: RunStore, run: Run, losses: Iterable[float], evaluated: Iterable[int] = ()) -> None:
    """Write steps 1, 2, … with these losses, and evaluations."""
    losses = list(losses)
    store.append(
        run.id,
        steps=[
            StepEvent(step=n, loss=x, learning_rate=0.1, grad_norm=1.0) for n, x in enumerate(losses, start=1)
        ],
        evaluations=[MetricsEvent(step=n, train_loss=2.0, val_loss=2.0, val_accuracy=0.5) for n in evaluated],
        samples=[SampleEvent(step=n, text="a") for n in evaluated],
        step=len(losses),
        seconds=len(losses) / 10,
        steps_per_second=9.0,
        best_step=max(evaluated, default=None),
        best_val_loss=1.0,
    )


@settings(max_examples=40)
@given(
    losses=st.lists(st.floats(0, 9), min_size=1, max_size=60),
    kept=st.integers(0, 60),
    batches=st.integers(1, 9),
)
def test_what_is_left_is_what_a_shorter_run_would_have_written(
    tmp_path: Path, losses: list[float], kept: int, batches: int
) -> None:
    store = RunStore(tmp_path / "property")
    kept = min(kept, len(losses))
    long, short = stored_run(store), stored_run(store)
    record(store, long, losses, evaluated=range(0, len(losses) + 1, 5))
    for begin in range(0, kept, batches):
        steps = range(begin + 1, min(begin + batches, kept) + 1)
        store.append(
            short.id,
            steps=[StepEvent(step=n, loss=losses[n - 1], learning_rate=0.1, grad_norm=1.0) for n in steps],
        )
    store.save_checkpoint(long.id, checkpoint(kept, evaluated_step=kept // 5 * 5))
    store.rewind(long.id, store.load_checkpoint(long.id))
    assert rows(store, long, "steps", "buckets") == rows(store, short, "steps", "buckets")
    assert store.curve(long.id) == store.curve(short.id)
    assert [e.step for e in store.evaluations(long.id)] == list(range(0, kept + 1, 5))
    assert [e.step for e in store.samples(long.id)] == list(range(0, kept + 1, 5))


def test_the_run_stands_where_its_checkpoint_stands(store: RunStore) -> None:
    run = stored_run(store)
    record(store, run, [2.0] * 90, evaluated=(0, 50))
    store.save_checkpoint(run.id, checkpoint(50, best_step=0, best_val_loss=1.5))
    store.save_checkpoint(run.id, checkpoint(80))
    store.rewind(run.id, store.load_checkpoint(run.id, 50))
    now = store.run(run.id)
    assert (now.step, now.seconds, now.best_step, now.best_val_loss) == (50, 5.0, 0, 1.5)
    assert now.steps_per_second is None
    assert [info.step for info in store.checkpoints(run.id)] == [50]
    assert [path.name for path in sorted(store.folder(run.id).glob("*.safetensors"))] == [
        "step-00000050.safetensors"
    ]


def test_a_run_without_a_checkpoint_begins_with_an_empty_record(store: RunStore) -> None:
    run = stored_run(store)
    record(store, run, [2.0] * 9, evaluated=(0,))
    store.rewind(run.id, None)
    assert all(found == [] for found in rows(store, run).values())
    now = store.run(run.id)
    assert (now.step, now.seconds, now.best_step, now.best_val_loss) == (0, 0.0, None, None)


def test_an_evaluation_that_its_checkpoint_does_not_know_is_made_again(store: RunStore) -> None:
    """A checkpoint is also taken every minute, and may come before the evaluation at the same step."""
    run = stored_run(store)
    record(store, run, [2.0] * 50, evaluated=(0, 25, 50))
    store.save_checkpoint(run.id, checkpoint(50, evaluated_step=25))
    store.rewind(run.id, store.load_checkpoint(run.id))
    assert [e.step for e in store.evaluations(run.id)] == [0, 25]


def change(step: int, **settings: float) -> list[ChangeEvent]:
    return [ChangeEvent(step=step, name=name, value=value) for name, value in settings.items()]


@pytest.mark.parametrize(
    ("recorded", "asked", "left", "rate"),
    [
        # raised after the checkpoint until it broke, and lowered again by the person who resumes
        (change(57, learning_rate=9.0), {"learning_rate": 0.1}, [], 0.1),
        (change(57, learning_rate=9.0), {"learning_rate": 0.2}, change(50, learning_rate=0.2), 0.2),
        # nobody asked for anything else: it stays as it was left, from the checkpoint on
        (change(57, learning_rate=9.0), {}, change(50, learning_rate=9.0), 9.0),
        (change(20, learning_rate=0.5) + change(57, learning_rate=9.0), {},
         change(20, learning_rate=0.5) + change(50, learning_rate=9.0), 9.0),
        (change(20, learning_rate=0.5), {}, change(20, learning_rate=0.5), 0.5),
        (change(20, learning_rate=0.5) + change(57, learning_rate=0.5), {}, change(20, learning_rate=0.5), 0.5),
        # several at one place: the last one counts
        (change(50, learning_rate=0.5) + change(50, learning_rate=0.7), {}, change(50, learning_rate=0.7), 0.7),
        ([], {}, [], 0.1),
    ],
)  # fmt: skip
def test_the_last_word_counts_and_the_record_says_so(
    store: RunStore,
    recorded: list[ChangeEvent],
    asked: dict[str, float],
    left: list[ChangeEvent],
    rate: float,
) -> None:
    run = stored_run(store)
    record(store, run, [2.0] * 60)
    store.append(run.id, changes=recorded)
    in_checkpoint = [c.value for c in recorded if c.step < 50]
    store.save_checkpoint(run.id, checkpoint(50, learning_rate=[0.1, *in_checkpoint][-1]))
    begins_with = store.rewind(run.id, store.load_checkpoint(run.id), asked)
    assert store.changes(run.id) == left
    assert store.run(run.id).in_force.learning_rate == rate
    assert {(c.step, c.name): c.value for c in begins_with} == {
        (50, "learning_rate"): rate, (50, "pace"): 0.0, (50, "eval_interval"): 50
    }  # fmt: skip


def test_a_setting_that_only_the_checkpoint_has_is_overruled_in_the_record(store: RunStore) -> None:
    """Taken just after a change: that change is gone from the record, and its value stands in the checkpoint."""
    run = stored_run(store)
    record(store, run, [2.0] * 50)
    store.append(run.id, changes=change(50, learning_rate=9.0))
    store.save_checkpoint(run.id, checkpoint(50, learning_rate=9.0))
    store.rewind(run.id, store.load_checkpoint(run.id), {"learning_rate": 0.1})
    assert store.changes(run.id) == change(50, learning_rate=0.1)


def test_all_or_nothing(store: RunStore) -> None:
    run = stored_run(store)
    record(store, run, [2.0] * 90, evaluated=(0, 50))
    store.save_checkpoint(run.id, checkpoint(50))
    before = rows(store, run)
    with sqlite3.connect(store.home / "runs.sqlite3") as db:
        db.execute("CREATE TRIGGER no BEFORE UPDATE ON runs BEGIN SELECT raise(ABORT, 'no'); END")
    db.close()
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        store.rewind(run.id, store.load_checkpoint(run.id), {"pace": 5.0})
    assert rows(store, run) == before


# With a real trainer


def trained_run(store: RunStore, **training: Any) -> Run:
    config = TrainConfig(
        **({"steps": 60, "eval_interval": 20, "sample_length": 5, "eval_windows": 2} | training)
    )
    return new_run(
        store, text=TEXT, title="chat", model_fields={"block_size": 8, "n_embd": 16}, training=config
    )


def go(store: RunStore, run: Run, trainer: Trainer, to: int = 1000, **changes: dict[str, float]) -> str:
    """Record what a trainer makes up to a step and kill it there; `s33={"pace": 5}` changes the pace after step 33."""
    recorder = Recorder(store, run.id, trainer)
    for event in trainer.run():
        recorder.record(event)
        if isinstance(event, StepEvent):
            trainer.steering.change(**changes.get(f"s{event.step}", {}))
            if event.step == to:
                recorder.flush()
                return "killed"
    return str(event.status)


def losses(store: RunStore, run: Run) -> list[tuple[int, float, float]]:
    return [(e.step, e.loss, e.learning_rate) for e in store.steps_since(run.id)]


def made_again(store: RunStore, run: Run) -> list[tuple[int, float, float]]:
    """The losses that the record of the changes gives, from step 0 on."""
    fresh = Trainer(beginning(store, run)[0], run.model, run.training, changes=store.changes(run.id))
    return [(e.step, e.loss, e.learning_rate) for e in fresh.run() if isinstance(e, StepEvent)]


def test_a_killed_run_goes_on_with_the_losses_of_one_that_nobody_disturbed(store: RunStore) -> None:
    run = trained_run(store)
    assert go(store, run, take_up(store, run), to=33) == "killed"
    assert go(store, run, take_up(store, run), to=51) == "killed"
    assert go(store, run, take_up(store, run)) == "done"
    assert losses(store, run) == made_again(store, run) and len(losses(store, run)) == 60
    assert store.changes(run.id) == []


def test_the_record_of_a_changed_run_says_what_was_done(store: RunStore) -> None:
    run = trained_run(store)
    go(store, run, take_up(store, run), to=33, s12={"learning_rate": 0.05}, s25={"learning_rate": 0.2})
    assert store.run(run.id).in_force.learning_rate == 0.2
    go(store, run, take_up(store, run), to=45, s44={"eval_interval": 7})
    assert go(store, run, take_up(store, run, {"learning_rate": 0.01})) == "done"
    assert losses(store, run) == made_again(store, run)
    assert store.changes(run.id) == (
        change(12, learning_rate=0.05)
        + change(20, learning_rate=0.2)
        + change(40, learning_rate=0.01, eval_interval=7)
    )
    assert [e.step for e in store.evaluations(run.id)] == [0, 20, 40, 42, 49, 56, 60]


def test_a_rate_that_broke_a_run_does_not_come_back(store: RunStore) -> None:
    """Raised live until the loss was no number, lowered, resumed: the old rate must not come back some steps later."""
    run = trained_run(store, optimizer="sgd", learning_rate=0.5)
    assert go(store, run, take_up(store, run), s24={"learning_rate": 1000.0}) == "diverged"
    assert go(store, run, take_up(store, run, {"learning_rate": 0.1})) == "done"
    assert {rate for step, _, rate in losses(store, run) if step > 20} == {0.1}
    assert losses(store, run) == made_again(store, run)


# Stores of other times


def test_a_store_of_the_version_before_opens_with_the_settings_in_force(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:4])
        with store._database.writing() as db:
            known = {
                "workspace": "local", "name": "", "note": "", "status": "queued", "created": 0, "text_id": "",
                "text_title": "", "characters": "ab", "lower": 1, "model": '{"vocab_size": 2}',
                "training": '{"learning_rate": 0.1}', "device": "cpu", "owner": "somebody",
            }  # fmt: skip
            for key, run_id in enumerate(("changed", "untouched"), start=1):
                insert_run(db, known | {"key": key, "id": run_id})
            rows = [(7, 0, "learning_rate", 0.5), (7, 1, "learning_rate", 0.2), (3, 0, "learning_rate", 0.9),
                    (5, 0, "eval_interval", 40.0)]  # fmt: skip
            db.executemany("INSERT INTO changes VALUES (1, ?, ?, ?, ?, 0)", rows)
    changed, untouched = store.run("changed"), store.run("untouched")
    assert (changed.status, changed.training.learning_rate) == ("interrupted", 0.1)
    assert (changed.in_force.learning_rate, changed.in_force.eval_interval) == (0.2, 40)
    assert untouched.in_force == untouched.training
    assert store.changes("changed")[-1] == ChangeEvent(step=7, name="learning_rate", value=0.2)
