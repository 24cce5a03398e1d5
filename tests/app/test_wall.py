"""What stands on the wall is what the teacher has seen and allowed, and nothing else of a pupil."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from minigpt_core.store.classes import Pupil
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import MetricsEvent, SampleEvent, StepEvent
from ui import people
from ui.classroom import approvals, preview, wall_state
from ui.classroom.approvals import Wall, covered, name_on_wall, words_of
from ui.training import prediction

MARKER = "Zaubermarker"


@pytest.fixture
def pupil(home: Path, some_run: Callable[..., Run]) -> Pupil:
    """Somebody with a nickname and a training that has written something."""
    joined = people.roll().arrive("a" * 22, "training", "en")
    assert joined is not None
    people.roll().call(joined.workspace, f"{MARKER}name")
    run = some_run(workspace=joined.workspace, name=f"{MARKER}run", steps=20)
    store = RunStore(home)
    store.append(
        run.id,
        steps=[StepEvent(step=n, loss=3.0 - n / 20, learning_rate=0.01, grad_norm=1.0) for n in range(1, 21)],
        evaluations=[MetricsEvent(step=20, train_loss=2.0, val_loss=2.5, val_accuracy=0.3, val_error=0.1)],
        samples=[SampleEvent(step=20, text=f"{MARKER} told Tom’s secret, secret")],
        step=20,
    )
    found = people.roll().find(joined.workspace)
    assert found is not None
    return found


def test_nothing_of_a_pupil_is_on_the_wall_before_it_was_allowed(pupil: Pupil) -> None:
    told = wall_state.told()
    assert MARKER not in json.dumps(told) and pupil.workspace not in json.dumps(told)
    (curve,) = told["curves"]
    assert curve["name"] == pupil.invented and curve["loss"] == 2.5 and len(curve["x"]) > 2
    assert told["samples"] == [] and set(told["references"]) == {"uniform", "unigram", "bigram"}


def test_what_was_seen_is_what_stands_there_and_comes_off_again(pupil: Pupil, home: Path) -> None:
    seen = preview.look_at(pupil)
    RunStore(home).append(seen["run"], samples=[SampleEvent(step=25, text="written since")], step=25)
    wall = Wall(samples={str(pupil.number): {n: seen[n] for n in ("run", "step", "loss", "text")}})
    approvals.keep(wall)
    (shown,) = wall_state.told()["samples"]
    assert shown["text"] == seen["text"] and shown["best"] and "since" not in shown["text"]
    assert shown["name"] == pupil.invented, "the nickname was not allowed"
    approvals.keep(Wall())
    assert MARKER not in json.dumps(wall_state.told())


def test_a_nickname_is_allowed_as_it_stands(pupil: Pupil) -> None:
    wall = Wall(nicknames={str(pupil.number): pupil.nickname})
    assert name_on_wall(pupil, wall) == pupil.nickname
    people.roll().call(pupil.workspace, "Another")
    changed = people.roll().find(pupil.workspace)
    assert changed is not None and name_on_wall(changed, wall) == pupil.invented
    assert name_on_wall(changed, Wall(names=False)) == ""


def test_words_are_covered_wherever_they_stand() -> None:
    text = "Tom’s secret: SECRET secrets, tom"
    assert words_of(text) == ["Tom’s", "secret", "SECRET", "secrets", "tom"]
    assert covered(text, ["secret"]) == "Tom’s ▇▇▇▇▇▇: ▇▇▇▇▇▇ secrets, tom"
    assert covered(text, []) == text


def test_one_pupil_can_be_shown_alone(pupil: Pupil, some_run: Callable[..., Run]) -> None:
    other = people.roll().arrive("b" * 22, "training", "en")
    assert other is not None
    some_run(workspace=other.workspace)
    assert len(wall_state.told()["curves"]) == 2
    approvals.keep(Wall(alone=pupil.number))
    told = wall_state.told()
    assert told["alone"] and [curve["number"] for curve in told["curves"]] == [pupil.number]


def test_guesses_stand_beside_each_other_without_names(pupil: Pupil, home: Path) -> None:
    store = RunStore(home)
    run = store.newest_of_each()[pupil.workspace]
    store.set_status(run.id, "done")
    for loss in (2.5, 2.52, 2.2, 9.0):
        prediction.book(pupil.workspace).guesses.append(prediction.Guess(1.0, loss, False, run.id))
    prediction.book(pupil.workspace).guesses.append(prediction.Guess(1.0, 2.5, False))
    told = wall_state.told()["guesses"]
    assert told == [0, 1, 0, 0, 2, 0, 0, 0, 1]


def test_who_cannot_be_told_apart_shares_a_rank() -> None:
    curves = [{"loss": loss, "other": other} for loss, other in
              [(2.14, False), (2.1, False), (None, False), (1.5, True), (2.2, False)]]  # fmt: skip
    assert [(one["loss"], one["rank"]) for one in wall_state.best(curves)] == [(2.1, 1), (2.14, 1), (2.2, 3)]


def test_what_makes_losses_mean_little_is_on_the_wall_in_the_readers_language(
    pupil: Pupil, some_run: Callable[..., Run]
) -> None:
    assert wall_state.told()["doubt"] == {}
    run = some_run(workspace=pupil.workspace, text="one cat, two dogs. " * 40)
    RunStore().append(run.id, step=1)
    doubt = wall_state.told()["doubt"]
    assert set(doubt) == {"en-GB", "fr-FR"} and "validation part" in doubt["en-GB"]
    assert doubt["fr-FR"] != doubt["en-GB"]
