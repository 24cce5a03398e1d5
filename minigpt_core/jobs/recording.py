"""From a trainer's events to the run store, in batches."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from minigpt_core.steering import ChangeEvent
from minigpt_core.training import (
    Checkpoint,
    CheckpointEvent,
    DoneEvent,
    Event,
    MetricsEvent,
    SampleEvent,
    StepEvent,
    Trainer,
)

BATCH_SECONDS = 0.1
RATE_SECONDS = 1.0  # the speed shown is the mean over about this long
WATCHED_SECONDS = 3.0  # for so long after somebody has looked it is told what changes,
LIVE_SECONDS = 0.25  # and not more often than somebody asks
CHECKPOINT_SECONDS = 60.0  # a run whose evaluations lie far apart loses at most this much


class Record(Protocol):
    """What a recorder needs of a store: `RunStore` has it, and what sends it to one (see `remote_record.py`)."""

    def append(
        self,
        run_id: str,
        *,
        steps: Sequence[StepEvent] = (),
        evaluations: Sequence[MetricsEvent] = (),
        samples: Sequence[SampleEvent] = (),
        changes: Sequence[ChangeEvent] = (),
        **progress: float | None,
    ) -> None: ...
    def set_status(self, run_id: str, status: str, error: str | None = None, **changed: Any) -> None: ...
    def save_checkpoint(self, run_id: str, checkpoint: Checkpoint) -> None: ...


class Recorder:
    """Writes one run's events to the store about every 100 ms, and a checkpoint at least every minute.

    What has been written survives a killed process; `flush` writes what is still waiting.

    Args:
        tell: called when something has changed that the live chart draws, all of it is written, and somebody watches.
    """

    def __init__(
        self, store: Record, run_id: str, trainer: Trainer, tell: Callable[[], object] | None = None,
        *, node: str | None = None,
    ) -> None:  # fmt: skip
        self._tell, self._watched_at, self._told_at = tell, -math.inf, -math.inf
        self._store, self._run_id, self._trainer, self._node = store, run_id, trainer, node
        self._steps: list[StepEvent] = []
        self._evaluations: list[MetricsEvent] = []
        self._samples: list[SampleEvent] = []
        self._changes: list[ChangeEvent] = []
        self._flushed_at = self._saved_at = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque([(self._flushed_at, trainer.step)])

    def record(self, event: Event) -> None:
        """Keep an event; write the batch when it is due."""
        match event:
            case StepEvent():
                self._steps.append(event)
            case MetricsEvent():
                self._evaluations.append(event)
            case SampleEvent():
                self._samples.append(event)
            case ChangeEvent():
                self._changes.append(event)
                self.flush()
            case CheckpointEvent():
                self._save(event)
            case DoneEvent():
                self.flush()
        if time.monotonic() - self._flushed_at >= BATCH_SECONDS:
            self.flush()
            if time.monotonic() - self._told_at >= LIVE_SECONDS:
                self._tell_watchers()
            if time.monotonic() - self._saved_at >= CHECKPOINT_SECONDS:
                self._save(CheckpointEvent(checkpoint=self._trainer.checkpoint()))

    def flush(self) -> None:
        """Write everything that is waiting, in one transaction."""
        self._flushed_at = time.monotonic()
        self._store.append(
            self._run_id,
            steps=self._steps,
            evaluations=self._evaluations,
            samples=self._samples,
            changes=self._changes,
            step=self._trainer.step,
            seconds=self._trainer.seconds,
            steps_per_second=self._rate(),
            best_step=self._trainer.best_step,
            best_val_loss=self._trainer.best_val_loss,
        )
        self._steps, self._evaluations, self._samples, self._changes = [], [], [], []

    def rest(self, seconds: float | None) -> None:
        """The run waits now, for its pace or its owner (None): nothing is held back longer than usual."""
        if seconds is None or time.monotonic() + seconds - self._flushed_at >= BATCH_SECONDS:
            self.flush()
            if seconds is None or time.monotonic() - self._told_at >= LIVE_SECONDS:
                self._tell_watchers()

    def watch(self) -> None:
        """Somebody looks at the run: tell now how it stands, and then what changes."""
        self._watched_at = time.monotonic()
        self.flush()
        self._tell_watchers()

    def _tell_watchers(self) -> None:
        if self._tell is not None and time.monotonic() - self._watched_at < WATCHED_SECONDS:
            self._tell()
            self._told_at = time.monotonic()

    def begin(self, status: str) -> None:
        """The run goes on, "running" or held as "paused", on the trainer's device."""
        problem = self._trainer.device_problem
        self._store.set_status(
            self._run_id,
            status,
            threads=torch.get_num_threads(),
            device=self._trainer.device.type,
            node=self._node,
            precision=self._trainer.precision,
            remark=problem.to_json() if problem else None,
        )

    def turn(self, status: str) -> None:
        """It is held, or goes on again. The speed so far is forgotten: a pause must not count in it."""
        self.flush()
        self._recent.clear()
        self._store.set_status(self._run_id, status)
        self._tell_watchers()

    def end(self, status: str) -> None:
        """It has ended, and all that it yielded is recorded."""
        self._store.set_status(self._run_id, status)

    def _save(self, event: CheckpointEvent) -> None:
        self.flush()  # a checkpoint is never announced before the steps that led to it
        self._store.save_checkpoint(self._run_id, event.checkpoint)
        self._saved_at = time.monotonic()

    def _rate(self) -> float:
        """Steps per second over about the last second."""
        self._recent.append((self._flushed_at, self._trainer.step))
        while len(self._recent) > 2 and self._flushed_at - self._recent[1][0] >= RATE_SECONDS:
            self._recent.popleft()
        (since, first), (now, last) = self._recent[0], self._recent[-1]
        return (last - first) / (now - since) if now > since else 0.0
