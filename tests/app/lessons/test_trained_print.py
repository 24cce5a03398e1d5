"""Beside a training, a lesson shows the fingerprint of its numbers: at first, and wherever it is held."""

from typing import Any

import pytest

from minigpt_core.configs import TrainConfig
from minigpt_core.jobs.worker import take_up
from minigpt_core.store.facts import LESSON, FactStore
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.training import CheckpointEvent, StepEvent
from minigpt_core.weights import fingerprint
from tests.app.conftest import OpenPage
from tests.app.small_runs import GPT, STORY, small_run
from ui import resources
from ui.lessons import trained_print

TINY: dict[str, Any] = {"block_size": 32, "n_embd": 64}


GUESSED = 3


def in_the_lesson(run_id: str) -> None:
    """It was begun there, after a guess."""
    FactStore().note("local", "trained", run=run_id, **{LESSON: "using"})
    FactStore().keep_guess("local", "using", 3, GUESSED)


def seen(open_page: OpenPage, run_id: str, lang: str = "en") -> str:
    """What the panel says of it, once it was begun in the lesson."""
    in_the_lesson(run_id)
    page = open_page("training", lang, run=run_id, lesson="using", step="3")
    assert not page.exception
    word = {"en": "ingerprint of its numbers", "fr": "mpreinte de ses nombres"}[lang]
    return next(element.value for element in page.markdown if word in element.value)


def of_checkpoint(run_id: str, step: int) -> str:
    return fingerprint(resources.model(run_id, step))


def test_it_is_that_of_the_first_and_of_the_last_weights(app: OpenPage) -> None:
    run = small_run(TINY, 4)
    RunStore().append(run.id, step=4)
    first, last = (of_checkpoint(run.id, step) for step in (0, 4))
    assert first != last
    assert (
        seen(app, run.id) == f"≠ Fingerprint of its numbers: **{first}** at step 0, **{last}** after step 4."
    )
    assert f"**{first}**" in seen(app, run.id, "fr")


def begun(model: dict[str, Any], status: str) -> tuple[str, str]:
    """A run that has made three steps and kept its first weights only; and what its trainer holds then."""
    store = RunStore()
    how = TrainConfig(steps=10, eval_interval=10, eval_windows=1, sample_length=0, device="cpu")
    run = new_run(store, text=STORY, title="cat", model_fields=model, training=how)
    trainer = take_up(store, run)
    for event in trainer.run():
        if isinstance(event, CheckpointEvent):
            store.save_checkpoint(run.id, event.checkpoint)
        if isinstance(event, StepEvent) and event.step == 3:
            break
    store.append(run.id, step=3)
    store.set_status(run.id, status, device="cpu")
    assert [info.step for info in store.checkpoints(run.id)] == [0]
    return run.id, fingerprint(trainer.model)


def test_where_a_run_is_held_between_two_checkpoints_its_numbers_are_made_again(app: OpenPage) -> None:
    """They are those that its trainer holds, bit for bit."""
    run_id, now = begun(TINY, "paused")
    with RunStore().lock(run_id):  # somebody has it
        assert f"**{of_checkpoint(run_id, 0)}** at step 0, **{now}** after step 3" in seen(app, run_id)


@pytest.mark.parametrize(("model", "status"), [(TINY, "running"), (GPT, "paused")])
def test_while_it_goes_on_or_would_take_long_only_checkpoints_are_looked_at(
    model: dict[str, Any], status: str, app: OpenPage
) -> None:
    run_id, _now = begun(model, status)
    with RunStore().lock(run_id):
        assert trained_print.known_step(RunStore().run(run_id), [0]) == 0
        assert "taken again" in seen(app, run_id)
    assert (
        RunStore().run(run_id).status == "interrupted"
    )  # nobody has it: what came after its checkpoint is lost
    assert trained_print.known_step(RunStore().run(run_id), [0]) == 0


@pytest.mark.parametrize("lesson", [None, "tinygpt"])
def test_what_was_trained_before_is_compared_with_nothing(app: OpenPage, lesson: str | None) -> None:
    run = small_run(TINY, 4)
    RunStore().append(run.id, step=4)
    FactStore().note("local", "trained", run=run.id, **({LESSON: lesson} if lesson else {}))
    page = app("training", lesson="using", step="3", run=run.id)
    said = [element.value for element in page.markdown]
    assert any("will stand here" in words for words in said) and not any("≠" in words for words in said)


def test_before_the_guess_only_the_first_one_is_told(app: OpenPage) -> None:
    run = small_run(TINY, 4)
    RunStore().append(run.id, step=4)
    FactStore().note("local", "trained", run=run.id, **{LESSON: "using"})
    page = app("training", lesson="using", step="3", run=run.id)
    said = " ".join(element.value for element in page.markdown)
    assert f"at first: **{of_checkpoint(run.id, 0)}**" in said
    assert "≠" not in said and of_checkpoint(run.id, 4) not in said


@pytest.mark.parametrize("followed", [{}, {"run": "preparedOverfitEn"}])
def test_before_anything_was_trained_it_says_where_it_will_stand(
    app: OpenPage, followed: dict[str, str]
) -> None:
    """Nor does one that came with the program train now."""
    page = app("training", lesson="using", step="3", **followed)
    assert any("will stand here" in element.value for element in page.markdown)
