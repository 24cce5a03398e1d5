"""The settings of the next training as they stand in the address: a preset, and what differs from it.

`?settings=notebook~learning_rate~0.01~steps~700`: what a reload finds again, and a link sets up elsewhere.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from minigpt_core.configs import SETTING_TYPES, check_setting, parse
from minigpt_core.errors import ConfigError
from minigpt_core.presets import PRESETS
from ui.settings.table import SETTINGS

BETWEEN = "~"  # an address need not escape it


def encode(preset: str, different: Mapping[str, Any]) -> str:
    """A preset, and the settings that differ from it, as text."""
    pairs = ((name, str(value).lower()) for name, value in different.items())  # true, as on the command line
    return BETWEEN.join([preset, *chain.from_iterable(pairs)])


def decode(text: str) -> tuple[str, dict[str, Any]] | None:
    """The inverse of `encode`; None for what cannot be meant."""
    preset, *rest = text.split(BETWEEN)
    names, values = rest[::2], rest[1::2]
    if preset not in PRESETS or len(names) != len(values) or not SETTINGS.keys() >= {*names}:
        return None
    try:
        found = {
            name: parse(name, value, SETTING_TYPES[name]) for name, value in zip(names, values, strict=True)
        }
        for name, value in found.items():
            check_setting(name, value)
    except ConfigError:
        return None
    return preset, found
