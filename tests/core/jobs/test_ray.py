"""Trainings on a Ray cluster of two nodes on this machine: the same losses as here, steered the same way, and nothing
that is killed takes anything along that was acknowledged. `benchmarks/cluster_faults.py` kills twenty times."""

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ray_nodes import Node
from minigpt_core.configs import TrainConfig
from minigpt_core.errors import ConfigError
from minigpt_core.jobs import cluster as cluster_process
from minigpt_core.jobs.cluster_address import ClusterAddress, from_environment
from minigpt_core.jobs.manager import JobError, JobManager
from minigpt_core.jobs.worker import take_up
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import StepEvent

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
PATIENCE = 240.0  # seconds; this machine may be busy
pytestmark = pytest.mark.timeout(1500)  # two nodes are started: each takes a minute on a busy machine
HEAD, OTHER = "127.0.0.2", "127.0.0.3"


def until(condition: Callable[[], Any], what: str = "it") -> Any:
    """Wait for a condition and return its value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)
    return value


class Cluster:
    """Two nodes with two cores each."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # Ray's sockets want a short path
        self.head = self.other = Node(self.folder, HEAD)
        try:
            self.head.wait()
            self.new_node()
        except RuntimeError:
            self.close()
            raise

    def new_node(self) -> None:
        self.other = Node(self.folder, OTHER, head=self.head.head).wait()

    def actors(self) -> list[int]:
        return self.head.actors() + self.other.actors()

    def close(self) -> None:
        self.other.kill()
        self.head.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
    if sys.platform != "linux":
        pytest.skip("every node has a loopback address of its own: Linux alone has several")
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def manager(store: RunStore, cluster: Cluster) -> Iterator[JobManager]:
    manager = JobManager(store, cluster=ClusterAddress(address=cluster.head.head))
    yield manager
    manager.close()


@pytest.fixture
def jobs(store: RunStore, manager: JobManager, cluster: Cluster) -> Iterator[JobManager]:
    """The manager, with nothing to do before and after, and four places."""
    if not cluster.other.pids():
        cluster.new_node()
    until(lambda: manager.at_once == 4, "four places")
    yield manager
    for run in store.runs():
        with suppress(JobError):  # it has ended
            manager.stop(run.id)
    until(lambda: not any(manager.controls(run.id) for run in store.runs()), "the end of all runs")


def make_run(store: RunStore, **training: Any) -> Run:
    config = TrainConfig(**({"steps": 400, "eval_interval": 50, "sample_length": 10} | training))
    return new_run(
        store, text=TEXT, title="chat", model_fields={"block_size": 8, "n_embd": 16}, training=config
    )


def losses(store: RunStore, run: Run) -> dict[int, float]:
    return {event.step: event.loss for event in store.steps_since(run.id, limit=1_000_000)}


def undisturbed(store: RunStore, run: Run) -> dict[int, float]:
    """The losses of the same run in this process."""
    fresh = store.create_run(
        text_id=run.text_id, text_title="", characters=run.characters, lower=True, model=run.model,
        training=replace(run.training, pace=0), status="stopped",
    )  # fmt: skip
    return {event.step: event.loss for event in take_up(store, fresh).run() if isinstance(event, StepEvent)}


def steps_of(store: RunStore, *runs: Run) -> int:
    """How far the last of the runs has come."""
    return min(store.run(run.id).step for run in runs)


def test_a_run_has_the_losses_that_it_has_here(store: RunStore, jobs: JobManager) -> None:
    run = make_run(store)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).status == "done", "done")
    assert losses(store, run) == undisturbed(store, run)
    assert [e.step for e in store.evaluations(run.id)] == list(range(0, 401, 50))
    assert [e.step for e in store.samples(run.id)] == list(range(0, 401, 50))
    assert store.load_checkpoint(run.id).step == 400
    finished = store.run(run.id)
    assert (finished.step, finished.threads, finished.device) == (400, 1, "cpu")
    assert finished.node in (HEAD, OTHER)
    assert not jobs.controls(run.id)


def test_it_is_steered_as_any_other(store: RunStore, jobs: JobManager) -> None:
    run = make_run(store, pace=50, steps=5000)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).step > 3, "training")
    jobs.pause(run.id)
    until(lambda: store.run(run.id).status == "paused", "pause")
    held = store.run(run.id).step
    jobs.step(run.id)
    jobs.step(run.id)
    until(lambda: store.run(run.id).step == held + 2, "two steps")
    time.sleep(0.2)
    assert store.run(run.id).step == held + 2
    jobs.change(run.id, pace=0, learning_rate=0.02)
    jobs.resume(run.id)
    until(lambda: store.run(run.id).step > held + 100, "full speed")
    assert b'"status":"running"' in until(lambda: jobs.live(run.id), "what the chart draws")
    until(lambda: not jobs.pending(run.id), "the change")
    jobs.stop(run.id)
    stopped = until(lambda: (r := store.run(run.id)).status == "stopped" and r, "stop")
    assert store.load_checkpoint(run.id).step == stopped.step
    assert {change.name for change in store.changes(run.id)} == {"pace", "learning_rate"}
    until(lambda: not jobs.controls(run.id), "its end")
    jobs.resume(run.id)
    until(lambda: store.run(run.id).step > stopped.step, "going on")
    steps = [*losses(store, run)]
    assert steps == list(range(1, len(steps) + 1))


def test_what_finds_no_place_waits_and_what_is_held_gives_its_place_up(
    store: RunStore, jobs: JobManager
) -> None:
    runs = [make_run(store, pace=20, steps=100_000) for _ in range(4)]
    for run in runs:
        jobs.submit(run.id)
    until(lambda: steps_of(store, *runs) > 0, "four trainings")
    waiting = make_run(store, steps=100)
    jobs.submit(waiting.id)
    assert jobs.position(waiting.id) == 1
    time.sleep(0.3)
    assert store.run(waiting.id).status == "queued"
    jobs.pause(runs[0].id)
    until(lambda: store.run(waiting.id).status == "done", "the one that waited")
    assert store.run(runs[0].id).status == "paused"
    held = store.run(runs[0].id).step
    jobs.resume(runs[0].id)
    until(lambda: store.run(runs[0].id).step > held, "the one that was held")


def test_a_node_is_lost_in_the_middle_of_four_runs(
    store: RunStore, jobs: JobManager, cluster: Cluster
) -> None:
    runs = [make_run(store, steps=900, pace=5, seed=seed) for seed in range(4)]
    for run in runs:
        jobs.submit(run.id)
    until(lambda: steps_of(store, *runs) > 1, "four trainings")
    for run in runs:
        jobs.change(run.id, pace=100)
    until(lambda: steps_of(store, *runs) > 60, "their first checkpoints")
    there = [run for run in runs if store.run(run.id).node == OTHER]
    assert there and len(there) < len(runs)
    before = {run.id: losses(store, run) for run in there}
    kept = {run.id: store.load_checkpoint(run.id).step for run in there}
    cluster.other.kill()
    until(lambda: all(store.run(run.id).node == HEAD for run in runs), "going on elsewhere")
    for run in there:
        again = losses(store, run)
        assert all(again[step] == loss for step, loss in before[run.id].items() if step <= kept[run.id])
    until(lambda: all(store.run(run.id).status == "done" for run in runs), "done")
    for run in runs:
        assert losses(store, run) == undisturbed(store, run)
    assert len(cluster.actors()) <= 2


def test_servers_share_the_places(
    store: RunStore, jobs: JobManager, cluster: Cluster, tmp_path: Path
) -> None:
    others_store = RunStore(tmp_path / "other")
    other = JobManager(others_store, cluster=ClusterAddress(address=cluster.head.head))
    try:
        mine = [make_run(store, steps=100_000, pace=20) for _ in range(4)]
        for run in mine:
            jobs.submit(run.id)
        until(lambda: steps_of(store, *mine) > 3, "four at once")
        until(
            lambda: other.at_once == 1 and not other.out_of_reach,
            "a full cluster, as the other server sees it",
        )
        theirs = make_run(others_store)
        other.submit(theirs.id)
        assert other.position(theirs.id) == 1
        jobs.stop(mine[0].id)
        until(lambda: others_store.run(theirs.id).status == "done", "the other server's training")
        assert steps_of(store, *mine[1:]) > 3
    finally:
        other.close()


def test_what_is_held_makes_room_for_a_run_that_has_lost_its_node(
    store: RunStore, jobs: JobManager, cluster: Cluster
) -> None:
    runs = [make_run(store, steps=100_000, pace=20) for _ in range(4)]
    for run in runs:
        jobs.submit(run.id)
    until(lambda: steps_of(store, *runs) > 1, "four trainings")
    here = [run for run in runs if store.run(run.id).node == HEAD]
    for run in here:
        jobs.pause(run.id)
    until(lambda: all(store.run(run.id).status == "paused" for run in here), "pause")
    goes_on, stopped = (run for run in runs if run not in here)
    reached = store.run(goes_on.id).step
    cluster.other.kill()
    until(lambda: store.run(goes_on.id).status == store.run(stopped.id).status == "queued", "waiting")
    assert store.run(goes_on.id).node is None
    jobs.stop(stopped.id)  # no worker has it that could answer
    jobs.pause(goes_on.id)
    assert (store.run(stopped.id).status, store.run(goes_on.id).status) == ("stopped", "paused")
    jobs.resume(goes_on.id)
    until(lambda: store.run(goes_on.id).node == HEAD, "going on elsewhere")
    until(lambda: steps_of(store, goes_on) > reached, "further steps")
    assert all(store.run(run.id).status == "paused" for run in here)


def test_an_actor_is_killed(store: RunStore, jobs: JobManager, cluster: Cluster) -> None:
    run = make_run(store, steps=600, pace=200)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).step > 60, "training")
    for pid in cluster.actors():
        os.kill(pid, signal.SIGKILL)
    until(lambda: store.run(run.id).status == "done", "done")
    assert losses(store, run) == undisturbed(store, run)


def test_a_host_is_gone_when_nothing_listens_there_any_more() -> None:
    ray_driver = pytest.importorskip("minigpt_core.jobs.ray_driver", reason="Ray is not installed")
    with socket.create_server((HEAD, 0)) as manages:
        host = ray_driver.Host("a node", manages.getsockname())
        assert host.state() == "here"
    assert host.state() == "gone"
    assert ray_driver.Host("a node", None).state() == "here"


def test_what_stands_between_is_killed(store: RunStore, jobs: JobManager, cluster: Cluster) -> None:
    run = make_run(store, steps=600, pace=100)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).step > 60, "training")
    actors = cluster.actors()
    assert jobs._cluster is not None and jobs._cluster.pid is not None
    os.kill(jobs._cluster.pid, signal.SIGKILL)
    until(lambda: store.run(run.id).status == "done", "done")
    assert losses(store, run) == undisturbed(store, run)
    until(lambda: not {*actors} & {*cluster.actors()}, "the end of the actors that nobody asks any more")


def test_what_stands_between_is_stuck_and_nobody_waits_for_it(
    store: RunStore, jobs: JobManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(store, steps=600, pace=100)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).step > 60, "training")
    assert jobs._cluster is not None and jobs._cluster.pid is not None
    os.kill(jobs._cluster.pid, signal.SIGSTOP)
    monkeypatch.setattr(cluster_process, "SILENT_SECONDS", 3)
    for _ in range(5000):  # more than a pipe holds
        jobs._cluster.send({"do": "watch", "worker": 0})
    jobs.live(run.id)
    until(lambda: store.run(run.id).status == "done", "done")
    assert losses(store, run) == undisturbed(store, run)


def test_what_it_prints_is_in_its_log_and_why_it_failed_in_the_store(
    store: RunStore, jobs: JobManager
) -> None:
    ready = make_run(store)
    run = store.create_run(
        text_id=store.save_text("le chat", "short"), text_title="", characters=ready.characters, lower=True,
        model=ready.model, training=ready.training,
    )  # fmt: skip
    jobs.submit(run.id)
    failed = until(lambda: (r := store.run(run.id)).status == "failed" and r, "failure")
    assert "Use a longer text" in failed.error
    log = store.folder(run.id) / "worker.log"
    until(lambda: log.exists() and "Traceback" in log.read_text("utf-8"), "what was printed")
    jobs.submit(ready.id)
    until(lambda: store.run(ready.id).status == "done", "another one")


def test_a_server_without_the_token_knows_that_it_is_shut_out(
    store: RunStore, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    stranger = JobManager(store, cluster=ClusterAddress(address=cluster.head.head))
    try:
        until(lambda: stranger.shut_out, "the refusal")
        assert stranger.out_of_reach
    finally:
        stranger.close()


def test_ray_is_asked_for_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_environment() is None
    monkeypatch.setenv("MINIGPT_LAUNCHER", "slurm")
    with pytest.raises(ConfigError, match="slurm is no way"):
        from_environment()
    monkeypatch.setenv("MINIGPT_LAUNCHER", "ray")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "ray", None)
        with pytest.raises(ConfigError, match=r"pip install -r requirements-ray.txt"):
            from_environment()


def test_the_cluster_is_named_by_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
    monkeypatch.setenv("MINIGPT_LAUNCHER", "ray")
    for wrong in ("", "10.0.0.5", "auto:"):
        monkeypatch.setenv("RAY_ADDRESS", wrong)
        with pytest.raises(ConfigError, match="host and port of its head"):
            from_environment()
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.5:6379")
    assert from_environment() == ClusterAddress(address="10.0.0.5:6379")
    monkeypatch.setenv("MINIGPT_RAY_CARDS", "half")
    with pytest.raises(ConfigError, match=r"such as 0.25"):
        from_environment()
    monkeypatch.setenv("MINIGPT_RAY_CARDS", "0.25")
    assert from_environment() == ClusterAddress(address="10.0.0.5:6379", cards=0.25)
