"""The page that reads the model layer by layer shows the model's own guesses."""

import re
from collections.abc import Callable

import torch
from streamlit.testing.v1 import AppTest

from minigpt_core.jobs import manager
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent
from tests.app.conftest import OpenPage
from tests.app.small_runs import GPT, small_run
from ui import resources
from ui.inside.inspected_model import best_run
from ui.words.i18n import percent, using
from ui.words.tokens import face

TEXT = "page.inside.text"


def small_gpt(steps: int = 2, **model: object) -> Run:
    """A run with checkpoints before and after a few real steps."""
    return small_run(GPT | {"n_layer": 3} | model, steps)


def html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def rows(page: AppTest) -> list[list[str]]:
    """The characters in the table's rows."""
    found = re.findall(r"<tr.*?</tr>", html(page), re.DOTALL)
    return [re.findall(r"<bdi[^>]*>(.*?)</bdi>", row) for row in found]


def typed(page: AppTest, text: str) -> AppTest:
    return page.text_area(key=TEXT).set_value(text).run()


def words(page: AppTest) -> str:
    return " ".join(element.value for element in (*page.markdown, *page.caption, *page.info))


def test_a_first_visitor_looks_into_the_prepared_gpt_of_their_language(app: OpenPage) -> None:
    page = app("layers", "fr")
    assert not page.exception
    text = page.text_area(key=TEXT).value
    assert len(text) == 40 and text in corpus.normalize(corpus.load("le-chat-curieux").text)
    assert len(rows(page)[0]) == 40 and len(page.get("plotly_chart")) == 2


def test_the_last_row_is_what_the_model_answers(app: OpenPage) -> None:
    run = small_gpt()
    page = typed(app("layers", run=run.id), "the cat sat")
    assert not page.exception
    model, tokenizer = resources.model(run.id, 2), resources.run_dataset(run.id).tokenizer
    with torch.no_grad():
        probabilities = model(tokenizer.encode("the cat sat")[None])[0][0].softmax(-1)
    best = [tokenizer.itos[i] for i in probabilities.argmax(-1).tolist()]
    table = rows(page)
    assert len(table) == 1 + 4 + 1  # what it reads, the embedding and three layers, what really comes next
    assert table[-2] == [face(c) for c in best]
    assert table[0] == [face(c) for c in "the cat sat"] and table[-1] == table[0][1:]
    with using("en"):
        assert percent(probabilities[-1].max().item(), 1) in html(page)
    assert len(rows(page.toggle(key="page.layers.within").set_value(True).run())) == 1 + 7 + 1


def test_unknown_characters_a_long_text_and_none_at_all(app: OpenPage) -> None:
    run = small_gpt()
    page = typed(app("layers", run=run.id), "The ☃ <b>cat</b>")
    assert not page.exception and "☃" in words(page) and "<b>cat" not in html(page)
    assert "".join(rows(page)[0]).startswith("the␣␣")  # small letters, as the model learned
    page = typed(page, "the cat " * 20)
    assert len(rows(page)[0]) == 24 and "24" in words(page)
    page = typed(page, "☃☃")
    assert not page.exception and page.info and not rows(page)
    assert not typed(page, "").exception


def test_another_passage_and_a_text_of_its_own(app: OpenPage) -> None:
    page = app("layers", run=small_gpt().id)
    first = page.text_area(key=TEXT).value
    page = page.button(key="inside_passage").click().run()
    second = page.text_area(key=TEXT).value
    assert second != first
    page = page.button(key="inside_write").click().run()
    third = page.text_area(key=TEXT).value
    assert third != second and third[:12] == second[:12] and len(third) == 24
    assert not page.exception and len(rows(page)[0]) == 24


def test_a_tinygpt_has_no_layers_so_another_model_is_shown(
    app: OpenPage, some_run: Callable[..., Run]
) -> None:
    tiny = some_run(name="my table")
    page = app("layers", run=tiny.id)
    assert not page.exception and "my table" in words(page)
    assert rows(page) and tiny.id not in page.selectbox(key="page.inside.run").options


def evaluated(run: Run, loss: float) -> Run:
    """The same with an evaluation."""
    event = MetricsEvent(step=2, train_loss=loss, val_loss=loss, val_accuracy=0.1)
    RunStore().append(run.id, evaluations=[event])
    return run


def test_a_sound_run_on_the_same_text_comes_first(app: OpenPage, some_run: Callable[..., Run]) -> None:
    elsewhere, broken = evaluated(small_gpt(), 2.0), evaluated(small_gpt(), 99.0)
    tiny = evaluated(some_run(steps=2), 2.5)
    resources.offer_prepared()
    ready = [resources.run("preparedGptEn")]
    assert tiny.text_id == ready[0].text_id != elsewhere.text_id
    with using("en"):
        runs = [broken, elsewhere, *ready]
        assert best_run(runs, tiny.text_id) == ready[0]
        assert best_run(runs, elsewhere.text_id) == elsewhere
        assert best_run([broken], tiny.text_id) == broken
    page = app("layers", lang="en", run=tiny.id)
    assert page.selectbox(key="page.inside.run").value == "preparedGptEn"


def test_a_checkpoint_is_chosen_on_the_way(app: OpenPage) -> None:
    run = small_gpt()
    page = typed(app("layers", lang="en", run=run.id), "one morning the cat")
    steps = page.select_slider(key="page.inside.step")
    assert steps.options == ["0", "2"] and steps.value == 2
    page = steps.set_value(0).run()
    assert not page.exception and "checkpoint" in page.query_params
    tokenizer = resources.run_dataset(run.id).tokenizer
    with torch.no_grad():
        best = resources.model(run.id, 0)(tokenizer.encode("one morning the cat")[None])[0][0].argmax(-1)
    assert rows(page)[-2] == [face(tokenizer.itos[i]) for i in best.tolist()]
    page = page.select_slider(key="page.inside.step").set_value(2).run()
    assert "checkpoint" not in page.query_params


def test_broken_weights_are_said_to_be_broken(app: OpenPage) -> None:
    run = small_gpt()
    resources.model(run.id, 2).lm_head.weight.data.fill_(torch.nan)
    page = app("layers", run=run.id)
    assert not page.exception
    assert any("diverged" in error.value for error in page.error)


def test_one_click_trains_a_gpt_on_the_chosen_text(app: OpenPage) -> None:
    page = app("layers", lang="en", text="reversed-words")
    page = page.button(key="inside_train").click().run()
    assert not page.exception
    run = RunStore().find_run("last")
    assert run.model.n_layer and run.text_title == "Reversed words"
    assert manager.shared().position(run.id) is not None or run.status in ("queued", "running", "done")
    assert page.title[0].value == "Training"
