"""Workers in this process that move only when a test says so: the real loop of a worker, on a thread of its own that
takes turns with the test. So a sequence of clicks, steps and deaths is the same every time."""

import queue
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from minigpt_core.jobs.launchers import Message, WorkerProcess
from minigpt_core.jobs.worker import LEAVE, Worker, made
from minigpt_core.store.runs import RunStore


class Killed(BaseException):
    """Ends the thread at the place where it waits, as `kill -9` would."""


class Puppet:
    """A worker that makes a move at `advance`: up to the next look into its inbox, where it may be killed."""

    def __init__(self, store: RunStore, on_message: Callable[[WorkerProcess, Message], None]) -> None:
        self.run_id: str | None = None
        """The run that it trains, from the message on that hands it over."""

        self.alive = True
        self._store, self._on_message = store, on_message
        self.messages: deque[Message] = deque()
        self.waits = False  # for a message
        self._killed = self._told_of_end = False
        self._garbled: str | None = None
        self._error: BaseException | None = None
        self._my_turn, self._your_turn = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    # What the manager needs

    def send(self, message: Message) -> None:
        if self.alive:
            self.messages.append(message)
            if message["do"] == "train":
                self.run_id = message["run"]

    def close(self) -> None:
        if self.alive:
            self.messages.append(LEAVE)

    def join(self, seconds: float) -> None:
        while self.alive and self.advance():
            pass
        self.kill()
        self.report()

    # What a test does

    def advance(self) -> bool:
        """One move; False if there is nothing to do but to wait for a message."""
        if not self.alive or (self.waits and not self.messages):
            return False
        self._turn()
        return True

    def kill(self, garbled: str | None = None) -> None:
        """End it where it is, for this message that cannot be read perhaps. Nobody is told before `report`."""
        if self.alive:
            self._killed, self._garbled = True, garbled
            self._turn()

    def report(self) -> None:
        """Tell the manager that it has ended, once."""
        if not self.alive and not self._told_of_end:
            self._told_of_end = True
            self._on_message(self, {"event": "ended", "garbled": self._garbled})

    def tell(self, event: str, **details: Any) -> None:
        """Say something to the manager that the worker would say after a while."""
        self._on_message(self, {"event": event} | details)

    def _turn(self) -> None:
        self._my_turn.release()
        self._your_turn.acquire()
        if self._error is not None:
            raise self._error

    # Its own thread

    def _live(self) -> None:
        self._my_turn.acquire()
        try:
            if not self._killed:
                Worker(self._store, self, self._say, partial(made, self._store)).work()
        except Killed:
            pass
        except BaseException as error:
            self._error = error
        self.alive = False
        self._your_turn.release()

    def _say(self, event: str, **details: Any) -> None:
        if event == "finished":
            self.run_id = None
        self._on_message(self, {"event": event} | details)

    def empty(self) -> bool:
        """Of its inbox; before every step and every part of an evaluation."""
        self._pass_on()
        return not self.messages

    def get(self, timeout: float | None = None) -> Message:
        """The next message; the test goes on while there is none. Nobody waits for a pace here."""
        while not self.messages:
            if timeout is not None:
                raise queue.Empty
            self.waits = True
            self._pass_on()
            self.waits = False
        return self.messages.popleft()

    def _pass_on(self) -> None:
        self._your_turn.release()
        self._my_turn.acquire()
        if self._killed:
            raise Killed
