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
    MAX_BYTES,
    additions,
    balanced_brackets,
    check_size,
    check_text,
    decode,
    load,
    normalize,
    reversed_words,
)

SHORT_FRENCH = [
    "Où est la pêche ?",
    "L'été",
    "garçon",
    "Ça va ?",
    "Noël",
    "« À bientôt », dit-il.",
    "à",
    "Un matin, le chat goûta la crème brûlée.\r\nElle était là.",
]
JAPANESE = (
    "ある朝、猫は窓の外を見ていました。雨が降っていて、庭の木はぬれていました。ネズミが小さな声で話しました。"
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


# bytes to text


@pytest.mark.parametrize("text", SHORT_FRENCH)
@pytest.mark.parametrize(
    ("written_as", "read_as"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_short_french_texts(text: str, written_as: str, read_as: str) -> None:
    raw = text.encode(written_as)
    decoded = decode(raw)
    assert (decoded.text, decoded.encoding) == (text, read_as)
    assert decoded.candidates[0] == read_as
    assert decode(raw, decoded.encoding).text == text


@pytest.mark.parametrize("text", SHORT_FRENCH)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_byte_order_marks(text: str, encoding: str) -> None:
    raw = ("\ufeff" + text).encode(encoding)
    decoded = decode(raw)
    assert decoded.text == text
    assert decoded.encoding == encoding[:6]
    assert decode(raw, encoding).text == text


def test_words_typographic_signs_are_read_as_windows_1252() -> None:
    text = "L’été… « un œuf » – 3 €"
    assert decode(text.encode("cp1252")).text == text


def test_what_windows_1252_cannot_be_is_left_to_charset_normalizer() -> None:
    decoded = decode(JAPANESE.encode("shift_jis"))
    assert decoded.text == JAPANESE


def test_another_encoding_is_offered_and_reads_another_text() -> None:
    raw = "le cœur".encode("iso8859-15")
    decoded = decode(raw)
    assert decoded.text == "le c½ur"  # œ is not recognised: in Windows-1252 this byte is ½
    assert "iso8859-15" in decoded.candidates
    assert decode(raw, "iso8859-15").text == "le cœur"
    texts = [decode(raw, candidate).text for candidate in decoded.candidates]
    assert len(set(texts)) == len(texts) > 2


def test_plain_ascii_leaves_no_choice() -> None:
    assert decode(b"one morning").candidates == ("utf-8",)
    assert decode(b"").text == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\x06",
        b"a text with a zero \0 in it",
        b"\0",
        b"\0" * 1000,
        b"PK\x03\x04\x14\0\x06\0\x08\0",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + random.Random(1).randbytes(1000),
        bytes(range(1, 32)) * 4,
        b"\xff\xfe" + b"\0\0" * 20 + b"a\0",
    ],
)
def test_what_is_no_text_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(TextError, match=r"not plain text|cannot be read"):
        decode(raw)


@given(st.integers(0, 2**32))
def test_random_bytes_are_refused(seed: int) -> None:
    with pytest.raises(TextError):
        decode(random.Random(seed).randbytes(2000))


@given(
    st.binary(), st.sampled_from([None, "utf-8", "cp1252", "utf-16", "gb18030", "no such encoding", "hex"])
)
def test_any_bytes_are_read_or_refused(raw: bytes, encoding: str | None) -> None:
    try:
        decoded = decode(raw, encoding)
    except TextError:
        return
    assert "\0" not in decoded.text
    for candidate in decoded.candidates:
        decode(raw, candidate)


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf\xff", b"\xff\xfea", b"\xff\xfe\x00\xd8"])
def test_a_damaged_file_with_a_byte_order_mark_is_refused(raw: bytes) -> None:
    with pytest.raises(TextError, match="cannot be read as utf-"):
        decode(raw)


def test_the_limit_on_the_size() -> None:
    check_size(MAX_BYTES - 1)
    with pytest.raises(TextError, match=r"takes 20\.0 MB.* less than 20 MB"):
        decode(b"ab" * (MAX_BYTES // 2))
    with pytest.raises(TextError, match=r"30\.0 MB"):
        check_text("aé" * 10_000_000)  # 3 bytes in UTF-8


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
        ("İ", "i\u0307"),
        ("ΧΑΟΣ", "χαος"),
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
