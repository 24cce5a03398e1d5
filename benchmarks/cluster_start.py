"""How long after Start a training on a Ray cluster shows its first loss, with a warm actor and without one.

    python -m benchmarks.cluster_start             5 times with, once without
    python -m benchmarks.cluster_start 20          20 times

Two nodes on this machine with two cores each, and a server's `JobManager`; the first loss counts when it is stored.
Beside it, the same on this machine without a cluster. Times depend on whatever else the machine does: the load is
printed with them.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.ray_nodes import Node
from minigpt_core.configs import TrainConfig
from minigpt_core.jobs.cluster_address import ClusterAddress
from minigpt_core.jobs.manager import JobManager
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore

HEAD, OTHER = "127.0.0.2", "127.0.0.3"
TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
PATIENCE = 120.0  # seconds


def until(condition: Callable[[], bool]) -> None:
    """Wait for it. Raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.005)


def first_loss(jobs: JobManager, store: RunStore) -> float:
    """Seconds from Start to the first loss; the training is stopped then."""
    run = new_run(
        store, text=TEXT, title="chat", model_fields={"block_size": 8, "n_embd": 64},
        training=TrainConfig(steps=100_000, sample_length=0),
    )  # fmt: skip
    began = time.monotonic()
    jobs.submit(run.id)
    until(lambda: store.run(run.id).step > 0)
    seconds = time.monotonic() - began
    jobs.stop(run.id)
    until(lambda: not jobs.controls(run.id))
    return seconds


def measure(name: str, jobs: JobManager, store: RunStore, times: int) -> None:
    """Print the first one, which finds no warm worker, and the median and the longest of the others."""
    try:
        cold = first_loss(jobs, store)
        warm = []
        for _ in range(times):
            time.sleep(3)  # the next worker gets ready
            warm.append(first_loss(jobs, store))
    finally:
        jobs.close()
    print(
        f"{name:<8} the first {cold:.2f} s; with a warm worker {statistics.median(warm):.2f} s at the median, "
        f"{max(warm):.2f} s at most"
    )


def main() -> None:
    """Print both."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as folder:  # Ray's sockets want a short path
        nodes = [head := Node(Path(folder), HEAD).wait(), Node(Path(folder), OTHER, head=head.head).wait()]
        try:
            store = RunStore(Path(folder) / "home")
            jobs = JobManager(store, cluster=ClusterAddress(address=head.head))
            until(lambda: jobs.at_once == 4)
            measure("cluster", jobs, store, times)
        finally:
            for node in reversed(nodes):
                node.kill()
        store = RunStore(Path(folder) / "here")
        measure("here", JobManager(store), store, times)
    print("load", *(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
