"""A run's record over a line: the process that trains has no store, and another one writes what it says.

The one side puts numbered entries into an `Outbox`, the same batches that a store would get; the other asks for them,
says up to which number it has stored them, and may ask again: nothing leaves the outbox that is not acknowledged, and
nothing is stored twice. So a line may be slow, break in the middle of an answer, or repeat itself. Where nobody comes
for the entries, the training waits: it cannot run away from its record.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from minigpt_core.errors import StoreError
from minigpt_core.jobs.launchers import LOG, Message
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.runs import RunStore
from minigpt_core.training import Checkpoint, MetricsEvent, SampleEvent, StepEvent

MOST_ENTRIES = 600  # about a minute of batches
MOST_BYTES = 256_000_000  # of weights
AT_ONCE = 100  # entries

Doing = Literal["append", "set_status", "save_checkpoint", "say", "print"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that a store is to do."""

    number: int
    """Counted from 1."""

    do: Doing
    """The method of `RunStore`; "say": a message to the server, once what stands before it is stored; "print": what
    goes into the run's log."""

    what: dict[str, Any] = field(default_factory=dict)
    """Its arguments by name, without the run."""

    bytes: int = 0
    """Of weights, or of what was printed."""


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

    # What goes along

    def say(self, event: str, **details: Any) -> None:
        """A message to the server, as a worker has them."""
        self._put("say", {"event": event} | details)

    def print(self, text: str) -> None:
        """What the process has printed."""
        self._put("print", {"text": text}, len(text))

    def _put(self, do: Doing, what: dict[str, Any], size: int = 0) -> None:
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

    Args:
        run_id: whose record it is; it may become another one's when that one begins.
        say: called with each message, once all that was written before it is stored.

    Attributes:
        stored: the number of the last one: what to acknowledge.
    """

    def __init__(
        self, store: RunStore, run_id: str = "", say: Callable[[Message], object] = lambda _message: None
    ) -> None:
        self._store, self.run_id, self._say = store, run_id, say
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
            self._do(entry)
            self.stored = entry.number
        return self.stored

    def _do(self, entry: Entry) -> None:
        match entry.do:
            case "say":
                self._say(entry.what)
            case "print":
                self._print(entry.what["text"])
            case _:
                getattr(self._store, entry.do)(self.run_id, **entry.what)

    def _print(self, text: str) -> None:
        """Into the run's log, as a worker on this machine does. Where that is not possible, the training goes on."""
        if self.run_id:
            folder = self._store.folder(self.run_id)
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                with (folder / LOG).open("a", encoding="utf-8") as log:
                    log.write(text)
