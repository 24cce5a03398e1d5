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

from minigpt_core.configs import TrainConfig
from minigpt_core.interpret.learning_stage import AT_CHANCE
from minigpt_core.interpret.memorization import knowledge
from minigpt_core.ngrams import Baselines
from minigpt_core.training import MetricsEvent

Kind = Literal[
    "diverged",
    "overfitting",
    "by_heart",
    "growing_gap",
    "gap",
    "at_chance",
    "stuck",
    "floor",
    "near_floor",
    "rate_too_high",
    "rate_too_low",
    "still_learning",
    "too_early",
    "nothing_wrong",
    "too_short",
]

FEWEST_EVALUATIONS = 5
WORSE_THAN_CHANCE = 1.2  # times ln V: a fresh model lies a little above ln V, a broken one far above
VISIBLE = 0.005  # below that, nothing changes in the two decimals that are shown
RISEN = 0.05  # a validation loss that is so much above its best has risen, more than evaluations waver
AT_FLOOR = 0.1  # so near to its minimum, more steps can bring no more than that
REACHED = 0.005  # so near, there is no difference in the two decimals that are shown
ABOVE_COUNTING = 0.1  # so far above what counted pairs reach, a model has not even learned those
FLAT = 0.12  # the second half brought less than this share of what the first half brought
WAVERING = 0.25  # so large a share of the second half's evaluations came out higher than the one before
STRAIGHT = 0.35  # it brought more than this share: the curve is nearly a straight line
STILL_FALLING = 0.02  # what the last quarter must bring before more steps are advised
MANY_MORE = 5  # times the steps, for a curve that is nearly a straight line; else twice as many
UNSEEN_SHARE = (
    1 / 3
)  # of what the last quarter brings, unseen text gets less: the gap between the losses grows
HIGHER, MUCH_HIGHER = 10, 100  # times the learning rate: where it falls slowly, and where nothing can be seen
MOST_STEPS = 10_000_000
# A run that broke goes back at least to these rates, and advice to raise a rate goes no further
BACK_TO = {"adamw": 1e-2, "muon": 1e-2, "sgd": 1.0}


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
) -> Finding:
    """The verdict that matters most about a run.

    Args:
        evaluations: all of them, in order.
        status: as in the run store; "diverged" decides by itself, and "paused" is no end.
        training: how it was trained, with the settings in force at its end.
        baselines: what counting reaches on the run's text.
        sees_one_character: whether the model has no way to look further back (no attention).
    """
    finite = [e for e in evaluations if math.isfinite(e.train_loss)]
    finding = _broken(finite, status, training, baselines)
    if finding is None and len(finite) < FEWEST_EVALUATIONS:
        finding = Finding(
            kind="too_short", numbers={"evaluations": len(finite), "fewest": FEWEST_EVALUATIONS}
        )
    finding = finding or _at_chance(finite, training, baselines)
    finding = finding or overfitting(finite)
    finding = finding or _floor(finite, baselines, sees_one_character)
    finding = finding or _rate(finite, training, baselines, sees_one_character)
    finding = finding or _growing_gap(finite)
    finding = finding or _too_early(finite, status, training, baselines, sees_one_character)
    finding = finding or _stuck(finite, training, baselines, sees_one_character)
    return finding or _settled(finite)


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


def _at_chance(
    evaluations: Sequence[MetricsEvent], training: TrainConfig, baselines: Baselines
) -> Finding | None:
    """The loss stayed where it was at the start, at pure chance or above: the steps did next to nothing.

    A rate that is usual already is not raised any further: then the steps were too large, and nothing came through.
    """
    losses = [e.train_loss for e in evaluations]
    moved = max(losses) - min(losses)
    if moved > STILL_FALLING or losses[-1] < baselines.uniform - AT_CHANCE:
        return None
    rate, highest = training.learning_rate, BACK_TO[training.optimizer]
    more = MUCH_HIGHER if moved < VISIBLE else HIGHER
    return Finding(
        kind="at_chance",
        numbers={"first": losses[0], "loss": losses[-1], "chance": baselines.uniform},
        next_run={"learning_rate": one_digit(min(highest, rate * more) if rate < highest else rate / HIGHER)},
    )


def overfitting(evaluations: Sequence[MetricsEvent]) -> Finding | None:
    """Since its best step the validation loss rose by `RISEN` and by more than its standard error, while the training
    loss fell by `RISEN`.

    The advice is to end at the best step: more dropout helps some of these runs and harms others.
    """
    known = [(e.val_loss, e) for e in evaluations if e.val_loss is not None]
    if not known:
        return None
    (best_loss, best), (last_loss, last) = min(known, key=lambda pair: pair[0]), known[-1]
    if last_loss - best_loss < max(RISEN, last.val_error or 0) or best.train_loss - last.train_loss < RISEN:
        return None
    return Finding(
        kind="overfitting",
        numbers={
            "best_step": best.step, "best_val_loss": best_loss, "val_loss": last_loss,
            "train_before": best.train_loss, "train_loss": last.train_loss,
        },
        next_run={"steps": best.step} if best.step else {},
    )  # fmt: skip


def _floor(
    evaluations: Sequence[MetricsEvent], baselines: Baselines, sees_one_character: bool
) -> Finding | None:
    """A model that sees one character has come within `AT_FLOOR` of the lowest loss it can have (Gibbs)."""
    last = evaluations[-1].train_loss
    distance = last - baselines.one_character_minimum
    if not sees_one_character or distance > AT_FLOOR:
        return None
    return Finding(
        kind="floor" if distance <= REACHED else "near_floor",
        numbers={"loss": last, "floor": baselines.one_character_minimum, "distance": distance},
        next_preset="chat-curieux-gpt",
    )


@dataclass(frozen=True, kw_only=True)
class _Speed:
    """What the second half of a run brought, as a share of what the first half brought, tells its speed."""

    first_half: float
    second_half: float
    rises: float
    """The share of the second half's evaluations that came out higher than the one before."""

    loss: float
    reference: float
    """What counting reaches."""

    cut_short: bool
    """It ended in its steep part: too little to judge the learning rate by."""

    @property
    def share(self) -> float:
        if self.first_half > 0:
            return self.second_half / self.first_half
        return math.inf if self.second_half > STILL_FALLING else 0.0

    @property
    def far_above(self) -> bool:
        return self.loss - self.reference > ABOVE_COUNTING

    @property
    def straight(self) -> bool:
        return self.share > STRAIGHT and not self.cut_short and self.far_above

    @property
    def numbers(self) -> dict[str, float]:
        names = ("first_half", "second_half", "rises", "loss", "reference")
        return {name: getattr(self, name) for name in names}


def _speed(
    evaluations: Sequence[MetricsEvent],
    training: TrainConfig,
    baselines: Baselines,
    sees_one_character: bool,
) -> _Speed:
    losses = [e.train_loss for e in evaluations]
    n = len(losses)
    return _Speed(
        first_half=losses[0] - losses[n // 2],
        second_half=losses[n // 2] - losses[-1],
        rises=sum(later > earlier for earlier, later in pairwise(losses[n // 2 :])) / (n - 1 - n // 2),
        loss=losses[-1],
        reference=baselines.one_character_minimum if sees_one_character else baselines.bigram_train,
        cut_short=evaluations[-1].step < training.steps,
    )


def _rate(
    evaluations: Sequence[MetricsEvent],
    training: TrainConfig,
    baselines: Baselines,
    sees_one_character: bool,
) -> Finding | None:
    """Far above what counting reaches, the loss wavers without falling, or falls in a nearly straight line.

    Every curve is straight at its start, so a rate is called too low only if ten times as much is still usual.
    """
    speed = _speed(evaluations, training, baselines, sees_one_character)
    lower, higher = (one_digit(training.learning_rate * factor) for factor in (1 / HIGHER, HIGHER))
    if speed.share < FLAT and speed.rises >= WAVERING and speed.far_above:
        return Finding(kind="rate_too_high", numbers=speed.numbers, next_run={"learning_rate": lower})
    if speed.straight and higher <= BACK_TO[training.optimizer]:
        return Finding(kind="rate_too_low", numbers=speed.numbers, next_run={"learning_rate": higher})
    return None


def _growing_gap(evaluations: Sequence[MetricsEvent]) -> Finding | None:
    """The losses lie far apart, and in the last quarter unseen text gets less than `UNSEEN_SHARE` of what is learned:
    both by the line that fits the quarter's evaluations best, as one of them alone wavers too much.

    While its own loss still falls by more than `STILL_FALLING`, the model still learns what holds for other text, too.
    """
    quarter = [(e.train_loss, e.val_loss) for e in _last_quarter(evaluations) if e.val_loss is not None]
    if len(quarter) < FEWEST_EVALUATIONS:
        return None
    learned, unseen = (fall(losses) for losses in zip(*quarter, strict=True))
    if learned - unseen < RISEN or unseen >= UNSEEN_SHARE * learned:
        return None
    last = evaluations[-1]
    if last.val_loss is None or knowledge(last.train_loss, last.val_loss) == "alike":
        return None
    numbers = {"learned": learned, "unseen": unseen, "loss": last.train_loss, "val_loss": last.val_loss}
    return Finding(kind="growing_gap" if unseen > STILL_FALLING else "by_heart", numbers=numbers)


def _too_early(
    evaluations: Sequence[MetricsEvent],
    status: str,
    training: TrainConfig,
    baselines: Baselines,
    sees_one_character: bool,
) -> Finding | None:
    """The last quarter still brought more than `STILL_FALLING`."""
    speed = _speed(evaluations, training, baselines, sees_one_character)
    quarter = _last_quarter(evaluations)
    fell = quarter[0].train_loss - quarter[-1].train_loss
    if fell <= STILL_FALLING:
        return None
    numbers = {"loss": speed.loss, "last_quarter": fell}
    if status == "paused":
        return Finding(kind="still_learning", numbers=numbers)
    more = MANY_MORE if speed.straight else 2
    steps = training.steps if speed.cut_short else min(MOST_STEPS, more * training.steps)
    return Finding(kind="too_early", numbers=numbers, next_run={"steps": steps})


def _last_quarter(evaluations: Sequence[MetricsEvent]) -> Sequence[MetricsEvent]:
    """The evaluations of the last quarter, with the one at its beginning."""
    n = len(evaluations)
    return evaluations[n - 1 - max(1, n // 4) :]


def fall(losses: Sequence[float]) -> float:
    """By how much the straight line that fits the losses best falls from the first to the last (least squares)."""
    middle = (len(losses) - 1) / 2
    places = [i - middle for i in range(len(losses))]
    slope = sum(x * y for x, y in zip(places, losses, strict=True)) / sum(x * x for x in places)
    return -slope * (len(losses) - 1)


def _stuck(
    evaluations: Sequence[MetricsEvent],
    training: TrainConfig,
    baselines: Baselines,
    sees_one_character: bool,
) -> Finding | None:
    """It has settled, but above what counting reaches: a model that had learned would be lower."""
    speed = _speed(evaluations, training, baselines, sees_one_character)
    if not speed.far_above:
        return None
    return Finding(kind="stuck", numbers={"loss": speed.loss, "reference": speed.reference})


def _settled(evaluations: Sequence[MetricsEvent]) -> Finding:
    """Nothing is wrong, unless its own text is known much better than unseen text."""
    last = evaluations[-1]
    val_loss = math.nan if last.val_loss is None else last.val_loss
    apart = last.val_loss is not None and knowledge(last.train_loss, val_loss) != "alike"
    return Finding(
        kind="gap" if apart else "nothing_wrong", numbers={"loss": last.train_loss, "val_loss": val_loss}
    )


def one_digit(value: float) -> float:
    """The number rounded to its first digit, within what a learning rate may be: 0.00031 → 0.0003."""
    return min(1000.0, float(f"{value:.0e}"))
