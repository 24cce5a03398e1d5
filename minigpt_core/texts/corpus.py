"""Texts to learn from: the bundled ones, the generated ones, and what a person uploads."""

import codecs
import random
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import resources

import charset_normalizer

from minigpt_core.configs import check_range
from minigpt_core.errors import N_, TextError

MAX_BYTES = 20_000_000
"""A text must take less than this many bytes in UTF-8."""

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

WIDE = ["utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"]
"""Not guessed without a mark or zeros: charset-normalizer reads a Macintosh's "garçon" as three Chinese characters."""

OFFERED = ("utf-8", "cp1252", "iso8859-15", "mac-roman", "cp850", "cp1250", "cp1251", "shift_jis", "gb18030")
"""Encodings to offer beside the one that was recognised, likely ones first."""

CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
"""Characters that a text hardly ever holds; tab, newline and form feed are not among them."""

LOOKED_AT = 100_000  # characters from the start of a file that must look like text


@dataclass(frozen=True)
class Corpus:
    """A text that comes with the project."""

    id: str
    """One of `BUNDLED`."""

    title: str
    """Its name, in its own language; in English for a generated text."""

    about: str
    """What it is, in a few words: English, to be translated where it is shown."""

    language: str
    """The code of a story's language, "" for generated lines with a rule that can be checked."""

    make: Callable[[], str]
    """Reads or generates it."""

    @cached_property
    def text(self) -> str:
        """The text in its original case."""
        return self.make()


@dataclass(frozen=True)
class Decoded:
    """A file as text, and how its bytes were read."""

    text: str
    """As it stands in the file; `normalize` comes next."""

    encoding: str
    """Python's name of the encoding that was used."""

    candidates: tuple[str, ...]
    """Encodings that read the same bytes without an error, each as another text; the one used comes first."""


def load(corpus_id: str) -> Corpus:
    """A bundled text by its id. Raises `TextError` for an id that is not in `BUNDLED`."""
    if corpus_id not in BUNDLED:
        raise TextError(
            "There is no bundled text called {name}. The bundled texts are: {known}.",
            name=corpus_id, known=", ".join(BUNDLED),
        )  # fmt: skip
    return BUNDLED[corpus_id]


def story(file: str) -> str:
    """A text that lies beside this file."""
    return resources.files("minigpt_core").joinpath("texts", file).read_text("utf-8")


def additions(lines: int = 4000, seed: int = 1337) -> str:
    """Sums of two numbers below 100, one a line: ``12+7=19``.

    No sum comes twice (so `lines` is at most 10,000): the validation part asks for sums that were never seen.
    """
    check_range("lines", lines, 1, 10_000)
    pairs = [divmod(n, 100) for n in random.Random(seed).sample(range(10_000), lines)]
    return "".join(f"{a}+{b}={a + b}\n" for a, b in pairs)


def reversed_words(lines: int = 3000, seed: int = 1337) -> str:
    """Made-up words of two to four syllables and the same words backwards, one a line: ``lomira>arimol``.

    The words are made up, and none comes twice (so `lines` is at most 100,000), so that a model has to reverse them: it
    can't know them by heart.
    """
    check_range("lines", lines, 1, 100_000)
    rng = random.Random(seed)
    syllables = [consonant + vowel for consonant in "bcdfglmnprst" for vowel in "aeiou"]
    words = _distinct(lines, lambda: "".join(rng.choices(syllables, k=rng.randint(2, 4))))
    return "".join(f"{word}>{word[::-1]}\n" for word in words)


def balanced_brackets(lines: int = 3000, seed: int = 1337) -> str:
    """One to ten pairs of brackets a line, every one closed in the right order: ``([]{})[]``.

    No line comes twice (so `lines` is at most 100,000, and short lines are rarer than long ones).
    """
    check_range("lines", lines, 1, 100_000)
    rng = random.Random(seed)
    return "".join(line + "\n" for line in _distinct(lines, lambda: _brackets(rng, pairs=rng.randint(1, 10))))


def _distinct(count: int, draw: Callable[[], str]) -> list[str]:
    """The first `count` different things drawn."""
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn[draw()] = None
    return list(drawn)


def _brackets(rng: random.Random, pairs: int) -> str:
    """Open a bracket or close the last one still open, at random, until all `pairs` are closed."""
    line, still_open = "", ""
    while pairs or still_open:
        if pairs and (not still_open or rng.random() < 0.5):
            bracket, closing = rng.choice(("()", "[]", "{}"))
            line, still_open, pairs = line + bracket, still_open + closing, pairs - 1
        else:
            line, still_open = line + still_open[-1], still_open[:-1]
    return line


BUNDLED = {
    text.id: text
    for text in (
        Corpus(
            "le-chat-curieux", "Le Chat Curieux", N_("a story in French"), "fr", partial(story, "le_chat_curieux.txt")
        ),
        Corpus(
            "the-curious-cat", "The Curious Cat", N_("a story in English"), "en", partial(story, "the_curious_cat.txt")
        ),
        Corpus("additions", "Additions", N_("12+7=19, one sum a line"), "", additions),
        Corpus("reversed-words", "Reversed words", N_("lomira>arimol, and so on"), "", reversed_words),
        Corpus("balanced-brackets", "Balanced brackets", N_("([]{}), all of them closed"), "", balanced_brackets),
    )
}  # fmt: skip
"""The texts that `load` knows, by their ids."""


def decode(raw: bytes, encoding: str | None = None) -> Decoded:
    """Read the bytes of a file as text.

    Args:
        raw: the file, less than `MAX_BYTES`.
        encoding: read it as this; None recognises the encoding. In this order: a byte-order mark, UTF-16
            without one if every other byte is zero, strict UTF-8, Windows-1252 (which reads Latin-1 texts too), and
            charset-normalizer for what these can't read.

    Raises:
        TextError: too large, not a text, or not readable in that encoding.
    """
    check_size(len(raw))
    encoding = encoding or _recognise(raw)
    text = _read_as(raw, encoding)
    if text is None:
        raise TextError(
            "This file cannot be read as {encoding}. Choose another encoding, or save the file as plain text "
            "in UTF-8 and try again.",
            encoding=encoding,
        )
    if _looks_binary(text):
        raise _not_a_text()
    return Decoded(text, encoding, _candidates(raw, text, encoding))


def normalize(text: str, lower: bool = True, *, strip: bool = True) -> str:
    """The text in the form that a vocabulary is made of; doing it twice changes nothing more.

    In lower case (as in the notebook; optional), without the white space around it (a prompt may keep it),
    accents joined to their letters (Unicode's NFC: "e" + U+0301 becomes "é"), every line ending "\\n". Half a
    character (a lone surrogate) becomes U+FFFD.
    """
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if strip:
        text = text.strip()
    if lower:
        text = text.lower()
    text = unicodedata.normalize("NFC", text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_text(text: str) -> None:
    """Raise `TextError` if nothing can be learned from `text`, or if it takes `MAX_BYTES` or more."""
    if not text.strip():
        raise TextError("The text is empty: there is nothing to learn from.")
    if text.count(text[0]) == len(text):
        raise TextError(
            "The text is one character, {character}, over and over: there is nothing to predict. Use a text with "
            "at least two different characters.",
            character=text[0],
        )
    check_size(len(text.encode("utf-8", "surrogatepass")))


def check_size(size: int) -> None:
    """Raise `TextError` for `MAX_BYTES` or more; `size` is in bytes."""
    if size >= MAX_BYTES:
        raise TextError(
            "The text takes {size} MB, and it must be less than {limit} MB. Use a part of it.",
            size=round(size / 1e6, 1), limit=MAX_BYTES // 1_000_000,
        )  # fmt: skip


def _recognise(raw: bytes) -> str:
    """The encoding of `raw`. Raises `TextError` if there is none in which it is a text."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return encoding
    if b"\0" in raw:
        return _recognise_utf16(raw)
    for encoding in ("utf-8", "cp1252"):
        if _read_as(raw, encoding) is not None:
            return encoding
    best = charset_normalizer.from_bytes(raw, cp_exclusion=WIDE).best()
    if best is None:
        raise _not_a_text()
    return best.encoding


def _recognise_utf16(raw: bytes) -> str:
    """UTF-16 without a byte-order mark: in the scripts of Europe, nearly every other byte is zero."""
    for encoding, high, low in (("utf-16-le", raw[1::2], raw[::2]), ("utf-16-be", raw[::2], raw[1::2])):
        if high.count(0) > 0.5 * len(high) and low.count(0) < 0.05 * len(low):
            return encoding
    raise _not_a_text()


def _read_as(raw: bytes, encoding: str) -> str | None:
    """The text without its byte-order mark, or None if the bytes are no text in this encoding."""
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except (LookupError, ValueError):  # no such encoding; not readable in it
        return None


def _candidates(raw: bytes, text: str, encoding: str) -> tuple[str, ...]:
    """`encoding`, which gives `text`, and those of `OFFERED` that give other ones."""
    if raw.isascii() or b"\0" in raw:
        return (encoding,)
    seen = {hash(text)}
    names = [encoding]
    for name in OFFERED:
        other = _read_as(raw, name)
        if other is not None and hash(other) not in seen and not _looks_binary(other):
            seen.add(hash(other))
            names.append(name)
    return tuple(names)


def _looks_binary(text: str) -> bool:
    """Whether a zero, or more than one control character in twenty, says that this is no text."""
    start = text[:LOOKED_AT]
    return "\0" in text or 20 * len(CONTROLS.findall(start)) > len(start)


def _not_a_text() -> TextError:
    return TextError(
        "This file is not plain text (a picture, a PDF or a Word document is not). Save it as plain text in UTF-8 "
        "and try again."
    )
