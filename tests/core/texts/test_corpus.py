import random
import re
import sys
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigpt_core.errors import ConfigError, TextError
from minigpt_core.texts.corpus import (
    BUNDLED,
    additions,
    balanced_brackets,
    check_text,
    load,
    normalize,
    reversed_words,
    small_letters,
)

# bundled texts


@pytest.mark.parametrize("corpus_id", BUNDLED)
def test_every_bundled_text_can_be_learned_from(corpus_id: str) -> None:
    corpus = load(corpus_id)
    assert corpus.id == corpus_id and corpus.title
    check_text(corpus.text)
    assert corpus.about and (corpus.text != corpus.text.lower() or not corpus.language)
    for lower in (True, False):
        text = normalize(corpus.text, lower)
        n_train = int(0.9 * len(text))
        assert set(text[n_train:]) <= set(text[:n_train])
        assert len(text) >= 20_000


@pytest.mark.parametrize(
    ("corpus_id", "language", "names"),
    [("le-chat-curieux", "fr", ["un matin,", "chat"]), ("the-curious-cat", "en", ["one morning,", "cat"])],
)
def test_the_stories(corpus_id: str, language: str, names: list[str]) -> None:
    corpus = load(corpus_id)
    assert corpus.language == language
    text = normalize(corpus.text)
    assert all(name in text for name in names)
    assert unicodedata.is_normalized("NFC", corpus.text)


def test_load_refuses_other_names_and_says_which_there_are() -> None:
    with pytest.raises(TextError, match=r"\.\./secret") as error:
        load("../secret")
    assert all(name in str(error.value) for name in BUNDLED)


@pytest.mark.parametrize("generate", [additions, reversed_words, balanced_brackets])
def test_toy_texts_depend_on_the_seed_alone(generate: Callable[..., str]) -> None:
    random.seed(1)
    text = generate(lines=50, seed=3)
    random.seed(2)
    assert generate(lines=50, seed=3) == text != generate(lines=50, seed=4)
    assert text.count("\n") == 50 and text.endswith("\n")


def test_additions_are_right_and_come_once() -> None:
    lines = additions().splitlines()
    for line in lines:
        a, b, total = map(int, re.split(r"[+=]", line))
        assert a + b == total
    assert len(set(lines)) == len(lines)
    assert len(additions(10_000).splitlines()) == 10_000
    with pytest.raises(ConfigError):
        additions(10_001)


def test_reversed_words_are_reversed() -> None:
    for line in reversed_words().splitlines():
        word, backwards = line.split(">")
        assert list(word) == list(reversed(backwards))


def test_brackets_are_balanced() -> None:
    for line in balanced_brackets().splitlines():
        assert 2 <= len(line) <= 20
        while line:
            shorter = re.sub(r"\(\)|\[\]|\{\}", "", line)
            assert shorter != line
            line = shorter


# text to text


@given(st.text(st.characters(codec=None)), st.booleans(), st.booleans())
def test_normalizing_twice_changes_nothing(text: str, lower: bool, strip: bool) -> None:
    once = normalize(text, lower, strip=strip)
    assert normalize(once, lower, strip=strip) == once
    assert unicodedata.is_normalized("NFC", once)
    assert "\r" not in once and (not strip or once == once.strip())
    once.encode("utf-8")


@pytest.mark.parametrize("lower", [True, False])
def test_normalizing_any_single_character_twice_changes_nothing(lower: bool) -> None:
    for first in range(0, sys.maxunicode + 1, 256):  # each between letters, so that none touches the next
        once = normalize("".join(f"a{chr(code)}b" for code in range(first, first + 256)), lower)
        assert normalize(once, lower) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Un Matin,\r\nle chat\rdort \n", "un matin,\nle chat\ndort"),
        ("E\u0301te\u0301", "été"),
        ("ÉTÉ", "été"),
        ("İI", "iı"),
        ("I\u0307", "i"),
        ("IRMAK ılık, İZMİR", "ırmak ılık, izmir"),
        ("KIZ IRMAĞA İNDİ", "kız ırmağa indi"),
        ("I was in İzmir", "i was in izmir"),
        ("ΧΑΟΣ ΣΑΣ", "χαος σας"),
        ("\u212a", "k"),
        ("a\ud800b", "a\ufffdb"),
        ("a\udc00", "a\ufffd"),
        ("\ud83d\udc08", "🐈"),
        ("\u200bא\u202e", "\u200bא\u202e"),
        ("a\n\n\r\n\rb", "a\n\n\n\nb"),
        (" \t\r\n", ""),
    ],
)
def test_normalize(text: str, expected: str) -> None:
    assert normalize(text) == expected


def test_a_prompt_for_a_turkish_model_is_turkish() -> None:
    assert normalize("IRMAK", alphabet="aıi") == "ırmak"
    assert normalize("İZMİR IS", alphabet="abi") == "izmir is"
    assert normalize("IRMAK", lower=False, alphabet="aıi") == "IRMAK"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AEaeÉé1", {"a": "A", "e": "E", "é": "É"}),
        ("abc 1", {}),
        ("ΣΑΣ Σ", {"α": "Α", "ς": "Σ", "σ": "Σ"}),
        ("İI", {"i": "İ", "ı": "I"}),
        ("İIi", {"i": "Iİ"}),
        ("İI ı", {"i": "İ", "ı": "I"}),
        ("H\u0331A", {"a": "A", "h": "H"}),  # ẖ is one character, its capital two
    ],
)
def test_small_letters_are_those_of_the_text(text: str, expected: dict[str, str]) -> None:
    assert small_letters(normalize(text, lower=False), normalize(text)) == expected


@given(st.text(st.characters(codec="utf-8")))
def test_every_small_letter_and_capital_stands_in_the_text(text: str) -> None:
    before, after = normalize(text, lower=False), normalize(text)
    for small, capitals in small_letters(before, after).items():
        assert {*capitals} <= {*before} and (small in after or len(before) != len(after))


def test_lower_case_is_optional() -> None:
    assert normalize(" Le Chat ", lower=False) == "Le Chat"


def test_a_prompt_may_keep_the_white_space_around_it() -> None:
    assert normalize(" Un matin, ", strip=False) == " un matin, "


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u00a0\t"])
def test_an_empty_text_is_refused(text: str) -> None:
    with pytest.raises(TextError, match="empty"):
        check_text(text)


def test_one_distinct_character_is_refused() -> None:
    with pytest.raises(TextError, match="one character, é,"):
        check_text("ééééé")
    check_text("éa")
