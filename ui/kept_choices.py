"""What a person has chosen on a page, where a reload finds it again: in the address, as `?choices=ladder.budget~300`.

A page asks for a choice before it draws the control with that key. What differs from the usual is kept, under the
choice's own name, whichever page is open.
"""

from collections.abc import Callable, Iterable
from typing import Any

from ui import state

BETWEEN, AND = "~", "+"  # an address need not escape them


def keep(name: str, usual: Any, read: Callable[[str], Any | None], write: Callable[[Any], str] = str) -> Any:
    """The choice with the key `state.page_key(name)`: that of this tab, else that of the address, else the usual one.

    Args:
        read: a value from what stands in the address; None for what cannot be meant.
        write: the inverse: letters, digits and `.`, `_`, `:`, `+`, `-`.
    """
    coded = _coded()
    value = state.page_state(name, None)
    if value is None:
        value = read(coded[name]) if name in coded else None
        value = usual if value is None else value
        state.set_page_state(name, value)
    coded.pop(name, None)
    if value != usual:
        coded[name] = write(value)
    state.keep_choices_in_address(BETWEEN.join(word for pair in coded.items() for word in pair))
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


def whole_number(low: int, high: int) -> Callable[[str], int | None]:
    """Reads a whole number from `low` to `high`."""

    def read(text: str) -> int | None:
        digits = text.isascii() and text.isdigit() and len(text) <= len(str(high))
        return int(text) if digits and low <= int(text) <= high else None

    return read


def _coded() -> dict[str, str]:
    words = state.choices_in_address().split(BETWEEN)
    return dict(zip(words[::2], words[1::2], strict=False))
