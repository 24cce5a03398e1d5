"""The job manager: starts workers, hands them runs, passes controls on, keeps the queue.

It keeps nothing that matters: runs live in the store, so a restarted server finds them again.
"""

import atexit
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from minigpt_core.configs import ModelConfig, TrainConfig, check_change
from minigpt_core.devices import good_thread_count
from minigpt_core.errors import StoreError, UserError
from minigpt_core.jobs.speed import speed_key
from minigpt_core.store.runs import RunStore

Message = dict[str, Any]
CLOSE_SECONDS = 2.0
MEASURE_PATIENCE_SECONDS = 1.0
ANSWER_PATIENCE_SECONDS = 0.15
LOOK_AGAIN_SECONDS = 0.01


class JobError(UserError):
    """A run cannot be controlled from here."""


class WorkerProcess(Protocol):
    """What the manager needs of a worker, wherever it runs."""

    def send(self, message: Message) -> None:
        """Hand a message over; silently lost if the worker has died (its end is reported separately)."""

    def close(self) -> None:
        """Ask it to save a checkpoint and leave."""

    def join(self, seconds: float) -> None:
        """Wait for its end; after `seconds` end it by force."""


Launcher = Callable[[RunStore, Callable[["WorkerProcess", Message], None]], WorkerProcess]
"""Starts a worker on a store; calls back with each of its messages, at last with `{"event": "ended"}`."""


class LocalWorker:
    """A worker in a process of its own on this machine."""

    def __init__(self, store: RunStore, on_message: Callable[[WorkerProcess, Message], None]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "minigpt_core.jobs.worker", str(store.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"} | import_path(),
        )
        self._on_message = on_message
        self._sending = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, message: Message) -> None:
        assert self._process.stdin is not None
        with self._sending:
            try:
                self._process.stdin.write(json.dumps(message) + "\n")
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError):  # died, or closed meanwhile
                pass

    def close(self) -> None:
        assert self._process.stdin is not None
        with self._sending:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass

    def join(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._on_message(self, json.loads(line))
        self._process.wait()
        self._on_message(self, {"event": "ended", "code": self._process.returncode})


def import_path() -> dict[str, str]:
    """Lets the worker find this package, from whichever folder the server was started."""
    package_parent = str(Path(__file__).parents[2])
    return {"PYTHONPATH": os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))}


class JobManager:
    """Trains runs of a store in worker processes.

    Args:
        store: where runs are read from and their fate is written to.
        max_running: trainings at a time; further ones wait in the queue. By default one a core.
        warm: keep one worker ready, so that the next run starts within milliseconds instead of seconds.
        launcher: how a worker is started.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        max_running: int | None = None,
        warm: bool = True,
        launcher: Launcher = LocalWorker,
    ) -> None:
        self._store, self._launcher, self._warm = store, launcher, warm
        self._max_running = max_running or os.cpu_count() or 1
        self._lock = threading.RLock()
        self._heard = threading.Condition(self._lock)
        self._queue: list[tuple[str, bool]] = []  # (run, start paused)
        self._busy: dict[str, WorkerProcess] = {}
        self._idle: list[WorkerProcess] = []
        self._stopping: set[str] = set()
        self._ready: set[WorkerProcess] = set()
        self._troubles: dict[str, str] = {}  # by run: a `UserError` as JSON
        self._measuring: dict[str, tuple[WorkerProcess, threading.Event]] = {}
        self._speeds: dict[str, dict[str, float]] = {}
        self._closed = False
        self._owner = secrets.token_hex(8)
        self._held = ExitStack()
        self._held.enter_context(store.manager_lock(self._owner))
        with self._lock:
            self._keep_warm()

    @property
    def at_once(self) -> int:
        """How many runs it trains at a time."""
        return self._max_running

    def submit(self, run_id: str, *, paused: bool = False) -> None:
        """Queue a run: a new one from its start, one that was left from its last checkpoint.

        Raises:
            JobError: it is being trained already.
        """
        with self._lock:
            if self._known(run_id) or self._store.is_locked(run_id):
                raise JobError("This run is being trained already.")
            self._store.set_status(run_id, "queued", owner=self._owner)
            self._troubles.pop(run_id, None)
            self._queue.append((run_id, paused))
            self._dispatch()

    def pause(self, run_id: str) -> None:
        """Hold the run before its next step."""
        self._send(run_id, {"do": "pause"})

    def resume(self, run_id: str) -> None:
        """Let a paused run go on; put a run that was left back into the queue."""
        with self._lock:
            if not self._known(run_id):
                return self.submit(run_id)
        self._send(run_id, {"do": "resume"})

    def step(self, run_id: str) -> None:
        """Make one step and hold again."""
        with self._lock:
            if not self._known(run_id):
                self.submit(run_id, paused=True)
        self._send(run_id, {"do": "step"})

    def change(self, run_id: str, **settings: float) -> None:
        """Change learning rate, pace or evaluation interval from the next step on.

        Raises:
            ConfigError: out of range. JobError: nothing here trains this run.
        """
        for name, value in settings.items():
            check_change(name, value)
        self._send(run_id, {"do": "change", "settings": settings})

    def stop(self, run_id: str) -> None:
        """End the run with a checkpoint; a queued one leaves the queue."""
        with self._lock:
            if any(queued == run_id for queued, _ in self._queue):
                self._queue = [entry for entry in self._queue if entry[0] != run_id]
                self._store.set_status(run_id, "stopped")
                return
            self._stopping.add(run_id)
        self._send(run_id, {"do": "stop"})

    def wait(self, run_id: str, *statuses: str, patience: float = ANSWER_PATIENCE_SECONDS) -> bool:
        """Wait a moment until a run has one of these statuses, or is neither queued nor trained here any more.

        A worker answers within milliseconds, unless a step takes longer.

        Returns:
            Whether it has come to that; False after `patience` seconds.
        """
        deadline = time.monotonic() + patience
        with self._heard:
            while self._known(run_id) and self._store.run(run_id).status not in statuses:
                if time.monotonic() >= deadline:
                    return False
                self._heard.wait(LOOK_AGAIN_SECONDS)
        return True

    def is_stopping(self, run_id: str) -> bool:
        """Stop was asked for and has not happened yet."""
        return run_id in self._stopping

    def trouble(self, run_id: str) -> str | None:
        """Why a run ended early, as JSON of a `UserError`, where the store was too full or broken to take that down."""
        return self._troubles.get(run_id)

    def controls(self, run_id: str) -> bool:
        """Whether this run is queued or trained here, so that it can be controlled."""
        with self._lock:
            return self._known(run_id)

    def position(self, run_id: str) -> int | None:
        """Place in the queue, 1 is next; None if it does not wait."""
        with self._lock:
            return next((n for n, (queued, _) in enumerate(self._queue, 1) if queued == run_id), None)

    def speed(
        self, model: ModelConfig, training: TrainConfig, patience: float = MEASURE_PATIENCE_SECONDS
    ) -> dict[str, float] | None:
        """Seconds a step and an evaluation of such a run take on this machine, and how crowded it was (see
        `jobs.speed`); None while nothing can measure it.

        Measured once by a warm worker (about 0.2 s for a small model), on as many threads as the run would get now,
        then remembered. Waits at most `patience` seconds; ask again later for an answer that takes longer.
        """
        threads = self._threads(model, training.batch_size, alone=not self._busy)
        key = speed_key(model, training, threads)
        if key not in self._speeds:
            self._measure(key, model, training, threads, patience)
        return self._speeds.get(key)

    def close(self) -> None:
        """End all workers. Runs in progress keep a checkpoint and count as interrupted."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            workers = [*self._idle, *self._busy.values()]
        for worker in workers:
            worker.close()
        for worker in workers:
            worker.join(CLOSE_SECONDS)
        self._held.close()

    def _known(self, run_id: str) -> bool:
        return run_id in self._busy or any(queued == run_id for queued, _ in self._queue)

    def _send(self, run_id: str, message: Message) -> None:
        with self._lock:
            worker = self._busy.get(run_id)
            if worker is None:
                raise JobError("Nothing here is training this run, so it cannot be steered.")
            worker.send(message)

    def _dispatch(self) -> None:
        """Give waiting runs to workers, as many as may run; keep one worker ready."""
        while self._queue and len(self._busy) < self._max_running and not self._closed:
            run_id, paused = self._queue.pop(0)
            worker = self._idle.pop() if self._idle else self._launcher(self._store, self._on_message)
            self._busy[run_id] = worker
            run = self._store.run(run_id)
            threads = self._threads(run.model, run.training.batch_size, alone=len(self._busy) == 1)
            worker.send({"do": "train", "run": run_id, "paused": paused, "threads": threads})
        self._keep_warm()

    def _threads(self, model: ModelConfig, batch_size: int, *, alone: bool) -> int:
        """One, unless it is alone on idle cores: two trainings of two threads each would stall one another."""
        return good_thread_count(model, batch_size, os.cpu_count() or 1) if alone else 1

    def _keep_warm(self) -> None:
        if self._warm and not self._idle and not self._closed and len(self._busy) < self._max_running:
            self._idle.append(self._launcher(self._store, self._on_message))

    def _measure(
        self, key: str, model: ModelConfig, training: TrainConfig, threads: int, patience: float
    ) -> None:
        """Have an idle worker measure, unless one is at it, and wait for a while; a late answer is kept as well."""
        with self._lock:
            if key not in self._measuring:
                worker = next((w for w in self._idle if w in self._ready), None)
                if worker is None:
                    return
                self._measuring[key] = worker, threading.Event()
                fields = {"model": model.to_dict(), "training": training.to_dict(), "threads": threads}
                worker.send({"do": "measure", "id": key} | fields)
            answered = self._measuring[key][1]
        answered.wait(patience)

    def _on_message(self, worker: WorkerProcess, message: Message) -> None:
        """A worker's reader thread calls this."""
        with self._lock:
            match message["event"]:
                case "ready":
                    self._ready.add(worker)
                case "measured":
                    self._speeds[message["id"]] = message["seconds"]
                    self._measuring.pop(message["id"])[1].set()
                case "finished":
                    if error := message.get("error"):
                        self._troubles[message["run"]] = error
                    self._release(message["run"])
                    self._take_back(worker)
                    self._dispatch()
                case "ended":
                    self._forget(worker)
            self._heard.notify_all()

    def _release(self, run_id: str) -> None:
        self._busy.pop(run_id, None)
        self._stopping.discard(run_id)

    def _take_back(self, worker: WorkerProcess) -> None:
        """A worker that has finished serves as the warm one, unless there is one already."""
        if self._warm and not self._idle and not self._closed:
            self._idle.append(worker)
        else:
            worker.close()

    def _forget(self, worker: WorkerProcess) -> None:
        """A worker has ended: by request, or killed. A killed one's run shows as interrupted by itself."""
        self._ready.discard(worker)
        self._measuring = {key: at for key, at in self._measuring.items() if at[0] is not worker}
        if worker in self._idle:
            self._idle.remove(worker)
        for run_id in [run_id for run_id, busy in self._busy.items() if busy is worker]:
            self._release(run_id)
            if self._store.run(run_id).status == "queued":  # it died before it could begin
                error = StoreError("The training process ended before it could begin. The log may say why.")
                self._store.set_status(run_id, "failed", error=error.to_json())
        if not self._closed:
            self._dispatch_queue_only()

    def _dispatch_queue_only(self) -> None:
        """Go on with the queue, without starting a spare: a worker that cannot start must not be started forever."""
        warm, self._warm = self._warm, False
        try:
            self._dispatch()
        finally:
            self._warm = warm


_shared: JobManager | None = None
_shared_lock = threading.Lock()


def shared(store: RunStore | None = None) -> JobManager:
    """The one manager of this process, made on first use.

    `MINIGPT_MAX_RUNNING` and `MINIGPT_WARM_WORKER=0` override the defaults.
    """
    global _shared
    with _shared_lock:
        if _shared is None:
            limit = int(os.environ.get("MINIGPT_MAX_RUNNING", "0")) or None
            warm = os.environ.get("MINIGPT_WARM_WORKER", "1") != "0"
            _shared = JobManager(store or RunStore(), max_running=limit, warm=warm)
            atexit.register(close_shared)
        return _shared


def close_shared() -> None:
    """End the process-wide manager and its workers."""
    global _shared
    with _shared_lock:
        if _shared is not None:
            _shared.close()
            _shared = None
