"""Facts are kept once for each workspace, a lesson's progress survives everything, an older store gets both tables."""

from pathlib import Path

import pytest

from minigpt_core.store import facts, schema
from minigpt_core.store.facts import FactStore, Progress
from minigpt_core.store.runs import RunStore


@pytest.fixture
def known(tmp_path: Path) -> FactStore:
    return FactStore(tmp_path)


def test_a_fact_is_kept_once_in_its_workspace(known: FactStore) -> None:
    for _ in range(2):
        known.note("mine", "page", page="sampling", view="next")
    known.note("mine", "page", page="training")
    known.note("yours", "page", page="attention")
    assert known.facts("mine", "page") == [{"page": "sampling", "view": "next"}, {"page": "training"}]
    assert known.facts("mine", "sampled") == []


def test_what_was_done_during_a_lesson_is_kept_for_each_and_told_once(known: FactStore) -> None:
    for during in ({"lesson": "loss"}, {}, {"lesson": "inside"}):
        known.note("mine", "page", page="sampling", **during)
    known.note("mine", "page", page="layers", lesson="inside")
    sampling, layers = {"page": "sampling"}, {"page": "layers"}
    assert known.facts("mine", "page") == [sampling, layers] == known.facts("mine", "page", "inside")
    assert known.facts("mine", "page", "loss") == known.facts("mine", "page", "another") == [sampling]


def test_a_workspace_cannot_fill_the_disk(known: FactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MOST_FACTS", 3)
    for n in range(5):
        known.note("mine", "seed", n=n)
    known.note("mine", "long", text="x" * facts.LONGEST)
    known.note("yours", "seed", n=0)
    assert [fact["n"] for fact in known.facts("mine", "seed")] == [0, 1, 2]
    assert known.facts("mine", "long") == [] and known.facts("yours", "seed") == [{"n": 0}]


def test_progress_is_kept_by_lesson_and_workspace(known: FactStore, tmp_path: Path) -> None:
    assert known.progress("mine") == {}
    known.keep_step("mine", "loss", 2)
    known.keep_guess("mine", "loss", 2, 3.5)
    known.keep_guess("mine", "loss", 2, 3.87)
    known.keep_guess("mine", "loss", 3, [2, 1, 3])
    known.keep_done("mine", "loss", 2)
    known.keep_done("mine", "loss", 1)
    known.keep_step("mine", "numbers", 4)
    found = FactStore(tmp_path).progress("mine")
    assert [*found] == ["numbers", "loss"]
    assert (found["loss"].step, found["loss"].done) == (2, {1, 2})
    assert found["loss"].guesses == {2: 3.87, 3: [2, 1, 3]}
    assert known.progress("yours") == {}
    known.forget("mine", "loss")
    assert [*known.progress("mine")] == ["numbers"] and Progress().step == 1


def test_a_store_of_the_version_before_gets_both_tables_and_keeps_its_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(
            schema, "MIGRATIONS", schema.MIGRATIONS[: schema.MIGRATIONS.index(schema.FACTS_AND_LESSONS)]
        )
        text_id = RunStore(tmp_path).save_text("un chat", "le mien")
    known = FactStore(tmp_path)
    known.note("local", "page", page="home")
    known.keep_step("local", "loss", 3)
    assert known.facts("local", "page") == [{"page": "home"}] and known.progress("local")["loss"].step == 3
    assert RunStore(tmp_path).text(text_id).title == "le mien"
