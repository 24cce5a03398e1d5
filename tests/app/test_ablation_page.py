"""The page that takes a model apart: what is clicked is missing, and the run stays as it is."""

import math
import re
import time
from html import unescape
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from minigpt_core.interpret.ablation import AblatedModel, Component, components_of
from minigpt_core.interpret.bigram_table import BigramTable, Edit
from minigpt_core.store.runs import Run
from minigpt_core.texts import corpus
from tests.app.conftest import OpenPage
from tests.app.small_runs import GPT, small_run
from ui import resources
from ui.ablation import before_after, bigram_charts, cache, ranking
from ui.words.i18n import number, signed, using

STEPS = 20
TINY = {"n_embd": 16, "block_size": 24}
TEXT = corpus.normalize(corpus.load("the-curious-cat").text)[:6000]


def trained(model: dict[str, Any]) -> Run:
    return small_run(model, STEPS, TEXT, learning_rate=0.03)


def html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def figures(page: AppTest) -> list[str]:
    """The loss before, the loss now, the change."""
    return re.findall(r"<div class='mg-n' [^>]*>(.*?)</div>", html(page))[:3]


def added_up(page: AppTest) -> str | None:
    """What the parts that are off cost each alone; None if that is not shown."""
    shown = re.findall(r"<div class='mg-n' [^>]*>(.*?)</div>", html(page))[3:4]
    return shown[0] if shown else None


def texts(page: AppTest) -> list[str]:
    """What was written: complete, and without."""
    boxes = re.findall(r"<div class='mg-without'>(.*?)</div></div></div>", html(page), re.DOTALL)
    return [unescape("".join(re.findall(r"<bdi[^>]*>(.*?)</bdi>", box))) for box in boxes]


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=f"ablation_{key}").click().run()


def loss(run: Run, parts: list[Component]) -> float:
    text = cache.held_out_windows(run.id)
    found = AblatedModel(resources.model(run.id, STEPS), parts)(text.x, text.y)[1]
    assert found is not None
    return found.item()


def test_a_first_visitor_takes_the_prepared_gpt_of_their_language_apart(app: OpenPage) -> None:
    page = app("ablation", "fr")
    assert not page.exception
    parts = components_of(resources.run("preparedGptFr").model)
    keys = [f"ablation_part_{part.kind}_{part.layer}_{part.head}" for part in parts]
    assert all(page.button(key=key).label for key in keys)
    term = "Couche {n} (bloc de Transformer)"
    layers = [page.button(key=f"ablation_part_layer_{n}_0").label for n in range(2)]
    assert layers == [term.format(n=1), term.partition(" (")[0].format(n=2)]  # it is said once
    assert page.button(key="ablation_all_on").disabled


def test_a_click_takes_a_part_away_and_another_brings_it_back(app: OpenPage) -> None:
    run = trained(GPT)
    page = app("ablation", run=run.id)
    whole, complete = loss(run, []), texts(page)
    assert figures(page)[:2] == [number(whole, 3)] * 2 and len(complete) == 1
    page = press(page, "part_mlp_1_0")
    without = loss(run, [Component("mlp", 1)])
    assert not page.exception
    with using("en"):
        assert figures(page) == [
            number(whole, 3),
            number(without, 3),
            signed(round(without, 3) - round(whole, 3), 3),
        ]
    assert texts(page)[0] == complete[0] and len(texts(page)) == 2 and added_up(page) is None
    assert page.button(key="ablation_part_mlp_1_0").label.startswith("~~")
    page = press(press(page, "part_head_0_1"), "part_positions_0_0")
    with using("en"):
        off = [Component("mlp", 1), Component("head", 0, 1), Component("positions")]
        assert figures(page)[1] == number(loss(run, off), 3)
        alone = sum(loss(run, [part]) - whole for part in off)
        assert added_up(page) == signed(alone, 3)
    page = press(page, "part_mlp_1_0")
    assert not page.button(key="ablation_part_mlp_1_0").label.startswith("~~")
    page = press(page, "all_on")
    assert figures(page)[2] == "+0.000" and texts(page) == complete


def test_the_average_is_another_replacement(app: OpenPage) -> None:
    run = trained(GPT)
    page = press(app("ablation", run=run.id), "part_layer_0_0")
    zeros = figures(page)[1]
    page = page.radio(key="page.ablation.instead").set_value("mean").run()
    assert not page.exception
    now = cache.ablated_loss(run.id, STEPS, frozenset({Component("layer", 0)}), True)
    assert figures(page)[1] == number(now, 3) != zeros


def test_the_table_is_measured_in_the_background(app: OpenPage) -> None:
    run = trained(GPT)
    page = press(app("ablation", run=run.id), "measure")
    table = cache.ablation_job(run.id, STEPS, False)
    deadline = time.monotonic() + 60
    while not table.finished and time.monotonic() < deadline:
        time.sleep(0.02)
    page = page.run()
    assert not page.exception and table.finished and not table.running
    progress = table.progress
    assert progress is not None and len(progress.effects) == len(components_of(run.model))
    rows = re.search(r"<div class='mg-ranks'>.*?</div>", html(page), re.DOTALL)
    assert rows is not None
    first = progress.effects[0]
    with using("en"):
        assert rows[0].index(signed(first.change, 3)) < 400
        assert rows[0] == ranking.rows(progress, 2)
    assert first.change == pytest.approx(loss(run, [first.part]) - loss(run, []), abs=1e-4)
    assert "ablation_measure" not in [button.key for button in page.button]


def test_a_prompt_with_unknown_characters_and_without_any(app: OpenPage) -> None:
    page = app("ablation", run=trained(GPT).id)
    page = page.text_input(key="page.ablation.prompt").set_value("The ☃ Cat").run()
    assert not page.exception and any("☃" in element.value for element in page.markdown)
    assert texts(page)[0].startswith("the  cat")
    page = page.text_input(key="page.ablation.prompt").set_value("").run()
    assert not page.exception and len(texts(page)[0]) == 100
    before = texts(page)
    assert texts(press(page, "dice")) != before


def test_two_texts_part_where_they_first_differ() -> None:
    assert before_after.first_difference("abcd", "abxd") == 2
    assert before_after.first_difference("abcd", "abcd") is None


def test_the_prepared_tinygpt_is_a_table_to_be_edited(app: OpenPage) -> None:
    page = app("ablation")
    page = press(page, "other")
    assert not page.exception
    page = press(page, "example_0")
    assert not page.exception and len(texts(page)) == 2 and len(page.get("plotly_chart")) == 2
    page = press(page, "other")
    assert not page.exception and page.button(key="ablation_part_layer_0_0")


def test_the_other_kind_is_only_looked_at(app: OpenPage) -> None:
    run = trained(GPT)  # its text is like none of the prepared ones
    page = app("ablation", run=run.id, text="le-chat-curieux")
    page = press(page, "other")
    assert not page.exception and page.query_params["run"] == run.id
    assert page.selectbox(key="page.inside.run").value == "preparedTinyFr"
    page = press(page, "other")
    assert page.selectbox(key="page.inside.run").value == run.id == page.query_params["run"]


def test_an_edit_is_made_on_a_copy_undone_and_reset(app: OpenPage) -> None:
    run = trained(TINY)
    words, text = resources.run_dataset(run.id).tokenizer, cache.held_out_windows(run.id)
    weights = {name: w.clone() for name, w in resources.model(run.id, STEPS).state_dict().items()}
    page = app("ablation", run=run.id)
    page = page.selectbox(key="page.ablation.current").set_value("t").run()
    page = page.selectbox(key="page.ablation.next").set_value("h").run()
    page = page.slider(key="page.ablation.share").set_value(90).run()
    assert not page.exception
    table = BigramTable(resources.model(run.id, STEPS), [Edit(words.stoi["t"], words.stoi["h"], 0.9)])
    loss_after = table(text.x, text.y)[1]
    assert loss_after is not None
    expected = loss_after.item()
    assert figures(page)[1] == number(expected, 3)
    page = press(page, "never")
    assert figures(page)[1] == "∞" and "th" not in texts(page)[1]
    page = press(page, "undo")
    assert figures(page)[1] == number(expected, 3)
    page = press(page, "reset")
    assert figures(page)[2] == "+0.000" and len(texts(page)) == 1
    now = resources.model(run.id, STEPS).state_dict()
    assert all(torch.equal(weights[name], now[name]) for name in weights)


def test_an_edit_that_leaves_nothing_is_refused_with_a_sentence(app: OpenPage) -> None:
    page = app("ablation", run=trained(TINY).id)
    page = page.selectbox(key="page.ablation.current").set_value("e").run()
    page = page.selectbox(key="page.ablation.next").set_value("s").run()
    page = press(page, "always")
    changed = texts(page)
    page = press(page, "never")
    assert not page.exception and texts(page) == changed
    said = [
        element.value for element in (*page.warning, *page.info, *page.error, *page.toast, *page.markdown)
    ]
    assert any("Nothing else can come next" in sentence for sentence in said)


def test_losses_that_cannot_be_written_as_numbers() -> None:
    with using("en"):
        assert ">∞<" in before_after.loss_figures(2.0, math.inf, "a", "b")


def test_the_change_is_the_difference_of_the_losses_beside_it() -> None:
    with using("en"):
        shown = before_after.loss_figures(1.1864, 1.2536, "a", "b")
    assert all(f">{figure}<" in shown for figure in ("1.186", "1.254", "+0.068"))


@pytest.mark.parametrize("n", [3, 48, 80])
def test_the_labels_of_the_whole_table_have_room(n: int) -> None:
    characters = [chr(0x4E00 + i) for i in range(n)]
    with using("en"):
        figure = bigram_charts.heatmap(characters, np.full((n, n), 1 / n))
    assert figure.layout.height >= n * figure.layout.yaxis.tickfont.size * 1.2


def test_nothing_is_proposed_where_no_change_fits_the_text(app: OpenPage) -> None:
    proposed, foreign = small_run(TINY, STEPS, TEXT), small_run(TINY, STEPS, "שלום חתול, " * 60)
    assert "Try:" in html(app("ablation", run=proposed.id))
    page = app("ablation", run=foreign.id)
    assert not page.exception and "Try:" not in html(page)
