"""The puzzle page: who solves the puzzles, and one example followed through the heads."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.interpret.puzzles import exact_match
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from tests.app.conftest import OpenPage
from tests.app.small_runs import small_run
from ui import resources
from ui.inside import train_gpt
from ui.puzzle.cache import puzzles
from ui.runs.wording import run_title
from ui.words.i18n import rough_duration
from ui.words.tokens import escape_markdown

GPT = {"n_layer": 1, "n_head": 2, "n_embd": 16, "block_size": 48, "positions": "rotary", "residual": True}
QUESTION = "page.puzzle.question"


def html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def markdown(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.main.markdown, *page.main.caption])


def shares(page: AppTest) -> list[str]:
    return re.findall(r"<span class='mg-rank-n'>(\d+).*?%</span>", html(page))


def bracket_gpt() -> Run:
    text = corpus.load("balanced-brackets")
    return small_run(GPT, 1, corpus.normalize(text.text), text.title)


def test_only_who_looks_back_reverses_words(app: OpenPage) -> None:
    page = app("puzzle", lang="fr")
    assert not page.exception
    counted, tiny, gpt = map(int, shares(page))
    run = resources.run("preparedReversed")
    model, words = resources.model(run.id, run.step), resources.tokenizer("reversed-words", True)
    share = exact_match(model, words, puzzles("reversed-words"), run.model.block_size)
    assert counted < 5 and tiny < 5 and gpt == round(100 * share) > 90
    page = page.text_input(key=QUESTION).set_value("Lomira!").run()
    assert not page.exception and ">arimol</b>" in html(page)
    assert html(page).count("mg-yes'>✓") == 6
    assert html(page).count("bloc de Transformer") == 1 and "couche 1, tête 1" in html(page)


def test_the_model_that_is_looked_at_is_the_one_of_the_puzzle(app: OpenPage) -> None:
    """So that Attention, opened from here, goes on with it; one that never saw these puzzles takes no part."""
    text = corpus.load("reversed-words")
    mine = small_run(GPT, 1, corpus.normalize(text.text), text.title)
    for author, shown in (
        ("preparedReversed", "preparedReversed"),
        ("preparedGptEn", mine.id),
        (mine.id, mine.id),
    ):
        page = app("puzzle", author=author)
        assert (
            not page.exception
            and f"The GPT here: {escape_markdown(run_title(resources.run(shown)))}" in markdown(page)
        )


def test_a_question_without_an_answer(app: OpenPage) -> None:
    page = app("puzzle").text_input(key=QUESTION).set_value("<b>").run()
    assert not page.exception and page.info
    page = page.text_input(key=QUESTION).set_value("").run()
    assert not page.exception and page.info
    page = page.button(key="puzzle_another").click().run()
    assert not page.exception and not page.info and page.text_input(key=QUESTION).value


def test_a_word_of_another_kind_is_said_to_be_one(app: OpenPage) -> None:
    page = app("puzzle")
    warning = "is not built like"
    assert warning not in markdown(page)
    page = page.button(key="puzzle_try_cat").click().run()
    assert page.text_input(key=QUESTION).value == "cat" and warning in markdown(page)
    page = page.button(key="puzzle_try_mapa").click().run()
    assert ">apam</b>" in html(page) and warning not in markdown(page)
    assert "mg-no'" not in html(page)


def test_the_letters_that_were_left_out_are_named(app: OpenPage) -> None:
    page = app("puzzle").text_input(key=QUESTION).set_value("Hello, <b>vvv").run()
    (line,) = [line for line in markdown(page).splitlines() if "Left out" in line]
    for character in ("h", ",", "v", r"\<"):
        assert f"“{character}”" in line
    assert line.count("“v”") == 1 and "“l”" not in line and ">bolle" in html(page).replace("</b>", "")


def test_the_attention_of_one_head(app: OpenPage) -> None:
    page = app("puzzle")
    head = page.selectbox(key="page.puzzle.shown")
    page = head.set_value("1.2").run()
    assert not page.exception and "mg-solves" in html(page)


def test_without_a_gpt_one_click_trains_it(app: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {"step": 0.5, "evaluation": 0.0, "crowding": 1.0}
    monkeypatch.setattr(resources.jobs(), "speed", lambda *_given, **_more: measured)
    page = app("puzzle")
    page.session_state["page.puzzle.task"] = "balanced-brackets"
    page = page.run()
    assert not page.exception and len(shares(page)) == 2
    seconds = train_gpt.preset_for("balanced-brackets").training.steps * 0.5
    assert f"about {rough_duration(seconds, seconds)} on this machine" in html(page)  # slow as it is
    page = page.button(key="puzzle_train").click().run()
    run = RunStore().find_run("last")
    assert not page.exception and run.text_title == "Balanced brackets" and run.model.n_layer


def test_training_from_here_leaves_a_way_back_to_the_chosen_text(app: OpenPage) -> None:
    page = app("puzzle", text="the-curious-cat")
    page.session_state["page.puzzle.task"] = "balanced-brackets"
    page = page.run()
    assert "becomes “Balanced brackets”" in markdown(page)
    page = page.button(key="puzzle_train").click().run()
    assert page.query_params["text"] == "balanced-brackets"
    page.switch_page("../pages/puzzle.py").run()
    page = page.button(key="puzzle_back").click().run()
    assert not page.exception and page.query_params["text"] == "the-curious-cat"
    assert "puzzle_back" not in [button.key for button in page.button]


def test_an_own_gpt_takes_part(app: OpenPage) -> None:
    run = bracket_gpt()
    page = app("puzzle")
    page.session_state["page.puzzle.task"] = "balanced-brackets"
    page = page.run()
    assert not page.exception and len(shares(page)) == 3
    page = page.text_input(key=QUESTION).set_value("([{").run()
    assert not page.exception
    assert html(page).count("It writes ") == 1 and [one.id for one in RunStore().runs("local")] == [run.id]
    page = page.text_input(key=QUESTION).set_value("(]").run()
    assert not page.exception and page.info
