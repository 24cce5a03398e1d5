"""The speaker's window follows the lesson of its workspace, and is nobody else's where a class is served."""

from pathlib import Path

import pytest

from minigpt_core.lessons.lesson import Question
from minigpt_core.store.facts import FactStore
from tests.app.conftest import OpenPage
from ui.lessons.notes import answer_words
from ui.server.unknown_page import is_for


def written(test: object) -> str:
    return " ".join(html.proto.body for html in test.get("html"))  # type: ignore[attr-defined]


def test_the_notes_follow_the_lesson(app: OpenPage, home: Path) -> None:
    test = app("notes")
    assert not test.exception and "No lesson has begun here." in " ".join(one.value for one in test.markdown)
    store = FactStore(home)
    store.keep_step("local", "temperature", 1)
    first = written(test.run())
    assert "To say" in first and "step 1 of" in first and "Next" in first
    store.keep_step("local", "temperature", 2)
    second = written(test.run())
    assert "step 2 of" in second and "Right is:" in second and second != first
    assert first.split("<p><b>")[-1].split("</b>")[0] in second  # what was next is on
    store.keep_step("local", "characters-become-numbers", 1)  # another lesson, or none of that name
    assert not test.run().exception


def test_answers_are_said_as_a_pupil_would() -> None:
    options = ("red", "*green*")
    assert answer_words(Question(kind="choice", words="?", options=options), 2) == "<i>green</i>"
    assert answer_words(Question(kind="order", words="?", options=options), (2, 1)) == "<i>green</i> → red"
    assert answer_words(Question(kind="number", words="?"), 3.584) == "3.58"
    assert answer_words(Question(kind="number", words="?"), None) == ""


def test_only_the_teacher_of_a_served_class_finds_the_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    scope = {"type": "http", "method": "GET", "path": "/notes", "headers": []}
    assert is_for("notes", scope)
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    assert not is_for("notes", scope)
