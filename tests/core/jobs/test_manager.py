"""Real workers in real processes: controls, the queue, and what happens when they are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from minigpt_core.background import import_path
from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.devices import best_thread_count
from minigpt_core.errors import ConfigError, StoreError, UserError
from minigpt_core.jobs.launchers import LocalWorker, Message, WorkerProcess
from minigpt_core.jobs.manager import JobError, JobManager
from minigpt_core.jobs.worker import take_up
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import StepEvent, Trainer

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
PATIENCE = 300.0  # seconds; this machine may be busy


def until(condition: Callable[[], Any], what: str = "it") -> Any:
    """Wait for a condition and return its value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)
    return value


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def manager(store: RunStore) -> Iterator[JobManager]:
    """One for all tests, as a server has one for all runs: its worker is started once and kept warm."""
    manager = JobManager(store, max_running=1)
    yield manager
    manager.close()


@pytest.fixture
def jobs(store: RunStore, manager: JobManager) -> Iterator[JobManager]:
    """The manager, with nothing to do before and after."""
    yield manager
    for run in store.runs():
        with suppress(JobError):  # it has ended
            manager.stop(run.id)
    until(lambda: not any(manager.controls(run.id) for run in store.runs()), "the end of all runs")


def make_run(store: RunStore, text: str = TEXT, **training: Any) -> Run:
    config = TrainConfig(**({"steps": 400, "eval_interval": 50, "sample_length": 10} | training))
    return new_run(
        store, text=text, title="chat", model_fields={"block_size": 8, "n_embd": 16}, training=config
    )


def step_losses(store: RunStore, run: Run) -> dict[int, float]:
    return {event.step: event.loss for event in store.steps_since(run.id, limit=1_000_000)}


def undisturbed(store: RunStore, run: Run) -> dict[int, float]:
    """The losses of the same run without any worker."""
    fresh = store.create_run(
        text_id=run.text_id,
        text_title="",
        characters=run.characters,
        lower=True,
        model=run.model,
        training=run.training,
    )
    trainer: Trainer = take_up(store, fresh)
    return {event.step: event.loss for event in trainer.run() if isinstance(event, StepEvent)}


def worker_pid(jobs: JobManager, run: Run) -> int:
    worker = jobs._jobs[run.id].worker
    assert isinstance(worker, LocalWorker) and worker.pid
    return worker.pid


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return (
        Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] == "Z"
        if sys.platform == "linux"
        else False
    )


def test_a_run_is_trained_recorded_and_done(store: RunStore, jobs: JobManager) -> None:
    run = make_run(store)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).status == "done", "done")
    assert step_losses(store, run) == undisturbed(store, run)
    assert [e.step for e in store.evaluations(run.id)] == list(range(0, 401, 50))
    assert [e.step for e in store.samples(run.id)] == list(range(0, 401, 50))
    assert store.load_checkpoint(run.id).step == 400
    finished = store.run(run.id)
    assert (finished.step, finished.threads) == (400, 1)
    assert finished.best_val_loss == min(e.val_loss for e in store.evaluations(run.id) if e.val_loss)
    assert not jobs.controls(run.id)


def test_pause_step_resume_change_and_stop(store: RunStore, jobs: JobManager) -> None:
    run = make_run(store, pace=50, steps=5000)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).step > 3, "training")
    jobs.pause(run.id)
    until(lambda: store.run(run.id).status == "paused", "pause")
    held = store.run(run.id).step
    jobs.step(run.id)
    until(lambda: store.run(run.id).step == held + 1, "one step")
    jobs.step(run.id)
    jobs.step(run.id)
    until(lambda: store.run(run.id).step == held + 3, "two steps")
    time.sleep(0.2)
    assert store.run(run.id).step == held + 3
    jobs.change(run.id, pace=0, learning_rate=0.02)
    jobs.resume(run.id)
    until(lambda: store.run(run.id).step > held + 100, "full speed")
    jobs.stop(run.id)
    stopped = until(lambda: (r := store.run(run.id)).status == "stopped" and r, "stop")
    assert store.load_checkpoint(run.id).step == stopped.step
    assert {change.name for change in store.changes(run.id)} == {"pace", "learning_rate"}

    jobs.resume(run.id)  # a stopped run goes on where it was
    until(lambda: store.run(run.id).step > stopped.step, "going on")
    steps = [event.step for event in store.steps_since(run.id, limit=100_000)]
    assert steps == list(range(1, len(steps) + 1))
    jobs.stop(run.id)
    until(lambda: store.run(run.id).status in ("stopped", "done"), "stop")


def test_one_can_wait_for_what_was_asked_for(store: RunStore, jobs: JobManager) -> None:
    run, behind = make_run(store, steps=1_000_000), make_run(store, steps=1_000_000)
    jobs.submit(run.id)
    assert jobs.wait(run.id, "running", patience=PATIENCE)
    jobs.submit(behind.id)
    assert not jobs.wait(behind.id, "running", patience=0.05)  # it is not its turn
    jobs.pause(run.id)
    assert jobs.wait(run.id, "paused", patience=PATIENCE)
    assert store.run(run.id).status == "paused"
    jobs.stop(behind.id)
    jobs.stop(run.id)
    assert jobs.wait(run.id, patience=PATIENCE)
    assert (store.run(run.id).status, jobs.controls(run.id)) == ("stopped", False)
    assert jobs.wait(run.id, "running", patience=PATIENCE)  # nothing more will come


def test_a_single_step_of_a_run_that_goes_on_pauses_it(store: RunStore, jobs: JobManager) -> None:
    run = make_run(store, pace=50, steps=5000)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).step > 3, "training")
    jobs.step(run.id)
    until(lambda: store.run(run.id).status == "paused", "the pause")


def test_a_run_can_begin_with_a_single_step(store: RunStore, jobs: JobManager) -> None:
    run = make_run(store)
    jobs.step(run.id)
    until(lambda: store.run(run.id).step == 1, "one step")
    assert store.run(run.id).status == "paused"
    assert [e.step for e in store.evaluations(run.id)] == [0]


def test_impossible_controls_are_refused(store: RunStore, jobs: JobManager) -> None:
    run = make_run(store, pace=20)
    with pytest.raises(JobError, match="Nothing here is training"):
        jobs.pause(run.id)
    jobs.submit(run.id)
    with pytest.raises(JobError, match="already"):
        jobs.submit(run.id)
    with pytest.raises(ConfigError):
        jobs.change(run.id, learning_rate=-1)
    with pytest.raises(UserError):
        jobs.submit("0" * 24)


def test_the_queue_has_positions_and_goes_on(store: RunStore, jobs: JobManager) -> None:
    first, second, third = make_run(store, steps=1_000_000), make_run(store), make_run(store)
    for run in (first, second, third):
        jobs.submit(run.id)
    assert [jobs.position(r.id) for r in (first, second, third)] == [None, 1, 2]
    assert store.run(second.id).status == "queued"
    jobs.stop(second.id)  # leaves the queue
    assert store.run(second.id).status == "stopped"
    assert jobs.position(third.id) == 1
    until(lambda: store.run(first.id).step > 0, "the first run")
    jobs.stop(first.id)
    until(lambda: store.run(third.id).status == "done", "the last run")


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_a_killed_worker_leaves_an_interrupted_run_that_resumes_exactly(
    store: RunStore, jobs: JobManager
) -> None:
    run = make_run(store, pace=400)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).step > 120, "some training")
    os.kill(worker_pid(jobs, run), signal.SIGKILL)
    until(lambda: store.run(run.id).status == "interrupted", "interrupted")
    before = step_losses(store, run)
    until(lambda: not jobs.controls(run.id), "the manager noticing")
    jobs.resume(run.id)
    until(lambda: store.run(run.id).status == "done", "done")
    after = step_losses(store, run)
    assert after == undisturbed(store, run)
    assert {step: after[step] for step in before} == before  # every acknowledged step is still there


def test_a_closed_manager_leaves_no_process_and_a_run_to_resume(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    manager = JobManager(store, max_running=2, warm=True)
    run = make_run(store, pace=30, steps=5000)
    manager.submit(run.id)
    until(lambda: store.run(run.id).step > 5, "training")
    spare = until(lambda: [w.pid for w in manager._idle if isinstance(w, LocalWorker) and w.pid], "a spare")
    pids = [worker_pid(manager, run), *spare]
    manager.close()
    assert all(gone(pid) for pid in pids)
    left = store.run(run.id)
    assert left.status == "interrupted"
    assert store.load_checkpoint(run.id).step == left.step


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_killed_server_leaves_no_worker(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = make_run(store, pace=30, steps=5000)
    code = (
        "import sys, time; from pathlib import Path; from minigpt_core.jobs.manager import JobManager;"
        "from minigpt_core.store.runs import RunStore; m = JobManager(RunStore(Path(sys.argv[1])), warm=False);"
        "m.submit(sys.argv[2]); w = m._jobs[sys.argv[2]].worker\n"
        "while not w.pid: time.sleep(0.01)\n"
        "print(w.pid, flush=True); time.sleep(600)"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), run.id], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        until(lambda: store.run(run.id).step > 5, "training")
    finally:
        server.kill()
        server.wait()
    until(lambda: gone(worker), "the worker leaving")
    left = store.run(run.id)
    assert left.status == "interrupted"
    assert store.load_checkpoint(run.id).step == left.step


def test_divergence_keeps_the_last_good_checkpoint(store: RunStore, jobs: JobManager) -> None:
    run = make_run(store, optimizer="sgd", learning_rate=1000.0, eval_interval=1)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).status == "diverged", "divergence")
    weights = store.load_checkpoint(run.id, model_only=True).tensors
    assert all(t.isfinite().all() for t in weights.values())


def test_a_broken_run_fails_with_a_sentence_and_the_worker_lives_on(
    store: RunStore, jobs: JobManager
) -> None:
    run = make_run(store, text=TEXT.upper())
    (store.home / "texts" / f"{run.text_id}.txt").write_bytes(b"something else")
    jobs.submit(run.id)
    failed = until(lambda: (r := store.run(run.id)).status == "failed" and r, "failure")
    assert "damaged" in str(UserError.from_json(failed.error or ""))
    good = make_run(store)
    jobs.submit(good.id)
    until(lambda: store.run(good.id).status == "done", "the next run")


NOISE = """
import threading, time
def talk():
    while True:
        print("a library says: ", end="", flush=True)
        time.sleep(0.01)
threading.Thread(target=talk, daemon=True).start()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGTERM")
def test_what_libraries_print_is_no_message_and_a_signal_leaves_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(NOISE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    store = RunStore(tmp_path / "home")
    manager, run, next_one = (
        JobManager(store, max_running=1, warm=False, launcher=LocalWorker),
        make_run(store, pace=100),
        make_run(store),
    )
    manager.submit(run.id)
    manager.submit(next_one.id)
    until(lambda: store.run(run.id).step > 5, "training")
    manager.pause(run.id)
    assert manager.wait(run.id, "paused", patience=PATIENCE)
    os.kill(worker_pid(manager, run), signal.SIGTERM)
    until(lambda: store.run(run.id).status == "interrupted", "the end")
    assert store.load_checkpoint(run.id).step == store.run(run.id).step > 5
    assert "a library says" in (store.folder(run.id) / "worker.log").read_text()
    until(lambda: store.run(next_one.id).status == "done", "the next run")
    manager.close()


SPOILED = """
import os, threading, time
dup = os.dup
def spoiled(of):
    messages = dup(of)
    def speak():
        while not os.path.exists(os.environ["SPOIL"]):
            time.sleep(0.01)
        os.write(messages, b'{"event": "fini\\xff\\n')
    threading.Thread(target=speak, daemon=True).start()
    return messages
os.dup = spoiled
print("[" * 100_000)
print('{"event":')
"""


def test_a_message_that_cannot_be_read_ends_the_run_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows what it said: that the run has ended, perhaps. What comes before the first message is no matter."""
    (tmp_path / "sitecustomize.py").write_text(SPOILED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SPOIL", str(tmp_path / "now"))
    store = RunStore(tmp_path / "home")
    manager = JobManager(store, max_running=1, warm=False, launcher=LocalWorker)
    run, next_one = make_run(store, pace=100), make_run(store)
    manager.submit(run.id)
    manager.submit(next_one.id)
    until(lambda: store.run(run.id).step > 5, "training")
    monkeypatch.delenv("PYTHONPATH")
    (tmp_path / "now").touch()
    failed = until(lambda: (r := store.run(run.id)).status == "failed" and r, "the end")
    assert str(UserError.from_json(failed.error or "")) == (
        'The training process sent a message that cannot be read: {"event": "fini\ufffd'
    )
    until(lambda: store.run(next_one.id).status == "done", "the next run")
    assert not manager.controls(run.id)
    manager.resume(run.id, pace=0)
    until(lambda: store.run(run.id).status == "done", "going on")
    assert step_losses(store, run) == undisturbed(store, run)
    manager.close()


def test_a_server_that_dies_in_the_middle_of_a_word_leaves_no_worker(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "minigpt_core.jobs.worker", str(tmp_path)]
    worker = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | import_path()
    )
    said, _ = worker.communicate(b'{"do": "tra', timeout=PATIENCE)
    assert b"ready" in said and worker.returncode == 0


class FullDisk:
    """A worker that can say why it ends, and can write it nowhere."""

    alive = True

    def __init__(self, store: RunStore, on_message: Callable[[Any, Message], None]) -> None:
        self._on_message = on_message

    def send(self, message: Message) -> None:
        error = StoreError("The disk is full.").to_json()
        self._on_message(
            self, {"event": "finished", "run": message["run"], "status": "failed", "error": error}
        )

    def close(self) -> None: ...

    def join(self, seconds: float) -> None:
        self.alive = False


def test_what_the_store_could_not_take_down_is_known_all_the_same(store: RunStore) -> None:
    manager, run = JobManager(store, warm=False, launcher=FullDisk), make_run(store)
    manager.submit(run.id)
    told = manager.trouble(run.id)
    assert told and UserError.from_json(told).template == "The disk is full."
    assert not manager.controls(run.id) and manager.trouble("another") is None
    manager.close()


def test_a_worker_that_was_sent_away_is_waited_for(store: RunStore) -> None:
    workers = []

    def launch(*given: Any) -> FullDisk:
        workers.append(FullDisk(*given))
        return workers[-1]

    manager = JobManager(store, warm=False, launcher=launch)
    manager.submit(make_run(store).id)
    assert workers[0].alive
    manager.close()
    assert not workers[0].alive


def test_a_warm_worker_measures_the_speed_once(jobs: JobManager) -> None:
    model, training = ModelConfig(vocab_size=20), TrainConfig()
    speed = until(lambda: jobs.speed(model, training), "a measurement")
    assert 0 < speed["step"] < 60  # seconds
    assert speed["evaluation"] > 0
    assert jobs.speed(model, training) is speed


class Listening:
    """A worker that is ready at once, trains nothing and keeps what it is told."""

    started: list["Listening"] = []
    alive = True

    def __init__(self, store: RunStore, on_message: Callable[[Any, Message], None]) -> None:
        self.told: list[Message] = []
        self.started.append(self)
        on_message(self, {"event": "ready"})

    def send(self, message: Message) -> None:
        self.told.append(message)

    def close(self) -> None: ...

    def join(self, seconds: float) -> None: ...


def test_the_speed_is_measured_on_as_many_threads_as_the_run_would_get(store: RunStore) -> None:
    Listening.started = []
    manager = JobManager(store, max_running=2, launcher=Listening)
    model, training = (
        ModelConfig(vocab_size=65, block_size=256, n_embd=256, n_layer=2),
        TrainConfig(batch_size=64),
    )
    alone = best_thread_count(model, 64, os.cpu_count() or 1)
    for threads in (alone, 1):
        manager.speed(model, training, patience=0)
        asked = Listening.started[-1].told[-1]
        assert (asked["do"], asked["threads"]) == ("measure", threads)
        told = {"event": "measured", "id": asked["id"], "seconds": {"step": 1.0}}
        manager._on_message(cast(WorkerProcess, Listening.started[-1]), told)
        if threads == alone:
            manager.submit(make_run(store).id)  # now there are two
    manager.close()


def test_whoever_measures_is_handed_no_run_and_no_second_measurement(store: RunStore) -> None:
    Listening.started = []
    manager = JobManager(store, max_running=2, launcher=Listening)
    model, training = ModelConfig(vocab_size=20), TrainConfig()
    assert manager.speed(model, training, patience=0) is None
    assert manager.speed(model, replace(training, batch_size=7), patience=0) is None
    at_it = Listening.started[0]
    manager.submit(make_run(store).id)
    manager.submit(make_run(store).id)
    assert [message["do"] for message in at_it.told] == ["measure"]
    assert [message["do"] for worker in Listening.started[1:] for message in worker.told] == ["train"] * 2
    told = {"event": "measured", "id": at_it.told[0]["id"], "seconds": {"step": 1.0}}
    manager._on_message(cast(WorkerProcess, at_it), told)
    assert manager._idle_worker() is cast(WorkerProcess, at_it)
    manager.close()


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux ranks processes by how much they may be missed"
)
def test_where_memory_runs_out_a_worker_ends_before_the_server(store: RunStore, jobs: JobManager) -> None:
    run = make_run(store, steps=1_000_000)
    jobs.submit(run.id)
    until(lambda: store.run(run.id).status == "running")
    worker = jobs._jobs[run.id].worker
    assert isinstance(worker, LocalWorker) and worker.pid
    theirs, ours = (int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (worker.pid, "self"))
    assert theirs > ours


def test_a_worker_that_is_started_as_a_process_gives_the_same_losses(tmp_path: Path) -> None:
    """As everywhere but on Linux."""
    store = RunStore(tmp_path)
    manager, run = JobManager(store, warm=False, launcher=LocalWorker), make_run(store)
    manager.submit(run.id)
    until(lambda: store.run(run.id).status == "done", "done")
    assert step_losses(store, run) == undisturbed(store, run)
    manager.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only there workers are forked")
def test_a_fork_server_that_was_killed_is_started_again(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    manager = JobManager(store, warm=False)
    first, second = make_run(store, pace=30, steps=5000), make_run(store)
    manager.submit(first.id)
    until(lambda: store.run(first.id).step > 5, "training")
    server = manager._fork_server
    assert server is not None and server._process is not None
    server._process.kill()
    server._process.wait()
    reached = store.run(first.id).step
    until(lambda: store.run(first.id).step > reached, "its workers go on")
    manager.submit(second.id)
    until(lambda: store.run(second.id).status == "done", "a worker of the next one")
    manager.close()
