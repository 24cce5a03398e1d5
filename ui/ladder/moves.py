"""What the buttons of the Ladder page do, and how long it takes."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from minigpt_core.configs import TrainConfig
from minigpt_core.jobs.manager import JobError
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.ladder import plan, words
from ui.ladder.plan import Ladder, Step
from ui.problems import spoken_errors
from ui.words.i18n import _


def train(group: str, budget: int, names: Collection[str]) -> None:
    """Put the chosen rungs that have no result yet into the queue, the lowest first."""
    with spoken_errors():
        ladder = plan.look(state.chosen_text(), budget, group)
        if ladder.problem:
            raise ladder.problem
        runs: dict[int, Run] = {step.number: step.run for step in ladder.steps if step.run}
        for step in ladder.steps:
            if step.rung.name in names and not (step.ended or step.live):
                below = ladder.below(step)
                parent = runs.get(below.number) if below else None
                run = runs.setdefault(step.number, step.run or create(ladder, step, parent))
                resources.jobs().submit(run.id)  # one that was left goes on from its last checkpoint


def create(ladder: Ladder, step: Step, below: Run | None) -> Run:
    """Store a new run for a rung. Raises what `new_run` raises."""
    model = step.model.to_dict()
    del model["vocab_size"]
    return new_run(
        resources.store(),
        text=ladder.text.text,
        title=ladder.text.title,
        model_fields=model,
        training=step.training,
        lower=ladder.text.lower,
        name=words.run_name(ladder, step),
        note=_(step.rung.idea),
        workspace=state.workspace(),
        parent=below.id if below else None,
    )


def stop_all(group: str, budget: int) -> None:
    """End what is trained and empty the queue; what was reached is kept. The last in the queue leaves first."""
    with spoken_errors():
        for step in reversed(plan.look(state.chosen_text(), budget, group).steps):
            if step.live and step.run:
                with suppress(JobError):  # it has just ended by itself, or is trained outside this dashboard
                    resources.jobs().stop(step.run.id)


# How long it takes


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
