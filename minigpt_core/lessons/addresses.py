"""What the address of a page can mean, and so the `page:` line of a step: a page drops the rest without a word."""

import re
from collections.abc import Callable, Collection

from minigpt_core.configs import SETTING_TYPES, check_range, check_setting, parse
from minigpt_core.errors import ConfigError
from minigpt_core.generation.request import MAX_LENGTH, MAX_SEED
from minigpt_core.lessons.lesson import ROWS, VIEWS
from minigpt_core.presets import PRESETS
from minigpt_core.store.prepared import RECIPES
from minigpt_core.texts import corpus

PREPARED = tuple(recipe.id for recipe in RECIPES)
OWN_TEXT = re.compile("[0-9a-f]{64}")
RUN = re.compile("[0-9A-Za-z]{1,64}")
STEP = re.compile("[0-9]{1,12}")
COUNTED = ("bigram", "trigram")
"""Who writes without being a run: counted pairs and counted triples."""

NUMBER = re.compile(r"\d+(\.\d+)?")
LIMITS = {
    "temperature": (0, 2), "top_k": (0, 1000), "top_p": (0.05, 1), "length": (10, MAX_LENGTH),
    "seed": (0, MAX_SEED),
}  # fmt: skip
"""From where to where the numbers of the Sampling page go."""

FRACTIONS = ("temperature", "top_p")
"""Those that need not be whole."""


class Unmeant(Exception):
    """A value that cannot be meant; `known`: what it could be, if that can be said."""

    def __init__(self, value: str, known: Collection[str] = ()) -> None:
        super().__init__(value)
        self.value, self.known = value, tuple(known)


def check_value(name: str, value: str) -> None:
    """Raise `Unmeant`, or `ConfigError` of a setting, for what a page would drop from its address."""
    if check := CHECKS.get(name):
        check(value)


def _among(*known: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if value not in known:
            raise Unmeant(value, known)

    return check


def _text(value: str) -> None:
    if value not in corpus.BUNDLED and not OWN_TEXT.fullmatch(value):
        raise Unmeant(value, corpus.BUNDLED)


def _run(value: str) -> None:
    """A run of one's own may have any name of letters and digits."""
    if not RUN.fullmatch(value) or (value.startswith("prepared") and value not in PREPARED):
        raise Unmeant(value, PREPARED)


def _author(value: str) -> None:
    """Counted pairs are called so in a condition, and “bigram” in an address."""
    if value in ("pairs", "triples"):
        raise Unmeant(value, (*COUNTED, *PREPARED))
    _run(value)


def _against(value: str) -> None:
    """A counted table, or a run at a step that it kept."""
    run, _colon, step = value.partition(":")
    if value in COUNTED:
        return
    if not STEP.fullmatch(step):
        raise Unmeant(value, (*COUNTED, "<run>:<step>"))
    _run(run)


def _checkpoint(value: str) -> None:
    if value not in ("best", "last") and not STEP.fullmatch(value):
        raise Unmeant(value, ("best", "last", "<step>"))


def _number(name: str) -> Callable[[str], None]:
    low, high = LIMITS[name]

    def check(value: str) -> None:
        if not NUMBER.fullmatch(value):
            raise Unmeant(value)
        number = float(value) if name in FRACTIONS and "." in value else parse(name, value, int)
        check_range(name, number, low, high)

    return check


def _settings(value: str) -> None:
    """A preset, then names and values by turns: `notebook~steps~700`."""
    preset, *rest = value.split("~")
    names, values = rest[::2], rest[1::2]
    _among(*PRESETS)(preset)
    for setting in names:
        _among(*SETTING_TYPES)(setting)
    if len(names) != len(values):
        raise ConfigError("{name} has no value.", name=names[-1])
    for setting, said in zip(names, values, strict=True):
        check_setting(setting, parse(setting, said, SETTING_TYPES[setting]))


CHECKS: dict[str, Callable[[str], None]] = {
    "text": _text, "letters": _among("original", "lower"), "run": _run, "author": _author,
    "against": _against, "checkpoint": _checkpoint, "replay": _run, "view": _among(*VIEWS), "rows": _among(*ROWS),
    "settings": _settings,
} | {name: _number(name) for name in LIMITS}  # fmt: skip
"""By the name in the address. What may be anything is not there."""
