"""The guesses of a class: without names, held back until the teacher shows them to all, and known after a restart."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.lessons.lesson import Question
from minigpt_core.store.classes import ClassStore
from minigpt_core.store.facts import FactStore
from tests.app.conftest import OpenPage
from ui import people, state, teacher
from ui.classroom import wall_state
from ui.lessons import class_guesses
from ui.lessons.class_guesses import Bar, Poll, bars

TEMPERATURE = {"lesson": "temperature", "step": 1}


@pytest.fixture
def served(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    teacher.keep_secret(home)


def ask(shown: bool, **step: object) -> None:
    """What the teacher's buttons keep."""
    ClassStore().keep(class_guesses.KEPT_AS, {"language": "en", "shown": shown, **step})


def shown_in(test: AppTest) -> str:
    return "".join(str(element.proto.body) for element in test.get("html"))


def test_options_numbers_and_orders_are_counted_each_in_its_way() -> None:
    choice = Question(kind="choice", words="Which?", options=("<b>a</b>", "b", "c"), answer=2)
    assert bars(choice, [1, 2, 2.0], 2) == [Bar("<b>a</b>", 1, False), Bar("b", 2, True), Bar("c", 0, False)]
    number = Question(kind="number", words="How many?", answer=3.0, near=0.5)
    assert bars(number, [5, 3.2, 5], 3.0) == [Bar("3.20", 1, True), Bar("5", 2, False)]
    many = bars(number, [*range(40), 1e9], 3.0)
    assert len(many) == class_guesses.BARS and sum(bar.count for bar in many) == 41
    assert [bar.right for bar in many].count(True) == 1
    order = Question(kind="order", words="Sort.", options=("a", "b"), answer=(2, 1))
    assert bars(order, [[2, 1], [1, 2], [2, 1]], (2, 1)) == [Bar("b → a", 2, True), Bar("a → b", 1, False)]
    place = Question(kind="place", words="Where?", options=("x", "y", "z"), answer=3)
    assert [(bar.count, bar.right) for bar in bars(place, [1], 3)] == [(1, False), (0, True)]
    assert "&lt;b&gt;a" in class_guesses.picture(bars(choice, [1], 2)) and bars(number, [], 3.0) == []


def test_a_pupil_waits_and_sees_all_guesses_with_the_teachers_click(
    app: OpenPage, served: None, home: Path
) -> None:
    ask(False, **TEMPERATURE)
    for n, guess in enumerate((1.0, 2.0, 2.0)):
        joined = people.roll().arrive("abc"[n] * 22, "sampling", "en")
        assert joined is not None
        FactStore(home).keep_guess(joined.workspace, "temperature", 1, guess)
    test = app(lesson="temperature", step="1")
    test.radio(key=state.page_key("lessons.guess.temperature.1")).set_value(3).run()
    assert not test.exception and "Your teacher shows all guesses" in shown_in(test)
    told = json.loads(json.dumps(wall_state.told()))["asked"]
    assert told["n"] >= 3 and told["bars"] == [] and "five" in told["question"]
    ask(True, **TEMPERATURE)
    test.run()
    assert "What the class has guessed" in shown_in(test) and "Your teacher shows" not in shown_in(test)
    told = wall_state.told()["asked"]
    assert [(bar["label"], bar["right"]) for bar in told["bars"]][:2] == [
        ("1: the same question, the same answer", False), ("4", True),
    ]  # fmt: skip
    assert [bar["count"] for bar in told["bars"]][:2] == [1, 2] and not {"name", "workspace"} & {*told}


def test_who_is_no_teacher_can_neither_hold_nor_show(app: OpenPage, served: None) -> None:
    test = app(lesson="temperature", step="1")
    assert not [button for button in test.button if str(button.key).startswith("guesses_")]
    assert class_guesses.current_poll() == Poll()


def test_without_a_class_nothing_is_collected(app: OpenPage) -> None:
    ask(False, **TEMPERATURE)
    test = app(lesson="temperature", step="1")
    test.radio(key=state.page_key("lessons.guess.temperature.1")).set_value(3).run()
    assert "Your teacher" not in shown_in(test)
