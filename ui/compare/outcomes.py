"""What came out of settings: runs that differ in the seed alone are one, and tell what chance does."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

from minigpt_core.interpret.seed_spread import SeedSpread, seed_spread
from minigpt_core.store.runs import LIVE, Run
from ui.compare.table import broke, decisive
from ui.runs import health
from ui.runs.health import kept_its_settings


@dataclass(frozen=True)
class Outcome:
    """The runs of one setting, the lowest loss first; several of one seed are the same training."""

    runs: Sequence[Run]

    @property
    def losses(self) -> list[float]:
        """The best loss on unseen text, one for each seed."""
        return list({run.training.seed: run.best_val_loss or 0.0 for run in reversed(self.runs)}.values())

    @property
    def loss(self) -> float:
        """The mean over the seeds."""
        return mean(self.losses)


def ended_well(run: Run) -> bool:
    """Whether it can be compared: it has a loss on unseen text, and will keep it."""
    return run.best_val_loss is not None and run.status not in LIVE and not broke(run)


def outcomes(runs: Iterable[Run]) -> list[Outcome]:
    """These runs by their settings, the best outcome first."""
    found: dict[Hashable, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.best_val_loss or 0.0):
        found[_but_for_the_seed(run)].append(run)
    return sorted((Outcome(alike) for alike in found.values()), key=lambda outcome: outcome.loss)


def _but_for_the_seed(run: Run) -> Hashable:
    """What decides a run's losses, and how long it was trained; a run that was steered is like no other."""
    if not kept_its_settings(run):
        return run.id
    return run.text_id, run.step, *(decisive(run) | {"seed": None}).values()


def chance(runs: Iterable[Run]) -> SeedSpread | None:
    """What seeds do on the text of these runs; None if none of them differ in the seed alone."""
    return seed_spread(outcome.losses for outcome in outcomes(filter(ended_well, runs)))


def is_difference(first: Outcome, second: Outcome, spread: SeedSpread | None) -> bool:
    """Whether two outcomes lie further apart than chance puts them, as far as that is known."""
    lead = second.loss - first.loss
    return (
        lead >= spread.margin(len(first.losses), len(second.losses)) if spread else health.is_difference(lead)
    )
