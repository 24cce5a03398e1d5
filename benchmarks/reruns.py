"""What one more run of each page's script costs the server: processor time of its thread, database queries, bytes sent.

    python -m benchmarks.reruns                          this version
    python -m benchmarks.reruns --before FOLDER          and an earlier one in FOLDER, asked in turns with it
    python -m benchmarks.reruns --pages home,model --profile FILE      where it goes (read it with `pstats`)

A real server with two trained models, and one tab that asks again and again, nothing else going on.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from scripts.running_app import HEALTH, ROOT, free_port, stop
from scripts.visitor import Visitor
from ui.journey import STATIONS

PROBE = Path(__file__).with_name("rerun_probe.py")
FIRST = 3  # runs of a page that warm the caches and are not counted
MODELS = (
    ("steps=300",),
    ("n_layer=2", "n_head=2", "n_embd=32", "steps=30"),
)  # upon the preset "notebook"
_open = build_opener(ProxyHandler({})).open


@dataclass
class Version:
    """A version of the dashboard that is served, and what it was measured to cost, by page."""

    name: str
    tab: Visitor
    log: Path
    pid: int
    costs: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def ask(self, page: str, times: int, count: bool = True, **query: str) -> None:
        """Have a page drawn so many times."""
        for _ in range(times):
            before = len(self.lines())
            began = time.perf_counter()
            sent = self.tab.bytes_received
            self.tab.open(page, lang="en", **query)
            waited = time.perf_counter() - began
            sent = self.tab.bytes_received - sent
            while len(lines := self.lines()) == before:
                time.sleep(0.005)
            if count:
                cost = json.loads(lines[-1])
                cost |= {"waited": waited, "bytes": sent, "elements": len(self.tab.drawn)}
                self.costs.setdefault(page, []).append(cost)
            time.sleep(0.02)

    def lines(self) -> list[str]:
        """What the server has noted. A line that is still being written is none yet."""
        return self.log.read_text().split("\n")[:-1]

    def median(self, page: str, what: str) -> float:
        """Of all that was measured of a page."""
        return statistics.median(cost[what] for cost in self.costs[page])


@contextmanager
def served(name: str, root: Path, home: Path, profile: str = "") -> Iterator[Version]:
    """A version in a process of its own, with two runs."""
    known = home.exists()
    home.mkdir(parents=True, exist_ok=True)
    env = os.environ | {"MINIGPT_HOME": str(home), "RERUN_PROFILE": profile}
    for settings in () if known else MODELS:
        command = [sys.executable, "-m", "minigpt_core", "train", "--threads", "1", "--json"]
        command += [argument for setting in (*settings, "eval_windows=4") for argument in ("--set", setting)]
        subprocess.run(command, cwd=root, env=env, check=True, stdout=subprocess.DEVNULL)
    port, log = free_port(), home / "reruns.log"
    log.write_text("")
    command = [sys.executable, str(PROBE), str(log), "run", "dashboard.py"]
    command += ["--server.port", str(port), "--server.headless", "true"]
    with (home / "server.log").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=root, env=env | {"PYTHONPATH": str(root)}, stdout=output, stderr=output
        )
    try:
        url = f"http://127.0.0.1:{port}"
        while True:
            try:
                _open(url + HEALTH, timeout=5)
                break
            except (URLError, OSError):
                time.sleep(0.2)
        yield Version(name, Visitor(url), log, process.pid)
    finally:
        stop(process)


def report(versions: list[Version], page: str) -> None:
    """One line a version."""
    for version in versions:
        shown = {what: 1000 * version.median(page, what) for what in ("cpu", "process", "waited")}
        print(
            f"{page or 'home':<12} {version.name:<7}"
            f" script {shown['cpu']:6.1f} ms   server {shown['process']:6.1f} ms   seen {shown['waited']:6.1f} ms"
            f"   queries {version.median(page, 'queries'):4.0f}   elements {version.median(page, 'elements'):4.0f}"
            f"   {version.median(page, 'bytes') / 1000:7.1f} kB",
            flush=True,
        )


def main() -> None:
    """Print a line for each page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", type=Path, help="the folder of an earlier version")
    parser.add_argument("--pages", default="", help="names, with commas; all")
    parser.add_argument("--times", type=int, default=12)
    parser.add_argument("--homes", type=Path, help="keep the trained models in this folder for the next time")
    parser.add_argument("--profile", default="", help="write a profile of all runs that are counted")
    options = parser.parse_args()
    names = [name for name in options.pages.split(",") if name] or [station.name for station in STATIONS]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        roots = [("now", ROOT)] + ([("before", options.before)] if options.before else [])
        homes = options.homes or Path(folder)
        versions = [
            stack.enter_context(served(name, root, homes / name, options.profile)) for name, root in roots
        ]
        for name in names:
            page = "" if name == "home" else name
            for version in versions:
                version.ask(page, FIRST, count=False)
            if options.profile:
                os.kill(versions[0].pid, signal.SIGUSR1)
            for _ in range(options.times):
                for version in versions:
                    version.ask(page, 1)
            report(versions, page)
        print("load", *(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
