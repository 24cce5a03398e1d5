"""Nodes of a Ray cluster on one machine, each with a loopback address of its own, which can be lost at one blow."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

START_SECONDS = 400.0  # a busy machine takes minutes
STORE_BYTES = 80_000_000
# Ray listens at all addresses, whichever one a node is given: nobody but who has the token may speak with these nodes.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
QUIET = {  # no report to Ray's makers; nothing is started for nobody; on a busy machine a training gets its share
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_worker_niceness": "0",
}


class Node:
    """A node, started at once; `wait` until it is ready.

    Args:
        folder: for its files and its log.
        address: an own one, such as 127.0.0.2. (With 127.0.0.1, Ray takes the machine's outer address.)
        head: the cluster that it joins, as host:port; None: it is the head of a new one.
        port: of the head.
    """

    def __init__(
        self, folder: Path, address: str, *, head: str | None = None, port: int = 0, cores: int = 2
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.address, self._log = address, folder / f"{address}-{time.time_ns()}.log"
        self.head = head or f"{address}:{port or free_port(address)}"
        part = ["--address", head] if head else [
            "--head", "--port", self.head.rpartition(":")[2], "--temp-dir", str(folder), "--include-dashboard=false"
        ]  # fmt: skip
        self._command = [
            str(Path(sys.executable).with_name("ray")), "start", *part, "--node-ip-address", address,
            "--num-cpus", str(cores), "--object-store-memory", str(STORE_BYTES), "--block",
        ]  # fmt: skip
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            return subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=os.environ | QUIET,
                start_new_session=True,
            )  # fmt: skip

    def wait(self) -> "Node":
        """Until it is ready. Raises `RuntimeError` with its log if it is not."""
        deadline = time.monotonic() + START_SECONDS
        while b"Ray runtime started" not in self._log.read_bytes():
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(self._log.read_text(errors="replace"))
            if (
                self._process.poll() is not None
            ):  # Ray gives a node 30 s to start, which a busy machine may not
                self.kill()
                self._process = self._start()
            time.sleep(0.1)
        return self

    def kill(self) -> None:
        """The whole node is gone at once: what Ray has started there, and what trains."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def pids(self) -> list[int]:
        """Its processes: they are in its session."""
        return [pid for pid in all_pids() if session_of(pid) == self._process.pid]

    def raylet(self) -> int:
        """The process that manages it."""
        return next(pid for pid in self.pids() if "/raylet/raylet " in command_of(pid))

    def actors(self) -> list[int]:
        """Its processes that hold an actor of ours."""
        return [pid for pid in self.pids() if command_of(pid).startswith("ray::Actor")]


def all_pids() -> list[int]:
    """Every process of this machine."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def session_of(pid: int) -> int | None:
    """The session that a process belongs to, if it is there."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def command_of(pid: int) -> str:
    """How a process is called; "" if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def free_port(address: str) -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port
