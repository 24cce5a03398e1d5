"""Whether a text was invented or copied: which spans of it stand, word for word, in another text.

N stands for the length of the known text (what a model learned from), n for that of the text that is examined.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import mean, stdev
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, with no pattern in its bits: 2**64 divided by the golden ratio
MARK_BITS = 20
STRETCH = 15  # characters: so long a stretch does not stand in two places by chance
AT_ONCE = 1 << 20  # windows whose numbers are in memory at a time
APART = (
    1 / 4
)  # of the loss on unseen text is missing on the learned one: the text is known better than the language
BY_HEART = 0.2  # nats: below that, characters are foreseen with 82 % and more, e to minus this
BY_CHANCE = 0.1  # a difference of the shares that two samples may have by accident, at least


@dataclass(frozen=True)
class Span:
    """Characters of the examined text that stand in the known text, one after the other, and cannot be extended."""

    start: int
    end: int
    """Behind its last character, as in `text[start:end]`."""

    source_start: int
    """Where it stands in the known text, the first time."""

    @property
    def length(self) -> int:
        """How many characters it has."""
        return self.end - self.start


@dataclass(frozen=True)
class Memorization:
    """What of a text stands in the known one."""

    length: int
    """n."""

    spans: tuple[Span, ...]
    """All that are long enough, in their order. They may overlap; none lies within another."""

    @property
    def characters(self) -> int:
        """How many characters lie in a span."""
        covered = reached = 0
        for span in self.spans:
            covered += span.end - max(span.start, reached)
            reached = span.end
        return covered

    @property
    def share(self) -> float:
        """`characters` in relation to all."""
        return self.characters / self.length if self.length else 0.0

    def longest(self, most: int) -> Sequence[Span]:
        """The longest spans, falling; of equals the earlier first."""
        return sorted(self.spans, key=lambda span: -span.length)[:most]


def pieces_of(unseen: str, length: int, most: int = 12) -> list[str]:
    """At most `most` spans of an unseen text, each of this length, evenly spread over it: what to compare with."""
    if len(unseen) <= length:
        return [unseen] if unseen else []
    count = min(most, len(unseen) // length)
    step = (len(unseen) - length) // max(count - 1, 1)
    return [unseen[i * step : i * step + length] for i in range(count)]


def usual_share(shares: Sequence[float]) -> tuple[float | None, float]:
    """The mean of several shares, and how far one of them may lie from it by accident: two standard deviations."""
    if not shares:
        return None, 0.0
    spread = 2 * stdev(shares) if len(shares) > 2 else 0.0
    return mean(shares), max(spread, BY_CHANCE)


Knowledge = Literal["alike", "better", "by_heart"]


def knowledge(seen: float, unseen: float) -> Knowledge:
    """How a model knows the text that it learned from, by its losses there and on unseen text, in nats per character.

    The one rule for the verdict about a training and for what is said of a sample: `alike`, as well as other text;
    `better`, clearly better (`APART`); `by_heart`, so much better that it foresees nearly every character of it.
    """
    if not unseen - seen >= APART * unseen:
        return "alike"
    return "by_heart" if seen < BY_HEART else "better"


WORD = re.compile(r"\w+")
LONGEST_WORD = 15  # characters on average: beyond that, a text is written without spaces between words


def words_of(text: str) -> frozenset[str]:
    """The words of a text; none if they are not told apart by spaces."""
    words = WORD.findall(text)
    return frozenset(words if sum(map(len, words)) <= LONGEST_WORD * len(words) else ())


def unknown_words(text: str, known: frozenset[str]) -> frozenset[str]:
    """The words of a short text that are not `known`; none if no words are."""
    return frozenset(WORD.findall(text)) - known if known else frozenset()


def share_of_words(sample: str, known: frozenset[str]) -> float | None:
    """The share of the letters of `sample` that stand in words which are `known`; None if there are no words.

    Its first and its last word may be cut: they are left out.
    """
    words = WORD.findall(sample)[1:-1]
    letters = sum(map(len, words))
    return sum(len(word) for word in words if word in known) / letters if letters and known else None


class TrainingText:
    """A text in which others are looked for.

    Windows of `least` characters are compared by a hash first (Rabin and Karp,
    https://doi.org/10.1147/rd.312.0249); what the hash finds is then found again by plain comparison, so a text is
    never called copied by mistake.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _codes(self) -> NDArray[np.uint32]:
        return code_points(self.text)  # (N,)

    def memorized(self, text: str, min_length: int) -> Memorization:
        """The spans of `text` with at least `min_length` characters that stand in this text, as long as they go."""
        assert min_length >= 1
        wanted = window_hashes(code_points(text), min_length)  # (n - min_length + 1,)
        found = np.zeros(len(wanted), dtype=np.bool_)
        for first in range(0, len(self._codes), AT_ONCE):
            part = self._codes[first : first + AT_ONCE + min_length - 1]
            found |= those_in(wanted, window_hashes(part, min_length))
        spans: list[Span] = []
        end = 0  # of the span found last
        for start in np.flatnonzero(found).tolist():
            next_end = max(start + min_length, end + 1)  # a span that ends no later lies within the last one
            if next_end > len(text) or not found[next_end - min_length]:
                continue
            if text[start:next_end] in self.text:
                spans.append(self._extended(text, start, next_end))
                end = spans[-1].end
        return Memorization(len(text), tuple(spans))

    def _extended(self, text: str, start: int, end: int) -> Span:
        """The longest span from `start`, of which `text[start:end]` is known to stand here."""
        low, high = end, end + 1  # it stands here up to `low`; whether up to `high` is open
        while high <= len(text) and text[start:high] in self.text:
            low, high = high, 2 * high - start
        high = min(high, len(text) + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if text[start:middle] in self.text else (low, middle)
        return Span(start, low, self.text.find(text[start:low]))


def code_points(text: str) -> NDArray[np.uint32]:
    """(N,) the number of each character in Unicode."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def window_hashes(codes: NDArray[np.uint32], least: int) -> NDArray[np.uint64]:
    """One number for each window of `least` characters, equal for equal windows: (N,) -> (N - least + 1,)."""
    hashes, length = mixed(codes.astype(np.uint64)), 1  # of the windows of `length` characters
    while 2 * length <= least:
        hashes, length = together(hashes, length), 2 * length
    return together(hashes, least - length) if length < least else hashes


def together(hashes: NDArray[np.uint64], apart: int) -> NDArray[np.uint64]:
    """One number for each two windows that begin `apart` characters after each other."""
    n = max(len(hashes) - apart, 0)
    return mixed(hashes[:n] * FACTOR + hashes[apart : apart + n])  # modulo 2**64


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Other numbers, as different from each other, in which the high bits act on the low ones."""
    numbers = (numbers + np.uint64(1)) * FACTOR
    numbers ^= numbers >> np.uint64(29)
    return numbers


def those_in(wanted: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of the few `wanted` numbers stand among the many `known` ones: (n,) and (N,) -> (n,)."""
    marked = np.zeros(
        1 << MARK_BITS, dtype=np.bool_
    )  # by their lowest bits: leaves few of the many to compare
    lowest = np.uint64(len(marked) - 1)
    marked[wanted & lowest] = True
    return np.isin(wanted, known[marked[known & lowest]])
