"""What a step asks for stands beside it as a list with ticks, in words of the lesson's language."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from minigpt_core.lessons import catalogue
from minigpt_core.lessons.checks import CHECKS, ONE_OF
from minigpt_core.lessons.conditions import Condition, read_condition
from minigpt_core.lessons.lesson import Lesson
from minigpt_core.store.facts import FactStore
from tests.app.conftest import OpenPage
from ui import state
from ui.lessons import deeds
from ui.sampling import temperature_view, views
from ui.words.i18n import catalogue as translations
from ui.words.i18n import using
from ui.words.languages import LANGUAGES, SOURCE

MOST = 110  # characters, where text and model are not those that are meant: three lines of the panel


@pytest.fixture
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tab in which nothing was chosen."""
    monkeypatch.setattr(state, "text_id", lambda: "additions")
    monkeypatch.setattr(state, "looked_at", lambda: None)
    monkeypatch.setattr(state, "run_id", lambda: None)


def shown(test: object) -> str:
    bodies = (element.proto.body for element in test.get("html"))  # type: ignore[attr-defined]
    return next((body for body in bodies if "mg-deeds" in body and not body.startswith("<style")), "")


def test_every_check_has_words_and_every_name_is_that_of_its_page() -> None:
    assert {*deeds.WORDS} >= {*CHECKS}
    assert {view.name: view.question for view in views.VIEWS} == deeds.QUESTIONS
    assert {**deeds.ROWS}.items() <= temperature_view.MODES.items()
    assert {*deeds.MODELS} == {*ONE_OF["model"]} and {*deeds.VERDICTS} == {*ONE_OF["verdict"]}
    for lang in {*LANGUAGES} - {SOURCE}:
        known = translations(lang).messages
        names = (
            *deeds.QUESTIONS.values(),
            *deeds.ROWS.values(),
            *deeds.VERDICTS.values(),
            "Step",
            "Show the code",
        )
        assert not [name for name in names if name not in known]


def conditions(lang: str) -> Iterator[Condition]:
    for lesson in catalogue.lessons(lang):
        assert isinstance(lesson, Lesson)
        for step in lesson.steps:
            if step.condition:
                yield from step.condition.parts or (step.condition,)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_our_lessons_ask_for_is_said_in_a_line_or_two(here: None, lang: str) -> None:
    with using(lang):
        said = {str(part.calls()): deeds.words(part) for part in conditions(lang)}
    assert said and all(0 < len(words) <= MOST for words in said.values()), said
    assert not [words for words in said.values() if "{" in words or "_" in words]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("sampled(temperatures=4, prompts=2)", "let it write: 4 temperatures in all, 2 beginnings"),
        ("run(text=own, steps=500, gap_above=0.2)",
         "train a model: on your text, 500 steps, a gap of 0.2 between the losses"),
        ("run_ended(verdict=diverged, learning_rate_above=5, model=TinyGPT, text=the-curious-cat)",
         "train TinyGPT to its end: on “The Curious Cat”, learning rate above 5, it diverges"),
        ("head_switched_off(together=8)", "switch 8 heads off: all at once"),
        ("stepped(times=2)", "press “Step” 2 times"),
        ("page_opened(vocabulary) or code_shown(batches)", "open “Vocabulary” or open “Show the code”: Batches"),
    ],
)  # fmt: skip
def test_a_condition_in_words(
    here: None, monkeypatch: pytest.MonkeyPatch, condition: str, words: str
) -> None:
    if "own" in condition:
        monkeypatch.setattr(state, "text_id", lambda: "0a" * 32)
    with using("en"):
        assert deeds.words(read_condition(condition)) == words


def test_a_text_or_a_model_is_named_where_another_one_is_chosen(
    here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = read_condition("sampled(run=preparedGptEn)")
    with using("en"):
        assert deeds.words(asked) == "let GPT on “The Curious Cat” (prepared) write"
        monkeypatch.setattr(state, "looked_at", lambda: "preparedGptEn")
        assert deeds.words(asked) == "let it write"


@pytest.mark.parametrize(("lang", "opened", "guess"), [
    ("en", "open “Attention”", "make your guess"), ("fr", "ouvrir « Attention »", "parier"),
])  # fmt: skip
def test_what_is_done_and_what_is_left_stands_beside_the_step(
    app: OpenPage, home: Path, lang: str, opened: str, guess: str
) -> None:
    test = app("puzzle", address={"lesson": "attention", "step": "2", "lang": lang})
    listed = shown(test).replace("\u00a0", " ")
    assert listed.index(opened) < listed.index(guess) and listed.count("○") == 2 and "✓" not in listed
    FactStore(home).note("local", "page", page="attention", view="write")
    listed = shown(test.run()).replace("\u00a0", " ")
    assert (listed.count("○"), listed.count("✓")) == (1, 1) and listed.index("✓") < listed.index("○")


def test_a_step_that_asks_for_one_thing_has_no_list(app: OpenPage) -> None:
    test = app("batches", address={"lesson": "batches", "step": "3"})
    assert not shown(test) and any("Not done yet" in element.proto.body for element in test.get("html"))


OWN = """---
title: Mine
about: One thing.
---
## First

Do it.

- page: vocabulary?text={text}
- guess choice: Which one?
  - this
  - that
- answer: 2
- done: text_chosen({text}) and sentence_typed() and guessed(1)
"""


def test_who_changes_the_language_in_the_middle_of_a_step_goes_on_in_it(app: OpenPage, home: Path) -> None:
    (home / "lessons").mkdir()
    for lang, text in (("en", "the-curious-cat"), ("fr", "le-chat-curieux")):
        (home / "lessons" / f"mine.{lang}.md").write_text(OWN.format(text=text), encoding="utf-8")
    test = app(address={"lesson": "mine", "lang": "en"})
    test.radio(key=state.page_key("lessons.guess.mine.1")).set_value(1).run()
    assert shown(test).count("✓") == 2
    test.segmented_control(key=state.LANGUAGE_SWITCH).set_value("fr").run()
    assert test.title[0].value == "Vocabulaire" and test.query_params["step"] in ("1", ["1"])
    assert test.radio(key=state.page_key("lessons.guess.mine.1")).value == 1
    listed = shown(test).replace("\u00a0", " ")
    assert listed.count("✓") == 2 and "choisir « The Curious Cat »" in listed  # which is the chosen one
    FactStore(home).note("local", "sentence", unknown=False)
    test.run()
    assert FactStore(home).progress("local")["mine"].done == {1} and not shown(test)
