"""How many pieces of real books are read right, in the encodings that hold them, whole and damaged.

    TINY_SHAKESPEARE=… TINY_MOLIERE=… python -m benchmarks.encodings

Pieces of 200 to 100,000 bytes from places that a seed draws. A damaged piece is read right if the text is that of the
piece but for the characters at the damaged place.
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from minigpt_core.errors import TextError
from minigpt_core.texts.encodings import decode

BOOKS = ("TINY_SHAKESPEARE", "TINY_MOLIERE")
SIZES = (200, 1_000, 10_000, 100_000)  # bytes
PIECES = 40  # of each book and size
ENCODINGS = ("utf-8", "latin-1", "cp1252", "mac-roman", "utf-16-le", "utf-16-be")
LOST = 3  # characters that one damaged byte may cost


def cut_begin(raw: bytes, _at: int) -> bytes:
    """The first byte is missing."""
    return raw[1:]


def cut_end(raw: bytes, _at: int) -> bytes:
    """The last byte is missing."""
    return raw[:-1]


def changed(raw: bytes, at: int) -> bytes:
    """One byte is another one."""
    return raw[:at] + bytes([raw[at] ^ 0x80]) + raw[at + 1 :]


def lost(raw: bytes, at: int) -> bytes:
    """One byte is missing."""
    return raw[:at] + raw[at + 1 :]


DAMAGES: dict[str, Callable[[bytes, int], bytes]] = {
    "whole": lambda raw, _at: raw,
    "cut at its beginning": cut_begin,
    "cut at its end": cut_end,
    "one byte changed": changed,
    "one byte lost": lost,
}


def pieces(text: str, size: int, encoding: str, draw: random.Random) -> Iterator[str]:
    """Stretches of a book of about so many bytes."""
    length = size // (2 if encoding.startswith("utf-16") else 1)
    for _ in range(PIECES):
        start = draw.randrange(max(1, len(text) - length))
        yield text[start : start + length]


def is_right(read: str, piece: str) -> bool:
    """Whether what was read is the piece, but for a few characters in one place."""
    read = read.removesuffix("\ufffd")  # half a character at the end
    begin = next(
        (i for i, (a, b) in enumerate(zip(read, piece, strict=False)) if a != b), min(len(read), len(piece))
    )
    end = next(
        (i for i, (a, b) in enumerate(zip(reversed(read), reversed(piece), strict=False)) if a != b),
        min(len(read), len(piece)),
    )
    return begin + end >= max(len(read), len(piece)) - LOST


def main() -> int:
    """Print a line for each encoding and damage, and where it goes wrong."""
    draw = random.Random(1)
    wrong: Counter[str] = Counter()
    total = right = 0
    for encoding in ENCODINGS:
        for damage, spoil in DAMAGES.items():
            cells = []
            for size in SIZES:
                good = seen = 0
                for book in (os.environ[name] for name in BOOKS if name in os.environ):
                    text = Path(book).read_text("utf-8")
                    for piece in pieces(text, size, encoding, draw):
                        try:
                            raw = piece.encode(encoding)
                        except UnicodeEncodeError:  # it cannot be written in it
                            continue
                        seen += 1
                        try:
                            found = decode(spoil(raw, draw.randrange(len(raw))))
                            ok, name = is_right(found.text, piece), found.encoding
                        except TextError as error:
                            ok, name = False, error.template[:40]
                        good += ok
                        wrong[f"{encoding}, {damage}, {size} bytes: {name}"] += not ok
                cells.append(f"{good:>3}/{seen:<3}")
                total, right = total + seen, right + good
            print(f"{encoding:<10} {damage:<22} " + "  ".join(cells), flush=True)
    print(f"{right} of {total} are read right")
    for case, n in wrong.most_common():
        if n:
            print(f"  {n:>3} wrong: {case}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
