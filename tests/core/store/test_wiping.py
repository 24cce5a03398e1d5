"""After a class was removed, nothing that its pupils wrote is found anywhere in the folder."""

import queue
import zipfile
from pathlib import Path

import pytest

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import StoreError
from minigpt_core.export.archive import import_run
from minigpt_core.export.class_archive import write_class
from minigpt_core.jobs.worker import Controls, train
from minigpt_core.store import wiping
from minigpt_core.store.classes import ClassStore
from minigpt_core.store.facts import FactStore
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore

MARKER = "zaubermarker"
PUPIL, TEACHER = "p" * 22, "t" * 22


def trained(store: RunStore, workspace: str, word: str) -> Run:
    """A finished run whose text, title, name, note and samples hold a word."""
    text = f"the {word} sat on the {word} mat. " * 30
    run = new_run(
        store, text=text, title=f"about {word}", model_fields={"block_size": 8, "n_embd": 16},
        training=TrainConfig(steps=6, sample_length=20), workspace=workspace, name=f"my {word}",
    )  # fmt: skip
    store.save_text(f"{word} original", word, workspace)
    store.keep_text(store.save_text(f"{word} kept", word, workspace), workspace)
    store.note(run.id, word, workspace)
    train(store, run.id, Controls(queue.Queue(), lambda *told, **more: None))
    (store.folder(run.id) / "worker.log").write_text(word)
    return store.run(run.id)


def places(home: Path, words: list[str]) -> list[str]:
    """Where any of these words stands in a file, or in its name."""
    return [
        f"{path.relative_to(home)}: {word}"
        for path in home.rglob("*")
        for word in words
        if word in path.name or (path.is_file() and word.encode() in path.read_bytes())
    ]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_nothing_of_a_pupil_is_found_and_the_teachers_things_stay(home: Path) -> None:
    store, taught = RunStore(home), ClassStore(home)
    taught.join(PUPIL, ["Brave Otter"])
    taught.call(PUPIL, f"{MARKER} nick")
    taught.keep("wall", {"samples": {"1": {"text": MARKER}}})
    taught.keep("orders", {"version": 7})
    FactStore(home).note(PUPIL, "page", page=MARKER)
    gone, own, local = (
        trained(store, who, word) for who, word in [(PUPIL, MARKER), (TEACHER, "kept"), ("local", "here")]
    )
    deleted = trained(store, PUPIL, MARKER)
    store.delete(deleted.id, PUPIL)
    marks = [MARKER, PUPIL, gone.id, deleted.id, "Brave Otter"]
    assert len(places(home, marks)) > 10

    assert wiping.wipe(home, [TEACHER]) == 2
    assert places(home, marks) == []
    assert {run.id for run in store.runs()} >= {own.id, local.id}
    assert store.text(own.text_id).text.startswith("the kept") and store.load_checkpoint(own.id).step == 6
    assert taught.state("orders") == {"version": 7} and taught.pupils() == []
    assert wiping.workspaces(home) == {TEACHER}


def test_what_was_deleted_one_by_one_is_gone_too(home: Path) -> None:
    """SQLite keeps what was deleted in free pages until others need them."""
    store = RunStore(home)
    for _ in range(3):
        store.remove(trained(store, PUPIL, MARKER).id)
    assert wiping.wipe(home) == 0
    assert places(home, [MARKER]) == []


def test_who_reads_meanwhile_is_waited_for(home: Path) -> None:
    store = RunStore(home)
    trained(store, PUPIL, MARKER)
    with store._database.kept_open():
        wiping.wipe(home)
    assert places(home, [MARKER]) == []


def test_nothing_is_removed_while_somebody_trains(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiping, "PATIENCE_SECONDS", 0.2)
    store = RunStore(home)
    run = trained(store, PUPIL, MARKER)
    with store.lock(run.id), pytest.raises(StoreError, match="not ended"):
        wiping.wipe(home)
    assert store.run(run.id) == run


def test_a_class_is_kept_as_one_zip_whose_runs_open_again(home: Path, tmp_path: Path) -> None:
    store = RunStore(home)
    run = trained(store, PUPIL, MARKER)
    write_class(tmp_path / "class.zip", store, {PUPIL: "01 ../Brave: Otter", TEACHER: "02 nobody"})
    with zipfile.ZipFile(tmp_path / "class.zip") as archive:
        (name,) = archive.namelist()
        assert name == f"01 .._Brave_ Otter/my {MARKER} {run.id[:8]}.zip"
        (tmp_path / "one.zip").write_bytes(archive.read(name))
    again = import_run(RunStore(tmp_path / "elsewhere"), tmp_path / "one.zip")
    assert (again.name, again.step) == (run.name, 6)
