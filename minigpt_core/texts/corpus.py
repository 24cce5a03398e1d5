"""Texts to learn from: the bundled ones, the generated ones, and what a person uploads."""

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import resources

import numpy as np

from minigpt_core.configs import check_range
from minigpt_core.errors import N_, TextError

MAX_BYTES = 20_000_000
"""A text must take less than this many bytes in UTF-8."""


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


def load(corpus_id: str) -> Corpus:
    """A bundled text by its id. Raises `TextError` for an id that is not in `BUNDLED`."""
    if corpus_id not in BUNDLED:
        raise TextError(
            "There is no bundled text called {name}. The bundled texts are: {known}.",
            name=corpus_id, known=", ".join(BUNDLED),
        )  # fmt: skip
    return BUNDLED[corpus_id]


def read_bundled(file: str) -> str:
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
            "le-chat-curieux", "Le Chat Curieux", N_("a story in French"), "fr",
            partial(read_bundled, "le_chat_curieux.txt")
        ),
        Corpus(
            "the-curious-cat", "The Curious Cat", N_("a story in English"), "en",
            partial(read_bundled, "the_curious_cat.txt")
        ),
        Corpus("additions", "Additions", N_("12+7=19, one sum a line"), "", additions),
        Corpus("reversed-words", "Reversed words", N_("lomira>arimol, and so on"), "", reversed_words),
        Corpus("balanced-brackets", "Balanced brackets", N_("([]{}), all of them closed"), "", balanced_brackets),
    )
}  # fmt: skip
"""The texts that `load` knows, by their ids."""


def normalize(text: str, lower: bool = True, *, strip: bool = True, alphabet: str = "") -> str:
    """The text in the form that a vocabulary is made of; doing it twice changes nothing more.

    In lower case (as in the notebook; optional), without the white space around it (a prompt may keep it),
    accents joined to their letters (Unicode's NFC: "e" + U+0301 becomes "é"), every line ending "\\n". Half a
    character (a lone surrogate) becomes U+FFFD.

    Lower case is Python's `lower`, so a Greek Σ at the end of a word becomes ς; but İ becomes a plain i, without a dot
    as a character of its own, and I becomes ı in a Turkish text: one that has an ı, or İ and no i (it is in capitals),
    or for whose model this is (whose characters are `alphabet`).
    """
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if strip:
        text = text.strip()
    if lower:
        text = unicodedata.normalize("NFC", text)
        capitals = "İ" in text and "i" not in text and not alphabet
        text = text.replace("İ", "i")
        if "ı" in text or "ı" in alphabet or capitals:
            text = text.replace("I", "ı")
        text = text.lower()
    text = unicodedata.normalize("NFC", text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def small_letters(text: str, lowered: str) -> dict[str, str]:
    """For each small letter of a text, the capitals that became it, all in Unicode's order: {"a": "A", "ς": "Σ", …}.

    Args:
        text: normalized, with its capitals.
        lowered: the same text in lower case.
    """
    if len(text) != len(lowered):  # a letter and its accent became one character: rare
        text, lowered = "".join(sorted(set(text))), ""
    lowered = lowered or "".join(normalize(c, strip=False)[:1] for c in text)
    before, after = (np.array([part]).view(np.uint32) for part in (text, lowered))  # (N,) code points
    changed = before != after
    pairs = np.unique(np.stack([after[changed], before[changed]]), axis=1).T  # (letters, 2)
    groups: dict[str, str] = {}
    for small, capital in pairs.tolist():
        groups[chr(small)] = groups.get(chr(small), "") + chr(capital)
    return groups


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
