"""Who is in a class, as the store keeps it."""

import sqlite3
import tarfile
from pathlib import Path

import pytest

from minigpt_core.errors import UserError
from minigpt_core.store.classes import ClassStore
from minigpt_core.store.runs import RunStore

BEFORE = Path(__file__).parents[2] / "data" / "before" / "store.tar.xz"
NAMES = ["Brave Otter", "Quiet Fox", "Wise Owl"]


@pytest.fixture
def store(tmp_path: Path) -> ClassStore:
    return ClassStore(tmp_path)


def test_everybody_gets_a_name_of_their_own_and_keeps_it(store: ClassStore) -> None:
    first, second = store.join("a", NAMES), store.join("b", NAMES)
    assert (first.name, second.name) == ("Brave Otter", "Quiet Fox")
    assert store.join("a", ["Another"]) == first
    assert store.pupils() == [first, second]
    assert first.number != second.number


def test_who_comes_later_never_gets_an_earlier_number(store: ClassStore) -> None:
    gone = store.join("a", NAMES)
    store.leave("a")
    assert store.pupils() == []
    assert store.join("b", NAMES).number > gone.number


def test_a_nickname_belongs_to_one_pupil(store: ClassStore) -> None:
    store.join("a", NAMES)
    store.join("b", NAMES)
    store.call("a", "Zoé")
    assert [pupil.name for pupil in store.pupils()] == ["Zoé", "Quiet Fox"]
    for taken in ("zoé", "Zoé", "BRAVE otter"):
        with pytest.raises(UserError, match="already"):
            store.call("b", taken)
    store.call("a", "Brave Otter")
    store.call("a", "")
    assert store.pupils()[0].name == "Brave Otter"
    assert store.join("c", ["Zoé", "Wise Owl"]).name == "Zoé", "it is free again"


def test_what_somebody_has_done_is_kept(store: ClassStore) -> None:
    store.join("a", NAMES)
    store.note("a", "sampled")
    (pupil,) = store.pupils()
    assert (pupil.chose_text, pupil.sampled) == (False, True)


def test_a_state_is_kept_as_it_was(store: ClassStore) -> None:
    assert store.state("look") is None
    store.keep("look", {"page": "training", "n": 3})
    assert store.state("look") == {"page": "training", "n": 3}


def test_a_store_of_an_earlier_version_gets_a_class(tmp_path: Path) -> None:
    with tarfile.open(BEFORE) as archive:
        archive.extractall(tmp_path / "store", filter="data")
    with sqlite3.connect(tmp_path / "store" / "runs.sqlite3") as before:
        assert not before.execute("SELECT 1 FROM sqlite_schema WHERE name = 'pupils'").fetchall()
    store = ClassStore(tmp_path / "store")
    store.join("a", NAMES)
    assert len(store.pupils()) == 1
    assert len(RunStore(tmp_path / "store").runs("local")) == 2


def test_the_newest_run_of_each_is_one_that_goes_on(tmp_path: Path) -> None:
    from minigpt_core.configs import TrainConfig
    from minigpt_core.store.new_run import new_run

    runs = RunStore(tmp_path)

    def run(workspace: str, status: str) -> str:
        made = new_run(
            runs, text="abcdefgh" * 50, title="t", model_fields={"block_size": 4, "n_embd": 8},
            training=TrainConfig(steps=5), workspace=workspace, status=status,
        )  # fmt: skip
        return made.id

    going = run("a", "queued")
    done, newest, deleted = run("a", "done"), run("b", "done"), run("b", "stopped")
    runs.delete(deleted, "b")
    with runs.queue_lock(going):
        found = runs.newest_of_each()
    assert {workspace: found[workspace].id for workspace in found} == {"a": going, "b": newest}
    assert found["a"].status == "queued" and done not in {one.id for one in found.values()}
