"""Kill what a Ray cluster is made of at random moments, again and again: is every acknowledged metric and checkpoint
still there, does the run come to the losses of one that nobody disturbed, and is no actor left behind?

    python -m benchmarks.cluster_faults            20 times, a new seed
    python -m benchmarks.cluster_faults 5 1234     5 times with the seed 1234

Two nodes on this machine, a head and one that trains; in turn an actor is killed, the node with all that is on it, the
process that manages the node, the one between server and cluster, the server, and the head. What is killed is started
again, as whoever runs a cluster does. "Noticed" tells how long it takes until the run shows as interrupted or waiting,
or has made a further step.
"""

import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.faults import Lost, Seen, look, undisturbed
from benchmarks.ray_nodes import Node, all_pids, command_of
from minigpt_core.background import import_path
from minigpt_core.configs import TrainConfig
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore

KINDS = ("actor", "node", "raylet", "driver", "server", "head")
HEAD, OTHER = "127.0.0.2", "127.0.0.3"
TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
STEPS, PACE = 600, 60.0
LATEST_KILL = 3.0  # seconds after the first steps
PATIENCE = 400.0

SERVER = """
import sys, time
from pathlib import Path
from minigpt_core.jobs.cluster_address import ClusterAddress
from minigpt_core.jobs.manager import JobManager
from minigpt_core.store.runs import RunStore
jobs = JobManager(RunStore(Path(sys.argv[1])), cluster=ClusterAddress(address=sys.argv[2]))
jobs.take_up()
for run_id in sys.argv[3:]:
    jobs.submit(run_id)
sys.stdin.read()
jobs.close()
"""


class Scene:
    """A cluster of two nodes, and a server that trains there."""

    def __init__(self, folder: Path) -> None:
        self.store = RunStore(folder / "home")
        self.folder = folder
        self.head = Node(folder, HEAD, cores=0).wait()
        self.other = Node(folder, OTHER, head=self.head.head).wait()
        self.server: subprocess.Popen[bytes] | None = None

    def serve(self, *runs: Run) -> None:
        """Start a server that goes on with what one before it had, and trains these."""
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(self.store.home), self.head.head, *(run.id for run in runs)],
            stdin=subprocess.PIPE, env=os.environ | import_path() | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def leave(self) -> None:
        """End the server as Ctrl-C does."""
        if self.server is not None and self.server.stdin is not None:
            self.server.stdin.close()
            self.server.wait()
            self.server = None

    def kill(self, kind: str) -> None:
        """One of `KINDS`."""
        assert self.server is not None
        match kind:
            case "actor":
                for pid in self.actors():
                    kill(pid)
            case "node":
                self.other.kill()
            case "raylet":
                kill(self.other.raylet())
            case "driver":
                for pid in drivers(self.store.home):
                    kill(pid)
            case "server":
                self.server.kill()
                self.server.wait()
            case "head":
                self.head.kill()

    def repair(self, kind: str) -> None:
        """Start what was killed again. Nodes do not join another head: theirs are started again, too."""
        if kind in ("raylet", "head"):
            self.other.kill()
        if kind == "head":
            port = int(self.head.head.rpartition(":")[2])
            self.head = Node(self.folder, HEAD, port=port, cores=0).wait()
        if kind in ("node", "raylet", "head"):
            self.other = Node(self.folder, OTHER, head=self.head.head).wait()
        if kind == "server":
            self.serve()

    def actors(self) -> list[int]:
        """The processes that train, or are ready to."""
        return self.head.actors() + self.other.actors()

    def close(self) -> None:
        """End everything."""
        if self.server is not None:
            self.server.kill()
            self.server.wait()
        self.other.kill()
        self.head.kill()


def kill(pid: int) -> None:
    """At once, if it is there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def drivers(home: Path) -> list[int]:
    """The processes between a server on this data folder and its cluster."""
    return [
        pid for pid in all_pids() if "minigpt_core.jobs.ray_driver" in command_of(pid) and str(home) in command_of(pid)
    ]  # fmt: skip


def make_run(store: RunStore, seed: int, pace: float = PACE) -> Run:
    """A run that is slow enough to be hit, with ten evaluations."""
    training = TrainConfig(steps=STEPS, pace=pace, eval_interval=STEPS // 10, sample_length=10, seed=seed)
    model = {"block_size": 8, "n_embd": 16}
    return new_run(store, text=TEXT, title="chat", model_fields=model, training=training)


def notice(store: RunStore, run: Run, reached: int) -> float:
    """Seconds until a run shows as interrupted or waiting, or has made a step beyond those that it had."""
    began = time.monotonic()
    while (now := store.run(run.id)).status in ("running", "paused") and now.step <= reached:
        if time.monotonic() - began > PATIENCE:
            raise Lost("the run itself: nothing happens any more")
        time.sleep(0.02)
    return time.monotonic() - began


def until_done(store: RunStore, *runs: Run) -> None:
    """Wait for their ends."""
    deadline = time.monotonic() + PATIENCE
    while any(store.run(run.id).status != "done" for run in runs):
        if time.monotonic() > deadline:
            states = [(store.run(run.id).status, store.run(run.id).step) for run in runs]
            raise Lost(f"the runs themselves: they do not come to an end: {states}")
        time.sleep(0.05)


def kill_once(scene: Scene, kind: str, chance: random.Random) -> tuple[float, int]:
    """Two trainings, of which one thing is killed. Returns how long it took to notice, and the step of the kill."""
    store = scene.store
    runs = [make_run(store, chance.randrange(1000)) for _ in range(2)]
    expected = [undisturbed(store, make_run(store, run.training.seed, pace=0)) for run in runs]
    scene.serve(*runs)
    deadline = time.monotonic() + PATIENCE
    while not any(store.run(run.id).step >= 5 for run in runs):
        if time.monotonic() > deadline:
            raise Lost("the beginning")
        time.sleep(0.02)
    time.sleep(chance.uniform(0, LATEST_KILL))
    seen = [look(store, run) for run in runs]
    scene.kill(kind)
    reached = [store.run(run.id).step for run in runs]
    noticed = max(notice(store, run, step) for run, step in zip(runs, reached, strict=True))
    scene.repair(kind)
    until_done(store, *runs)
    for run, losses, before in zip(runs, expected, seen, strict=True):
        check(store, run, losses, before)
    scene.leave()
    time.sleep(1)
    if left := scene.actors():
        raise Lost(f"no actor, that is: {len(left)} are left behind")
    return noticed, max(reached)


def check(store: RunStore, run: Run, expected: dict[int, float], before: Seen) -> None:
    """Raise `Lost` unless its losses are those of an undisturbed run, and all that was seen before is there."""
    now = look(store, run)
    if now.losses != expected:
        raise Lost("the losses: gone on with, they are others")
    if not before.losses.items() <= now.losses.items() or not before.checkpoints <= now.checkpoints:
        raise Lost("something acknowledged")


def main() -> None:
    """Kill, look, repair, compare."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(10**6)
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # Ray's sockets want a short path
    scene = Scene(folder)
    slowest = 0.0
    try:
        for n in range(times):
            kind = KINDS[n % len(KINDS)]
            noticed, step = kill_once(scene, kind, chance)
            slowest = max(slowest, noticed)
            print(
                f"{n + 1:>3}  {kind:<6} killed at step {step:>4}, noticed after {noticed:.1f} s: nothing lost",
                flush=True,
            )
    finally:
        scene.close()
        shutil.rmtree(folder, ignore_errors=True)
    print(
        f"{times} of {times}: what was acknowledged is there, the losses are the same, no actor is left; noticed after "
        f"{slowest:.1f} s at most."
    )


if __name__ == "__main__":
    main()
