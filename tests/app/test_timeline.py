"""The Time machine: what it sends of each checkpoint, against the model itself."""

import base64
import json
import queue
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from minigpt_core.configs import TrainConfig
from minigpt_core.interpret.checkpoint_history import Snapshot, snapshots
from minigpt_core.jobs.worker import Controls, train
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent
from tests.app.conftest import OpenPage
from tests.app.small_runs import small_run
from ui import resources
from ui.timeline import component_data
from ui.timeline.context_field import beginning
from ui.timeline.runs_with_history import other_run_with_history
from ui.words import i18n


def sent(test: AppTest, name: str = "timeline") -> dict[str, Any]:
    component = next(part for part in test.main.get("bidi_component") if name in part.proto.component_name)
    return dict(json.loads(component.proto.json or component.proto.mixed.json))


def embeddings_map(test: AppTest) -> dict[str, Any]:
    return dict(sent(test, "embedding_map")["sets"]["characters"])


def trained(home: Path, **model: Any) -> Run:
    store, story = RunStore(home), corpus.load("the-curious-cat")
    run = new_run(
        store, text=corpus.normalize(story.text), title=story.title,
        model_fields={"block_size": 16, "n_embd": 16} | model,
        training=TrainConfig(steps=20, eval_interval=5, sample_length=30, learning_rate=0.03), status="running",
    )  # fmt: skip
    train(store, run.id, Controls(queue.Queue(), lambda *_, **__: None))
    return store.run(run.id)


def test_a_tiny_run_is_shown_as_its_table(app: OpenPage, home: Path) -> None:
    run = trained(home)
    test = app("timeline", "fr", run=run.id)
    assert not test.exception
    data = sent(test)
    assert data["steps"] == [0, 5, 10, 15, 20]
    evaluations = {event.step: event.val_loss for event in RunStore(home).evaluations(run.id)}
    assert [m["loss"] for m in data["moments"]] == [evaluations[step] for step in data["steps"]]
    assert data["moments"][-1]["words"] == "perte " + i18n_loss("fr", evaluations[20])
    assert data["picture"]["kind"] == "pairs"


def i18n_loss(lang: str, loss: float | None) -> str:
    with i18n.using(lang):
        return i18n.number(loss, 2)


def test_the_table_and_the_bars_are_those_of_the_model(home: Path) -> None:
    run = trained(home)
    steps = (0, 20)
    model = resources.model(run.id, 20)
    logits, _ = model(torch.arange(run.model.vocab_size)[:, None])
    table = logits[:, 0].softmax(-1)  # (V, V)
    picture = component_data.pairs(run, steps)
    N = len(picture["faces"])
    shades = np.frombuffer(base64.b64decode(picture["learned"]), np.uint8).reshape(2, N, N)
    shown = [run.characters.index({"␣": " ", "⏎": "\n"}.get(face, face)) for face in picture["faces"]]
    expected = table[shown][:, shown].detach().sqrt() * 255
    assert np.abs(shades[1] - expected.numpy()).max() < 1
    bars = component_data.bars(run, steps, (3, 7))
    best = bars["shares"][1][0]
    assert best == pytest.approx(
        float(table[7].max().detach()), abs=1e-3
    )  # TinyGPT sees the last character alone


def test_a_gpt_is_shown_as_a_map(app: OpenPage, home: Path) -> None:
    run = trained(home, n_layer=1, n_head=2)
    data = sent(app("timeline", run=run.id))
    picture = data["picture"]
    points = np.frombuffer(base64.b64decode(picture["points"]), np.float32)
    assert picture["kind"] == "map"
    assert points.shape == (len(data["steps"]) * len(picture["faces"]) * 2,)
    same = embeddings_map(app("embeddings", run=run.id))
    assert (picture["points"], picture["kept"]) == (same["flat"], same["flat_kept"])


def test_before_the_first_run_a_prepared_one_is_shown(app: OpenPage) -> None:
    test = app("timeline", "fr")
    assert not test.exception
    assert len(sent(test)["steps"]) > 3


def test_any_context_can_be_typed(app: OpenPage, home: Path) -> None:
    test = app("timeline", run=trained(home).id)
    for typed in ("", "ZZ🙂<b>", "the cat " * 20):
        test.sidebar.text_input[0].set_value(typed).run()
        assert not test.exception
    assert beginning("one morning, the cat") == "one morning,"


def test_what_was_typed_stands_in_the_address(app: OpenPage, home: Path) -> None:
    run = trained(home)
    test = app("timeline", run=run.id, after="the c")
    assert test.sidebar.text_input[0].value == "the c" and "“c”" in sent(test)["labels"]["next"]
    test.query_params["run"], test.query_params["follow"] = "preparedTinyFr", "1"  # as a link to it does
    assert test.run().sidebar.text_input[0].value == "the c"
    test = app("timeline", run=run.id)
    assert test.sidebar.text_input[0].value == "the curious"
    test.sidebar.text_input[0].set_value("cat").run()
    assert test.query_params["after"] == "cat"
    test.sidebar.text_input[0].set_value("the curious").run()
    assert "after" not in test.query_params
    test.query_params["run"], test.query_params["follow"] = "preparedTinyFr", "1"  # as a link to it does
    assert test.run().sidebar.text_input[0].value == "le chat"


@pytest.mark.parametrize(("typed", "seen"), [("a\u200b", "ZWSP"), ("a ", "␣"), ("the", "e")])
def test_what_cannot_be_seen_is_a_sign_in_the_heading(
    app: OpenPage, home: Path, typed: str, seen: str
) -> None:
    run = small_run(
        {"n_embd": 16, "block_size": 16}, 2, "the a\u200b cat\u200b " * 100, "odd", eval_interval=1
    )
    test = app("timeline", run=run.id, after=typed)
    assert f"“{seen}”" in sent(test)["labels"]["next"]


def test_the_milestones_are_said_in_a_line_each() -> None:
    known = [
        Snapshot(n, MetricsEvent(step=n, train_loss=0.0, val_loss=loss, val_accuracy=0.0), f"text {n}")
        for n, loss in enumerate([4.0, 3.9, 2.0])
    ]
    with i18n.using("en"):
        found = component_data.milestone_lines([*known, Snapshot(9, known[2].evaluation, "")])
    assert [line["at"] for line in found] == [0, 2]
    assert found[0] == {"at": 0, "loss": 4.0, "words": "4.00", "sample": "text 0"}


def test_one_moment_is_no_journey_and_another_one_is_offered(app: OpenPage, home: Path) -> None:
    test = app("timeline", run="preparedReversed")
    assert not test.exception and len(sent(test)["steps"]) == 1
    said = " ".join(part.value for part in test.main.markdown)
    assert "so there is nothing" in said
    next(found for found in test.main.button if found.key == "timeline_other").click().run()
    assert not test.exception and len(sent(test)["steps"]) > 3


def test_the_way_out_is_the_prepared_training_on_the_same_text(home: Path) -> None:
    resources.offer_prepared()
    other = other_run_with_history(replace(resources.run("preparedGptFr"), id="mine"))
    assert other is not None and other.id == "preparedTinyFr"


def test_the_dot_lies_on_the_curve(home: Path) -> None:
    run = trained(home)
    store, weights = RunStore(home), RunStore(home).load_checkpoint(run.id)
    store.save_checkpoint(
        run.id, replace(weights, step=33)
    )  # stopped by hand, long after its last evaluation
    data = component_data.sent(run, snapshots(store, run), (0,))
    points = dict(data["curve"])
    assert data["moments"][-1]["step"] == 33 and len(points) > 1
    for moment in data["moments"]:
        assert moment["loss"] is None or points[moment["evaluated"]] == pytest.approx(
            moment["loss"], abs=1e-3
        )
