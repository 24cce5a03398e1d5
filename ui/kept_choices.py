"""What a person has chosen on a page, where a reload finds it again: in the address, as `?choices=ladder.budget~300`.

A page asks for a choice before it draws the control with that key. What differs from the usual is kept, under the
choice's own name, whichever page is open.
"""

import base64
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from ui import state

BETWEEN, AND = "~", "+"  # an address need not escape them
LONGEST = 2000  # of a value in the address; a longer one lasts as long as its tab
ROOM = 3000  # for all of them, as in `state.FORM`
LONGEST_TEXT = 20_000  # bytes


def keep(
    name: str,
    usual: Any,
    read: Callable[[str], Any | None],
    write: Callable[[Any], str | None] = str,
    key: str = "",
) -> Any:
    """The choice with the key `state.page_key(name)`: that of this tab, else that of the address, else the usual one.

    Args:
        read: a value from what stands in the address; None for what cannot be meant.
        write: the inverse: letters, digits and `.`, `_`, `:`, `+`, `-`; None for what is too long for an address.
        key: that of the control, if it has another one.
    """
    coded = _coded()
    key = key or state.page_key(name)
    value = state.widget_value(key)
    if value is None:
        value = read(coded[name]) if name in coded else None
        value = usual if value is None else value
        state.set_widget(key, value)
    coded.pop(name, None)
    if value != usual and (written := write(value)) is not None and len(written) <= LONGEST:
        coded[name] = written
    while len(_in_one(coded)) > ROOM:  # one long text goes, and not all that is chosen later
        longest = max(coded, key=lambda one: len(coded[one]))
        del coded[longest]
    state.keep_choices_in_address(_in_one(coded))
    return value


def one_of(values: Iterable[Any]) -> Callable[[str], Any | None]:
    """Reads one of these values."""
    return {str(value): value for value in values}.get


def several_of(values: Iterable[Any], code: Callable[[Any], str] = str) -> Callable[[str], list[Any] | None]:
    """Reads a list of some of these values, as `joined` writes it."""
    known = {code(value): value for value in values}

    def read(text: str) -> list[Any] | None:
        words = text.split(AND) if text else []
        return [known[word] for word in words] if known.keys() >= {*words} else None

    return read


def joined(values: Iterable[Any], code: Callable[[Any], str] = str) -> str:
    """Writes a list."""
    return AND.join(map(code, values))


def keep_text(name: str, offered: str | None) -> str | None:
    """What somebody has typed into the field with the key `state.page_key(name)`, else what stands there; None before
    anything was offered.

    Args:
        offered: what the page has put there itself, and would again.
    """
    text: str | None = keep(name, offered, _read_text, _write_text)
    return text


def _write_text(text: str | None) -> str | None:
    """None for a text that is too long to be packed at all: that takes seconds where somebody has pasted a library."""
    return _packed(text or "") if len(text or "") <= LONGEST_TEXT else None


def _packed(text: str) -> str:
    packed = zlib.compress(text.encode("utf-8", "surrogatepass"), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_text(written: str) -> str | None:
    try:
        unpacking = zlib.decompressobj()
        packed = base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))
        text = unpacking.decompress(packed, LONGEST_TEXT).decode("utf-8", "surrogatepass")
    except (ValueError, zlib.error):
        return None
    return text if unpacking.eof else None


def whole_number(low: int, high: int) -> Callable[[str], int | None]:
    """Reads a whole number from `low` to `high`."""

    def read(text: str) -> int | None:
        digits = text.isascii() and text.isdigit() and len(text) <= len(str(high))
        return int(text) if digits and low <= int(text) <= high else None

    return read


def without(area: str, coded: str) -> str:
    """What stands in the address, without the choices whose names begin so."""
    pairs = _pairs(coded).items()
    return _in_one({name: value for name, value in pairs if not name.startswith(area)})


def _coded() -> dict[str, str]:
    return _pairs(state.choices_in_address())


def _pairs(coded: str) -> dict[str, str]:
    words = coded.split(BETWEEN)
    return dict(zip(words[::2], words[1::2], strict=False))


def _in_one(coded: dict[str, str]) -> str:
    return BETWEEN.join(word for pair in coded.items() for word in pair)
