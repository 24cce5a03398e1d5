"""What trains on a node of a Ray cluster: the loop of a worker in a process that has no store. What it records waits in
an outbox until the server has it (see `ray_driver.py`), which it hears no word of for long only if that has ended."""

import os
import queue
import sys
import threading
import time
from contextlib import suppress

import torch

from minigpt_core.data import Dataset
from minigpt_core.devices import available_threads
from minigpt_core.errors import UserError
from minigpt_core.jobs.launchers import Message
from minigpt_core.jobs.recording import Recorder
from minigpt_core.jobs.remote_record import Entry, Outbox
from minigpt_core.jobs.worker import Controls, Worker, carry_on, dataset_of, explained, warm_up
from minigpt_core.store.runs import Run
from minigpt_core.training import Checkpoint, Trainer

ALONE_SECONDS = 30.0  # since the server has asked last: it is not there any more


class Actor:
    """One training at a time. Ray calls `exchange` in one thread and everything else in another one; the training has
    a thread of its own."""

    def __init__(self) -> None:
        self._outbox = Outbox()
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._heard = 0
        self._asked_at = time.monotonic()
        self._given: tuple[Run, Dataset, Checkpoint | None, int, str] | None = None
        torch.set_num_threads(1)
        warm_up()
        keep_output_in(self._outbox)
        threading.Thread(target=self._work, daemon=True).start()
        threading.Thread(target=self._leave_alone, daemon=True).start()

    def node(self) -> str:
        """The id of the node where it lives."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def exchange(self, stored: int, patience: float) -> tuple[list[Entry], int]:
        """What it has recorded after the entries that are `stored`, at the latest after so many seconds; and the number
        of the last message that it has heard."""
        self._asked_at = time.monotonic()
        return self._outbox.take(stored, patience), self._heard

    def tell(self, number: int, message: Message) -> None:
        """A message for the worker. One that comes twice, or before another one, is not heard."""
        if number == self._heard + 1:
            self._heard = number
            self._inbox.put(message)

    def prepare(
        self, run: Run, text: str, checkpoint: Checkpoint | None, threads: int, node: str
    ) -> UserError | None:
        """Get ready to train a run, from a checkpoint on. Returns why that is not possible here."""
        try:
            self._given = run, dataset_of(run, text), checkpoint, threads, node
        except Exception as error:
            return explained(error)
        return None

    def _work(self) -> None:
        Worker(self._outbox, self._inbox, self._outbox.say, self._make).work()

    def _make(self, message: Message, controls: Controls) -> str:
        assert self._given is not None
        (run, dataset, checkpoint, threads, node), self._given = self._given, None
        torch.set_num_threads(available_threads(threads))
        trainer = Trainer(
            dataset, run.model, run.training,
            checkpoint=checkpoint, changes=message["changes"], wait=controls.wait, precision=run.precision,
        )  # fmt: skip
        return carry_on(trainer, Recorder(self._outbox, run.id, trainer, node=node), controls)

    def _leave_alone(self) -> None:
        """Ray ends this process with the server's; where it cannot, as a line is cut, it ends by itself."""
        while time.monotonic() - self._asked_at < ALONE_SECONDS:
            time.sleep(1)
        os._exit(1)


def keep_output_in(outbox: Outbox) -> None:
    """From now on what is printed goes into the outbox, for the run's log, besides to where it went before."""
    before, (end, begin) = os.dup(2), os.pipe()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # Ray has put something else there
            stream.flush()
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.dup2(begin, 1)
    os.dup2(begin, 2)

    def read() -> None:
        while data := os.read(end, 1 << 16):
            with suppress(OSError):
                os.write(before, data)
            outbox.print(data.decode(errors="replace"))

    threading.Thread(target=read, daemon=True).start()
