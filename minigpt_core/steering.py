"""How a training is steered while it goes: its pace, the settings that may change on the way, Stop."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from minigpt_core.configs import STEERABLE, TrainConfig, check_change

LARGEST_LAG = 0.1  # seconds that a late step may be made up for; more would be a burst after a pause


@dataclass(frozen=True, kw_only=True)
class ChangeEvent:
    """A setting was changed while the run goes; in force from the step after `step`."""

    step: int
    name: str
    value: float


class Steering:
    """What a run is told while it goes. None of it draws a random number: a pace and a pause change no loss.

    Args:
        config: the settings that it begins with.
        recorded: changes of an earlier time, which come into force again at their steps, and are not reported again.
        wait: called before every step; returns when the step may be made, or `stopping` is set. By default it sleeps
            as long as the pace demands. That is how a pause is made, too.

    Attributes:
        learning_rate, pace, eval_interval: the settings in force.
        stopping: whether the run is to end before its next step.
    """

    def __init__(
        self,
        config: TrainConfig,
        recorded: Iterable[ChangeEvent] = (),
        wait: "Callable[[Steering], object] | None" = None,
    ) -> None:
        self.learning_rate, self.pace = config.learning_rate, config.pace
        self.eval_interval = config.evaluation_interval
        self.stopping = False
        self._recorded = deque(recorded)
        self._asked: deque[tuple[str, float]] = deque()
        self._wait, self._last_step_at = wait or sleep_until_due, -math.inf

    @property
    def in_force(self) -> dict[str, float]:
        """The settings in force by name."""
        return {name: getattr(self, name) for name in STEERABLE}

    def change(self, **settings: float) -> None:
        """Change `learning_rate`, `pace` or `eval_interval` from the next step on.

        Raises:
            ConfigError: a setting that cannot be changed while a run goes, or a value out of range.
        """
        for name, value in settings.items():
            check_change(name, value)
            self._asked.append((name, value))

    def stop(self) -> None:
        """End the run before its next step, with a checkpoint."""
        self.stopping = True

    def changes_due(self, step: int) -> Iterator[ChangeEvent]:
        """Bring into force what was asked for since the last call, and what is recorded up to `step`."""
        while self._recorded and self._recorded[0].step <= step:
            change = self._recorded.popleft()
            self._set(change.name, change.value)
        while self._asked:
            name, value = self._asked.popleft()
            self._set(name, value)
            yield ChangeEvent(step=step, name=name, value=value)

    def restore(self, in_force: dict[str, float]) -> None:
        """Take over the settings that a checkpoint was made with."""
        for name in self.in_force:
            self._set(name, in_force[name])

    def may_go_on(self) -> bool:
        """Wait until the next step may be made. False: the run is to end instead."""
        if not self.stopping:
            self._wait(self)
            due = self._last_step_at + 1 / self.pace if self.pace else -math.inf
            self._last_step_at = max(due, time.monotonic() - LARGEST_LAG)  # keeps the mean pace
        return not self.stopping

    def seconds_until_due(self) -> float:
        """Time left until the pace in force allows the next step; 0 without a pace, or once Stop was asked for."""
        if not self.pace or self.stopping:
            return 0.0
        return max(0.0, self._last_step_at + 1 / self.pace - time.monotonic())

    def _set(self, name: str, value: float) -> None:
        setattr(self, name, int(value) if name == "eval_interval" else value)


def sleep_until_due(steering: Steering) -> None:
    """Sleep for as long as the pace demands."""
    while (seconds := steering.seconds_until_due()) > 0:
        time.sleep(seconds)
