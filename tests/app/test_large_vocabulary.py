"""A text of thousands of distinct characters: what a page sends is bounded, and it says what is left out."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.interpret.embedding_history import MOST_CHARACTERS
from minigpt_core.store.runs import Run, RunStore
from tests.app.conftest import OpenPage
from tests.app.small_runs import small_run
from tests.app.test_timeline import sent
from ui.ablation.bigram_charts import MOST_SHOWN
from ui.sampling.next_character import SEGMENTS
from ui.timeline.component_data import MOST_PAIRS
from ui.words.i18n import percent

V = 5_000
TINY: dict[str, Any] = {"n_embd": 16, "block_size": 16}
GPT: dict[str, Any] = TINY | {
    "n_layer": 2,
    "n_head": 2,
    "positions": "learned",
    "mlp": "gelu",
    "residual": True,
}
MOST_BYTES = 1_000_000  # of everything on a page together


def trained(fields: dict[str, Any]) -> Run:
    text = "".join(chr(0x4E00 + n % V) for n in range(12_000))
    return small_run(fields, 2, text, "many", eval_interval=1, batch_size=1)


def sizes(block: Any) -> Iterator[int]:
    """The bytes that the browser is sent for each element of a page."""
    for child in getattr(block, "children", {}).values():
        yield child.proto.ByteSize() if hasattr(child, "proto") and child.proto is not None else 0
        yield from sizes(child)


def said(page: AppTest) -> str:
    return " ".join(part.value for part in (*page.markdown, *page.caption))


def check(page: AppTest) -> AppTest:
    assert not page.exception and not page.error
    assert 10_000 < sum(sizes(page._tree)) < MOST_BYTES
    return page


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_table_of_a_tinygpt_is_shown_for_its_most_frequent_characters(app: OpenPage, lang: str) -> None:
    page = check(app("ablation", lang, run=trained(TINY).id))
    figure = json.loads(page.get("plotly_chart")[1].proto.spec)
    assert len(figure["data"][0]["y"]) == MOST_SHOWN and "hovertext" not in figure["data"][0]
    assert str(MOST_SHOWN) in said(page)
    page = check(page.button(key="ablation_never").click().run())
    assert len(page.get("plotly_chart")) == 2


def test_a_gpt_is_taken_apart(app: OpenPage) -> None:
    page = check(app("ablation", run=trained(GPT).id))
    check(page.button(key="ablation_part_mlp_0_0").click().run())


@pytest.mark.parametrize("fields", [TINY, GPT], ids=["tinygpt", "gpt"])
def test_maps_and_tables_through_the_training_show_the_most_frequent(
    app: OpenPage, fields: dict[str, Any]
) -> None:
    run = trained(fields)
    assert f"The {MOST_CHARACTERS} most frequent" in said(check(app("embeddings", run=run.id)))
    page = check(app("timeline", run=run.id))
    shown = MOST_CHARACTERS if run.model.n_layer else MOST_PAIRS
    assert f"The {shown} most frequent" in said(page)
    bars = sent(page)["bars"]["shares"][0]
    assert 0 < min(bars) < max(bars) < 0.005  # all of them were "0 %"
    assert len({percent(share) for share in bars}) > len(bars) / 2


def test_attention_and_layers_are_looked_at(app: OpenPage) -> None:
    run = trained(GPT)
    check(app("attention", run=run.id))
    check(app("layers", run=run.id))


def test_the_drawn_model_and_its_batch_are_shown(app: OpenPage) -> None:
    text = RunStore().save_text("".join(chr(0x4E00 + n % V) for n in range(12_000)), "many")
    page = check(app("model", text=text))
    check(page.button(key="model_rung_layernorm").click().run())


@pytest.mark.parametrize("fields", [TINY, GPT], ids=["tinygpt", "gpt"])
@pytest.mark.parametrize("view", ["write", "next", "temperature", "models", "surprise", "copied"])
def test_the_views_of_sampling_tell_the_likeliest_apart(
    app: OpenPage, fields: dict[str, Any], view: str
) -> None:
    page = check(app("sampling", run=trained(fields).id, view=view))
    if view == "write":
        (bar,) = (html.value for html in page.main.get("html") if "mg-lot-bar" in html.value)
        assert SEGMENTS <= bar.count("data-tip") <= 2 * SEGMENTS + 1 and "other characters" in bar


@pytest.mark.parametrize("name", ["home", "training", "batches", "compare", "puzzle", "ladder", "vocabulary"])
def test_the_other_pages_are_bounded_as_well(app: OpenPage, name: str) -> None:
    run = trained(GPT)
    check(app(name, text=run.text_id, run=run.id))
