"""What a person may ask of a machine that a class shares: off unless `MINIGPT_LIMITS` says so, as `make serve` does.

`MINIGPT_LIMITS=class` takes what suits this machine; `minutes=5,runs=20` changes some of it, `off` all of it.
"""

import os
import shutil
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.errors import ConfigError, StoreError

OPERATIONS_PER_SECOND = 5e10  # of one core with large matrices, about
SECONDS_A_LAYER = 0.5e-3  # of a step, however small the model
CLASS = 30  # people


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that one person may have."""

    minutes: float
    """Processor minutes of one training, estimated from its settings."""

    parameters: int = 2_000_000
    block_size: int = 256
    characters: int = 2_000_000
    """Of a text."""

    runs: int = 100
    """That are kept, without those in the bin."""

    megabytes: int
    """Of weights that are kept, with those in the bin."""


def for_this_machine(home: Path) -> Limits:
    """A training may take five minutes of each core, and a class a third of what is free on the disk."""
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    share = shutil.disk_usage(existing).free / 3 / CLASS
    return Limits(minutes=5.0 * (os.cpu_count() or 1), megabytes=int(min(500, max(20, share / 1e6))))


def parsed(text: str, home: Path) -> Limits | None:
    """The limits that are written like this; None: there are none. Raises `ConfigError` for what means nothing."""
    if text in ("", "off"):
        return None
    limits, known = for_this_machine(home), {field.name for field in fields(Limits)}
    for part in filter(None, text.split(",")):
        name, _equals, value = part.strip().partition("=")
        if name == "class" and not value:
            continue
        if name not in known or not is_amount(value, least=0.0 if name == "minutes" else 1.0):
            raise ConfigError(
                "{part} is no limit. Known are {known}.", part=part, known=", ".join(sorted(known))
            )
        amount: Any = float(value) if name == "minutes" else int(float(value))
        limits = replace(limits, **{name: amount})
    return limits


def is_amount(text: str, least: float) -> bool:
    """Whether this is a number above 0, and no less than `least`."""
    try:
        return 0 < float(text) < float("inf") and float(text) >= least
    except ValueError:
        return False


def in_force(home: Path) -> Limits | None:
    """The limits of this process; None: there are none."""
    return parsed(os.environ.get("MINIGPT_LIMITS", ""), home)


def seconds_per_step(model: ModelConfig, training: TrainConfig) -> float:
    """About how long one core works at a step."""
    from minigpt_core.devices import flops_per_step  # with torch: who serves a class does not wait for it

    return flops_per_step(model, training.batch_size) / OPERATIONS_PER_SECOND + SECONDS_A_LAYER * (
        1 + model.n_layer
    )


def check_training(limits: Limits | None, model: ModelConfig, training: TrainConfig) -> None:
    """Raise `ConfigError`, with what fits instead, for a training that asks for too much."""
    if limits is None:
        return
    from minigpt_core.weights import parameters_of

    if model.block_size > limits.block_size:
        raise ConfigError(
            "{name} = {value} is more than this class may use: at most {limit}. Choose a smaller model.",
            name="block_size", value=model.block_size, limit=limits.block_size,
        )  # fmt: skip
    if (parameters := parameters_of(model)) > limits.parameters:
        raise ConfigError(
            "This model has {parameters} parameters; this class may use {limit} at most. Choose a smaller one.",
            parameters=parameters, limit=limits.parameters,
        )  # fmt: skip
    each = seconds_per_step(model, training)
    fitting = int(60 * limits.minutes / each)
    if training.steps > fitting:
        values = {
            "minutes": round(training.steps * each / 60, 1),
            "limit": limits.minutes,
            "fitting": fitting,
        }
        if fitting < 1:
            raise ConfigError(
                "This training would take about {minutes} minutes of a processor, and in this class one may take "
                "{limit}. Choose a smaller model.",
                **values,
            )
        raise ConfigError(
            "This training would take about {minutes} minutes of a processor, and in this class one may take {limit}. "
            "With {fitting} steps it fits.",
            **values,
        )


def check_text(limits: Limits | None, characters: int) -> None:
    """Raise `ConfigError` for a text that is too long."""
    if limits is not None and characters > limits.characters:
        raise ConfigError(
            "This text has {characters} characters; in this class a text may have {limit}. Take a part of it.",
            characters=characters, limit=limits.characters,
        )  # fmt: skip


def check_kept(limits: Limits | None, runs: int, size: int) -> None:
    """Raise `StoreError` if a person keeps so much that nothing more fits.

    Args:
        runs: that are kept, without those in the bin.
        size: bytes of weights, with those in the bin.
    """
    if limits is None:
        return
    if runs >= limits.runs:
        raise StoreError(
            "You keep {runs} trainings, as many as fit in this class. Delete some on the page Compare.",
            runs=runs,
        )
    if size >= limits.megabytes * 1_000_000:
        raise StoreError(
            "Your trainings take {size} MB, as much as fits in this class. Delete some on the page Compare, and empty "
            "the bin.",
            size=round(size / 1e6),
        )  # fmt: skip
