"""The order of characters in a table, and which of them carry a mark."""

import unicodedata
from collections.abc import Sequence

from ui.words.tokens import KINDS, kind


def by_kind(characters: Sequence[str]) -> list[int]:
    """Vowels, consonants, spaces, digits, signs; within each in alphabetical order, accents beside their letter."""
    kinds = list(KINDS)

    def place(index: int) -> tuple[int, str, str]:
        character = characters[index]
        return kinds.index(kind(character)), unicodedata.normalize("NFD", character).lower(), character

    return sorted(range(len(characters)), key=place)


def has_accent(character: str) -> bool:
    """Whether it is a letter with a mark: é, ç, ñ."""
    letter = unicodedata.normalize("NFD", character)
    return len(letter) > 1 and letter[0].isalpha()
