"""Looking at a model changes nothing about the training that is followed, and what a button says is what happens."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.configs import TrainConfig
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import MetricsEvent, Trainer
from tests.app.conftest import OpenPage
from tests.app.small_runs import GPT
from tests.app.test_home import train
from tests.app.test_layers import evaluated, small_gpt
from ui import resources
from ui.inside.inspected_model import best_run
from ui.puzzle import scoreboard
from ui.runs import health
from ui.runs.weights import usual_step
from ui.timeline.runs_with_history import default_run
from ui.training.runs import LISTED, listed
from ui.words.i18n import using

MakeRun = Callable[..., Run]
LOOKING = ["timeline", "embeddings", "layers", "attention", "ablation", "sampling"]


def address(page: AppTest) -> dict[str, str]:
    found = {name: page.query_params[name] for name in page.query_params}
    return {name: value[0] if isinstance(value, list) else value for name, value in found.items()}


def picker(page: AppTest) -> Any:
    return next(box for box in page.selectbox if box.key in ("page.inside.run", "sampling_run"))


def followed(page: AppTest) -> str:
    return "".join(html.value for html in page.sidebar.get("html"))


def checkpoints_with(run: Run, losses: dict[int, tuple[float, float]]) -> Run:
    """The run as if it had been evaluated and kept at these steps: (loss on the learned text, on unseen text)."""
    store = RunStore()
    weights = store.load_checkpoint(run.id)
    for step, (learned, unseen) in losses.items():
        event = MetricsEvent(step=step, train_loss=learned, val_loss=unseen, val_accuracy=0.1)
        store.append(run.id, evaluations=[event])
        store.save_checkpoint(run.id, replace(weights, step=step))
    return store.run(run.id)


@pytest.mark.parametrize("page", LOOKING)
def test_to_look_at_another_model_is_not_to_follow_it(app: OpenPage, some_run: MakeRun, page: str) -> None:
    mine, other = small_gpt(), small_gpt()
    RunStore().rename(mine.id, "my own", "local")
    shown = app(page, "en", run=mine.id)
    assert picker(shown).value == mine.id
    picker(shown).set_value(other.id).run()
    assert not shown.exception and picker(shown).value == other.id
    assert address(shown)["run"] == mine.id and address(shown)["author"] == other.id
    assert "my own" in followed(shown)
    assert (
        picker(app("layers", "en", **address(shown))).value == other.id
    )  # also after a reload, on another page
    picker(shown).set_value(mine.id).run()
    assert address(shown)["run"] == mine.id and not shown.exception


def test_a_new_training_is_also_looked_at(app: OpenPage) -> None:
    old, other = small_gpt(), small_gpt()
    page = app("layers", "en", run=old.id, author=other.id, checkpoint="0")
    assert picker(page).value == other.id
    new = small_gpt()
    page.query_params.clear()
    page.query_params["run"], page.query_params["follow"] = new.id, "1"  # as a link to it does
    assert picker(page.run()).value == new.id
    assert not {"author", "checkpoint"} & address(page).keys()


def test_a_model_that_is_gone_is_said_and_another_one_shown(app: OpenPage) -> None:
    run = small_gpt()
    page = app("layers", "en", run=run.id, author="nobody").run()
    assert not page.exception and picker(page).value == run.id
    assert "author" not in address(page)


@pytest.mark.parametrize(
    "before", [{"author": "bigram", "view": "surprise"}, {"checkpoint": "0", "view": "next"}]
)
def test_let_it_write_lets_that_run_write(app: OpenPage, some_run: MakeRun, before: dict[str, str]) -> None:
    run, _newer = train(some_run(steps=20)), train(some_run(steps=10))
    page = app("training", "en", run=run.id, text="the-curious-cat", address=before)
    page.button(key="training_write").click().run()
    assert not page.exception and page.title[0].value == "Sampling"
    assert picker(page).value == run.id and page.selectbox(key="sampling_checkpoint").value == "last"
    assert page.button_group(key="page.sampling.view").value == "write"
    assert address(page)["run"] == run.id and not {"author", "checkpoint"} & address(page).keys()


def test_home_lets_its_run_write_and_its_cards_say_which_view(app: OpenPage, some_run: MakeRun) -> None:
    run = train(some_run(steps=20))
    page = app("home", "en", text="the-curious-cat", author="bigram", view="surprise")
    links = [link.proto.query_string for link in page.get("page_link") if link.proto.page == "sampling"]
    assert links[:3] == [f"author={run.id}&view={view}" for view in ("write", "next", "write")]
    page.button(key="home_begin").click().run()
    assert picker(page).value == run.id and page.button_group(key="page.sampling.view").value == "write"


def test_the_best_weights_are_taken_where_the_last_are_worse(app: OpenPage) -> None:
    fell = {0: (4.0, 4.0), 40: (2.0, 2.2), 80: (1.6, 2.0)}
    rose = fell | {120: (1.2, 2.3)}
    sound, overfitted = checkpoints_with(small_gpt(), fell), checkpoints_with(small_gpt(), rose)
    assert usual_step(sound) == 80 and usual_step(overfitted) == 80
    almost = checkpoints_with(small_gpt(), fell | {120: (1.5, 2.01)})
    assert usual_step(almost) == 120  # evaluations waver by so much
    for page, step in (("sampling", "sampling_checkpoint"), ("layers", "page.inside.step")):
        shown = app(page, "en", run=overfitted.id)
        other = "sampling_weights" if page == "sampling" else "inside_weights"
        assert any("step 80" in caption.value for caption in shown.sidebar.caption)
        shown.button(key=other).click().run()
        assert not shown.exception and address(shown)["checkpoint"] == "last"
        chosen = shown.selectbox if page == "sampling" else shown.select_slider
        assert chosen(key=step).value in ("last", 120)
        shown.button(key=other).click().run()
        assert "checkpoint" not in address(shown) and chosen(key=step).value in ("best", 80)
        assert other not in [button.key for button in app(page, "en", run=sound.id).sidebar.button]


@pytest.mark.parametrize("page", ["timeline", "embeddings"])
def test_a_way_through_the_training_begins_at_the_best_step(app: OpenPage, page: str) -> None:
    rose = {0: (4.0, 4.0), 40: (2.0, 2.2), 80: (1.6, 2.0)}
    rose |= dict.fromkeys(range(120, 1000, 40), (1.2, 2.3))  # more than a page shows
    run = checkpoints_with(small_gpt(), rose)
    shown = app(page, "en", run=run.id)
    (data,) = [
        json.loads(part.proto.json or part.proto.mixed.json)
        for part in shown.main.get("bidi_component")
        if "steps" in (part.proto.json or part.proto.mixed.json)
    ]
    assert data["steps"][data["first"]] == 80
    assert any("step 80" in caption.value for caption in shown.sidebar.caption)


def test_a_training_that_ended_early_is_shown_at_its_best_step(some_run: MakeRun) -> None:
    run = train(some_run(steps=900, learning_rate=0.1, eval_interval=5, eval_windows=16, patience=1))
    assert run.step < run.training.steps and usual_step(run) == run.best_step < run.step


def test_a_gpt_that_is_no_better_than_chance_is_not_looked_into(some_run: MakeRun) -> None:
    sound, stuck = evaluated(small_gpt(), 2.0), evaluated(small_gpt(), 3.9)
    with using("en"):
        assert best_run([stuck, sound], sound.text_id) == sound
        assert best_run([stuck], sound.text_id) == stuck
    learned = checkpoints_with(evaluated(small_gpt(), 2.0), {5: (2.0, 2.0), 9: (1.9, 1.9)})
    checkpoints_with(evaluated(small_gpt(), 3.9), {5: (3.9, 3.9), 9: (3.9, 3.9)})
    with using("en"):
        assert default_run() == learned


def test_a_model_that_learned_nothing_writes_only_if_there_is_no_other(app: OpenPage) -> None:
    sound, stuck, diverged = evaluated(small_gpt(), 2.0), evaluated(small_gpt(), 3.9), small_gpt()
    RunStore().set_status(diverged.id, "diverged")
    page = app("sampling")
    assert picker(page).value == sound.id
    RunStore().delete(sound.id, "local")
    assert picker(app("sampling")).value == "preparedGptEn"
    assert picker(app("sampling", text="additions")).value in (stuck.id, diverged.id)


def links_to_training(page: AppTest) -> list[Any]:
    """The links beside the page that lead to a training, as Streamlit sends them."""
    return [link.proto for link in page.sidebar.get("page_link") if link.proto.page == "training"]


def test_trainings_that_go_on_are_in_sight_from_every_page(app: OpenPage, some_run: MakeRun) -> None:
    store, runs = RunStore(), [some_run(name=f"number {n}", steps=100) for n in range(LISTED + 2)]
    with store.lock(runs[0].id):
        store.set_status(runs[0].id, "running")
        for page in ("home", "vocabulary", "layers", "sampling", "training"):
            shown = app(page, "en", run=runs[-1].id, author="preparedGptEn")
            links = links_to_training(shown)
            assert [(link.page, link.query_string) for link in links] == [
                ("training", f"run={runs[0].id}&follow=1")
            ]
            assert "number 0" in links[0].label and "mg-going" in followed(shown)
        assert listed(store.runs("local"), store.run(runs[-1].id))[-1].id == runs[0].id
        watched = app("training", "en", run=runs[0].id)
        assert not links_to_training(watched)  # the page itself shows it
    assert not links_to_training(app("home", "en"))


def test_beside_its_counters_a_held_run_has_no_second_step(app: OpenPage, some_run: MakeRun) -> None:
    store, run = RunStore(), some_run(steps=100)
    with store.lock(run.id):
        store.append(run.id, step=7)
        store.set_status(run.id, "paused")
        assert "step 7 of 100" in followed(app("home", "en", run=run.id))
        beside = followed(
            app("training", "en", run=run.id)
        )  # it would stand still while somebody presses Step
        assert "paused" in beside and "step 7" not in beside


def test_of_many_trainings_each_shows_how_far_it_is(app: OpenPage, some_run: MakeRun) -> None:
    store, runs = RunStore(), [some_run(name=f"number {n}", steps=100) for n in range(5)]
    with ExitStack() as locks:
        for n, run in enumerate(runs):
            locks.enter_context(store.lock(run.id))
            store.append(run.id, step=10 * n + 7)
            store.set_status(run.id, "running")
        page = app("home", "en")
        (more,) = [link.proto for link in page.sidebar.get("page_link") if link.proto.page == "compare"]
        beside = followed(page) + more.label
        assert [n for n in range(5) if f"{10 * n + 7}\u202f%" in beside] == [0, 1, 2, 3, 4]
        (above,) = [html.value for html in page.main.get("html") if "mg-going" in html.value]
        assert above in followed(page)  # the first of them
        page = app("training", "en", run=runs[4].id)
        (other,) = [html.value for html in page.main.get("html") if "mg-going" in html.value]
        assert "number 4" not in other  # the page itself shows it


def test_the_puzzle_takes_a_gpt_that_learned_something() -> None:
    resources.offer_prepared()
    puzzles, prepared = resources.chosen_text("reversed-words", True), resources.run("preparedReversed")
    stuck = new_run(
        RunStore(),
        text=puzzles.text,
        title=puzzles.title,
        model_fields=GPT,
        training=TrainConfig(),
        status="stopped",
    )
    trainer = Trainer(resources.run_dataset(stuck.id), stuck.model, stuck.training)
    RunStore().save_checkpoint(stuck.id, replace(trainer.checkpoint(), step=5))
    assert scoreboard.gpt_for("reversed-words") == (stuck, 5)
    evaluated(stuck, 3.4)  # pure chance would have 3.33
    health._last_of_ended.cache_clear()  # a run that has ended is not evaluated any more
    assert scoreboard.gpt_for("reversed-words") == (prepared, usual_step(prepared))


@pytest.mark.parametrize("page", LOOKING)
def test_a_model_that_another_tab_has_deleted_is_named_at_once(app: OpenPage, page: str) -> None:
    mine, gone = small_gpt(), small_gpt()
    RunStore().rename(gone.id, "the other one", "local")
    shown = app(page, "en", run=mine.id, author=gone.id)
    RunStore().delete(gone.id)
    shown.run()
    said = [one.value for one in [*shown.warning, *shown.markdown, *shown.caption, *shown.error]]
    assert not shown.exception and not shown.error
    expected = "no longer there" if page == "sampling" else "“the other one” was deleted"
    assert sum(expected in words for words in said) == 1
    assert picker(shown).value == mine.id


def test_a_model_beside_that_another_tab_has_deleted_makes_room(app: OpenPage) -> None:
    mine, gone = small_gpt(), small_gpt()
    against = f"{gone.id}:{RunStore().checkpoints(gone.id)[-1].step}"
    shown = app("sampling", "en", run=mine.id, view="models", against=against)
    assert shown.query_params["against"] in (against, [against])
    RunStore().delete(gone.id)
    shown.run()
    assert not shown.exception and not shown.error
    assert gone.id not in str(shown.selectbox(key="sampling_against").value)
