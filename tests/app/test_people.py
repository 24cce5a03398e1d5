"""Who is in a served class, and what they are called."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.errors import UserError
from minigpt_core.store.classes import ClassStore
from ui import people, teacher
from ui.people import Roll, clean_name, invented_names, word_lists
from ui.words.languages import LANGUAGES
from ui.words.tokens import escape_markdown


@pytest.fixture
def roll(home: Path) -> Roll:
    return Roll(ClassStore(home))


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_names_enough_and_each_fits(language: str) -> None:
    _pattern, adjectives, animals = word_lists(language)
    names = list(invented_names(language, "x"))
    assert len(set(names)) == len(names) == len(adjectives) * len(animals) > 5 * people.MOST
    assert max(map(len, names)) <= people.LONGEST_NAME


def test_names_are_in_the_language_of_who_comes_and_stay(roll: Roll) -> None:
    french = roll.arrive("a" * 22, "home", "fr")
    assert french is not None and french.name in set(invented_names("fr", "any"))
    assert roll.arrive("a" * 22, "training", "en") == french
    assert next(invented_names("fr", "a" * 22)) == next(invented_names("fr", "a" * 22)) == french.name


def test_who_is_here_is_who_asks_for_news(roll: Roll, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    roll.arrive("a", "home", "en")
    roll.arrive("b", "training", "en")
    now += people.AWAY_SECONDS - 1
    roll.sign_of_life("b")
    now += 2
    assert [(people.is_here(seen), seen and seen.page) for _, seen in roll.everybody()] == [
        (False, "home"), (True, "training"),
    ]  # fmt: skip


def test_nobody_fills_the_list_with_made_up_cookies(roll: Roll, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "MOST", 3)
    assert [roll.arrive(str(n), "home", "en") is None for n in range(5)] == [False] * 3 + [True] * 2
    roll.sign_of_life("made up")
    assert len(roll.everybody()) == 3


def test_facts_and_nicknames_survive_a_restart(roll: Roll, home: Path) -> None:
    roll.arrive("a", "home", "en")
    roll.note("a", "sampled")
    roll.call("a", "  Zoé \n ")
    again = Roll(ClassStore(home)).find("a")
    assert again is not None and (again.name, again.sampled) == ("Zoé", True)


def test_a_nickname_is_one_short_line() -> None:
    assert clean_name("  Léa\t\n B. ") == "Léa B."
    assert clean_name("a\u202eb\u200b\x07c\ufeff") == "abc"
    assert (
        clean_name("Z" + "\u0301\u0323\u0330\u0333\u035b" * 9)
        == clean_name("Z" + "\u0301\u0323\u0330\u0333\u035b" * 9)[:3]
    )
    assert clean_name("नमस्ते") == "नमस्ते"
    with pytest.raises(UserError, match="at most 24"):
        clean_name("x" * 25)


def test_a_pupil_sees_the_own_name_and_may_change_it(
    app: Callable[..., AppTest], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    teacher.keep_secret(home)
    page = app("home", lang="fr")
    (pupil, _seen) = people.roll().everybody()[0]
    assert pupil.name in set(invented_names("fr", "any"))
    people.roll().call(pupil.workspace, "<b>**Zoé**</b>")
    page.run()
    labels = [popover.proto.popover.label for popover in page.get("popover")]
    assert any(label.startswith(escape_markdown("<b>**Zoé**</b>")) for label in labels), labels


def test_alone_at_ones_own_computer_nobody_is_called_anything(
    app: Callable[..., AppTest], home: Path
) -> None:
    app("home")
    assert ClassStore(home).pupils() == []
