"""Workers and calculators as copies of one process that has imported torch: ready in some 20 ms, with some 10 MB of
their own, where a new process takes seconds and 200 MB. Linux alone: elsewhere, what torch is made of does not bear
being copied."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from minigpt_core.background import import_path, memory_habits

CAN_FORK = sys.platform == "linux"
LOOK_SECONDS = 0.002
WORKER, CALCULATOR = "worker", "calculator"  # what a copy becomes


class ForkServer:
    """The server's side of it. Started with the first worker; started again if it has ended.

    Args:
        home: the data folder of the workers.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def fork(self, what: str = WORKER) -> "Forked":
        """A worker, or a calculator; it is ready at once, or as soon as torch has been imported."""
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        forked = Forked(os.fdopen(ours_in, "wb"), os.fdopen(ours_out, "rb"))
        try:
            self._hand_over(what, [theirs_in, theirs_out])
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        return forked

    def close(self) -> None:
        """End it; its workers are other processes."""
        with self._lock:
            if self._socket is not None and self._process is not None:
                self._socket.close()
                self._process.kill()
                self._process.wait()
            self._socket = self._process = None

    def _hand_over(self, what: str, pipes: list[int]) -> None:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            assert self._socket is not None
            socket.send_fds(self._socket, [what.encode()], pipes)

    def _start(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "minigpt_core.jobs.fork_server",
                    str(self._home),
                    str(theirs.fileno()),
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=os.environ
                | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
                | memory_habits()
                | import_path(),
            )


class Forked:
    """A forked worker, as `subprocess.Popen` shows a process. It is no child of ours, so it has no exit status."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.stdin, self.stdout = stdin, stdout
        self.pid: int | None = None
        """Known once it has said that it is ready."""

        self._over = False

    def poll(self) -> int | None:
        """None while it lives."""
        if not self._over and self.pid is not None:
            self._over = not exists(self.pid)
        return 0 if self._over else None

    def kill(self) -> None:
        """End it. One that is not ready yet ends by itself when it finds its stdin closed."""
        if self.poll() is None and self.pid is not None:
            with suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises `subprocess.TimeoutExpired`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.pid is not None and self.poll() is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("worker", timeout or 0.0)
            time.sleep(LOOK_SECONDS)
        self._over = True
        return 0


def exists(pid: int) -> bool:
    """Whether there is such a process, of ours."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
