"""What chance does: how far apart trainings come out that differ in nothing but the seed."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import variance

# Student's t: 95 % of all draws lie closer to the mean, for 1, 2, … degrees of freedom.
T_95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)


@dataclass(frozen=True)
class SeedSpread:
    """How the losses of one setting scatter, as far as so few runs tell."""

    deviation: float
    """Their standard deviation, in nats per character."""

    freedom: int
    """How many runs there were beyond the first one of each setting."""

    runs: int

    def margin(self, n_first: int = 1, n_second: int = 1) -> float:
        """How far apart the means of so many runs of one setting lie at most, in 95 of 100 cases."""
        t = T_95[min(self.freedom, len(T_95)) - 1]
        return t * self.deviation * math.sqrt(1 / n_first + 1 / n_second)


def seed_spread(settings: Iterable[Sequence[float]]) -> SeedSpread | None:
    """Pooled over several settings, each with the losses of its seeds; None if none of them has two."""
    several = [losses for losses in settings if len(losses) > 1]
    freedom = sum(len(losses) - 1 for losses in several)
    if not freedom:
        return None
    squares = sum(variance(losses) * (len(losses) - 1) for losses in several)
    return SeedSpread(math.sqrt(squares / freedom), freedom, sum(map(len, several)))
