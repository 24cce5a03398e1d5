"""Every sentence has its translation, and numbers look as the reader expects."""

import ast
import re
from collections import Counter
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as values

from minigpt_core.errors import TextError
from scripts.messages import messages
from ui.words import i18n, tokens
from ui.words.i18n import (
    _,
    duration,
    file_size,
    n_,
    number,
    percent,
    read_number,
    rough_duration,
    signed,
    using,
)
from ui.words.languages import LANGUAGES

ROOT = Path(__file__).parents[3]
WORDS = ROOT / "ui" / "words"
FRENCH = WORDS / "fr"
NO_BREAK = "\u00a0\u202f"


def entries() -> list[tuple[str, Any]]:
    found = []
    for path in sorted(FRENCH.glob("*.po")):
        with path.open("rb") as file:
            found += [(path.name, message) for message in read_po(file, locale="fr") if message.id]
    return found


def forms(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def gaps(sentence: str) -> set[str | None]:
    return {name for _text, name, _spec, _conversion in Formatter().parse(sentence) if name is not None}


def test_every_sentence_is_translated_and_no_entry_is_left_over() -> None:
    wanted = {id_ for area in messages().values() for id_ in area}
    complete = [message for _file, message in entries() if all(forms(message.string)) and not message.fuzzy]
    there = {message.id if isinstance(message.id, str) else tuple(message.id) for message in complete}
    assert wanted - there == set(), "run `python scripts/messages.py` and translate"
    assert there - wanted == set(), "run `python scripts/messages.py`: these sentences are no longer used"


def test_a_sentence_stands_in_one_catalogue_only() -> None:
    ids = [forms(message.id)[0] for _file, message in entries()]  # nor once with a plural and once without
    assert [id_ for id_, times in Counter(ids).items() if times > 1] == []


def test_translations_have_the_gaps_of_the_original() -> None:
    for file, message in entries():
        for form in filter(None, forms(message.string)):
            assert gaps(form) == gaps(forms(message.id)[-1]), f"{file}: {message.id}"


def french_texts() -> list[tuple[str, str]]:
    texts = [(file, form or "") for file, message in entries() for form in forms(message.string)]
    for path in sorted([*FRENCH.glob("*.md"), FRENCH / "glossary.toml"]):
        text = path.read_text(encoding="utf-8")
        code_and_keys = r"(?s:```.*?```)|`[^`]*`|^#.*$|^\[.*$"
        texts.append((path.name, re.sub(code_and_keys, "x", text, flags=re.MULTILINE)))
    return texts


def test_french_typography() -> None:
    for file, text in french_texts():
        prose = re.sub(r"`[^`]*`|https?://\S+|:material/\w+:|\{[^}]*\}", "x", text)
        problems = re.findall(rf".{{0,20}}[^\s{NO_BREAK}:!?…»][;!?](?=\s|$)", prose)
        problems += re.findall(rf".{{0,20}}(?:[^{NO_BREAK}]:(?=\s|$)| [;!?»])", prose)
        problems += re.findall(rf".{{0,10}}«[^{NO_BREAK}].{{0,10}}", prose)
        problems += re.findall(r".{0,10}\w'\w.{0,10}", prose)
        assert not problems, f"{file}: no-break spaces before ; : ! ? », after «; ’ as apostrophe: {problems}"


def test_long_texts_come_in_pairs() -> None:
    english, *others = (
        {path.name for path in (WORDS / code).iterdir() if path.suffix != ".po"} for code in LANGUAGES
    )
    assert others and all(other == english for other in others)


def counted() -> list[str]:
    return [n_("{n} character", "{n} characters", n).format(n=n) for n in (0, 1, 2)]


def test_the_language_decides_words_and_plurals() -> None:
    with using("fr"):
        assert _("Vocabulary") == "Vocabulaire"
        assert counted() == ["0 caractère", "1 caractère", "2 caractères"]
    with using("en"):
        assert _("Vocabulary") == "Vocabulary"
        assert counted() == ["0 characters", "1 character", "2 characters"]


def test_an_error_is_told_in_the_readers_language() -> None:
    error = TextError("The text is empty: there is nothing to learn from.")
    with using("fr"):
        assert i18n.translate(error) != str(error)
    with using("en"):
        assert i18n.translate(error) == str(error)


def test_braces_in_a_persons_words_stay_as_they_are() -> None:
    error = TextError("No preset {name}.", name="{evil.__class__}")
    with using("en"):
        assert i18n.translate(error) == "No preset {evil.__class__}."


@pytest.mark.parametrize(
    ("shown", "english", "french"),
    [
        (lambda: number(5760), "5,760", "5\u202f760"),
        (lambda: number(2.4137, 2), "2.41", "2,41"),
        (lambda: number(0.001), "0.001", "0,001"),
        (lambda: number(2e-9), "2e−09", "2e−09"),
        (lambda: number(-3), "−3", "−3"),
        (lambda: number(-2e-7, 2), "0.00", "0,00"),
        (lambda: signed(-0.001), "+0.00", "+0,00"),
        (lambda: number(float("nan")), "–", "–"),
        (lambda: number(float("inf")), "∞", "∞"),
        (lambda: number(None), "–", "–"),
        (lambda: signed(0.25), "+0.25", "+0,25"),
        (lambda: signed(-0.25), "−0.25", "−0,25"),
        (lambda: percent(0.1061, 1), "10.6\u202f%", "10,6\u202f%"),
        (lambda: percent(0.0044), "0.44\u202f%", "0,44\u202f%"),
        (lambda: percent(0.0002, 1), "0.02\u202f%", "0,02\u202f%"),
        (lambda: percent(0.00017), "0.017\u202f%", "0,017\u202f%"),
        (lambda: percent(1e-9, 1), "<\u202f0.001\u202f%", "<\u202f0,001\u202f%"),
        (lambda: percent(0, 1), "0.0\u202f%", "0,0\u202f%"),
        (lambda: percent(1), "100\u202f%", "100\u202f%"),
        (lambda: file_size(0), "0\u202fB", "0\u202fo"),
        (lambda: file_size(46080), "46.1\u202fkB", "46,1\u202fko"),
        (lambda: file_size(999_999), "1.0\u202fMB", "1,0\u202fMo"),
        (lambda: duration(0.42), "0.4\u202fs", "0,4\u202fs"),
        (lambda: duration(59.7), "1\u202fmin", "1\u202fmin"),
        (lambda: duration(3), "3\u202fs", "3\u202fs"),
        (lambda: duration(130), "2\u202fmin 10\u202fs", "2\u202fmin 10\u202fs"),
        (lambda: duration(7500), "2\u202fh 05\u202fmin", "2\u202fh 05\u202fmin"),
        (lambda: duration(None), "–", "–"),
    ],
)
def test_numbers(shown: Any, english: str, french: str) -> None:
    with using("en"):
        assert shown() == english
    with using("fr"):
        assert shown() == french


@pytest.mark.parametrize(
    ("typed", "english", "french"),
    [
        ("2,5", 2.5, 2.5), ("2.5", 2.5, 2.5), (" 2,50 ", 2.5, 2.5), ("3", 3, 3), (".5", 0.5, 0.5), ("−1", -1, -1),
        ("64 000", 64_000, 64_000), ("64\u202f000", 64_000, 64_000), ("64,000", 64_000, 64.0), ("0,125", 0.125, 0.125),
        ("1,234.5", 1234.5, None), ("", None, None), ("two", None, None), ("1e5", None, None), ("inf", None, None),
        ("1.2.3", None, None), ("٣", None, None),
    ],
)  # fmt: skip
def test_a_number_is_understood_with_comma_and_point(
    typed: str, english: float | None, french: float | None
) -> None:
    found = []
    for code in ("en", "fr"):
        with using(code):
            found.append(read_number(typed))
    assert found == [english, french]


def test_what_is_kept_is_kept_for_each_language() -> None:
    said: dict[str, list[Any]] = {}
    for code in ("en", "fr", "en", "fr"):
        with using(code):
            said.setdefault(code, []).append((tokens.cell("\n"), name_of_line_break()))
    assert said["en"][0] != said["fr"][0]
    assert said["en"][0] == said["en"][1] and said["fr"][0] == said["fr"][1]
    assert [asked for asked in ASKED if asked == "\n"] == ["\n"] * 2  # once a language


ASKED: list[str] = []


@i18n.cached_by_language(10)
def name_of_line_break(character: str = "\n") -> str:
    ASKED.append(character)
    return tokens.name(character)


SPEAK = {
    "_",
    "n_",
    "translate",
    "number",
    "signed",
    "percent",
    "file_size",
    "duration",
    "rough_duration",
    "language",
}
SPEAK |= {"name", "description", "cell"}  # of a character


def test_no_other_cache_keeps_words() -> None:
    """A function that is cached for everybody and speaks would say to all what it said to the first."""
    for path in (ROOT / "ui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(map(is_cache, node.decorator_list)):
                called = {
                    call.func.id
                    for call in ast.walk(node)
                    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
                }
                assert called.isdisjoint(SPEAK), f"{path}: {node.name}"


def is_cache(decorator: ast.expr) -> bool:
    words = ast.unparse(decorator)
    return "cache" in words and not words.startswith("cached_by_language")


@given(values.floats() | values.integers(-(10**400), 10**400))
def test_any_number_can_be_written(value: float) -> None:
    for code in LANGUAGES:
        with using(code):
            for digits in (None, 0, 2, 4):
                assert number(value, digits)
            assert signed(value)


@given(values.floats())
def test_any_share_and_any_time_can_be_written(value: float) -> None:
    assert percent(value) and percent(value, 1) and duration(value)
    assert rough_duration(value, value) and rough_duration(abs(value), 2 * abs(value))


@given(values.integers(0, 10**30))
def test_any_size_can_be_written(n_bytes: int) -> None:
    assert file_size(n_bytes)


@pytest.mark.parametrize(
    ("value", "written"),
    [(1e15, "1e15"), (3.4e38, "3.4e38"), (-(10**400), "−1e400"), (1e14, "100,000,000,000,000")],
)
def test_very_large_numbers_are_written_short(value: float, written: str) -> None:
    with using("en"):
        assert number(value) == written
