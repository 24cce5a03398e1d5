"""The dashboard in a process of its own, as `make run` starts it: for tests, screenshots and benchmarks."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

ROOT = Path(__file__).resolve().parent.parent
HEALTH = "/_stcore/health"

_open = build_opener(ProxyHandler({})).open  # never through a proxy: the app is on this machine


@dataclass(frozen=True)
class RunningApp:
    """A started dashboard: its address, its data folder and its process."""

    url: str
    home: Path
    log: Path
    process: subprocess.Popen[bytes]

    def left_over(self) -> dict[int, str]:
        """The processes that still use this app's data folder: {pid: command} (Linux; empty elsewhere)."""
        marker = f"MINIGPT_HOME={self.home}".encode()
        return {pid: command for pid, command in _processes_with(marker) if pid != os.getpid()}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that another process would not choose at the same moment."""
    first = 10_000 + os.getpid() * 10 % 20_000  # below the ports that systems give to outgoing connections
    for port in range(first, first + 1000):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"The ports {first} to {first + 999} are all in use.")


@contextmanager
def running_app(
    home: Path,
    *,
    root: Path = ROOT,
    env: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    base: str = "",
    port: int = 0,
    patience: float = 120,
) -> Iterator[RunningApp]:
    """Start `streamlit run dashboard.py` in `root` with its data in `home`, below the path `base` (as in "/lab"), at a
    free port or at this one, wait until it answers, and stop it again.

    Raises RuntimeError with the end of the server's log if it does not answer within `patience` seconds.
    """
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", "dashboard.py"]
    command += [
        "--server.port",
        str(port),
        "--server.headless",
        "true",
        "--server.baseUrlPath",
        base,
        *options,
    ]
    environment = {**os.environ, **(env or {}), "MINIGPT_HOME": str(home)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    app = RunningApp(f"http://127.0.0.1:{port}{base}", home, log, process)
    try:
        _wait_until_healthy(app, patience)
        yield app
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes], patience: float = 15) -> None:
    """End one process by its pid: politely, then firmly."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_healthy(app: RunningApp, patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and app.process.poll() is None:
        try:
            with _open(app.url + HEALTH, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    log = app.log.read_text(errors="replace")[-4000:]
    raise RuntimeError(f"The dashboard does not answer at {app.url}. The end of its log:\n{log}")


def _processes_with(marker: bytes) -> Iterator[tuple[int, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield int(folder.name), command.strip()
        except OSError:
            continue  # it ended while we looked, or belongs to somebody else
