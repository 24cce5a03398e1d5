"""What a training's losses say about it: did it break, overfit, reach its floor, or stop too early?

Every verdict comes from the evaluations of one run by a rule that is stated where it is applied, and names the
numbers that it rests on. The thresholds were set on runs that really show each case; `tests/core/test_diagnosis.py`
trains them again. All losses are in nats per character.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from minigpt_core.ngrams import Baselines
from minigpt_core.training import MetricsEvent, TrainConfig

Kind = Literal[
    "diverged",
    "overfitting",
    "floor",
    "rate_too_high",
    "rate_too_low",
    "too_early",
    "nothing_wrong",
    "too_short",
]

FEWEST_EVALUATIONS = 5
WORSE_THAN_CHANCE = 1.2  # times ln V: a fresh model lies a little above ln V, a broken one far above
RISEN = 0.05  # a validation loss that is so much above its best has risen, more than evaluations waver
AT_FLOOR = 0.1  # so near to its minimum, what is left is the wavering of small batches
ABOVE_COUNTING = 0.1  # so far above what counted pairs reach, a model has not even learned those
FLAT = 0.12  # the second half brought less than this share of what the first half brought
WAVERING = 0.25  # so large a share of the second half's evaluations came out higher than the one before
STRAIGHT = 0.35  # it brought more than this share: the curve is nearly a straight line
STILL_FALLING = 0.02  # what the last quarter must bring before more steps are advised
BACK_TO = {"adamw": 1e-2, "muon": 1e-2, "sgd": 1.0}  # a run that broke goes back at least to these rates


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One verdict, with the numbers that show it and a change that answers it."""

    kind: Kind

    numbers: dict[str, float] = field(default_factory=dict)
    """What the verdict rests on, by name."""

    next_run: dict[str, Any] = field(default_factory=dict)
    """Fields of `TrainConfig` or `ModelConfig` to set in the next run; empty if none would help."""

    next_preset: str | None = None
    """The preset to go on with, where another kind of model is the answer."""


def diagnose(
    evaluations: Sequence[MetricsEvent],
    *,
    status: str,
    training: TrainConfig,
    baselines: Baselines,
    sees_one_character: bool,
    dropout: float = 0.0,
) -> Finding:
    """The verdict that matters most about a run.

    Args:
        evaluations: all of them, in order.
        status: as in the run store; "diverged" decides by itself.
        training: how it was trained, with the settings in force at its end.
        baselines: what counting reaches on the run's text.
        sees_one_character: whether the model has no way to look further back (no attention).
        dropout: the model's.
    """
    finite = [e for e in evaluations if math.isfinite(e.train_loss)]
    finding = _broken(finite, status, training, baselines)
    if finding is None and len(finite) < FEWEST_EVALUATIONS:
        finding = Finding(
            kind="too_short", numbers={"evaluations": len(finite), "fewest": FEWEST_EVALUATIONS}
        )
    finding = finding or _overfitting(finite, sees_one_character, dropout)
    finding = finding or _floor(finite, baselines, sees_one_character)
    finding = finding or _speed(finite, training, baselines, sees_one_character)
    return finding or _nothing_wrong(finite, baselines)


def _broken(
    evaluations: Sequence[MetricsEvent], status: str, training: TrainConfig, baselines: Baselines
) -> Finding | None:
    """The loss is no number any more, or clearly worse than pure chance."""
    last = evaluations[-1].train_loss if evaluations else math.nan
    spoiled = len(evaluations) > 1 and last > WORSE_THAN_CHANCE * baselines.uniform
    if status != "diverged" and not spoiled:
        return None
    return Finding(
        kind="diverged",
        numbers={"loss": last if spoiled else math.nan, "chance": baselines.uniform},
        next_run={"learning_rate": min(BACK_TO[training.optimizer], one_digit(training.learning_rate / 10))},
    )


def _overfitting(
    evaluations: Sequence[MetricsEvent], sees_one_character: bool, dropout: float
) -> Finding | None:
    """Since its best step the validation loss rose by `RISEN`, while the training loss fell by as much."""
    known = [(e.val_loss, e) for e in evaluations if e.val_loss is not None]
    if not known:
        return None
    (best_loss, best), (last_loss, last) = min(known, key=lambda pair: pair[0]), known[-1]
    if last_loss - best_loss < RISEN or best.train_loss - last.train_loss < RISEN:
        return None
    remedy = {} if sees_one_character else {"dropout": min(0.5, round(dropout + 0.2, 2))}
    return Finding(
        kind="overfitting",
        numbers={
            "best_step": best.step, "best_val_loss": best_loss, "val_loss": last_loss,
            "train_before": best.train_loss, "train_loss": last.train_loss,
        },
        next_run=remedy or {"steps": best.step},
    )  # fmt: skip


def _floor(
    evaluations: Sequence[MetricsEvent], baselines: Baselines, sees_one_character: bool
) -> Finding | None:
    """A model that sees one character has come within `AT_FLOOR` of the lowest loss it can have (Gibbs)."""
    last = evaluations[-1].train_loss
    if not sees_one_character or last - baselines.one_character_minimum > AT_FLOOR:
        return None
    return Finding(
        kind="floor",
        numbers={"loss": last, "floor": baselines.one_character_minimum},
        next_preset="chat-curieux-gpt",
    )


def _speed(
    evaluations: Sequence[MetricsEvent],
    training: TrainConfig,
    baselines: Baselines,
    sees_one_character: bool,
) -> Finding | None:
    """What the second half of the run brought, as a share of what the first half brought, tells its speed."""
    losses = [e.train_loss for e in evaluations]
    n = len(losses)
    first, second = losses[0] - losses[n // 2], losses[n // 2] - losses[-1]
    last_quarter = losses[n - 1 - max(1, n // 4)] - losses[-1]
    cut_short = evaluations[-1].step < training.steps  # its steep part: too little to judge the rate by
    share = second / first if first > 0 else math.inf
    rises = sum(later > earlier for earlier, later in pairwise(losses[n // 2 :])) / (n - 1 - n // 2)
    floor = baselines.one_character_minimum if sees_one_character else baselines.bigram_train
    numbers = {
        "first_half": first,
        "second_half": second,
        "rises": rises,
        "loss": losses[-1],
        "reference": floor,
    }
    if share < FLAT and rises >= WAVERING and losses[-1] - floor > ABOVE_COUNTING:
        return Finding(
            kind="rate_too_high", numbers=numbers,
            next_run={"learning_rate": one_digit(training.learning_rate / 10)},
        )  # fmt: skip
    if share > STRAIGHT and not cut_short and losses[-1] - floor > ABOVE_COUNTING:
        return Finding(
            kind="rate_too_low", numbers=numbers,
            next_run={"learning_rate": one_digit(training.learning_rate * 10)},
        )  # fmt: skip
    if last_quarter > STILL_FALLING:
        return Finding(
            kind="too_early", numbers=numbers | {"last_quarter": last_quarter},
            next_run={"steps": training.steps if cut_short else min(10_000_000, 2 * training.steps)},
        )  # fmt: skip
    return None


def _nothing_wrong(evaluations: Sequence[MetricsEvent], baselines: Baselines) -> Finding:
    last = evaluations[-1]
    val_loss = math.nan if last.val_loss is None else last.val_loss
    return Finding(kind="nothing_wrong", numbers={"loss": last.train_loss, "val_loss": val_loss})


def one_digit(value: float) -> float:
    """The number rounded to its first digit, within what a learning rate may be: 0.00031 → 0.0003."""
    return min(1000.0, float(f"{value:.0e}"))
