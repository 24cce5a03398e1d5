"""Whose turn it is among the runs that wait: by person, by what is calculated, by memory.

A run that has a worker shares the processor with the others, and the system sees to it that each gets its part. So
what is limited is how much is calculated at a time, and how much memory that takes.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

LIGHT = 0.25  # of a core: who takes less keeps nobody waiting


class Claim(Protocol):
    """What a run asks of the machine."""

    @property
    def owner(self) -> str:
        """Whose it is: a workspace."""

    @property
    def work(self) -> float:
        """Share of a core that it would fill at its pace; 0 while it is held."""

    @property
    def memory(self) -> int:
        """Bytes, as long as a worker has it."""


class Waiting(Claim, Protocol):
    """What decides when it begins."""

    @property
    def preferred(self) -> bool:
        """Whether its owner's come before everybody's: a teacher's."""

    @property
    def watched(self) -> bool:
        """Whether somebody looks at it now."""


AnyWaiting = TypeVar("AnyWaiting", bound=Waiting)


@dataclass(frozen=True, kw_only=True)
class Room:
    """What the trainings may take together."""

    cores: int
    memory: int
    """Bytes."""

    def has_memory(self, run: Claim, others: Iterable[Claim]) -> bool:
        """Whether it fits beside the runs that workers have. Alone it does: that was asked before it was stored."""
        taken = sum(other.memory for other in others)
        return not taken or taken + run.memory <= self.memory

    def has_turn(self, run: Claim, others: Iterable[Claim]) -> bool:
        """Whether a core is free; if none is, whether nothing else of this person is calculated: everybody's first
        shares what there is, and a second one waits."""
        others = list(others)
        if sum(other.work for other in others) <= self.cores - 1 + LIGHT:
            return True
        return sum(other.work for other in others if other.owner == run.owner) < LIGHT


@dataclass(frozen=True, kw_only=True)
class Places(Room):
    """What they may take where each has a core of its own, or a share of a card: on a cluster. What is held keeps its
    place, until somebody else waits for it."""

    def has_memory(self, run: Claim, others: Iterable[Claim]) -> bool:
        others = list(others)
        return len(others) < self.cores and super().has_memory(run, others)

    def has_turn(self, run: Claim, others: Iterable[Claim]) -> bool:
        return sum(other.work > 0 for other in others) < self.cores


def in_turn(waiting: Sequence[AnyWaiting], others: Iterable[Claim]) -> list[AnyWaiting]:
    """The waiting runs in the order in which they begin: a teacher's, then everybody's first before anybody's second,
    and so on; among these what is watched, then who came first."""
    has = Counter(other.owner for other in others if other.work >= LIGHT)
    rounds = list[tuple[bool, int, bool, int]]()
    for place, run in enumerate(waiting):
        rounds.append((not run.preferred, has[run.owner], not run.watched, place))
        has[run.owner] += 1
    return [waiting[place] for *_rank, place in sorted(rounds)]


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a run will ask of the machine, and for how long."""

    owner: str
    seconds: float
    work: float = 1.0
    memory: int = 0


def begins_in(waiting: Sequence[Forecast], working: Iterable[Forecast], room: Room) -> float:
    """Seconds until the last of the waiting runs begins, if each takes as long as it says.

    Args:
        waiting: it, and before it all that begin before it.
        working: what is calculated now, with what is left of it.
    """
    now, going = 0.0, [(run.seconds, run) for run in working]
    for run in waiting:
        while not room.has_turn(run, [other for _end, other in going]):
            now, ended = min(going, key=lambda ending: ending[0])
            going.remove((now, ended))
        going.append((now + run.seconds, run))
    return now
