"""Words and numbers in the reader's language. The English sentence is the key, `.po` files hold the others.

`_("Start")`, `_("{n} steps").format(n=number(500))`, `n_("{n} step", "{n} steps", n).format(n=number(n))`.
`python scripts/messages.py` brings the `.po` files up to date and lists what is missing.
"""

import gettext
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

import streamlit as st
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from minigpt_core.errors import UserError
from ui.words.languages import LANGUAGES, SOURCE, Language
from ui.workspace import without_places

NARROW_SPACE = "\u202f"  # no-break: between digits, and between a number and its unit
SAME_TIME = 1.5  # times that differ by less than this factor count as one
NO_VALUE = "–"
LEAST_PERCENT = 0.001  # what is less is told as less than this
LONGEST = 1e15  # from here on a number is written as 1.5e15
THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
PLAIN_NUMBER = re.compile(r"-?(\d{1,15}(\.\d*)?|\.\d+)", re.ASCII)

P = ParamSpec("P")
R = TypeVar("R")

SPOKEN = "spoken_language"  # session key

_fixed_language: ContextVar[str | None] = ContextVar("fixed_language", default=None)
_known_language: ContextVar[str | None] = ContextVar("known_language", default=None)
"""The session's, as this thread has found it there: a page asks a thousand times, and a thread is of one session."""


@dataclass(frozen=True)
class Catalogue:
    """The translations of one language; a sentence with a plural has one string for each form."""

    messages: dict[str, tuple[str, ...]]
    plural_form: Callable[[int], int]


def language() -> str:
    """The code of the reader's language, a key of `LANGUAGES`."""
    code = _fixed_language.get() or _known_language.get()
    if code is None and (code := st.session_state.get(SPOKEN)):
        _known_language.set(code)
    return code or SOURCE


def spoken() -> Language:
    """What the reader's language is like."""
    return LANGUAGES[language()]


def speak(code: str) -> None:
    """From here on, this tab speaks the language `code`.

    The session holds it: Streamlit runs every click in a thread of its own, and callbacks and fragments in it before or
    without the main script that has called this. A context variable only keeps the way there short.
    """
    st.session_state[SPOKEN] = code
    _known_language.set(code)


@contextmanager
def using(code: str) -> Iterator[None]:
    """Inside this block, everything is in the language `code`."""
    token = _fixed_language.set(code)
    try:
        yield
    finally:
        _fixed_language.reset(token)


def _(message: str) -> str:
    """`message` in the reader's language."""
    forms = catalogue(language()).messages.get(message)
    return forms[0] if forms else message


def N_(message: str) -> str:
    """Mark a sentence for translation where it is kept, to be translated where it is shown."""
    return message


def n_(singular: str, plural: str, n: int) -> str:
    """The form that goes with the number `n`, in the reader's language."""
    words = catalogue(language())
    forms = words.messages.get(singular, (singular, plural))
    return forms[min(words.plural_form(n), len(forms) - 1)]


def cached_by_language(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator: keep what a function says, for each language by itself. At most `most` sentences are kept."""

    def decorate(speaks: Callable[P, R]) -> Callable[P, R]:
        @lru_cache(maxsize=most)
        def said(code: str, /, *args: P.args, **kwargs: P.kwargs) -> R:
            return speaks(*args, **kwargs)

        @wraps(speaks)
        def say(*args: P.args, **kwargs: P.kwargs) -> R:
            return said(language(), *args, **kwargs)  # type: ignore[arg-type]  # they can be hashed

        return say

    return decorate


def translate(error: UserError) -> str:
    """What a `UserError` says, in the reader's language, as plain text; a reason in it that is one says it, too."""
    values = {
        name: translate(value) if isinstance(value, UserError) else shown_value(value)
        for name, value in error.values.items()
    }
    return without_places(_(error.template).format(**values))


def page_text(name: str) -> str:
    """The Markdown of `<language>/<name>.md`."""
    return spoken().file(f"{name}.md").read_text(encoding="utf-8")


@cache
def catalogue(code: str) -> Catalogue:
    """All `.po` files of one language in one table. English needs none: its sentences are the keys."""
    messages: dict[str, tuple[str, ...]] = {}
    plural_form = gettext.c2py("n != 1")
    for path in sorted(LANGUAGES[code].folder.glob("*.po")):
        with path.open("rb") as file:
            part = read_po(file, locale=LANGUAGES[code].babel)
        plural_form = gettext.c2py(part.plural_expr)
        for message in part:
            forms = _forms(message.string)
            if message.id and all(forms) and not message.fuzzy:
                messages[_key(message.id)] = forms
    return Catalogue(messages, plural_form)


def _key(message_id: Any) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]


def _forms(string: Any) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


# Numbers


def number(value: float | None, digits: int | None = None) -> str:
    """5760 → "5,760" or "5 760". `digits` after the decimal mark; None shows whole numbers whole, others as needed."""
    if value is None or value != value:
        return NO_VALUE
    if value in (math.inf, -math.inf):
        return "∞" if value > 0 else "−∞"
    if (digits is None and 0 < abs(value) < 1e-6) or abs(value) >= LONGEST:
        digit, exponent = f"{Decimal(value):.2e}".split("e")
        short = f"{float(digit):g}e{int(exponent):0{3 if abs(value) < 1 else 1}}"
        return short.replace(".", spoken().decimal_mark).replace("-", "−")
    decimals = "#" * 6 if digits is None else "0" * digits
    pattern = f"#,##0.{decimals}" if decimals else "#,##0"
    return _formatted(abs(value), math.copysign(1, value) < 0, pattern, language())


@lru_cache(maxsize=20_000)
def _formatted(size: float, negative: bool, pattern: str, code: str) -> str:
    """A number as a locale writes it: a page has hundreds, most of them the same for every click."""
    text = format_decimal(-size if negative else size, format=pattern, locale=LANGUAGES[code].babel)
    return text.replace("-", "−" if any(digit in text for digit in "123456789") else "")  # no −0.00


def read_number(typed: str) -> float | None:
    """What is meant by "2,5", "2.5" or "64 000", whatever the language; None if it is no number.

    A comma before three digits divides thousands where readers write a decimal point, as in "64,000".
    """
    text = re.sub(r"[\s'’]", "", typed).replace("−", "-")
    if spoken().decimal_mark == "." and THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    text = text.replace(",", ".")
    return float(text) if PLAIN_NUMBER.fullmatch(text) else None


def decimal_point_note() -> str:
    """A sentence for number fields, which show decimals as the browser does; "" where readers write a point anyhow."""
    if spoken().decimal_mark == ".":
        return ""
    return _("Some browsers show a point in this field: 0.9 is nine tenths.")


def signed(value: float, digits: int = 2) -> str:
    """0.25 → "+0.25", -0.25 → "−0.25"."""
    text = number(value, digits)
    return text if text.startswith("−") else f"+{text}"


def percent(share: float | None, digits: int = 0) -> str:
    """0.106 → "11 %"; with one digit "10.6 %" or "10,6 %". What would round to nothing is told all the same: "0.017 %",
    or "< 0.001 %"."""
    if share is None or not math.isfinite(share):
        return NO_VALUE
    size = abs(100 * share)
    if not 0 < size <= 0.5 / 10**digits:
        return f"{number(100 * share, digits)}{NARROW_SPACE}%"
    if size < LEAST_PERCENT:
        return f"<{NARROW_SPACE}{number(LEAST_PERCENT)}{NARROW_SPACE}%"
    return f"{number(float(f'{100 * share:.2g}'))}{NARROW_SPACE}%"


def file_size(n_bytes: int) -> str:
    """46080 → "46.1 kB" or "46,1 ko" (steps of 1000)."""
    units = spoken().file_sizes
    size, step = float(n_bytes), 0
    while size >= 999.95 and step < len(units) - 1:
        size, step = size / 1000, step + 1
    digits = 1 if step and size < 100 else 0
    return f"{number(size, digits)}{NARROW_SPACE}{units[step]}"


def duration(seconds: float | None) -> str:
    """0.42 → "0.4 s", 130 → "2 min 10 s", 7500 → "2 h 05 min"."""
    if seconds is None or not math.isfinite(seconds):
        return NO_VALUE
    if seconds < 0.95:
        return f"{number(max(seconds, 0), 1)}{NARROW_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest}{NARROW_SPACE}s"
    if minutes < 60:
        return f"{minutes}{NARROW_SPACE}min" + (f" {rest}{NARROW_SPACE}s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{number(hours)}{NARROW_SPACE}h {minutes:02d}{NARROW_SPACE}min"


def rough_duration(alone: float, crowded: float) -> str:
    """A time that depends on what else the machine does, no more exact than it is known: "40 s".

    Args:
        alone: seconds if nothing else is done. They are told: how busy a machine was while it was measured says little
            about the next minutes.
        crowded: seconds if the machine stays as busy as it is.
    """
    return duration(_round(alone if is_crowded(alone, crowded) else (alone + crowded) / 2))


def is_crowded(alone: float, crowded: float) -> bool:
    """Whether it takes clearly longer while the machine is as busy as now, so that this is to be said."""
    return crowded >= SAME_TIME * alone


def _round(seconds: float) -> float:
    """As one would say it: 7 s, 35 s, 2 min 30 s, 12 min."""
    if not math.isfinite(seconds):
        return seconds
    for limit, unit in ((10, 1), (60, 5), (300, 30)):
        if seconds < limit:
            return max(1, unit * round(seconds / unit))
    return 60 * float(round(seconds / 60))


def shown_value(value: Any) -> str:
    """A value inside a sentence: numbers in the reader's locale, everything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return number(value)


def plotly_separators() -> str:
    """Plotly's `separators`: the decimal mark, then the mark between thousands."""
    return spoken().decimal_mark + spoken().thousands_mark
