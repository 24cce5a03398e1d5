"""What a Ray cluster takes beside the trainings themselves, measured here, and what follows for a university of 3,000
students: 100 servers, one a class, and so many nodes that train for all of them.

    python -m benchmarks.cluster_growth
    python -m benchmarks.cluster_growth --students 3000 --class-size 30 --trainings 6 --minutes 45

A head and a node of two cores on this machine, and some servers' `JobManager`s. What pages cost is measured by
`benchmarks.growth`. Every assumption is printed above what follows from it. (Linux)
"""

import argparse
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.classroom import own_memory, processor_seconds
from benchmarks.cluster_faults import drivers
from benchmarks.growth import FULL, IDLE_SECONDS, MACHINE_CORES
from benchmarks.ray_nodes import Node
from minigpt_core.jobs.cluster_address import ClusterAddress
from minigpt_core.jobs.manager import JobManager
from minigpt_core.precision import processor
from minigpt_core.presets import find_preset
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus

HEAD, OTHER = "127.0.0.2", "127.0.0.3"
PATIENCE = 240.0  # seconds
LOOK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one part of a cluster takes. Megabytes, shared pages counted in parts; seconds of a core."""

    memory: float
    idle_share: float
    """Of a core, while nobody trains."""

    training_seconds: float
    """For one training: TinyGPT, 500 steps."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What was measured."""

    head: Part
    head_memory_each: float
    """More, for each server."""

    node: Part
    """What Ray itself runs there."""

    actor: Part
    between: Part
    """The process between a server and the cluster."""


class Pids:
    """Processes whose processor time is added up, also of those that have ended meanwhile."""

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self._pids, self._spent = pids, dict[int, float]()
        self.look()
        self._before = sum(self._spent.values())

    def look(self) -> None:
        for pid in self._pids():
            with suppress(OSError):
                self._spent[pid] = processor_seconds(pid)

    def seconds(self) -> float:
        """Since it was begun."""
        self.look()
        return sum(self._spent.values()) - self._before

    def memory(self) -> float:
        """Now, megabytes."""
        return sum(own_memory(pid) for pid in self._pids())


class Scene:
    """A cluster, and the servers that train there."""

    def __init__(self, folder: Path, cores: int) -> None:
        self._folder = folder
        self.head = Node(folder, HEAD, cores=0).wait()
        self.node = Node(folder, OTHER, head=self.head.head, cores=cores).wait()
        self.servers = list[tuple[JobManager, RunStore]]()

    def add_servers(self, count: int) -> None:
        for _ in range(count):
            store = RunStore(self._folder / f"home-{len(self.servers)}")
            jobs = JobManager(store, cluster=ClusterAddress(address=self.head.head))
            self.servers.append((jobs, store))
            until(lambda jobs=jobs: not jobs.out_of_reach)  # type: ignore[misc]

    def between(self) -> list[int]:
        return [pid for _jobs, store in self.servers for pid in drivers(store.home)]

    def rays_own(self) -> list[int]:
        """What Ray itself runs on the node."""
        return [pid for pid in self.node.pids() if pid not in self.node.actors()]

    def parts(self) -> dict[str, Pids]:
        return {
            "head": Pids(self.head.pids), "node": Pids(self.rays_own), "actor": Pids(self.node.actors),
            "between": Pids(self.between),
        }  # fmt: skip

    def close(self) -> None:
        for jobs, _store in self.servers:
            jobs.close()
        self.node.kill()
        self.head.kill()


def until(condition: Callable[[], bool]) -> None:
    """Wait for it. Raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(LOOK_SECONDS)


def tiny_run(store: RunStore) -> Run:
    """The notebook's training: TinyGPT, 500 steps."""
    preset = find_preset("notebook")
    assert preset.corpus is not None
    text = corpus.normalize(corpus.load(preset.corpus).text, lower=preset.lower)
    return new_run(
        store,
        text=text,
        title="chat",
        model_fields=preset.model,
        training=preset.training,
        lower=preset.lower,
    )


def measure(servers: int, trainings: int, cores: int) -> Costs:
    """Start a cluster, leave it alone for a while, then have every server train."""
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as folder, ExitStack() as over:
        scene = Scene(Path(folder), cores)
        over.callback(scene.close)
        alone = Pids(scene.head.pids).memory()
        scene.add_servers(servers)
        time.sleep(IDLE_SECONDS)  # Ray has its workers ready
        idle, began = scene.parts(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        shares = {name: part.seconds() / (time.monotonic() - began) for name, part in idle.items()}
        spent, runs = scene.parts(), list[tuple[RunStore, Run]]()
        for jobs, store in scene.servers:
            for _ in range(trainings):
                run = tiny_run(store)
                jobs.submit(run.id)
                runs.append((store, run))

        def done() -> bool:
            for part in spent.values():
                part.look()
            return all(store.run(run.id).status == "done" for store, run in runs)

        until(done)
        actors = max(1, len(scene.node.actors()))
        counts = {"head": 1, "node": 1, "actor": actors, "between": servers}
        parts = {
            name: Part(
                memory=part.memory() / counts[name],
                idle_share=shares[name] / counts[name],
                training_seconds=part.seconds() / len(runs),
            )
            for name, part in spent.items()
        }
        return Costs(head_memory_each=max(0.0, parts["head"].memory - alone) / servers, **parts)


def say_costs(costs: Costs, servers: int) -> None:
    """What was measured, a line each."""
    print(
        f"Measured on {processor()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, "
        f"with {servers} servers:\n"
        "                            memory   idle, of a core   a training (TinyGPT, 500)"
    )
    for name, part in (
        ("the head", costs.head),
        ("Ray on a node", costs.node),
        ("an actor", costs.actor),
        ("the process between", costs.between),
    ):
        print(
            f"  {name:<22} {part.memory:7.0f} MB {part.idle_share:15.2%} {part.training_seconds:15.2f} s of a core"
        )
    print(f"  the head, for each server more {costs.head_memory_each:5.1f} MB")


def say_model(costs: Costs, options: argparse.Namespace) -> None:
    """What follows for many classes at the same hour, and of what."""
    servers = math.ceil(options.students / options.class_size)
    begun = options.students * options.trainings / (60 * options.minutes)  # a second
    done = begun * options.work
    train = done * costs.actor.training_seconds + begun * costs.node.training_seconds
    nodes = math.ceil(train / (FULL * MACHINE_CORES))
    node_memory = costs.node.memory + MACHINE_CORES * costs.actor.memory
    between = servers * costs.between.idle_share + done * costs.between.training_seconds
    head = costs.head.idle_share + begun * costs.head.training_seconds
    head_memory = costs.head.memory + servers * costs.head_memory_each
    print(
        f"\nAssumed: {options.students} students in {servers} classes, all in the same {options.minutes:g} minutes;\n"
        f"  each trains {options.trainings} times, {options.work:g} times what was measured;\n"
        "  an actor and the process between have more to do for a longer training, head and node once for each: they\n"
        "  start its actor; the head's memory grows with the servers;\n"
        f"  nodes of {MACHINE_CORES} such cores, {FULL:.0%} of them planned for, with an actor a core;\n"
        "  pages as `benchmarks.growth` has them, on machines of their own.\n"
        f"Trainings:   {train:.0f} cores on average: {nodes} nodes of {MACHINE_CORES} cores, with "
        f"{node_memory / 1000:.1f} GB each.\n"
        f"Head:        {head:.1f} cores, {head_memory / 1000:.1f} GB.\n"
        f"{servers} servers: {between:.1f} cores and {servers * costs.between.memory / 1000:.0f} GB for the processes "
        "between, more than their pages take.\n"
        f"Beside the trainings: {(head + between) / train:.0%} of their processor time."
    )


def main() -> None:
    """Measure, then calculate."""
    parser = argparse.ArgumentParser(prog="benchmarks.cluster_growth")
    parser.add_argument("--servers", type=int, default=3, help="that are connected while it is measured")
    parser.add_argument("--runs", type=int, default=4, help="of each server")
    parser.add_argument("--cores", type=int, default=2, help="of the node")
    parser.add_argument("--students", type=int, default=3000)
    parser.add_argument("--class-size", type=int, default=30)
    parser.add_argument("--trainings", type=int, default=6, help="of each student in a lesson")
    parser.add_argument("--work", type=float, default=10.0, help="of such a training, in those measured")
    parser.add_argument("--minutes", type=float, default=45)
    options = parser.parse_args()
    costs = measure(options.servers, options.runs, options.cores)
    say_costs(costs, options.servers)
    say_model(costs, options)


if __name__ == "__main__":
    main()
