"""The Ladder page: what would be trained, what is reused, and what the results say."""

import queue
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.jobs.worker import Controls, train
from minigpt_core.ladder import ALONE, RUNGS, rung_of
from minigpt_core.model import build_model
from minigpt_core.ngrams import baselines
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import MetricsEvent
from minigpt_core.weights import count_parameters
from tests.app.conftest import OpenPage
from ui import resources
from ui.components.live_chart import Reference
from ui.ladder import ladder_chart, plan, rung_sentences, training_time, transport
from ui.words import i18n

STORY = "the-curious-cat"
MakeRung = Callable[..., Run]


def shown(test: AppTest) -> str:
    """Everything in the main part that is written as HTML or Markdown."""
    found: list[Any] = [*test.main.get("html"), *test.main.markdown]
    return "\n".join(part.value for part in found)


def button(test: AppTest, key: str) -> Any:
    return next(found for found in test.main.button if found.key == key)


def story() -> resources.ChosenText:
    return resources.chosen_text(STORY, True)


@pytest.fixture
def rung(home: Path) -> MakeRung:
    """`rung("tinygpt", loss=2.3)`: a stored run of a rung that is said to have ended so; nobody trained it."""

    def make(
        name: str,
        loss: float | None = 2.0,
        budget: int = 300,
        workspace: str = "local",
        status: str = "done",
        group: str = "up",
        text_id: str = STORY,
        **changed: Any,
    ) -> Run:
        store, text = RunStore(home), resources.chosen_text(text_id, True)
        model, training = plan.settings(name, group, prepare(text.text).tokenizer.vocab_size, budget)
        fields = model.to_dict() | {"vocab_size": None}
        run = new_run(
            store, text=text.text, title=text.title, model_fields={k: v for k, v in fields.items() if v is not None},
            training=TrainConfig(**training.to_dict() | changed), workspace=workspace, status=status,
        )  # fmt: skip
        measured = [
            MetricsEvent(step=step, train_loss=2.0, val_loss=loss, val_accuracy=0.3) for step in (0, budget)
        ]
        store.append(run.id, evaluations=measured if status == "done" else (), step=budget, seconds=3.0)
        return store.run(run.id)

    return make


# What would be trained


def test_the_rungs_differ_in_their_parts_alone() -> None:
    made = [plan.settings(rung.name, "up", 40, 300) for rung in RUNGS]
    assert [rung_of(model) for model, _training in made] == [*RUNGS]
    assert len({str(training) for _model, training in made}) == 1
    assert {(model.n_embd, model.block_size) for model, _training in made} == {(64, 32)}


def test_an_empty_page_shows_all_rungs_with_their_true_sizes(app: OpenPage) -> None:
    test = app("ladder", "fr", text=STORY)
    assert not test.exception
    vocab_size = prepare(story().text).tokenizer.vocab_size
    with i18n.using("fr"):
        for rung in RUNGS:
            size = count_parameters(build_model(plan.settings(rung.name, "up", vocab_size, 1000)[0]))
            assert rung_sentences.parameters(size) in shown(test)
            assert i18n._(rung.idea).split(",")[0] in shown(test)
    assert not button(test, "ladder_train").disabled
    assert button(test, "ladder_stop").disabled


def test_what_so_few_steps_cannot_show_is_said_before_the_start(app: OpenPage) -> None:
    for budget, said in ((300, True), (1000, True), (2000, False)):
        test = app("ladder")
        test.session_state["page.ladder.budget"] = budget
        test.run()
        assert any("**LayerNorm** and **dropout** are for" in one.value for one in test.caption) == said


def test_the_references_are_those_of_unseen_text() -> None:
    known = baselines(prepare(story().text))
    with i18n.using("en"):
        lines = ladder_chart.references(known)
    assert [line.value for line in lines] == [known.uniform, known.bigram_val, known.trigram_val]
    assert lines[1].label == f"counted pairs {known.bigram_val:.2f}"


def test_a_text_that_is_too_short_is_refused_before_anything_is_stored(app: OpenPage, home: Path) -> None:
    short = RunStore(home).save_text("le chat dort ici, ou là. " * 6, "court")
    test = app("ladder", "fr", text=short)
    assert not test.exception
    assert any("15 caractères" in error.value for error in test.main.error)
    assert button(test, "ladder_train").disabled
    assert RunStore(home).runs("local") == []


def test_without_a_tick_there_is_nothing_to_train(app: OpenPage) -> None:
    test = app("ladder")
    for rung in RUNGS:
        test.checkbox(key=f"page.ladder.rung.{rung.name}").uncheck()
    test.run()
    assert button(test, "ladder_train").disabled
    assert button(test, "ladder_train").help == "Tick at least one rung."


# What is reused


def test_finished_rungs_are_found_by_their_settings(rung: MakeRung) -> None:
    made = rung("heads", pace=20.0, eval_interval=7, sample_length=0)  # these change no loss
    rung("tinygpt", seed=5)
    rung("positions", workspace="somebody-elses-workspace")
    rung("mlp", budget=1000)
    ladder = plan.look(story(), 300)
    assert {step.rung.name: step.run.id for step in ladder.steps if step.run} == {"heads": made.id}


def test_a_run_that_was_steered_on_its_way_does_not_count(rung: MakeRung, home: Path) -> None:
    made = rung("heads")
    RunStore(home).append(made.id, changes=[ChangeEvent(step=10, name="learning_rate", value=0.1)])
    assert plan.look(story(), 300).done == []


def test_a_finished_run_counts_more_than_a_newer_one_that_was_left(rung: MakeRung) -> None:
    made = rung("heads")
    rung("heads", status="stopped")
    assert [step.run for step in plan.look(story(), 300).done] == [made]


def test_a_reload_finds_the_budget_that_was_trained(rung: MakeRung, app: OpenPage) -> None:
    rung("tinygpt", 2.25, budget=300)
    test = app("ladder", text=STORY)
    assert "loss <b>2.25</b>" in shown(test)
    assert "300 steps" in test.main.caption[0].value


def test_train_queues_only_what_has_no_result_and_stop_all_ends_it(
    rung: MakeRung, app: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIGPT_MAX_RUNNING", "1")
    store, finished = RunStore(home), rung("tinygpt")
    test = app("ladder", text=STORY)
    for name in [rung.name for rung in RUNGS][4:]:
        test.checkbox(key=f"page.ladder.rung.{name}").uncheck()
    test.run()
    button(test, "ladder_train").click().run()
    assert not test.exception
    new = [run for run in reversed(store.runs("local")) if run.id != finished.id]
    assert [run.name for run in new] == [
        "Ladder 2: + one head",
        "Ladder 3: + residual",
        "Ladder 4: + positions",
    ]
    assert [run.parent for run in new] == [finished.id, new[0].id, new[1].id]
    assert {run.training.seed for run in new} == {finished.training.seed}
    assert "waiting: number 1" in shown(test)
    assert "1 of 4 finished" in shown(test)
    assert button(test, "ladder_train").disabled
    button(test, "ladder_stop").click().run()
    assert not test.exception
    assert {store.run(run.id).status for run in new[1:]} == {"stopped"}
    assert store.run(new[0].id).status == "stopped" or resources.jobs().is_stopping(new[0].id)


def test_a_rung_that_was_left_goes_on_instead_of_beginning_again(
    rung: MakeRung, app: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIGPT_MAX_RUNNING", "1")
    left = [rung(other.name, status="stopped") for other in RUNGS]
    test = app("ladder", text=STORY)
    button(test, "ladder_train").click().run()
    store = RunStore(home)
    assert {run.id for run in store.runs("local")} == {run.id for run in left}
    assert store.run(left[-1].id).status == "queued"
    button(test, "ladder_stop").click().run()


# What the results say


def told(rung: MakeRung, before: float, after: float) -> str:
    rung("tinygpt", before)
    rung("one-head", after)
    ladder = plan.look(story(), 300)
    with i18n.using("en"):
        return rung_sentences.bought(ladder, ladder.steps[1], baselines(prepare(story().text)))


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (2.23, 2.22, "Loss 2.23 → 2.22: hardly any difference."),
        (2.22, 2.23, "Loss 2.22 → 2.23: hardly any difference."),
        (2.23, 1.7, "Loss 2.23 → 1.70: this idea bought a lot."),
        (2.23, 2.17, "Loss 2.23 → 2.17: a little better."),
        (1.3, 1.5, "Loss 1.30 → 1.50: at this budget it did not help, the loss is higher."),
    ],
)
def test_what_an_idea_bought_is_said_as_it_was_measured(
    rung: MakeRung, before: float, after: float, verdict: str
) -> None:
    assert told(rung, before, after) == verdict


def test_without_the_rung_before_no_gain_is_claimed(rung: MakeRung) -> None:
    rung("heads", 1.6)
    ladder = plan.look(story(), 300)
    with i18n.using("en"):
        sentence = rung_sentences.bought(ladder, ladder.steps[4], baselines(prepare(story().text)))
    assert rung_sentences.difference(ladder.steps[4], ladder.steps[3]) is None
    assert sentence == "Loss 1.60. Train the rung before it as well to see what this idea alone buys."


def test_the_summary_names_the_best_rung_and_the_idea_that_bought_most(rung: MakeRung) -> None:
    for name, loss in [
        ("tinygpt", 2.2),
        ("one-head", 2.21),
        ("residual", 2.2),
        ("positions", 1.9),
        ("heads", 1.5),
        ("mlp", 1.6),
    ]:
        rung(name, loss)
    with i18n.using("en"):
        assert rung_sentences.summary(plan.look(story(), 300)) == (
            "From **TinyGPT** to **+ MLP** the loss falls from 2.20 to 1.60. It is lowest with **+ heads**: 1.50. "
            "The idea that bought the most: **+ heads** (−0.40)."
        )


@pytest.mark.parametrize(
    ("last", "change"),
    [
        (
            2.221,
            "From **TinyGPT** to **+ residual** the loss stays at 2.22. No rung has come below **TinyGPT**",
        ),
        (
            2.26,
            "From **TinyGPT** to **+ residual** the loss stays near 2.22 (now 2.26). No rung has come below",
        ),
        (2.28, "From **TinyGPT** to **+ residual** the loss rises from 2.22 to 2.28. No rung has come below"),
        (2.21, "From **TinyGPT** to **+ residual** the loss stays near 2.22 (now 2.21)."),
        (2.16, "From **TinyGPT** to **+ residual** the loss falls from 2.22 to 2.16."),
    ],
)
def test_the_summary_calls_a_change_what_its_figures_show(rung: MakeRung, last: float, change: str) -> None:
    for name, loss in [("tinygpt", 2.224), ("one-head", 2.219), ("residual", last)]:
        rung(name, loss)
    with i18n.using("en"):
        assert rung_sentences.summary(plan.look(story(), 300)).startswith(change)


def test_no_rung_and_no_idea_leads_by_what_another_seed_could_give(rung: MakeRung) -> None:
    for name, loss in [
        ("tinygpt", 2.2),
        ("one-head", 1.98),
        ("residual", 1.74),
        ("positions", 1.75),
        ("heads", 1.9),
    ]:
        rung(name, loss)
    with i18n.using("en"):
        assert rung_sentences.summary(plan.look(story(), 300)) == (
            "From **TinyGPT** to **+ heads** the loss falls from 2.20 to 1.90. It is lowest with **+ residual** "
            "(1.74), **+ positions** (1.75), as good as equal. The ideas that bought the most, as good as equal: "
            "**+ one head** (−0.22), **+ residual** (−0.24)."
        )


def test_on_a_text_of_ones_own_what_seeds_do_is_said_to_be_measured_elsewhere(
    rung: MakeRung, app: OpenPage, home: Path
) -> None:
    own = RunStore(home).save_text(story().text + "or else.", "own")
    for text_id, there in ((STORY, False), (own, True)):
        rung("tinygpt", 2.2, text_id=text_id)
        said = " ".join(caption.value for caption in app("ladder", text=text_id).main.caption)
        assert "below 0.05 could as well" in said and ("Measured on the story" in said) == there


def test_no_idea_is_called_the_best_while_others_were_left_out(rung: MakeRung) -> None:
    for name, loss in [("positions", 2.0), ("heads", 1.88), ("layernorm", 1.61)]:
        rung(name, loss)
    with i18n.using("en"):
        assert rung_sentences.summary(plan.look(story(), 300)) == (
            "From **+ positions** to **+ LayerNorm** the loss falls from 2.00 to 1.61. "
            "Of the ideas measured one by one, the one that bought the most: **+ heads** (−0.12)."
        )


def test_a_rungs_note_is_its_idea_in_the_readers_language(home: Path) -> None:
    ladder = plan.look(story(), 300)
    with i18n.using("fr"):
        for step in ladder.steps:
            assert transport.create(ladder, step, None).note == i18n._(step.rung.idea)


def test_what_layernorm_buys_is_credited_to_its_initial_weights_too(rung: MakeRung, app: OpenPage) -> None:
    for name, loss in [("tinygpt", 2.13), ("layers", 1.84), ("layernorm", 1.7)]:
        rung(name, loss)
    told = (
        "avec ses petits poids de départ** (−0,14)",
        "Deux choses en une",
        "par des poids plus petits",
    )
    test = app("ladder", "fr", text=STORY)
    said = shown(test) + "".join(caption.value for caption in test.main.caption)
    assert all(words_ in said for words_ in told)


def test_a_ladder_that_bought_nothing_says_so(rung: MakeRung) -> None:
    rung("tinygpt", 2.2)
    rung("one-head", 2.3)
    with i18n.using("en"):
        said = rung_sentences.summary(plan.look(story(), 300))
    assert said.startswith("From **TinyGPT** to **+ one head** the loss rises from 2.20 to 2.30.")
    assert "No rung has come below **TinyGPT** so far" in said and "bought the most" not in said


def test_a_diverged_rung_is_a_result_too(rung: MakeRung, app: OpenPage) -> None:
    rung("tinygpt", 2.2)
    rung("positions", status="diverged")
    test = app("ladder", text=STORY)
    assert not test.exception
    assert "The training broke" in shown(test)


def test_a_trained_rung_shows_its_loss_and_writes(app: OpenPage, rung: MakeRung, home: Path) -> None:
    made, store = rung("tinygpt", status="stopped", eval_interval=300), RunStore(home)
    train(store, made.id, Controls(queue.Queue(), lambda *said, **details: None))
    test = app("ladder", "fr", text=STORY)
    assert not test.exception
    loss = store.evaluations(made.id)[-1].val_loss
    with i18n.using("fr"):
        assert f"<b>{i18n.number(loss, 2)}</b>" in shown(test)
    assert "<b>one morning,</b>" in shown(test)
    links = [link for link in test.main.get("page_link") if made.id in link.proto.query_string]
    assert len(links) == 1


# Newer ideas, each alone


def test_each_newer_idea_stands_on_the_same_gpt() -> None:
    (classic, training), *others = [plan.settings(rung.name, "alone", 40, 300) for rung in ALONE]
    assert (classic, training) == plan.settings(RUNGS[-1].name, "up", 40, 300)
    for rung, (model, trained) in zip(ALONE[1:-1], others[:-1], strict=True):
        changed = {
            name
            for name, value in (model.to_dict() | trained.to_dict()).items()
            if value != (classic.to_dict() | training.to_dict())[name]
        }
        assert changed == {*rung.model, *rung.training} and len(changed) == 1


def test_the_other_group_is_chosen_beside_the_page_and_uses_the_last_rung(
    rung: MakeRung, app: OpenPage
) -> None:
    made = rung("dropout", 1.5)
    test = app("ladder", text=STORY)
    with i18n.using("en"):
        test.radio(key="page.ladder.group").set_value("alone").run()
    assert not test.exception
    ladder = plan.look(story(), 300, "alone")
    assert [step.run.id for step in ladder.steps if step.run] == [made.id]
    with i18n.using("en"):
        for idea in ALONE:
            assert rung_sentences.title(idea) in shown(test)
        assert f"{i18n._('loss')} <b>{i18n.number(1.5, 2)}</b>" in shown(test)


def test_newer_ideas_are_compared_with_the_classic_gpt(rung: MakeRung, app: OpenPage) -> None:
    rung("dropout", 1.5)
    for name, loss in [("rmsnorm", 1.52), ("rotary", 1.38), ("muon", 1.29), ("together", 1.2)]:
        rung(name, loss, group="alone")
    ladder = plan.look(story(), 300, "alone")
    known = baselines(prepare(story().text))
    with i18n.using("en"):
        said = {step.rung.name: rung_sentences.bought(ladder, step, known) for step in ladder.done}
        summary = rung_sentences.summary(ladder)
    assert said["rmsnorm"] == "Loss 1.50 → 1.52: hardly any difference."
    assert said["rotary"] == "Loss 1.50 → 1.38: this idea bought a lot."
    assert said["together"] == "Loss 1.50 → 1.20: better together."
    assert summary == (
        "The idea that buys the most alone: **Muon** (−0.21). All together: 1.20 instead of 1.50."
    )
    test = app("ladder", text=STORY)  # found again: the newest run belongs to this group
    assert test.radio(key="page.ladder.group").value == "alone"
    assert "Muon" in shown(test)


def test_one_newer_idea_is_trained_from_the_page(
    app: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIGPT_MAX_RUNNING", "1")
    test = app("ladder", text=STORY)
    test.radio(key="page.ladder.group").set_value("alone").run()
    for other in ALONE:
        test.checkbox(key=f"page.ladder.rung.{other.name}").set_value(other.name in ("classic", "muon"))
    test.run()
    button(test, "ladder_train").click().run()
    newest, first = RunStore(home).runs("local")
    assert (first.training.optimizer, newest.training.optimizer) == ("adamw", "muon")
    assert first.model == newest.model and newest.parent == first.id
    button(test, "ladder_stop").click().run()


# How long it takes


def test_a_time_is_one_figure_that_a_busy_moment_does_not_stretch(rung: MakeRung) -> None:
    ladder = plan.look(story(), 300)
    training = ladder.steps[0].training
    cost = training_time.Cost(step=0.02, evaluation=0.1, crowding=4.0)
    evaluations = training.steps / training.evaluation_interval + 1
    seconds = training.steps * 0.02 + evaluations * 0.1
    assert cost.of(training) == training_time.Span(seconds / 4, seconds)
    with i18n.using("en"):
        assert i18n.rough_duration(31, 124) == "30\u202fs" and i18n.is_crowded(31, 124)
        assert i18n.rough_duration(31, 36) == "35\u202fs" and not i18n.is_crowded(31, 36)
        assert i18n.rough_duration(0.2, 0.21) == "1\u202fs"


def test_all_times_come_from_one_measurement_and_grow_with_the_work(
    rung: MakeRung, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ModelConfig] = []

    def speed(model: ModelConfig, training: TrainConfig, patience: float) -> dict[str, float]:
        asked.append(model)
        return {"step": 0.02, "evaluation": 0.2, "crowding": 3.0}

    monkeypatch.setattr(resources.jobs(), "speed", speed)
    ladder = plan.look(story(), 300)
    costs = training_time.measured(ladder)
    spans = [costs[step.rung.name].of(step.training) for step in ladder.steps]
    assert all(
        after.alone > before.alone and after.crowded > before.crowded for before, after in pairwise(spans)
    )
    others = training_time.measured(plan.look(story(), 300, "alone"))
    assert others["classic"] == costs["dropout"] and len(others) == len(ALONE)
    assert set(asked) == {ladder.steps[-1].model}


def test_a_time_that_is_not_known_yet_is_not_made_up(app: OpenPage) -> None:
    said = shown(app("ladder"))  # there is no worker to measure it
    assert "How long that takes is still being measured." in said and "≈" not in said


def test_the_whole_takes_what_its_parts_take_together(
    rung: MakeRung, app: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    speed = {"step": 0.02, "evaluation": 0.2, "crowding": 3.0}
    monkeypatch.setattr(resources.jobs(), "speed", lambda *_asked, **_patience: speed)
    monkeypatch.setattr(type(resources.jobs()), "at_once", 2)
    ladder = plan.look(story(), plan.USUAL_BUDGET)
    costs = training_time.measured(ladder)
    parts = [costs[step.rung.name].of(step.training) for step in ladder.steps]
    whole, left = training_time.total(ladder.steps, costs), training_time.time_left(ladder.steps, costs)
    assert whole is not None and left is not None
    assert whole.alone == pytest.approx(sum(part.alone for part in parts))
    assert whole.crowded == left.crowded == pytest.approx(sum(part.crowded for part in parts))
    assert whole.alone / 2 <= left.alone < whole.alone
    said = shown(app("ladder", text=STORY))
    takes = i18n.rough_duration(whole.alone, whole.crowded)
    assert f"Training takes about **{takes}** in all, longer while this machine is as busy as now." in said
    assert "2 rungs are trained at a time" in said


@pytest.mark.parametrize(
    ("group", "begins"), [("up", "Every rung is the one above it"), ("alone", "Every model")]
)
def test_the_code_is_explained_for_the_ideas_that_are_shown(app: OpenPage, group: str, begins: str) -> None:
    test = app("ladder", text=STORY)
    test.radio(key="page.ladder.group").set_value(group).run()
    test.session_state["ladder_code" if group == "up" else "ladder_alone_code"] = True
    test.run()
    assert not test.exception
    assert [one.value for one in test.main.markdown if one.value.startswith(begins)]


def test_what_is_under_way_says_how_busy_the_machine_is(rung: MakeRung, home: Path) -> None:
    run = rung("tinygpt", status="stopped")
    RunStore(home).append(run.id, step=100, seconds=6.0)  # 0.06 s a step
    step = plan.look(story(), 300).steps[0]
    costs = {"tinygpt": training_time.Cost(step=0.04, evaluation=0.0, crowding=2.0)}  # alone: 0.02 s
    left = training_time.time_left([step], costs)
    assert left is not None
    assert left.alone == left.crowded == pytest.approx(200 * 0.06)


# The chart


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("palette", "paper"), [(ladder_chart.ON_LIGHT, "#FBFAF7"), (ladder_chart.ON_DARK, "#14181F")]
)
def test_the_rungs_have_colours_that_can_be_seen(palette: tuple[str, ...], paper: str) -> None:
    assert len(set(palette)) == len(palette) >= len(RUNGS)
    for colour in palette:
        low, high = sorted((luminance(colour), luminance(paper)))
        assert (high + 0.05) / (low + 0.05) >= 3


@given(st.lists(st.floats(0, 400), max_size=12))
def test_labels_never_cover_one_another(wanted: list[float]) -> None:
    places = ladder_chart.spread(wanted, 16, 400)
    in_order = sorted(places)
    assert all(after - before >= 16 - 1e-6 for before, after in pairwise(in_order))
    assert all(place <= 400 for place in places)
    assert [wanted[i] for i in sorted(range(len(wanted)), key=lambda i: places[i])] == sorted(wanted)


@given(st.lists(st.floats(0.1, 50), max_size=20))
def test_all_reference_lines_are_in_view(losses: list[float]) -> None:
    lines = [Reference(3.9, "chance"), Reference(2.2, "pairs")]
    low, high = ladder_chart.loss_range(losses, lines)
    assert low < min([2.2, *losses])
    assert 3.9 < high <= 6


def test_a_text_on_which_all_counts_agree_is_no_error(app: OpenPage) -> None:
    page = app("ladder", text=RunStore().save_text("ah bon", "ah bon"))
    assert not page.exception
