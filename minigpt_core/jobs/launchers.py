"""How a worker is started, and what the job manager needs of it, wherever it runs."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, Protocol

from minigpt_core.background import import_path, memory_habits
from minigpt_core.jobs.forked import Forked
from minigpt_core.store.runs import RunStore

Message = dict[str, Any]
LONGEST_QUOTE = 200  # characters
LOG = "worker.log"  # in a run's folder: what its worker has printed


class WorkerProcess(Protocol):
    """A worker that trains one run at a time (see `worker.py` for the messages)."""

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""

    def send(self, message: Message) -> None:
        """Hand a message over; silently lost if the worker has ended."""

    def close(self) -> None:
        """Ask it to save a checkpoint and leave."""

    def join(self, seconds: float) -> None:
        """Wait for its end; after `seconds` end it by force."""


OnMessage = Callable[[WorkerProcess, Message], None]
Launcher = Callable[[RunStore, OnMessage], WorkerProcess]
"""Starts a worker on a store; calls back with each of its messages, at last with `{"event": "ended"}`, which has the
line as `garbled` if the worker was ended for a message that cannot be read: who knows what it has not said?"""


class Process(Protocol):
    """What a worker needs of its process: `subprocess.Popen` has it, and `forked.Forked`."""

    @property
    def stdin(self) -> IO[bytes] | None: ...
    @property
    def stdout(self) -> IO[bytes] | None: ...
    @property
    def pid(self) -> int | None: ...

    def poll(self) -> int | None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int: ...


class LocalWorker:
    """A worker in a process of its own on this machine.

    Args:
        process: the process, if somebody has started it.
    """

    def __init__(
        self,
        store: RunStore,
        on_message: OnMessage,
        process: Process | None = None,
    ) -> None:
        self._process = process or started(store)
        self._on_message = on_message
        self._sending = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int | None:
        """The process id, once it is ready."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, message: Message) -> None:
        assert self._process.stdin is not None
        with self._sending:
            try:
                self._process.stdin.write(json.dumps(message).encode() + b"\n")
                self._process.stdin.flush()
            except (OSError, ValueError):  # it has ended, or its stdin is closed
                pass

    def close(self) -> None:
        assert self._process.stdin is not None
        with self._sending:
            try:
                self._process.stdin.close()
            except OSError:  # it has ended, and something was still to be sent
                pass

    def join(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        ready, ended = False, {"event": "ended"}
        try:
            for line in self._process.stdout:
                if (message := parsed(line)) is not None:
                    if not ready and isinstance(self._process, Forked):
                        self._process.pid = message["pid"]
                    ready = True
                    self._on_message(self, message)
                elif ready and line.endswith(b"\n"):  # else it was killed while it spoke
                    ended["garbled"] = line.decode(errors="replace").strip()[:LONGEST_QUOTE]
                    break
        finally:
            self._process.kill()  # it has closed its stdout, or is no longer listened to
            self._process.wait()
            self._on_message(self, ended)


def started(store: RunStore) -> Process:
    """A new worker process."""
    return subprocess.Popen(
        [sys.executable, "-m", "minigpt_core.jobs.worker", str(store.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"} | memory_habits() | import_path(),
    )


def parsed(line: bytes) -> Message | None:
    """The message in a line of a worker's stdout. None for anything else: before the worker is ready, what a library
    has printed (see `worker.on_stdout`); later, nothing but messages comes there."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) and "event" in message else None
