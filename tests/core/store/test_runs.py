"""The run store: what is written is there again, whatever happens to the process, the disk or the clock."""

import itertools
import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data_home import data_home
from minigpt_core.errors import RunNotFound, StoreError
from minigpt_core.steering import ChangeEvent
from minigpt_core.store import metrics, schema
from minigpt_core.store.checkpoint_files import steps_to_drop, weights_path
from minigpt_core.store.curves import Bucket, Curve, read_curve, update_buckets
from minigpt_core.store.explained import explained
from minigpt_core.store.locks import AtWork
from minigpt_core.store.runs import (
    BIN_SECONDS,
    MAX_CHECKPOINTS,
    BinContents,
    Run,
    RunStore,
    new_run_id,
)
from minigpt_core.training import Checkpoint, MetricsEvent, SampleEvent, StepEvent

MODEL = ModelConfig(vocab_size=3)
TRAINING = TrainConfig(learning_rate=0.1, seed=7)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


def make_run(store: RunStore, **options: Any) -> Run:
    text: dict[str, Any] = {"text_id": "0" * 64, "text_title": "Le Chat", "characters": "\n é", "lower": True}
    return store.create_run(**text, model=MODEL, training=TRAINING, **options)


def steps(first: int, last: int, loss: float = 2.0) -> list[StepEvent]:
    return [
        StepEvent(step=n, loss=loss + n / 1000, learning_rate=0.01, grad_norm=1.0)
        for n in range(first, last + 1)
    ]


def evaluation(step: int, val_loss: float | None) -> MetricsEvent:
    return MetricsEvent(step=step, train_loss=2.0, val_loss=val_loss, val_accuracy=0.25)


def checkpoint(step: int) -> Checkpoint:
    torch.manual_seed(step)
    tensors = {
        "model.weight": torch.randn(3, 64),
        "optimizer.0.step": torch.tensor(float(step)),
        "rng.torch": torch.get_rng_state(),
    }
    return Checkpoint(step=step, tensors=tensors, state={"learning_rate": 0.1 + 0.2, "best_val_loss": None})


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another Python process that can import the core; its output is read line by line."""
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
    )


def output(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith("\n"):  # a killed process may leave half a line
            yield line.strip()


# The folder


def test_minigpt_home_decides_where_the_data_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINIGPT_HOME", str(tmp_path / "here"))
    assert data_home() == RunStore().home == tmp_path / "here"
    monkeypatch.delenv("MINIGPT_HOME")
    assert "mini-gpt" in data_home().name


def test_a_store_touches_nothing_before_it_is_used(store: RunStore) -> None:
    assert not store.home.exists() and store.size() == 0
    assert store.runs() == []
    assert store.size() == sum(path.stat().st_size for path in store.home.rglob("*") if path.is_file())


# Texts


@pytest.mark.parametrize("text", ["un matin,\r\nle chat\n", "e\u0301 \u200b 🐈 \x00 \x1a שלום"])
def test_a_text_comes_back_as_it_was(store: RunStore, text: str) -> None:
    text_id = store.save_text(text, "Le Chat")
    stored = RunStore(store.home).text(text_id)
    assert (stored.id, stored.title, stored.text) == (text_id, "Le Chat", text)
    assert store.save_text(text, "Le Chat", workspace="other") == text_id


def test_a_lone_surrogate_is_replaced(store: RunStore) -> None:
    assert store.text(store.save_text("a\ud800b", "\udfff")).text == "a\ufffdb"


def test_an_unknown_text_is_named_and_never_a_path(store: RunStore) -> None:
    with pytest.raises(StoreError, match="text is not here"):
        store.text("../x")


def test_a_workspace_has_a_list_of_own_texts(store: RunStore) -> None:
    first, second = (store.save_text(text, text[:3], "alice") for text in ("one one", "two two"))
    store.save_text("what a run needs", "not in the list", "alice")
    for text_id in (first, second, first):
        store.keep_text(text_id, "alice")
    assert list(store.own_texts("alice").items()) == [(second, "two"), (first, "one")]
    assert store.own_texts("bob") == {}
    store.drop_text(first, "bob")
    store.drop_text(second, "alice")
    assert list(store.own_texts("alice")) == [first]
    assert store.text(second).text == "two two"  # a run may need it
    store.keep_text(second, "alice")
    assert set(store.own_texts("alice")) == {first, second}


def test_two_texts_of_a_list_are_told_apart(store: RunStore) -> None:
    mine = store.save_text("one one", "story", "alice")
    theirs = store.save_text("two two", "story", "bob")  # given to alice later
    for text_id in (mine, theirs, mine, theirs):
        store.keep_text(text_id, "alice")
    assert store.own_texts("alice") == {theirs: "story (2)", mine: "story"}
    assert store.text_title(theirs, "alice") == "story (2)" and store.text_title(theirs, "bob") == "story"
    with pytest.raises(StoreError, match="text is not here"):
        store.keep_text("0" * 64, "alice")


def test_a_damaged_text_is_noticed_and_mended_by_saving_it_again(store: RunStore) -> None:
    text_id = store.save_text("le chat", "Le Chat")
    (store.home / "texts" / f"{text_id}.txt").write_text("le chie")
    with pytest.raises(StoreError, match="damaged"):
        store.text(text_id)
    store.save_text("le chat", "Le Chat")
    assert store.text(text_id).text == "le chat"


# Runs


def test_a_run_comes_back_as_it_was_made(store: RunStore) -> None:
    made = make_run(store, name="first", note="<b>", preset="notebook", status="done", parent="p", threads=2)
    assert made == RunStore(store.home).run(made.id)
    assert (made.model, made.training, made.characters, made.lower) == (MODEL, TRAINING, "\n é", True)
    assert (made.name, made.note, made.preset, made.parent, made.threads) == (
        "first", "<b>", "notebook", "p", 2,
    )  # fmt: skip


def test_ids_are_long_and_fit_into_an_address() -> None:
    ids = {new_run_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(run_id) * 4 >= 96 and set(run_id) <= set("0123456789abcdef") for run_id in ids)


@pytest.mark.parametrize("run_id", ["nothing", "", "../../etc", "é", "a" * 500, "\x00"])
def test_an_unknown_run_has_its_own_error(store: RunStore, run_id: str) -> None:
    for use in (store.run, store.curve, store.checkpoints, store.load_checkpoint):
        with pytest.raises(RunNotFound):
            use(run_id)


@pytest.mark.parametrize("run_id", ["", "../../etc", "é", "a" * 500, "\x00", "a b"])
def test_what_cannot_be_an_id_never_becomes_a_path(store: RunStore, run_id: str) -> None:
    for use in (store.is_locked, store.folder):
        with pytest.raises(RunNotFound):
            use(run_id)
    with pytest.raises(RunNotFound), store.lock(run_id):
        pass


def test_runs_are_listed_by_workspace_newest_first(store: RunStore) -> None:
    ids = [make_run(store, workspace=workspace).id for workspace in ("a", "b", "a")]
    assert [run.id for run in store.runs()] == ids[::-1]
    assert [run.id for run in store.runs("a")] == [ids[2], ids[0]]
    store.delete(ids[2], "a")
    assert [run.id for run in store.runs("a")] == [ids[0]]
    assert [run.id for run in store.runs("a", deleted=True)] == [ids[2]]
    assert store.run(ids[2]).deleted is not None
    store.undelete(ids[2], "a")
    assert len(store.runs("a")) == 2 and store.runs(deleted=True) == []


def test_a_run_is_found_by_the_beginning_of_its_id(store: RunStore) -> None:
    for run_id in ("aa1", "aa2", "b%"):
        make_run(store, run_id=run_id, status="stopped")
    assert store.find_run("aa1").id == "aa1"
    assert store.find_run("last").id == "b%"
    with pytest.raises(RunNotFound, match="2 runs begin with aa"):
        store.find_run("aa")
    for unknown in ("c", "%", "aa11"):
        with pytest.raises(RunNotFound, match="No run begins"):
            store.find_run(unknown)
    with pytest.raises(RunNotFound):
        store.find_run("aa1", "another workspace")


def test_only_the_own_workspace_may_change_a_run(store: RunStore) -> None:
    run = make_run(store, workspace="mine", name="before")
    for change in (
        lambda: store.rename(run.id, "after", "yours"),
        lambda: store.note(run.id, "after", "yours"),
        lambda: store.delete(run.id, "yours"),
        lambda: store.undelete(run.id, "yours"),
        lambda: store.owned_run(run.id, "yours"),
    ):
        with pytest.raises(StoreError, match="somebody else"):
            change()
    assert store.owned_run(run.id, "mine") == run
    store.rename(run.id, "two\nlines\t\x1b[31mred", "mine")
    assert store.run(run.id).name == "two lines [31mred"
    store.rename(run.id, "  <script> \ud800 ", "mine")
    store.note(run.id, "a note", "mine")
    assert (store.run(run.id).name, store.run(run.id).note) == ("<script> \ufffd", "a note")


def test_names_and_notes_have_a_limit(store: RunStore) -> None:
    run = make_run(store)
    with pytest.raises(StoreError, match="at most 120 characters; this one has 121"):
        store.rename(run.id, "x" * 121)
    with pytest.raises(StoreError, match="10001"):
        store.note(run.id, "x" * 10_001)


def test_purging_removes_rows_and_files_of_deleted_runs_only(store: RunStore) -> None:
    kept, gone = make_run(store), make_run(store)
    for run in (kept, gone):
        store.append(run.id, steps=steps(1, 5))
        store.save_checkpoint(run.id, checkpoint(5))
    store.delete(gone.id)
    assert store.purge_deleted(older_than=60) == 0
    with store.lock(gone.id):
        assert store.purge_deleted(older_than=0) == 0
    assert store.purge_deleted(older_than=0) == 1
    assert not store.folder(gone.id).exists()
    with pytest.raises(RunNotFound):
        store.run(gone.id)
    assert len(store.steps_since(kept.id)) == 5 and store.load_checkpoint(kept.id).step == 5


def test_what_emptying_the_bin_frees_is_known_before(store: RunStore) -> None:
    mine, theirs = make_run(store), make_run(store, workspace="somebody")
    for run in (mine, theirs):
        store.save_checkpoint(run.id, checkpoint(5))
    assert store.bin_contents() == BinContents(runs=0, bytes=0)
    store.delete(mine.id)
    store.delete(theirs.id, "somebody")
    assert store.bin_contents().runs == 2
    found, before = store.bin_contents("local"), store.size()
    assert found.runs == 1 and found.bytes > 500
    assert store.purge_deleted(older_than=0, workspace="local") == 1
    files = sum(path.stat().st_size for path in (store.home / "runs").rglob("*") if path.is_file())
    assert files == store.bin_contents().bytes  # of the other one
    assert store.size() <= before - found.bytes + store._database.path.stat().st_size
    store.undelete(theirs.id, "somebody")
    assert store.load_checkpoint(theirs.id).step == 5 and store.bin_contents().runs == 0


def test_a_run_that_is_brought_back_while_the_bin_is_emptied_stays(store: RunStore) -> None:
    """The list of the bin is read first; each run is looked at again when it is its turn."""

    class BroughtBack(RunStore):
        def _in_bin(self, workspace: str | None, before: float) -> list[sqlite3.Row]:
            rows = super()._in_bin(workspace, before)
            self.undelete(rows[-1]["id"])
            return rows

    runs = [make_run(store) for _ in range(2)]
    for run in runs:
        store.delete(run.id)
    assert BroughtBack(store.home).purge_deleted(older_than=0) == 1
    assert [run.id for run in store.runs()] == [runs[1].id]


def test_texts_that_nobody_needs_go_with_the_bin(store: RunStore) -> None:
    texts = {name: store.save_text(f"le texte de {name}", name) for name in ("run", "own", "old", "new")}
    run = make_run(store)
    with store._database.writing() as db:
        db.execute("UPDATE runs SET text_id = ?", (texts["run"],))
        db.execute("UPDATE texts SET created = created - ? WHERE title != 'new'", (BIN_SECONDS + 60,))
    store.keep_text(texts["own"])
    store.purge_deleted(older_than=0)
    assert {name for name, text_id in texts.items() if store.has_text(text_id)} == {"run", "own", "new"}
    store.delete(run.id)
    store.purge_deleted(older_than=0)
    assert {name for name, text_id in texts.items() if store.has_text(text_id)} == {"own", "new"}
    assert store.text(store.save_text("le texte de old", "old")).text == "le texte de old"


# Status and locks


def test_status_keeps_the_times_of_start_and_end(store: RunStore) -> None:
    run = make_run(store)
    with store.lock(run.id):
        store.set_status(run.id, "running", threads=2, device="cpu")
        started = store.run(run.id).started
        store.set_status(run.id, "paused")
        assert store.run(run.id).status == "paused"
        assert started is not None and store.run(run.id).finished is None
    store.set_status(run.id, "failed", StoreError("No {thing}.", thing="space").to_json())
    run = store.run(run.id)
    assert (run.status, run.threads, run.started) == ("failed", 2, started) and run.finished is not None
    assert run.error is not None and str(StoreError.from_json(run.error)) == "No space."
    store.set_status(run.id, "queued")
    assert (store.run(run.id).error, store.run(run.id).finished) == (None, None)


def test_a_queued_run_holds_its_place_or_is_interrupted(store: RunStore) -> None:
    run = make_run(store)
    assert store.run(run.id).status == store.runs()[0].status == "interrupted"
    with store.queue_lock(run.id):
        with pytest.raises(AtWork), store.queue_lock(run.id):
            pass
        assert store.run(run.id).status == store.runs()[0].status == "queued"
    assert store.run(run.id).status == "interrupted"


def test_who_looks_at_a_run_takes_nobody_its_place(store: RunStore) -> None:
    run, over = make_run(store), threading.Event()

    def look() -> None:
        while not over.is_set():
            store.run(run.id)
            store.is_locked(run.id)

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(100):  # a page looks four times a second; here they never rest
            with store.queue_lock(run.id):
                pass
            store.keep_requested(run.id, {"pace": 0})
    finally:
        over.set()
        for looker in lookers:
            looker.join()


def test_a_lock_is_held_once_and_can_be_taken_again(store: RunStore) -> None:
    run = make_run(store, status="running")
    assert store.run(run.id).status == "interrupted" and not store.is_locked(run.id)
    for _ in range(2):
        with store.lock(run.id):
            assert store.is_locked(run.id) and store.run(run.id).status == "running"
            with pytest.raises(StoreError, match="at work"), store.lock(run.id, timeout=0):
                pass
    assert not store.is_locked(run.id)


def test_an_error_inside_a_lock_stays_what_it_is(store: RunStore) -> None:
    with pytest.raises(FileNotFoundError), store.lock("abc"):
        raise FileNotFoundError
    assert not store.is_locked("abc")


HOLD = """
import sys, time
from pathlib import Path
from minigpt_core.store.locks import hold
with hold(Path(sys.argv[1]), 5):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_a_killed_worker_leaves_an_interrupted_run(store: RunStore) -> None:
    run = make_run(store)
    store.set_status(run.id, "running")
    with start(HOLD, store.home / "locks" / f"run-{run.id}.lock") as worker:
        assert next(output(worker)) == "held"
        assert store.run(run.id).status == "running"
        with pytest.raises(StoreError, match="at work"), store.lock(run.id, timeout=0.1):
            pass
        worker.kill()
        worker.wait()
    assert store.run(run.id).status == "interrupted"
    with store.lock(run.id):
        assert store.run(run.id).status == "running"


def test_looking_at_a_lock_keeps_nobody_from_taking_it(store: RunStore) -> None:
    run, done = make_run(store), threading.Event()

    def look() -> None:
        while not done.is_set():
            store.is_locked(run.id)

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(20):
            with store.lock(run.id):
                assert store.is_locked(run.id)
    finally:
        done.set()
        for looker in lookers:
            looker.join()


# Metrics


def test_what_is_appended_comes_back(store: RunStore) -> None:
    run = make_run(store)
    changes = [ChangeEvent(step=3, name="pace", value=5.0), ChangeEvent(step=3, name="pace", value=0.0)]
    store.append(
        run.id, steps=steps(1, 9), evaluations=[evaluation(5, 1.5)], samples=[SampleEvent(step=5, text="le\n")],
        changes=changes, step=9, seconds=0.5, steps_per_second=18.0, best_step=5, best_val_loss=1.5,
    )  # fmt: skip
    assert store.steps_since(run.id) == steps(1, 9)
    assert store.steps_since(run.id, 4, limit=2) == steps(5, 6)
    assert store.evaluations(run.id) == [evaluation(5, 1.5)]
    assert store.samples(run.id) == [SampleEvent(step=5, text="le\n")]
    assert store.changes(run.id) == store.changes(run.id, since_step=3) == changes
    assert store.changes(run.id, since_step=4) == []
    run = store.run(run.id)
    assert (run.step, run.seconds, run.steps_per_second) == (9, 0.5, 18.0)
    assert (run.best_step, run.best_val_loss) == (5, 1.5)


def test_writing_changes_takes_no_longer_for_each_of_many(tmp_path: Path) -> None:
    """Counted in instructions of SQLite's machine, so that no clock decides."""

    def instructions(count: int) -> int:
        store = RunStore(tmp_path / str(count))
        run, counted = make_run(store), itertools.count()
        with store._database.writing() as db:
            db.set_progress_handler(lambda: next(counted) < 0, 1)
            metrics.write_changes(db, 1, [ChangeEvent(step=3, name="pace", value=n) for n in range(count)])
            db.set_progress_handler(None, 1)
        assert [change.value for change in store.changes(run.id)] == list(range(count))
        return next(counted)

    assert instructions(400) < 2.5 * instructions(200)


def test_a_replay_takes_the_place_of_what_was_there(store: RunStore) -> None:
    run = make_run(store)
    change = ChangeEvent(step=10, name="learning_rate", value=0.5)
    store.append(run.id, steps=steps(1, 20), evaluations=[evaluation(10, 3.0)], changes=[change])
    before = everything(store, run.id)
    store.append(run.id, steps=steps(5, 12), evaluations=[evaluation(10, 3.0)])
    assert everything(store, run.id) == before
    store.append(run.id, steps=steps(5, 6, loss=9.0), evaluations=[evaluation(10, None)])
    assert [event.loss for event in store.steps_since(run.id, 3, 3)] == pytest.approx([2.004, 9.005, 9.006])
    assert store.evaluations(run.id) == [evaluation(10, None)]
    assert store.changes(run.id) == [change]


def everything(store: RunStore, run_id: str) -> list[object]:
    """Steps, evaluations, changes, buckets and curve of a run."""
    with sqlite3.connect(store.home / "runs.sqlite3") as db:
        buckets = db.execute("SELECT * FROM buckets ORDER BY run, size, start").fetchall()
    db.close()
    run = (store.steps_since(run_id), store.evaluations(run_id), store.changes(run_id), store.curve(run_id))
    return [*run, buckets]


def test_numbers_that_are_not_finite_are_left_out_of_the_curve(store: RunStore) -> None:
    run = make_run(store)
    losses = [1.0, math.nan, math.inf, 4.0]
    store.append(
        run.id,
        steps=[StepEvent(step=n, loss=x, learning_rate=1.0, grad_norm=x) for n, x in enumerate(losses)],
        evaluations=[evaluation(3, math.nan)],
        best_val_loss=math.inf,
    )
    assert [event.loss for event in store.steps_since(run.id)] == pytest.approx(
        [1.0, math.nan, math.nan, 4.0], nan_ok=True
    )
    assert store.curve(run.id) == Curve(steps=[0, 3], losses=[1.0, 4.0], mean_steps=[1.5], mean_losses=[2.5])
    assert store.evaluations(run.id) == [evaluation(3, None)] and store.run(run.id).best_val_loss is None


def test_a_batch_is_written_whole_or_not_at_all(store: RunStore) -> None:
    run = make_run(store)
    with pytest.raises(TypeError):
        store.append(run.id, steps=steps(1, 9), step="nine")
    assert store.steps_since(run.id) == [] and store.curve(run.id).steps == []


# Curves


def numbered(losses: list[float | None], first: int = 1) -> list[tuple[int, float | None]]:
    return list(enumerate(losses, first))


def pyramid(batches: list[list[tuple[int, float | None]]]) -> sqlite3.Connection:
    """A database in memory to which the batches were appended one after the other, as run 1."""
    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    for statement in schema.RUNS_AND_METRICS:
        db.execute(statement)
    newest = -1
    for batch in batches:
        rows = [(1, step, loss, 0.1, 1.0) for step, loss in batch]
        db.executemany("INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?)", rows)
        first, last = min(batch)[0], max(batch)[0]
        update_buckets(db, 1, first, last, newest)
        newest = max(newest, last)
    return db


def stored_buckets(db: sqlite3.Connection) -> dict[tuple[int, int], Bucket]:
    rows = db.execute("SELECT * FROM buckets WHERE run = 1").fetchall()
    return {(row["size"], row["start"]): Bucket._make(tuple(row)[2:]) for row in rows}


LOSSES = st.none() | st.floats(0, 100) | st.sampled_from([1.0, 2.0])
BATCHES = st.lists(
    st.tuples(st.integers(0, 120), st.lists(LOSSES, min_size=1, max_size=40)), min_size=1, max_size=6
)


@settings(deadline=None)
@given(BATCHES)
def test_every_bucket_sums_up_the_steps_in_it_however_they_came(
    drawn: list[tuple[int, list[float | None]]],
) -> None:
    batches = [numbered(losses, first) for first, losses in drawn]
    final = {step: loss for batch in batches for step, loss in batch}
    found = stored_buckets(pyramid(batches))
    sizes = [4 << level for level in range(8) if level == 0 or 2 << level <= max(final)]
    expected = 0
    for size in sizes:
        for begin in range(0, max(final) + 1, size):
            inside = [(x, n) for n, x in sorted(final.items()) if begin <= n < begin + size and x is not None]
            if not inside:
                continue
            expected += 1
            lowest, highest = min(inside), min(inside, key=lambda point: (-point[0], point[1]))
            bucket = found[size, begin]
            assert bucket[:6] == (begin, len(inside), lowest[1], lowest[0], highest[1], highest[0])
            assert bucket.mean_loss == pytest.approx(sum(x for x, _ in inside) / len(inside), abs=1e-9)
    assert len(found) == expected and sizes[-1] > max(final)


@settings(deadline=None)
@given(st.lists(LOSSES, min_size=1, max_size=500), st.integers(4, 60), st.integers(1, 30))
def test_a_curve_is_short_and_keeps_the_ends_and_the_extremes(
    losses: list[float | None], points: int, means: int
) -> None:
    curve = read_curve(pyramid([numbered(losses)]), 1, points, means)
    given_points = {step: loss for step, loss in numbered(losses) if loss is not None}
    assert len(curve.steps) == len(curve.losses) <= points
    assert len(curve.mean_steps) == len(curve.mean_losses) <= means
    assert curve.steps == sorted(set(curve.steps)) and curve.mean_steps == sorted(curve.mean_steps)
    assert all(given_points[step] == loss for step, loss in zip(curve.steps, curve.losses, strict=True))
    if given_points:
        assert (curve.steps[0], curve.steps[-1]) == (min(given_points), max(given_points))
        assert len(given_points) > points or points < len(losses) or curve.steps == sorted(given_points)
        if points >= 4:
            assert {min(given_points.values()), max(given_points.values())} <= set(curve.losses)


def test_a_spike_in_a_long_run_survives(store: RunStore) -> None:
    run, last = make_run(store), 100_000
    for first in range(1, last, 5_000):
        batch = steps(first, first + 4_999)
        if first <= 66_666 < first + 5_000:
            batch[66_666 - first] = StepEvent(step=66_666, loss=999.0, learning_rate=0.01, grad_norm=1.0)
        store.append(run.id, steps=batch)
    curve = store.curve(run.id)
    assert len(curve.steps) <= 400 and len(curve.mean_steps) <= 200
    assert dict(zip(curve.steps, curve.losses, strict=True))[66_666] == 999.0
    assert (curve.steps[0], curve.steps[-1]) == (1, last)
    before = everything(store, run.id)
    store.append(run.id, steps=steps(90_001, 93_000))
    assert everything(store, run.id) == before


def test_the_mean_of_a_straight_line_lies_on_it(store: RunStore) -> None:
    run = make_run(store)
    store.append(run.id, steps=steps(1, 3_000))
    curve = store.curve(run.id, means=50)
    line = [2.0 + step / 1000 for step in curve.mean_steps]
    assert len(curve.mean_steps) > 25 and curve.mean_losses == pytest.approx(line)


# Checkpoints


def test_a_checkpoint_comes_back_bit_for_bit(store: RunStore) -> None:
    run, saved = make_run(store), checkpoint(500)
    store.save_checkpoint(run.id, saved)
    loaded = RunStore(store.home).load_checkpoint(run.id)
    assert (loaded.step, loaded.state) == (500, saved.state)
    assert loaded.tensors.keys() == saved.tensors.keys()
    assert all(torch.equal(loaded.tensors[name], tensor) for name, tensor in saved.tensors.items())
    assert store.load_checkpoint(run.id, 500, model_only=True).tensors.keys() == {"model.weight"}
    files = sorted(path.name for path in store.folder(run.id).iterdir())
    assert files == ["step-00000500.json", "step-00000500.safetensors"]
    info = store.checkpoints(run.id)[0]
    assert info.bytes == sum(path.stat().st_size for path in store.folder(run.id).iterdir())
    about = json.loads((store.folder(run.id) / files[0]).read_text(encoding="utf-8"))
    assert ModelConfig.from_dict(about["model"]) == MODEL and about["characters"] == run.characters


def test_best_and_last_checkpoint(store: RunStore) -> None:
    run = make_run(store)
    with pytest.raises(StoreError, match="no saved weights yet"):
        store.load_checkpoint(run.id)
    for step, val_loss in ((10, 2.0), (20, 1.0), (30, 1.5), (40, None)):
        store.save_checkpoint(run.id, checkpoint(step))
        assert store.load_checkpoint(run.id, "best").step == (20 if step > 20 else 10)
        store.append(run.id, evaluations=[evaluation(step, val_loss)])
    assert [info.val_loss for info in store.checkpoints(run.id)] == [2.0, 1.0, 1.5, None]
    assert store.load_checkpoint(run.id, "best").step == 20
    assert store.load_checkpoint(run.id, "last").step == 40
    with pytest.raises(StoreError, match=r"after step 11\. Choose one of these: 10, 20, 30, 40"):
        store.load_checkpoint(run.id, 11)


def test_checkpoints_are_thinned_out_and_their_files_too(store: RunStore) -> None:
    run = make_run(store)
    for step in range(10, 601, 10):
        store.append(run.id, evaluations=[evaluation(step, abs(step - 130) + 1.0)])
        store.save_checkpoint(run.id, checkpoint(step))
    kept = [info.step for info in store.checkpoints(run.id)]
    assert len(kept) == MAX_CHECKPOINTS and {10, 130, 600} <= set(kept)
    files = {path.name for path in store.folder(run.id).iterdir()}
    assert files == {f"step-{step:08d}.{kind}" for step in kept for kind in ("json", "safetensors")}
    assert all(store.load_checkpoint(run.id, step).step == step for step in kept)


@given(st.sets(st.integers(0, 10_000), min_size=1, max_size=60), st.integers(5, 20), st.data())
def test_thinning_keeps_the_ends_and_what_is_precious(
    numbers: set[int], limit: int, data: st.DataObject
) -> None:
    precious = data.draw(st.sets(st.sampled_from(sorted(numbers)), max_size=2))
    dropped = set(steps_to_drop(numbers, precious, limit))
    assert dropped <= numbers and len(numbers - dropped) == min(limit, len(numbers))
    assert not dropped & (precious | {min(numbers), max(numbers)})


def test_thinning_a_growing_list_leaves_it_evenly_spaced() -> None:
    kept: list[int] = []
    for step in range(1000):
        kept = sorted({*kept, step} - set(steps_to_drop([*kept, step], {step}, 20)))
    gaps = [b - a for a, b in pairwise(kept)]
    assert (kept[0], kept[-1], len(kept)) == (0, 999, 20)
    assert max(gaps) <= 2 * 1000 / 19


@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "text"])
def test_missing_and_damaged_weights_are_named(store: RunStore, damage: str) -> None:
    run = make_run(store)
    for step in (1, 2):
        store.save_checkpoint(run.id, checkpoint(step))
    path = weights_path(store.folder(run.id), 2)
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": whole[:-10], "empty": b"", "text": b"<html>" * 99}[damage])
    with pytest.raises(StoreError, match=r"after step 2 are missing or damaged.*another checkpoint"):
        store.load_checkpoint(run.id)
    assert store.load_checkpoint(run.id, 1).step == 1


def test_what_a_crash_left_half_written_is_swept_away(store: RunStore) -> None:
    run = make_run(store)
    folder = store.folder(run.id)
    folder.mkdir(parents=True)
    for name in ("step-00000007.safetensors", "step-00000009.safetensors.12ab34cd.part", "worker.log"):
        (folder / name).write_bytes(b"half")
    assert store.checkpoints(run.id) == []
    store.save_checkpoint(run.id, checkpoint(9))
    assert sorted(path.name for path in folder.iterdir()) == [
        "step-00000009.json", "step-00000009.safetensors", "worker.log",
    ]  # fmt: skip


# Several processes, killed processes

# Imports once, then splits: six times the import would take longer than the test. Each half of a pipe is a go.
WRITE = """
import os, sys
from pathlib import Path
from minigpt_core.model import ModelConfig
from minigpt_core.store.runs import RunStore
from minigpt_core.training import StepEvent, TrainConfig

def write(name):
    store = RunStore(Path(sys.argv[1]))
    run = store.create_run(text_id="", text_title="", characters="ab", lower=True, name=name,
        model=ModelConfig(vocab_size=2), training=TrainConfig())
    for first in range(1, 600, 6):
        store.append(run.id, steps=[StepEvent(step=first + n, loss=1.0, learning_rate=1.0, grad_norm=1.0)
            for n in range(6)])

held, go = os.pipe()
for number in range(6):
    if os.fork() == 0:
        os.close(go)
        os.read(held, 1)  # returns when the last writing end is closed
        write(str(number))
        os._exit(0)
os.close(go)
print(*(os.waitstatus_to_exitcode(os.wait()[1]) for number in range(6)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="splits a process")
def test_six_processes_write_at_once_into_a_new_store(store: RunStore) -> None:
    with start(WRITE, store.home) as writers:
        assert list(output(writers)) == ["0 0 0 0 0 0"]
    assert sorted(run.name for run in store.runs()) == [str(number) for number in range(6)]
    for run in store.runs():
        assert [event.step for event in store.steps_since(run.id)] == list(range(1, 601))


def test_threads_share_one_store(store: RunStore) -> None:
    runs = [make_run(store) for _ in range(4)]
    errors: list[Exception] = []

    def work(run: Run) -> None:
        try:
            for first in range(1, 100, 3):
                store.append(run.id, steps=steps(first, first + 2))
                store.curve(run.id)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and all(len(store.steps_since(run.id)) == 99 for run in runs)


TRAIN = """
import sys, torch
from pathlib import Path
from minigpt_core.store.runs import RunStore
from minigpt_core.training import Checkpoint, StepEvent
store, run_id = RunStore(Path(sys.argv[1])), sys.argv[2]
with store.lock(run_id):
    store.set_status(run_id, "running")
    for step in range(1, 1_000_000):
        store.append(run_id, steps=[StepEvent(step=step, loss=step / 7, learning_rate=1.0, grad_norm=1.0)])
        print("step", step, flush=True)
        if step % 5 == 0:
            store.save_checkpoint(run_id, Checkpoint(step=step, tensors={"model.w": torch.full((5000,), step)},
                state={"seconds": step}))
            print("checkpoint", step, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.parametrize("lines", [23, 61])
def test_everything_acknowledged_survives_kill_9(store: RunStore, lines: int) -> None:
    run = make_run(store)
    said: list[tuple[str, int]] = []
    with start(TRAIN, store.home, run.id) as worker:
        for line in output(worker):
            said.append((line.split()[0], int(line.split()[1])))
            if len(said) == lines:
                assert store.run(run.id).status == "running"
                worker.send_signal(signal.SIGKILL)
        worker.wait()
    acknowledged = [step for what, step in said if what == "step"]
    events = store.steps_since(run.id)
    assert [event.step for event in events][: len(acknowledged)] == acknowledged
    assert all(event.loss == event.step / 7 for event in events)
    kept = {info.step for info in store.checkpoints(run.id)}
    assert {step for what, step in said if what == "checkpoint"} <= kept or len(kept) == MAX_CHECKPOINTS
    for step in kept:
        loaded = store.load_checkpoint(run.id, step)
        assert loaded.state == {"seconds": step} and bool((loaded.tensors["model.w"] == step).all())
    assert store.run(run.id).status == "interrupted"
    with store.lock(run.id):  # goes on after the crash
        store.append(run.id, steps=steps(1, 3))
        store.save_checkpoint(run.id, checkpoint(1))
    assert not list(store.folder(run.id).glob("*.part"))


# What can go wrong with the disk


@pytest.mark.parametrize("content", [b"this is not a database" * 1000, b"\x00" * 5000])
def test_a_damaged_database_is_named_and_left_alone(store: RunStore, content: bytes) -> None:
    store.home.mkdir()
    (store.home / "runs.sqlite3").write_bytes(content)
    with pytest.raises(StoreError, match=r"runs\.sqlite3 is damaged"):
        store.runs()
    assert (store.home / "runs.sqlite3").read_bytes() == content


def test_a_database_damaged_in_the_middle_is_named(store: RunStore) -> None:
    run = make_run(store)
    for first in range(1, 20_001, 5000):
        store.append(run.id, steps=steps(first, first + 4999))
    path = store.home / "runs.sqlite3"
    data = bytearray(path.read_bytes())
    data[3 * 4096 :] = b"\xff" * (len(data) - 3 * 4096)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="is damaged"):
        for read in (store.curve, store.steps_since, store.run):
            read(run.id)


def test_a_store_of_a_newer_program_is_left_alone(store: RunStore) -> None:
    make_run(store)
    with sqlite3.connect(store.home / "runs.sqlite3") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match=rf"newer version .*99, this program knows {len(schema.MIGRATIONS)}"):
        store.runs()


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="a file where a folder should be"):
            RunStore(home).runs()
    store = RunStore(tmp_path / "home")
    run = make_run(store)
    (store.home / "runs").write_text("")
    (store.home / "texts").write_text("")
    with pytest.raises(StoreError, match="should be"):
        store.save_checkpoint(run.id, checkpoint(1))
    with pytest.raises(StoreError, match="should be"):
        store.save_text("text", "title")
    assert store.checkpoints(run.id) == [] and store.run(run.id) == run


def test_a_locked_database_is_said_to_be_busy(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(store)
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(store.home / "runs.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="is busy"):
        store.append(run.id, steps=steps(1, 2))
    assert store.run(run.id).step == 0  # reading goes on
    other.execute("COMMIT")
    other.close()
    store.append(run.id, steps=steps(1, 2))


def test_a_patient_store_waits_until_it_may_write(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training does not end because another program keeps the store for longer than a page would wait."""
    run, patient = make_run(store), RunStore(store.home, patient=True)
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(store.home / "runs.sqlite3", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    writer = threading.Thread(target=lambda: patient.append(run.id, steps=steps(1, 2), step=2))
    writer.start()
    for _ in range(2):  # in the meantime others have given up twice
        with pytest.raises(StoreError, match="is busy"):
            store.append(run.id, steps=steps(1, 2))
    assert writer.is_alive()
    other.execute("COMMIT")
    other.close()
    writer.join()
    assert store.run(run.id).step == 2


def test_permissions_are_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no permission to write to /x/y"), explained(tmp_path):
        raise PermissionError(13, "Permission denied", "/x/y")
    readonly = sqlite3.connect(f"file:{tmp_path / 'db'}?mode=rwc", uri=True)
    readonly.execute("PRAGMA query_only = 1")
    with pytest.raises(StoreError, match="no permission to write"), explained(tmp_path):
        readonly.execute("CREATE TABLE t (x)")
    readonly.close()


def test_a_full_disk_is_named_and_loses_nothing(tiny_disk: Path) -> None:
    store = RunStore(tiny_disk / "home")
    run = make_run(store)
    store.append(run.id, steps=steps(1, 100))
    store.save_checkpoint(run.id, checkpoint(100))
    with pytest.raises(StoreError, match=r"disk that holds .* is full"):
        store.save_text("x" * 1_200_000, "too long")
    assert not list((store.home / "texts").iterdir())
    acknowledged = 100
    (tiny_disk / "ballast").write_bytes(b"x" * (shutil.disk_usage(tiny_disk).free - 8192))
    with pytest.raises(StoreError, match="is full"):
        for first in range(101, 100_000, 500):
            store.append(run.id, steps=steps(first, first + 499))
            acknowledged = first + 499
    with pytest.raises(StoreError, match="is full"):
        store.save_checkpoint(run.id, checkpoint(200))
    (tiny_disk / "ballast").unlink()
    written = len(store.steps_since(run.id, limit=100_000))
    assert written == acknowledged and store.load_checkpoint(run.id).step == 100
    store.append(run.id, steps=steps(written + 1, written + 10))
    assert store.steps_since(run.id, limit=100_000) == steps(1, written + 10)


def test_a_read_only_disk_is_named(tiny_disk: Path) -> None:
    store = RunStore(tiny_disk / "home")
    run = make_run(store)
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    with pytest.raises(StoreError, match="no permission to write"):
        store.append(run.id, steps=steps(1, 2))
    with pytest.raises(StoreError, match="no permission to write"):
        store.save_checkpoint(run.id, checkpoint(1))


LIMITED = """
import resource, sys
from pathlib import Path
from minigpt_core.errors import StoreError
from minigpt_core.store.runs import RunStore
from minigpt_core.training import StepEvent
store = RunStore(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
step = 0
try:
    while True:
        store.append(sys.argv[2], steps=[StepEvent(step=step + n, loss=1.0, learning_rate=1.0, grad_norm=1.0)
            for n in range(500)])
        step += 500
        print(step, flush=True)
except StoreError as error:
    print(error)
try:
    store.save_text("x" * 300_000, "long")
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_file_that_may_not_grow_loses_nothing(store: RunStore) -> None:
    run = make_run(store)
    with start(LIMITED, store.home, run.id) as writer:
        *counts, append_error, text_error = list(output(writer))
    assert "cannot be read or written" in append_error and "cannot be read or written" in text_error
    assert len(store.steps_since(run.id, limit=100_000)) == int(counts[-1]) > 0
    assert not list((store.home / "texts").iterdir())


def test_a_few_of_many_evaluations_are_spread_over_the_run(store: RunStore) -> None:
    run = make_run(store)
    events = [MetricsEvent(step=n * 3, train_loss=2.0, val_loss=None, val_accuracy=None) for n in range(100)]
    store.append(run.id, evaluations=events, samples=[SampleEvent(step=e.step, text="a") for e in events])
    assert store.evaluations(run.id) == events
    assert store.evaluations(run.id, most=100) == events
    few = [e.step for e in store.evaluations(run.id, most=7)]
    assert (len(few), few[0], few[-1]) == (7, 0, 297)
    gaps = [b - a for a, b in pairwise(few)]
    assert max(gaps) - min(gaps) <= 6
    assert [s.step for s in store.samples(run.id, most=2)] == [0, 297]
