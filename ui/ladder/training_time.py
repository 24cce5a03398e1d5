"""How long the rungs of the Ladder take to train on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from minigpt_core.configs import TrainConfig
from ui import resources
from ui.ladder.plan import Ladder, Step
from ui.words.i18n import is_crowded, rough_duration


@dataclass(frozen=True)
class Cost:
    """What a rung takes on this machine, in seconds of the clock while it was measured."""

    step: float
    evaluation: float
    crowding: float = 1.0
    """How much longer that was than the processor needed: other programs wanted it too."""

    def times(self, share: float) -> "Cost":
        """What takes so much of the work."""
        return Cost(self.step * share, self.evaluation * share, self.crowding)

    def of(self, training: TrainConfig, share: float = 1.0) -> "Span":
        """Seconds for a share of a training."""
        evaluations = training.steps / training.evaluation_interval + 1
        seconds = share * (training.steps * self.step + evaluations * self.evaluation)
        return Span(seconds / self.crowding, seconds)


@dataclass(frozen=True)
class Span:
    """A time in seconds that depends on what else the machine does."""

    alone: float
    """If this has the machine to itself."""

    crowded: float
    """If it stays as busy as it was."""


def measured(ladder: Ladder) -> dict[str, Cost]:
    """The cost of each rung without a result: all from the one that is measured, so that they agree with each other.
    Empty until that is known."""
    open_ = [step for step in ladder.steps if not step.ended]
    speed = (
        resources.jobs().speed(ladder.classic.model, ladder.classic.training, patience=0) if open_ else None
    )
    return {step.rung.name: Cost(**speed).times(step.rung.work) for step in open_ if speed}


def total(steps: Sequence[Step], costs: dict[str, Cost]) -> Span | None:
    """What these take one after the other: the sum of their times; None before all are measured."""
    if any(step.rung.name not in costs for step in steps):
        return None
    spans = [costs[step.rung.name].of(step.training, _share_left(step)) for step in steps]
    return Span(sum(span.alone for span in spans), sum(span.crowded for span in spans))


def time_left(steps: Sequence[Step], costs: dict[str, Cost]) -> Span | None:
    """Until the last of these is finished, as many at a time as this machine trains; None before all are measured.

    At the worst, those that are trained at a time have to share what one had: that is as slow as one after the other.
    """
    in_turn = total(steps, costs)
    if in_turn is None:
        return None
    lanes = [0.0] * resources.jobs().at_once
    for step in steps:
        lanes[lanes.index(min(lanes))] += costs[step.rung.name].of(step.training, _share_left(step)).alone
    side_by_side, slower = max(lanes), slowdown(steps, costs)
    if slower is None:
        return Span(side_by_side, in_turn.crowded)
    return Span(side_by_side * slower, side_by_side * slower)


def _share_left(step: Step) -> float:
    return 1 - (step.run.step if step.run else 0) / step.training.steps


def slowdown(steps: Sequence[Step], costs: dict[str, Cost]) -> float | None:
    """How much longer the steps take now than they would alone, seen at those that were made; None before any."""
    under_way = [(step, step.run) for step in steps if step.run and step.run.step]
    alone = sum(
        run.step * costs[step.rung.name].step / costs[step.rung.name].crowding for step, run in under_way
    )
    return sum(run.seconds for _step, run in under_way) / alone if alone else None


def in_words(needed: Span) -> str:
    """How long something takes, in words."""
    return rough_duration(needed.alone, needed.crowded)


def is_slowed(needed: Span) -> bool:
    """Whether other programs make it clearly longer at the moment."""
    return is_crowded(needed.alone, needed.crowded)
