"""A store and an archive that an earlier version wrote: they open, and a run goes on as it would have there.

`tests/data/before` was written at commit de9589f, on one thread: an own text, a TinyGPT of 20 steps with a note, a
small GPT whose learning rate was raised after step 5 and that was stopped after step 12 of 20, and a deleted run.
`run.zip` is the export of the GPT, and `expected.json` says how both curves went on there.
"""

import json
import queue
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch

from minigpt_core.export.archive import import_run
from minigpt_core.jobs.worker import Controls, train
from minigpt_core.store.runs import Run, RunStore

BEFORE = Path(__file__).parents[2] / "data" / "before"
KNOWN: dict[str, Any] = json.loads((BEFORE / "expected.json").read_text(encoding="utf-8"))
SAME = {"rel": 1e-4}  # another processor rounds otherwise
NOTES = {
    "tiny": "the first one: é, <b>, “quotes”\nand a second line",
    "gpt": "the rate was changed after step 5",
}


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """A copy of the store, as the earlier version left it."""
    with tarfile.open(BEFORE / "store.tar.xz") as archive:
        archive.extractall(tmp_path / "store", filter="data")
    return RunStore(tmp_path / "store")


def losses(store: RunStore, run: Run) -> list[float]:
    steps = store.steps_since(run.id)
    assert [event.step for event in steps] == list(range(1, run.step + 1))
    return [event.loss for event in steps]


def go_on(store: RunStore, run: Run) -> Run:
    """Train it to its end."""
    train(store, run.id, Controls(queue.Queue(), lambda *_told, **_more: None))
    return store.run(run.id)


def test_its_runs_texts_and_notes_are_there(store: RunStore) -> None:
    runs = {run.id: run for run in store.runs("local")}
    assert [*runs] == [KNOWN["gpt"], KNOWN["tiny"]]
    assert [run.id for run in store.runs("local", deleted=True)] == [KNOWN["deleted"]]
    tiny, gpt = runs[KNOWN["tiny"]], runs[KNOWN["gpt"]]
    assert (tiny.status, tiny.step, tiny.note) == ("done", 20, NOTES["tiny"])
    assert (gpt.status, gpt.step, gpt.note) == ("stopped", 12, NOTES["gpt"])
    assert (gpt.name, gpt.parent, gpt.training.learning_rate) == ("live change", tiny.id, 0.003)
    assert store.own_texts("local") == {KNOWN["own_text"]: "My own text"}
    assert store.text(KNOWN["own_text"]).text.startswith("Le chat gris dort. Un matin, l'été,")
    assert losses(store, tiny) == pytest.approx(KNOWN["tiny_losses"], rel=1e-12)
    assert losses(store, gpt) == pytest.approx(KNOWN["gpt_losses"][:12], rel=1e-12)
    assert [(event.step, event.name, event.value) for event in store.changes(gpt.id)] == [
        (5, "learning_rate", 0.02)
    ]
    for run, measured in [(tiny, [0, 20]), (gpt, [0])]:
        assert [event.step for event in store.evaluations(run.id)] == measured
        assert [(sample.step, len(sample.text)) for sample in store.samples(run.id)] == [
            (step, 12) for step in measured
        ]
        assert [info.step for info in store.checkpoints(run.id)] == [0, run.step]


def test_a_stopped_run_goes_on_as_it_would_have_there(store: RunStore) -> None:
    run = go_on(store, store.run(KNOWN["gpt"]))
    assert (run.status, run.step) == ("done", 20)
    assert losses(store, run) == pytest.approx(KNOWN["gpt_losses"], **SAME)
    rates = [event.learning_rate for event in store.steps_since(run.id)]
    assert rates == pytest.approx(KNOWN["gpt_rates"]) and rates[0] != rates[-1] == 0.02


def test_a_deleted_run_comes_back_and_can_go_for_good(store: RunStore) -> None:
    store.undelete(KNOWN["deleted"])
    assert losses(store, store.run(KNOWN["deleted"])) and store.load_checkpoint(KNOWN["deleted"]).step == 1
    store.delete(KNOWN["deleted"])
    store.remove(KNOWN["deleted"])
    assert store.runs("local", deleted=True) == [] and not store.folder(KNOWN["deleted"]).exists()


def test_it_takes_new_runs_and_is_opened_again(store: RunStore, tmp_path: Path) -> None:
    old = store.run(KNOWN["tiny"])
    new = store.create_run(
        text_id=old.text_id,
        text_title=old.text_title,
        characters=old.characters,
        lower=old.lower,
        model=old.model,
        training=old.training,
        preset=old.preset,
        name="again",
    )
    assert losses(store, go_on(store, new)) == pytest.approx(KNOWN["tiny_losses"], **SAME)
    shutil.copytree(store.home, tmp_path / "moved")
    assert {run.name for run in RunStore(tmp_path / "moved").runs()} == {old.name, "live change", "again"}


def test_its_archive_is_the_same_run_elsewhere(store: RunStore, tmp_path: Path) -> None:
    there, here = RunStore(tmp_path / "there"), store.run(KNOWN["gpt"])
    run = import_run(there, BEFORE / "run.zip")
    assert (run.name, run.note, run.model, run.training) == (here.name, here.note, here.model, here.training)
    assert losses(there, run) == losses(store, here)
    assert there.changes(run.id) == store.changes(here.id)
    for info in store.checkpoints(here.id):
        ours, theirs = (s.load_checkpoint(r.id, info.step).tensors for s, r in ((store, here), (there, run)))
        assert {*ours} == {*theirs}
        assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    assert losses(there, go_on(there, run)) == pytest.approx(KNOWN["gpt_losses"], **SAME)
