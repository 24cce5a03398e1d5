"""Calculators: processes that calculate for pages, so that the one that draws them for everybody need not. A call of a
function stays a call of a function: `calculators.call(key, function, …)`.

Where there are none (the command line, tests, systems on which processes cannot be copied), it is made right here.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any, Literal, ParamSpec, TypeVar

from minigpt_core.errors import UserError
from minigpt_core.jobs import calculating
from minigpt_core.jobs.forked import Forked

P = ParamSpec("P")
R = TypeVar("R")
Kind = Literal["write", "look"]
"""Texts are written a moment at a time, and wait for no long look into a model: each has processes of its own."""

Start = Callable[[], Forked | None]


class Calculator:
    """One process, started when it is first needed, and again if it has ended. Who calls first is answered first."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._process: Forked | None = None
        self._turns = InTurn()

    def call(self, function: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
        """What a function of the core gives, which is found there by its name. Raises what it raises, and `UserError`
        if its process ends over it twice."""
        with self._turns:
            for _attempt in range(2):
                answered = self._ask(function, given, named)
                if answered is not None:
                    break
            else:
                raise UserError(
                    "The calculation has ended unexpectedly: perhaps there was too little memory. Try it again, or "
                    "choose a smaller model."
                )
        well, found = answered
        if not well:
            raise found
        result: R = found
        return result

    def close(self) -> None:
        """End it, in the middle of a call too."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()

    def _ask(
        self, function: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[bool, Any] | None:
        process = self._process or self._begin()
        if process is None:
            return calculating.answer(function, given, named)
        with suppress(OSError, ValueError):
            calculating.send(process.stdin, (function, given, named))
            answered: tuple[bool, Any] | None = calculating.receive(process.stdout)
            if answered is not None:
                return answered
        process.kill()
        self._process = None
        return None

    def _begin(self) -> Forked | None:
        process = self._start()
        if process is not None:
            process.pid = calculating.receive(process.stdout)
            self._process = process
        return process


class InTurn:
    """A lock that is given to those who wait in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = deque[threading.Event]()

    def __enter__(self) -> None:
        turn = threading.Event()
        with self._lock:
            self._waiting.append(turn)
            if self._waiting[0] is turn:
                turn.set()
        turn.wait()

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._waiting.popleft()
            if self._waiting:
                self._waiting[0].set()


class Calculators:
    """As many processes of each kind as there are cores. What has to do with the same model comes to the same one."""

    def __init__(self, start: Start, cores: int) -> None:
        self._of: dict[str, list[Calculator]] = {
            kind: [Calculator(start) for _ in range(cores)] for kind in ("write", "look")
        }

    def find(self, kind: Kind, key: Hashable) -> Calculator:
        """The one that has this model, or will have it."""
        several = self._of[kind]
        return several[hash(key) % len(several)]

    def close(self) -> None:
        """End all."""
        for several in self._of.values():
            for calculator in several:
                calculator.close()


_shared: Calculators | None = None


def use(start: Start) -> None:
    """From now on, calculate in processes that this starts."""
    global _shared
    _shared = Calculators(start, os.cpu_count() or 1)


def close() -> None:
    """End the processes; from now on, calculate here."""
    global _shared
    if _shared is not None:
        _shared.close()
    _shared = None


def begin_anew() -> None:
    """Let the processes forget whatever they know: others take their place."""
    if _shared is not None:
        _shared.close()


def find(kind: Kind, key: Hashable) -> Calculator | None:
    """Who calculates what has to do with this model; None: whoever wants it does so himself."""
    return _shared.find(kind, key) if _shared is not None else None
