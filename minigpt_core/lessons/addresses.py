"""What the address of a page can mean, and so the `page:` line of a step: a page drops the rest without a word."""

import re
from collections.abc import Callable, Collection

from minigpt_core.configs import SETTING_TYPES, check_setting, parse
from minigpt_core.errors import ConfigError
from minigpt_core.lessons.lesson import ROWS, VIEWS
from minigpt_core.presets import PRESETS
from minigpt_core.store.prepared import RECIPES
from minigpt_core.texts import corpus

PREPARED = tuple(recipe.id for recipe in RECIPES)
OWN_TEXT = re.compile("[0-9a-f]{64}")
NUMBER = re.compile(r"\d+(\.\d+)?")


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
    """A run of one's own may have any name."""
    if value.startswith("prepared") and value.partition(":")[0] not in PREPARED:
        raise Unmeant(value, PREPARED)


def _number(value: str) -> None:
    if not NUMBER.fullmatch(value):
        raise Unmeant(value)


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
    "text": _text, "letters": _among("original", "lower"), "run": _run, "author": _run, "against": _run,
    "replay": _run, "view": _among(*VIEWS), "rows": _among(*ROWS), "settings": _settings, "temperature": _number,
    "top_k": _number, "top_p": _number, "length": _number, "seed": _number,
}  # fmt: skip
"""By the name in the address. What may be anything is not there."""
