"""What was chosen on a page is found again by a reload: by the address alone, in a session that knows nothing else."""

import random
import string
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from minigpt_core.configs import ModelConfig
from tests.app.conftest import OpenPage
from ui import kept_choices
from ui.model import drawn_model
from ui.state import FORM

GPT = "preparedGptEn"
TINY = "preparedTinyEn"


def reloaded(app: OpenPage, page: AppTest, name: str) -> AppTest:
    """The same address in a new session."""
    assert not page.exception
    again = app(name, **{key: str(value) for key, value in page.query_params.items()})
    assert not again.exception
    return again


CHOICES: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("model", {}, {"model.batch_size": 16, "model.place": 3}),
    ("training", {}, {"training.tab": "prediction", "training.guess_overfits": True, "training.duel_rate_0": 0.01,
                      "training.duel_favourite": 1}),
    ("ladder", {}, {"ladder.group": "alone", "ladder.rung.muon": False}),
    ("batches", {}, {"batches.block_size": 8, "batches.batch_size": 8, "batches.part": "val", "batches.row_8": 3}),
    ("layers", {"author": GPT}, {"layers.within": True, "inside.text": "the cat"}),
    ("ablation", {"author": GPT}, {"ablation.instead": "mean", "ablation.prompt": "the cat"}),
    ("puzzle", {}, {"puzzle.task": "balanced-brackets"}),
    ("puzzle", {}, {"puzzle.question": "kalibo"}),
    ("attention", {"author": GPT}, {"inside.text": "a cat ~ +\u200d😀"}),
    ("sampling", {"author": GPT, "view": "surprise"}, {"sampling.surprise_text": "the cat\nsat"}),
    ("sampling", {"author": GPT}, {"sampling.place": 17}),
    ("vocabulary", {}, {"vocabulary.search": "e", "vocabulary.start.the-curious-cat": 124}),
    ("vocabulary", {}, {"vocabulary_questions": "own", "vocabulary.sentence": "a ß"}),
    ("lessons", {}, {"class_link.page": "ladder", "class_link.hide": ["try"], "class_link.by": "Zoé"}),
    ("training", {"run": TINY}, {"training.tab": "microscope", "training.microscope_step": (TINY, 303)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "query", "chosen"), CHOICES, ids=[f"{case[0]} {[*case[2]][-1]}" for case in CHOICES]
)
def test_what_was_chosen_survives_a_reload(
    app: OpenPage, name: str, query: dict[str, str], chosen: dict[str, Any]
) -> None:
    page = app(name, **query)
    for key, value in chosen.items():
        page.session_state[f"page.{key}"] = value
        page.run()
    again = reloaded(app, page, name)
    assert {key: again.session_state[f"page.{key}"] for key in chosen} == chosen


def test_what_stands_on_another_tab_is_found_again(app: OpenPage) -> None:
    page = app("vocabulary")
    page.text_input(key="page.vocabulary.search").set_value("e").run()
    page.session_state["page.vocabulary_questions"] = "own"
    page.run().text_input(key="page.vocabulary.sentence").set_value("a ß").run()
    again = reloaded(app, page, "vocabulary")
    for one in (page, again):
        one.session_state["page.vocabulary_questions"] = "numbers"
        assert one.run().text_input(key="page.vocabulary.search").value == "e"
        one.session_state["page.vocabulary_questions"] = "own"
        assert one.run().text_input(key="page.vocabulary.sentence").value == "a ß"


def test_what_was_unfolded_survives_a_reload(app: OpenPage) -> None:
    page = app("training")
    opened = {"training_advanced": True, "training_code": True, "page.training_advanced_tab": "checks"}
    for key, value in opened.items():
        page.session_state[key] = value
    again = reloaded(app, page.run(), "training")
    assert {key: again.session_state[key] for key in opened} == opened


def test_two_long_texts_leave_room_for_what_is_chosen_later(app: OpenPage) -> None:
    text = "".join(
        random.Random(1).choices(string.ascii_letters + string.digits + string.punctuation, k=1750)
    )
    elsewhere = f"sampling.surprise_text~{kept_choices._packed(text)}"
    page = app("layers", author=GPT, choices=elsewhere)
    page.session_state["page.inside.text"] = text[:1600]
    page.run()
    page.session_state["page.layers.within"] = True
    again = reloaded(app, page.run(), "layers")
    assert again.session_state["page.layers.within"]
    assert again.session_state["page.inside.text"] == text[:1600]


def test_what_is_as_usual_does_not_stand_in_the_address(app: OpenPage) -> None:
    page = app("ladder")
    usual = page.session_state["page.ladder.budget"]
    for budget in (300, usual):
        page.session_state["page.ladder.budget"] = budget
        assert ("choices" in page.run().query_params) == (budget != usual)


def test_a_model_that_is_drawn_and_not_chosen_survives_a_reload(app: OpenPage) -> None:
    page = app("model")
    page.button(key="model_rung_layernorm").click().run()
    drawn = page.session_state["page.model.drawn"]
    again = reloaded(app, page, "model")
    assert again.session_state["page.model.drawn"] == drawn
    assert drawn["norm"] == "layernorm" and again.session_state["page.model.opened"] == "norm_1"


def test_parts_that_are_switched_off_and_an_edited_table_survive_a_reload(app: OpenPage) -> None:
    page = app("ablation", author=GPT)
    button = next(one for one in page.button if one.key.startswith("ablation_part_head"))
    button.click().run()
    off = page.session_state["page.ablation.off"]
    assert off
    assert [asdict(part) for part in reloaded(app, page, "ablation").session_state["page.ablation.off"]] == [
        asdict(part) for part in off
    ]
    page = app("ablation", author=TINY)
    page.button(key="ablation_never").click().run()
    edits = page.session_state["page.ablation.edits"]
    assert edits[TINY]
    assert reloaded(app, page, "ablation").session_state["page.ablation.edits"] == edits


def test_ticked_runs_survive_a_reload(app: OpenPage) -> None:
    page = app("compare")
    page.session_state["page.compare.chosen"] = [GPT]
    again = reloaded(app, page.run(), "compare")
    assert again.session_state["page.compare.chosen"] == [GPT]


@pytest.mark.parametrize(
    "nonsense",
    [
        "ladder.budget", "ladder.budget~9~ladder.budget", "ladder.budget~-1", "~~~~", "puzzle.task~x", "no.such~thing",
        "batches.block_size~7~batches.seeds~99999999999", "model.drawn~n_layer:900", "model.drawn~n_layer:1:n_head:7",
        "model.drawn~:::~model.batch_size~0", "ablation.edits~a:1.2", "compare.chosen~nobody",
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_passed_over(app: OpenPage, nonsense: str) -> None:
    area = nonsense.split(".")[0]
    page = app(
        area if area in ("model", "ladder", "batches", "compare", "puzzle") else "training", choices=nonsense
    )
    assert not page.exception and not page.error


@pytest.mark.parametrize("nonsense", ["", "eA", "eNo", "_____", "é", "eNqrAQAAeQB5"])
def test_a_text_that_was_not_written_so_is_passed_over(nonsense: str) -> None:
    assert kept_choices._read_text(nonsense) is None


@given(st.text(st.characters(), max_size=300))
def test_a_typed_text_is_written_and_read(text: str) -> None:
    written = kept_choices._packed(text)
    assert kept_choices._read_text(written) == text
    assert len(written) > kept_choices.LONGEST or FORM["choices"].fullmatch(written)


def test_what_is_packed_small_is_unpacked_to_no_more_than_a_text() -> None:
    bomb = kept_choices._packed("a" * 1_000_000)
    assert len(bomb) < kept_choices.LONGEST and kept_choices._read_text(bomb) is None


MODELS: Callable[..., Any] = st.fixed_dictionaries


@given(
    MODELS({
        "n_layer": st.integers(1, 12), "n_head": st.sampled_from([1, 2, 4]), "n_embd": st.sampled_from([32, 64]),
        "block_size": st.sampled_from([8, 256]), "positions": st.sampled_from(["none", "learned", "rotary"]),
        "mlp": st.sampled_from(["none", "gelu", "relu2"]), "residual": st.just(True), "zero_init": st.booleans(),
        "norm": st.sampled_from(["none", "layernorm", "rmsnorm"]), "dropout": st.sampled_from([0.0, 0.1]),
        "bias": st.booleans(), "qk_norm": st.booleans(), "tie_weights": st.booleans(),
    })
)  # fmt: skip
def test_a_drawn_model_is_written_and_read(fields: dict[str, Any]) -> None:
    wanted = drawn_model.fields_of(ModelConfig(vocab_size=1, **fields))
    assert drawn_model._read(drawn_model._write(wanted)) == wanted
