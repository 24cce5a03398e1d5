"""Signs for characters that cannot be seen."""

import unicodedata
from functools import lru_cache

SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥", "\x7f": "␡"}
SHORT_NAMES = {
    "\u00a0": "NBSP", "\u00ad": "SHY", "\u034f": "CGJ", "\u061c": "ALM", "\u200b": "ZWSP", "\u200c": "ZWNJ",
    "\u200d": "ZWJ", "\u200e": "LRM", "\u200f": "RLM", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF",
    "\u202d": "LRO", "\u202e": "RLO", "\u202f": "NNBSP", "\u2060": "WJ", "\u2066": "LRI", "\u2067": "RLI",
    "\u2068": "FSI", "\u2069": "PDI", "\u2028": "LSEP", "\u2029": "PSEP", "\ufeff": "BOM",
}  # fmt: skip


@lru_cache(maxsize=4096)
def face(character: str) -> str:
    """What a tile shows: the character, or a sign or short name for one that cannot be seen."""
    code, category = ord(character), unicodedata.category(character)
    if character in SIGNS or character in SHORT_NAMES:
        return SIGNS.get(character) or SHORT_NAMES[character]
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode's pictures of control characters
    if 0xFE00 <= code <= 0xFE0F:
        return f"VS{code - 0xFDFF}"  # variation selectors
    if category.startswith("M"):
        return f"◌{character}"
    if category[0] in "CZ":
        return code_point(character)
    return character


def code_point(character: str) -> str:
    """U+00E9 for é."""
    return f"U+{ord(character):04X}"


def visible(text: str) -> str:
    """A text with signs for what cannot be seen; spaces and lines stay what they are."""
    return "".join(c if c in " \n" else face(c) for c in text)
