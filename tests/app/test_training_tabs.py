"""Below the cockpit of the Training page: the diagnosis, one step under the microscope, the guess, more curves."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from minigpt_core.interpret.diagnosis import Finding, Kind
from minigpt_core.interpret.microscope import examine_step, trainer_at
from minigpt_core.jobs.recording import Recorder
from minigpt_core.jobs.worker import beginning, take_up
from minigpt_core.model import build_model
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import MetricsEvent, StepEvent
from ui import resources
from ui.components.pair_table import MOST_CHARACTERS
from ui.server import run_routes
from ui.training import diagnosis, prediction
from ui.training.diagnosis import WORDS
from ui.training.microscope import MOST_UPDATES, group_name
from ui.training.tabs import TABS
from ui.words.i18n import using

SomeRun = Callable[..., Run]


@pytest.fixture
def trained(home: Path, some_run: SomeRun) -> Callable[..., Run]:
    """A run of the English story, trained to its end here."""

    def train(**settings: Any) -> Run:
        store, run = RunStore(home), some_run(sample_length=5, **settings)
        trainer = take_up(store, run)
        recorder = Recorder(store, run.id, trainer)
        for event in trainer.run():
            recorder.record(event)
        store.set_status(run.id, "done")
        return store.run(run.id)

    return train


def open_section(app: Callable[..., AppTest], name: str, lang: str = "en", **query: str) -> AppTest:
    test = app("training", lang=lang, **query)
    test.session_state["page.training.tab"] = name
    with using(lang):  # the test itself asks the widgets for their words
        return test.run()


def component(test: AppTest, name: str) -> dict[str, Any]:
    """The data that a component got."""
    found = [
        json.loads(element.proto.json)
        for element in test.get("bidi_component")
        if name in element.proto.component_name
    ]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("lang", "terms"),
    [
        ("en", ("embedding dimension", "context length", "Transformer blocks")),
        ("fr", ("dimension du plongement", "longueur de contexte", "blocs de Transformer")),
    ],
)
def test_the_settings_of_a_run_are_told_by_the_field_s_terms_too(
    app: Callable[..., AppTest], lang: str, terms: tuple[str, ...]
) -> None:
    test = open_section(app, "runs", lang, run="preparedGptEn")
    (settings,) = (e.proto.body for e in test.get("html") if "<div class='mg-settings'>" in e.proto.body)
    assert all(f"({term})" in settings for term in terms)


@pytest.mark.parametrize("name", list(TABS))
def test_every_section_opens_before_the_first_run(app: Callable[..., AppTest], name: str) -> None:
    assert not open_section(app, name, "en").exception


@pytest.mark.parametrize("name", list(TABS))
def test_every_section_opens_with_a_run(
    app: Callable[..., AppTest], trained: Callable[..., Run], name: str
) -> None:
    run = trained(steps=12)
    assert not open_section(app, name, "fr", run=run.id).exception


def test_the_microscope_shows_the_run_s_own_step(
    app: Callable[..., AppTest], trained: Callable[..., Run], home: Path
) -> None:
    run = trained(steps=12, eval_interval=4)
    test = open_section(app, "microscope", run=run.id)
    data = component(test, "microscope")
    made = [event for event in RunStore(home).steps_since(run.id) if isinstance(event, StepEvent)]
    assert data["loss"] == made[data["step"]].loss
    store = RunStore(home)
    seen = examine_step(trainer_at(store, run, beginning(store, run)[0], data["step"]))
    assert data["x"] == seen.x[:, :32].tolist()
    assert data["losses"][0][0] == pytest.approx(seen.losses[0, 0].item(), abs=1e-4)


def test_the_last_step_can_be_gone_to_and_a_section_stays(
    app: Callable[..., AppTest], trained: Callable[..., Run]
) -> None:
    run = trained(steps=12, eval_interval=5)
    test = open_section(app, "microscope", run=run.id)
    slider = test.select_slider(key=f"page.training.microscope_from_{run.id}")
    assert slider.options == ["1", "6", "11", "12"]
    slider.set_value(11).run()  # how many steps stand before it
    assert component(test, "microscope")["step"] == 11
    assert test.segmented_control(key="page.training.tab").proto.required


def test_the_diagnosis_offers_the_next_run(app: Callable[..., AppTest], trained: Callable[..., Run]) -> None:
    run = trained(steps=60, learning_rate=1.0)
    test = open_section(app, "diagnosis", run=run.id)
    assert any("too large" in element.proto.body for element in test.get("html"))
    test.button(key="training_next_run").click().run()
    assert test.session_state["page.training.learning_rate"] == 0.01
    assert not test.exception


def test_a_guess_is_about_the_next_training_also_where_the_clock_was_set_back(
    app: Callable[..., AppTest], trained: Callable[..., Run], home: Path
) -> None:
    test = open_section(app, "prediction")
    test.button(key="training_guess").click().run()
    made = prediction.book("local").guesses
    made[-1] = replace(made[-1], made=made[-1].made + 3600)  # an hour before the clock was set back
    run = trained(steps=20)
    test.run()
    assert prediction.book("local").guesses[-1].run_id == run.id


def test_a_guess_stands_beside_its_result(
    app: Callable[..., AppTest], trained: Callable[..., Run], home: Path
) -> None:
    test = open_section(app, "prediction")
    rule = "3 points within 0.05, 2 points within 0.15, 1 point within 0.4 of the result."
    assert any(rule in element.proto.body for element in test.get("html"))
    test.button(key="training_guess").click().run()
    assert prediction.book("local").guesses[-1].run_id is None
    run = trained(steps=20)
    test.run()  # the newest run of this workspace is shown
    assert prediction.book("local").guesses[-1].run_id == run.id
    assert any("of 4 so far" in element.proto.body for element in test.get("html"))
    reloaded = open_section(app, "prediction")
    assert any("of 4 so far" in element.proto.body for element in reloaded.get("html"))
    RunStore(home).delete(run.id, "local")
    reloaded.run()
    assert not reloaded.exception
    assert not any("so far" in element.proto.body for element in reloaded.get("html"))


def test_a_duel_is_decided_by_the_lower_loss(
    app: Callable[..., AppTest], trained: Callable[..., Run]
) -> None:
    good, bad = trained(steps=60), trained(steps=60, learning_rate=1.0)
    prediction.book("local").duels += [
        prediction.Duel((0.003, 1.0), 0, (good.id, bad.id)),
        prediction.Duel((0.003, 1.0), 1, (good.id, bad.id)),
    ]
    test = open_section(app, "prediction")
    assert any("2 points of 4 so far" in element.proto.body for element in test.get("html"))


def test_what_another_seed_could_turn_round_is_a_draw(
    app: Callable[..., AppTest], some_run: Callable[..., Run], home: Path
) -> None:
    def ended(loss: float) -> str:
        run, store = some_run(), RunStore(home)
        store.append(
            run.id, evaluations=[MetricsEvent(step=0, train_loss=loss, val_loss=loss, val_accuracy=0.1)]
        )
        return run.id

    low, near, high = ended(2.0), ended(2.04), ended(2.06)
    test = open_section(app, "prediction")
    fought = [((low, near), 0), ((near, low), 0), ((low, high), 0), ((high, low), 0)]
    duels = [prediction.Duel((0.003, 0.01), favourite, both) for both, favourite in fought]
    assert [duel.points() for duel in duels] == [1, 1, 2, 0]
    prediction.book("local").duels += duels[2:]
    test.run()
    assert not any("are a draw" in element.proto.body for element in test.get("html"))
    prediction.book("local").duels += duels[:2]
    test.run()
    said = [element.proto.body for element in test.get("html")]
    assert any("closer than 0.05 are a draw" in one for one in said) and any(
        "4 points of 8" in one for one in said
    )


def test_the_learned_table_is_the_model_s_own(trained: Callable[..., Run], home: Path) -> None:
    run = trained(steps=40)
    state = run_routes.learned_pairs(run)
    counts = resources.counted_pairs(run.id)
    ids = counts.most_frequent(MOST_CHARACTERS)
    sent = np.frombuffer(base64.b64decode(state["table"]), "<u2").reshape(len(ids), len(ids)) / 65_535
    kept = RunStore(home).load_checkpoint(run.id, 40, model_only=True)
    model = build_model(run.model)
    model.load_state_dict({name.removeprefix("model."): tensor for name, tensor in kept.tensors.items()})
    expected = model(torch.arange(run.model.vocab_size)[None])[0][0].softmax(-1)[ids][:, ids]
    assert np.abs(sent - expected.detach().numpy()).max() < 1e-4
    distances = state["distances"]["y"]
    assert state["step"] == 40 and distances[0] > distances[-1] > 0


def test_a_weight_that_moves_with_its_gradient_is_marked(
    app: Callable[..., AppTest], trained: Callable[..., Run], home: Path
) -> None:
    run, store = trained(steps=40), RunStore(home)
    trainer = trainer_at(store, run, beginning(store, run)[0], 0)
    steps = (examine_step(trainer) for _ in range(40))
    odd = next(
        s.step for s in steps if any(s.weight_update(*w).with_gradient for w in s.steepest(MOST_UPDATES))
    )
    test = open_section(app, "microscope", run=run.id)
    test.session_state["page.training.microscope_step"] = (run.id, odd)
    data = component(test.run(), "microscope")
    marked = [
        update for update in data["updates"] if update["gradient"] * (update["after"] - update["before"]) > 0
    ]
    assert marked and all(update["with"].startswith("pushed by") for update in marked)
    assert not any(update["with"] for update in data["updates"] if update not in marked)
    assert all(
        update["mean"] * (update["after"] - update["before"]) < 0 for update in data["updates"]
    )  # AdamW's rule
    assert [column for column, _word in data["labels"]["table"]][3] == "mean"


def test_it_opens_where_each_weight_moves_against_its_gradient(
    app: Callable[..., AppTest], trained: Callable[..., Run]
) -> None:
    run = trained(steps=40, eval_interval=5)
    data = component(open_section(app, "microscope", run=run.id), "microscope")
    assert data["step"] == 0
    assert all(update["gradient"] * (update["after"] - update["before"]) < 0 for update in data["updates"])
    assert "mean" not in [column for column, _word in data["labels"]["table"]]


def test_the_next_step_of_a_paused_run_follows_its_settings(
    app: Callable[..., AppTest], some_run: Callable[..., Run], home: Path
) -> None:
    run, store = some_run(steps=20, eval_interval=10), RunStore(home)
    trainer = take_up(store, run)
    recorder = Recorder(store, run.id, trainer)
    for event in trainer.run():
        recorder.record(event)
        if event.step == 7:
            break
    recorder.flush()
    test = open_section(app, "microscope", run=run.id)
    test.session_state["page.training.microscope_step"] = (run.id, 7)
    assert float(component(test.run(), "microscope")["rate"]) == run.training.learning_rate
    store.append(run.id, changes=[ChangeEvent(step=7, name="learning_rate", value=0.5)])
    data = component(test.run(), "microscope")
    assert (data["step"], float(data["rate"])) == (7, 0.5)


def test_every_colour_of_the_microscope_has_a_word(
    app: Callable[..., AppTest], trained: Callable[..., Run]
) -> None:
    data = component(open_section(app, "microscope", "fr", run=trained(steps=3).id), "microscope")
    shown = {data["kinds"][i] for rows in (data["x"], data["y"]) for row in rows for i in row}
    assert shown <= data["labels"]["legend"]["kinds"].keys() and len(shown) > 2


def test_the_slider_names_the_step_that_is_shown(
    app: Callable[..., AppTest], trained: Callable[..., Run]
) -> None:
    run = trained(steps=12, eval_interval=5)
    test = open_section(app, "microscope", run=run.id)
    test.session_state["page.training.microscope_step"] = (run.id, 8)
    test.run()
    assert component(test, "microscope")["step"] == 8
    assert test.select_slider(key=f"page.training.microscope_from_{run.id}").value == 8


def test_a_short_text_is_the_first_thing_to_change(
    home: Path, trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, finding = trained(steps=2), Finding(kind="overfitting")
    learned = len(resources.run_dataset(run.id).train)
    monkeypatch.setattr(diagnosis, "LITTLE_TEXT", learned)
    assert diagnosis.short_text(run, finding) == []
    monkeypatch.setattr(diagnosis, "LITTLE_TEXT", learned + 1)
    assert "would help most" in diagnosis.short_text(run, finding)[0]
    assert diagnosis.short_text(run, Finding(kind="by_heart")) == []


def test_points() -> None:
    guess = prediction.Guess(0.0, 2.30, overfits=False)
    assert prediction.Outcome(2.32, overfitted=False).points(guess) == 4
    assert prediction.Outcome(2.40, overfitted=False).points(guess) == 3
    assert prediction.Outcome(2.60, overfitted=True).points(guess) == 1
    assert prediction.Outcome(3.50, overfitted=True).points(guess) == 0


def test_every_verdict_has_words() -> None:
    assert set(WORDS) == set(get_args(Kind))


def test_groups_of_weights_are_named() -> None:
    with using("fr"):
        assert group_name("blocks.1.attention.c_attn.weight") == "couche 2 : attention".replace(
            " :", "\u00a0:"
        )
