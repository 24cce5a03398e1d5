"""Archives are opened in another process, which may be ended at any moment."""

from pathlib import Path

import pytest

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import UserError
from minigpt_core.export.archive import export_run, import_run
from minigpt_core.export.unpacking import unpack
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore

TEXT = "le chat curieux dort. le chat gris court.\n" * 20


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "here")


@pytest.fixture
def archive(store: RunStore, tmp_path: Path) -> Path:
    run = new_run(
        store, text=TEXT, title="chat", model_fields={"n_embd": 8, "block_size": 8}, training=TrainConfig(steps=3),
        status="stopped",
    )  # fmt: skip
    path = tmp_path / "run.zip"
    path.write_bytes(export_run(store, run))
    return path


def about(run: Run) -> tuple[object, ...]:
    return run.workspace, run.name, run.model, run.training, run.characters, run.status, run.step


def test_it_becomes_the_run_that_the_server_itself_would_make_of_it(archive: Path, store: RunStore) -> None:
    there = unpack(store, archive, "somebody")
    store.remove(there.id)  # its name is free again
    assert about(there) == about(import_run(store, archive, "somebody"))


def test_what_is_wrong_with_it_comes_back_as_the_same_sentence(archive: Path, store: RunStore) -> None:
    before = store.runs()
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(UserError) as here:
        import_run(store, archive)
    with pytest.raises(UserError) as there:
        unpack(store, archive)
    assert str(there.value) == str(here.value)
    assert store.runs() == before


def test_one_that_takes_too_long_leaves_nothing(archive: Path, store: RunStore) -> None:
    before = store.runs()
    with pytest.raises(UserError, match="given up"):
        unpack(store, archive, patience=0.5)
    assert store.runs() == before


def test_a_process_that_dies_is_said(archive: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "nowhere")  # so Python cannot even start
    with pytest.raises(UserError, match="could not be opened"):
        unpack(store, archive)
