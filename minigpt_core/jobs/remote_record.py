"""A run's record over a line: the process that trains has no store, and another one writes what it says.

The one side puts numbered entries into an `Outbox`, the same batches that a store would get; the other asks for them,
says up to which number it has stored them, and may ask again: nothing leaves the outbox that is not acknowledged, and
nothing is stored twice. So a line may be slow, break in the middle of an answer, or repeat itself. Where nobody comes
for the entries, the training waits: it cannot run away from its record.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from minigpt_core.errors import StoreError
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.runs import RunStore
from minigpt_core.training import Checkpoint, MetricsEvent, SampleEvent, StepEvent

MOST_ENTRIES = 600  # about a minute of batches
MOST_BYTES = 256_000_000  # of weights
AT_ONCE = 100  # entries


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that a store is to do."""

    number: int
    """Counted from 1."""

    do: Literal["append", "set_status", "save_checkpoint"]
    """The method of `RunStore`."""

    what: dict[str, Any] = field(default_factory=dict)
    """Its arguments by name, without the run."""

    bytes: int = 0
    """Of weights."""


class Outbox:
    """Where a `Recorder` writes to in a process that has no store; another thread, or another machine, takes it away.

    Args:
        most_entries: and
        most_bytes: of weights that may wait. With more, who writes waits until something is acknowledged.
    """

    def __init__(self, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES) -> None:
        self._most_entries, self._most_bytes = most_entries, most_bytes
        self._waiting: deque[Entry] = deque()
        self._number = 0
        self._changed = threading.Condition()

    # What a recorder asks of a store

    def append(
        self,
        run_id: str,
        *,
        steps: Sequence[StepEvent] = (),
        evaluations: Sequence[MetricsEvent] = (),
        samples: Sequence[SampleEvent] = (),
        changes: Sequence[ChangeEvent] = (),
        **progress: float | None,
    ) -> None:
        """A batch of events."""
        batch = {"steps": steps, "evaluations": evaluations, "samples": samples, "changes": changes}
        self._put("append", {name: [*events] for name, events in batch.items()} | progress)

    def set_status(self, run_id: str, status: str, error: str | None = None, **changed: Any) -> None:
        """What the run is doing now."""
        self._put("set_status", {"status": status, "error": error} | changed)

    def save_checkpoint(self, run_id: str, checkpoint: Checkpoint) -> None:
        """A state from which it can go on."""
        size = sum(tensor.nbytes for tensor in checkpoint.tensors.values())
        self._put("save_checkpoint", {"checkpoint": checkpoint}, size)

    def _put(
        self, do: Literal["append", "set_status", "save_checkpoint"], what: dict[str, Any], size: int = 0
    ) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(size))
            self._number += 1
            self._waiting.append(Entry(number=self._number, do=do, what=what, bytes=size))
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        waiting = sum(entry.bytes for entry in self._waiting)
        return len(self._waiting) < self._most_entries and (not waiting or waiting + size <= self._most_bytes)

    # What the other side asks

    def take(self, stored: int, patience: float = 0.0) -> list[Entry]:
        """The next entries after those that are `stored`, which are forgotten now; nothing after `patience` seconds."""
        with self._changed:
            while self._waiting and self._waiting[0].number <= stored:
                self._waiting.popleft()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting, patience)
            return [*self._waiting][:AT_ONCE]

    def wait_until_stored(self, patience: float) -> bool:
        """Whether all that was written is acknowledged, at the latest after so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, patience)


class Keeper:
    """Stores what an outbox holds, each entry once and in order.

    Attributes:
        stored: the number of the last one: what to acknowledge.
    """

    def __init__(self, store: RunStore, run_id: str) -> None:
        self._store, self._run_id = store, run_id
        self.stored = 0

    def keep(self, entries: Sequence[Entry]) -> int:
        """Store what is new among the entries, and return what to acknowledge.

        Raises:
            StoreError: one is missing; or the store cannot be written, and the rest may be asked for again.
        """
        for entry in entries:
            if entry.number <= self.stored:
                continue
            if entry.number != self.stored + 1:
                raise StoreError(
                    "A part of what the training process has said is missing. It goes on from its last checkpoint."
                )
            getattr(self._store, entry.do)(self._run_id, **entry.what)
            self.stored = entry.number
        return self.stored
