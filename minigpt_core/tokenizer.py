"""From characters to numbers and back: the vocabulary of a text.

Letters in the shape comments: N characters in a text, V characters in the vocabulary.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from minigpt_core.errors import TextError, UserError

CHUNK = 1 << 16  # characters looked up at once: half a megabyte of ids, which stays in the processor's cache
UNKNOWN = -1
LISTED = 10  # an error names so many characters, and so many positions of each

LOOK_ALIKES = (
    ("’", "'"),
    ("'", "’"),
    ("“", '"'),
    ("”", '"'),
    ("…", "..."),
    ("...", "…"),
    ("\u00a0", " "),
    ("\u202f", " "),
)
"""Signs that word processors and phones write, and what else stands for the same: typed, instead."""


class UnknownCharacters(UserError):
    """A text has characters that the vocabulary lacks.

    Attributes:
        positions: each unknown character and where it stands, counted from 0 (its first 10 places).
    """

    def __init__(self, positions: dict[str, list[int]]) -> None:
        self.positions = positions
        super().__init__(
            "These characters are not in the vocabulary (with their positions, counted from 0): {characters}. "
            "Take them out, or make the vocabulary from a text that has them.",
            characters=_listing({readable(character): places for character, places in positions.items()}),
        )


class UnknownIds(UserError):
    """A list of ids has numbers that stand for no character.

    Attributes:
        positions: each unknown id and where it stands, counted from 0 (its first 10 places).
    """

    def __init__(self, positions: dict[int, list[int]], vocab_size: int) -> None:
        self.positions = positions
        super().__init__(
            "These ids stand for no character (with their positions, counted from 0): {ids}. "
            "The ids of this vocabulary go from 0 to {last}.",
            ids=_listing({str(i): places for i, places in positions.items()}),
            last=vocab_size - 1,
        )


@dataclass(frozen=True)
class Fitted:
    """What a vocabulary can make of a text that it was not made from."""

    text: str
    """With characters of the vocabulary only."""

    exchanged: dict[str, str]
    """Signs of the text, and what stands for them in `text`: some of `LOOK_ALIKES`."""

    unknown: dict[str, list[int]]
    """The characters that were left out, and all places where each of them stood, counted from 0."""


@dataclass(frozen=True)
class CharTokenizer:
    """A vocabulary: every character has a number, its id, from 0 to `vocab_size` - 1.

    The notebook's first cell, on a text of any length::

        tokenizer = CharTokenizer.from_text("un chat")
        tokenizer.encode("chat")            # tensor([2, 3, 1, 5]) after " achntu"
        tokenizer.decode([2, 3, 1, 5])      # "chat"

    Raises `TextError` if there is no character, or if they are not sorted or not distinct.
    """

    characters: str
    """All characters in the order of their ids: sorted by Unicode code point, each of them once."""

    def __post_init__(self) -> None:
        if not self.characters:
            raise TextError("The text is empty: there is nothing to learn from.")
        if self.characters != "".join(sorted(set(self.characters))):
            raise TextError("This vocabulary is damaged: its characters are not sorted, or one comes twice.")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The vocabulary of all characters that occur in `text`."""
        return cls("".join(sorted(set(text))))

    @classmethod
    def from_characters(cls, characters: str) -> Self:
        """The vocabulary with these `characters`, which are in the order of their ids."""
        return cls(characters)

    @property
    def vocab_size(self) -> int:
        """V: how many distinct characters there are."""
        return len(self.characters)

    @cached_property
    def stoi(self) -> dict[str, int]:
        """The id of each character ("string to integer")."""
        return {character: i for i, character in enumerate(self.characters)}

    @cached_property
    def itos(self) -> dict[int, str]:
        """The character of each id ("integer to string")."""
        return dict(enumerate(self.characters))

    def encode(self, text: str) -> Tensor:
        """The id of every character of `text`: (N,) int64.

        The same as `torch.tensor([self.stoi[c] for c in text])`, without a Python step per character.
        Raises `UnknownCharacters`, which lists which and where.
        """
        ids, complete = self._look_up(text)
        if not complete:
            raise UnknownCharacters(_unknown_positions(text, ids, at_most=LISTED))
        return ids

    def decode(self, ids: Tensor | Sequence[int]) -> str:
        """The text that `ids`, (N,) integers, stand for: the inverse of `encode`.

        Raises `UnknownIds` for a number below 0 or from `vocab_size` on.
        """
        ids = torch.as_tensor(ids, dtype=torch.int64, device="cpu").flatten()  # (N,)
        outside = (ids < 0) | (ids >= self.vocab_size)  # (N,)
        if outside.any():
            raise UnknownIds(_positions_of_ids(ids, outside), self.vocab_size)
        codes = _code_points(self.characters)  # (V,)
        return "".join(_to_text(codes[part.numpy()]) for part in ids.split(CHUNK))

    def split_unknown(self, text: str) -> tuple[str, dict[str, list[int]]]:
        """`text` without the characters that the vocabulary lacks, and all places where each of them stood."""
        ids, _ = self._look_up(text)
        return self.decode(ids[ids != UNKNOWN]), _unknown_positions(text, ids)

    def fitted(self, text: str) -> Fitted:
        """`text` as this vocabulary can write it: a sign that it lacks is exchanged for its look-alike (’ for ' or the
        other way round, "..." for …), and what has none is left out."""
        exchanged = {
            typed: instead
            for typed, instead in LOOK_ALIKES
            if typed in text and typed[0] not in self.stoi and all(c in self.stoi for c in instead)
        }
        written = searched = text
        for typed, instead in exchanged.items():
            written = written.replace(typed, instead)
            searched = searched.replace(typed, instead[0] * len(typed))  # every place stays what it was
        return Fitted(self.split_unknown(written)[0], exchanged, self.split_unknown(searched)[1])

    def to_json(self) -> str:
        """The vocabulary as JSON. A list of characters, so that not even lone surrogates are joined."""
        return json.dumps({"characters": list(self.characters)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`. Raises `TextError` if `text` is no saved vocabulary."""
        try:
            saved: Any = json.loads(text)
        except (ValueError, RecursionError):
            saved = None
        characters = saved.get("characters") if isinstance(saved, dict) else None
        if not isinstance(characters, list) or not all(
            isinstance(c, str) and len(c) == 1 for c in characters
        ):
            raise TextError("This is not a saved vocabulary: a list of single characters is expected.")
        return cls("".join(characters))

    @cached_property
    def _table(self) -> np.ndarray:
        """The id of each code point up to the highest one in use, then one last entry for all others: `UNKNOWN`."""
        codes = _code_points(self.characters)  # (V,)
        table = np.full(codes[-1] + 2, UNKNOWN, dtype=np.int64)
        table[codes] = np.arange(self.vocab_size)
        return table

    def _look_up(self, text: str) -> tuple[Tensor, bool]:
        """The id of every character or `UNKNOWN`, (N,) int64, and whether all of them are known."""
        ids = np.empty(len(text), dtype=np.int64)
        complete = True
        for start in range(0, len(text), CHUNK):
            part = ids[start : start + CHUNK]
            codes = _code_points(text[start : start + CHUNK])
            np.take(self._table, codes, mode="clip", out=part)  # "clip": too high a code means the last entry
            complete = complete and part.min() != UNKNOWN
        return torch.from_numpy(ids), complete


def readable(character: str) -> str:
    """The character itself if it can be seen, else its code point, such as U+200B."""
    visible = character.isprintable() and not character.isspace()
    return character if visible else f"U+{ord(character):04X}"


def _code_points(text: str) -> np.ndarray:
    """The Unicode number of every character: (N,) uint32. An array of strings stores just that, in 4 bytes each."""
    return np.array([text]).view(np.uint32)[: len(text)]  # an empty text would have one, 0


def _to_text(codes: np.ndarray) -> str:
    """The inverse of `_code_points`."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def _unknown_positions(text: str, ids: Tensor, at_most: int | None = None) -> dict[str, list[int]]:
    """Each unknown character of `text` and the first `at_most` places where it stands (None: all places)."""
    positions: dict[str, list[int]] = {}
    for part in (ids == UNKNOWN).nonzero().flatten().split(CHUNK):
        for i in part.tolist():
            places = positions.setdefault(text[i], [])
            if at_most is None or len(places) < at_most:
                places.append(i)
    return positions


def _positions_of_ids(ids: Tensor, outside: Tensor) -> dict[int, list[int]]:
    """The first distinct ids among those marked in `outside`, with the first places of each."""
    distinct = ids[outside].unique()[:LISTED].tolist()
    return {i: (ids == i).nonzero().flatten()[:LISTED].tolist() for i in distinct}


def _listing(positions: Mapping[str, Sequence[int]]) -> str:
    """The first entries in one line: ``é (3, 17); U+200B (5)``."""
    entries = [f"{name} ({', '.join(map(str, places))})" for name, places in positions.items()]
    return "; ".join(entries[:LISTED] + ["…"] * (len(entries) > LISTED))
