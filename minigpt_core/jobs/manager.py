"""The job manager: starts workers, hands them runs, passes on what is asked of a run, keeps the queue.

It keeps nothing that matters: runs live in the store, so a restarted server finds them again and goes on with them.
"""

import atexit
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from enum import StrEnum

from minigpt_core.configs import ModelConfig, TrainConfig, check_change
from minigpt_core.devices import best_thread_count
from minigpt_core.errors import StoreError, UserError
from minigpt_core.jobs import elsewhere
from minigpt_core.jobs.cluster import Cluster, RemoteWorker
from minigpt_core.jobs.cluster_address import ClusterAddress, from_environment
from minigpt_core.jobs.forked import CALCULATOR, CAN_FORK, Forked, ForkServer
from minigpt_core.jobs.launchers import Launcher, LocalWorker, Message, OnMessage, WorkerProcess
from minigpt_core.jobs.recording import WATCHED_SECONDS
from minigpt_core.jobs.speed import speed_key
from minigpt_core.jobs.turns import Forecast, Room, begins_in, in_turn
from minigpt_core.memory_budget import memory_limit, training_peak
from minigpt_core.store.locks import AtWork
from minigpt_core.store.runs import LIVE, MOST_ATTEMPTS, Run, RunStore

CLOSE_SECONDS = 2.0
MEASURE_PATIENCE_SECONDS = 1.0
ANSWER_PATIENCE_SECONDS = 0.15
END_PATIENCE_SECONDS = 5.0  # from the end that a worker writes to the message that says so
MOST_CHANGES_KNOWN = 1000  # runs
SEEN_SECONDS = 5.0  # since who watches a run that waits has asked last
WATCH_SECONDS = 1.0  # a worker hears so often that somebody watches
WORKER_BYTES = 30_000_000 if CAN_FORK else 250_000_000  # that a worker takes besides its training


class JobError(UserError):
    """A run cannot be controlled from here."""


class State(StrEnum):
    """Where a run stands that was given to the manager."""

    QUEUED = "queued"
    """It waits for a worker."""

    STARTING = "starting"
    """A worker has it, and has not said yet that it goes on."""

    RUNNING = "running"
    PAUSED = "paused"

    PARKED = "parked"
    """It is paused, and no worker has it: it goes on from what was kept of it."""

    STOPPING = "stopping"
    """Stop was asked for and has not happened yet."""

    ENDED = "ended"
    """However it came: the store says how. A run that the manager does not know counts as ended."""


# What becomes of a run by what is asked of it, and by what is heard of its worker. Where nothing stands, a request is
# refused and a message is about something that is over.
TRANSITIONS: dict[str, tuple[str, str, str, str, str, str, str]] = {
    # request queued      starting    running     paused      parked      stopping    ended
    "submit": ("",         "",         "",         "",         "",         "",         "queued"),
    "park":   ("",         "",         "",         "",         "",         "",         "parked"),
    "pause":  ("parked",   "starting", "running",  "paused",   "parked",   "",         ""),
    "resume": ("queued",   "starting", "running",  "paused",   "queued",   "",         "queued"),
    "step":   ("queued",   "starting", "running",  "paused",   "queued",   "",         "queued"),
    "change": ("queued",   "starting", "running",  "paused",   "parked",   "stopping", ""),
    "yield":  ("",         "",         "",         "paused",   "",         "",         ""),
    "stop":   ("ended",    "stopping", "stopping", "stopping", "ended",    "stopping", ""),
    # a worker
    "free":   ("starting", "",         "",         "",         "",         "",         ""),
    "running": ("",        "running",  "running",  "running",  "",         "stopping", ""),
    "paused": ("",         "paused",   "paused",   "paused",   "",         "stopping", ""),
    "parked": ("",         "parked",   "parked",   "parked",   "",         "ended",    ""),
    "no place": ("",       "queued",   "",         "",         "",         "",         ""),
    "over":   ("ended",    "ended",    "ended",    "ended",    "ended",    "ended",    "ended"),
}  # fmt: skip


def after(state: State, event: str) -> State | None:
    """Where a run stands after what the table calls so; None if that is refused, or about something that is over."""
    name = TRANSITIONS[event][list(State).index(state)]
    return State(name) if name else None


WORKING = (State.RUNNING, State.PAUSED)
WORK = {  # shares of a core, by state, but for a run that goes
    State.QUEUED: 0.0, State.PAUSED: 0.0, State.PARKED: 0.0, State.ENDED: 0.0, State.STARTING: 1.0, State.STOPPING: 1.0
}  # fmt: skip


@dataclass(eq=False)
class Job:
    """A run in the manager's hands, from `submit` to its end."""

    run: Run
    place: ExitStack
    """Holds the run's place in the queue until it has ended: the store can tell by it that somebody has the run."""

    then: list[Message]
    """What was asked of it before a worker had it, but for changed settings."""

    pending: dict[str, float]
    """The settings that were asked for and are not in the store yet."""

    state: State = State.ENDED
    worker: WorkerProcess | None = None
    changes: int = 0
    """How many times settings were asked for: the worker says how many of them are stored."""

    handed_over: int = 0
    """How many of these the worker got together with the run."""

    pausing: bool = False
    """Pause was the last thing asked for."""

    yielding: bool = False
    """Its worker is to keep its state and leave it; what is asked of it meanwhile waits for the next one."""

    load: float = 1.0
    """Share of a core that it fills while it goes, at its pace, as its worker has measured it."""

    told: bytes | None = None
    """What its worker says to those who watch it."""

    preferred: bool = False
    """Its owner's go before everybody's."""

    seen_at: float = -math.inf
    """When somebody looked at it last, in seconds of the monotonic clock."""

    asked_to_tell: float = -math.inf
    """When it was last told that somebody watches, in seconds of the monotonic clock."""

    @property
    def owner(self) -> str:
        """The workspace that it belongs to."""
        return self.run.workspace

    @property
    def work(self) -> float:
        """Share of a core that it takes now."""
        return WORK.get(self.state, self.load)

    @property
    def memory(self) -> int:
        """Bytes that it takes while a worker has it."""
        return training_peak(self.run.model, self.run.training) + WORKER_BYTES

    @property
    def watched(self) -> bool:
        """Somebody looks at it now."""
        return time.monotonic() - self.seen_at < SEEN_SECONDS

    @property
    def attended(self) -> bool:
        """A worker has it, or is just getting it."""
        return self.state not in (State.QUEUED, State.PARKED, State.ENDED)

    def tell(self, message: Message) -> None:
        """Pass something on to its worker, now or as soon as it has one. What a worker hears before the run goes on is
        said again to the one that takes its place, if it never comes to that."""
        with_worker = self.worker is not None and not self.yielding
        if not with_worker or self.state == State.STARTING:
            self.then.append(message)
        if with_worker and self.worker is not None:
            self.worker.send(message)

    def stored(self, changes: int) -> None:
        """So many of the changes are in force and stored."""
        if changes == self.changes:
            self.pending.clear()


class JobManager:
    """Trains runs of a store in worker processes.

    Its lock is about what it has in memory; nothing is read or written on the disk, and no worker is started, while it
    is held.

    Args:
        store: where runs are read from and their fate is written to.
        max_running: trainings that are calculated at a time, before those of the same person wait. By default one a
            core, of this machine or of the cluster. What is paused, or slow, does not count; see `turns.py`.
        warm: keep one worker ready, so that the next run starts within milliseconds.
        launcher: how a worker is started; by default as quickly as this machine can.
        cluster: where workers are started instead, if not on this machine.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        max_running: int | None = None,
        warm: bool = True,
        launcher: Launcher | None = None,
        cluster: ClusterAddress | None = None,
    ) -> None:
        self._store, self._warm = store, warm
        self._fork_server = ForkServer(store.home) if launcher is None and CAN_FORK else None
        self._launcher = launcher or (self._fork if CAN_FORK else LocalWorker)
        self._most = max_running
        self._room = Room(cores=max_running or os.cpu_count() or 1, memory=memory_limit())
        self._lock = threading.RLock()
        self._heard = threading.Condition(self._lock)
        self._jobs: dict[str, Job] = {}  # by run
        self._queue: deque[Job] = deque()
        self._workers: list[WorkerProcess] = []  # all that were alive when the last one was started
        self._idle: list[WorkerProcess] = []
        self._warming = False
        self._ready: set[WorkerProcess] = set()
        self._troubles: dict[str, str] = {}  # by run: a `UserError` as JSON
        self._preferred: set[str] = set()
        self._changed_at: dict[str, float] = {}  # by run, the last one last
        self._measuring: dict[str, tuple[WorkerProcess, threading.Event]] = {}
        self._speeds: dict[str, dict[str, float]] = {}
        self._closed = False
        self._cluster: Cluster | None = None
        if cluster is not None:
            self._cluster = Cluster(cluster, store, self._look_again)
            self._launcher = self._cluster.worker
        self._keep_warm()

    @property
    def _space(self) -> Room:
        """What the trainings may take together, now."""
        if self._cluster is None:
            return self._room
        room = self._cluster.room
        return replace(room, cores=min(room.cores, self._most)) if self._most else room

    @property
    def at_once(self) -> int:
        """How many runs of one person it trains at a time."""
        return max(1, self._space.cores)

    @property
    def on_cluster(self) -> bool:
        """Whether other machines train."""
        return self._cluster is not None

    @property
    def out_of_reach(self) -> bool:
        """Whether what waits, waits for a cluster that cannot be reached, or has no core."""
        return self._cluster is not None and self._cluster.away

    @property
    def shut_out(self) -> bool:
        """Whether it waits for a cluster that asks for a token which this server does not have."""
        return self._cluster is not None and self._cluster.shut_out

    # What is asked of a run

    def submit(self, run_id: str, *, paused: bool = False, **settings: float) -> None:
        """Queue a run: a new one from its start, one that was left from its last checkpoint.

        Args:
            paused: hold it before its first step.
            settings: other values of those that may change while it goes.

        Raises:
            JobError: somebody has it already.
            ConfigError: a setting out of range. StoreError: the store cannot be written; nothing has happened then.
        """
        self._submit(run_id, "submit", [{"do": "pause"}] if paused else [], settings)

    def pause(self, run_id: str) -> None:
        """Hold the run before its next step."""
        if self._told_outside(run_id, {"do": "pause"}):
            return
        self._ask(run_id, "pause")

    def resume(self, run_id: str, **settings: float) -> None:
        """Let a paused run go on; put a run that was left back into the queue. Either way with these settings."""
        if self._told_outside(run_id, change_message(settings), {"do": "resume"}):
            return
        self._let_end(run_id)
        if self.controls(run_id):
            self._ask(run_id, "resume", settings)
        else:
            self._submit(run_id, "resume", [], settings)

    def step(self, run_id: str, **settings: float) -> None:
        """Make one step with these settings and hold again."""
        if self._told_outside(run_id, change_message(settings), {"do": "step"}):
            return
        self._let_end(run_id)
        if self.controls(run_id):
            self._ask(run_id, "step", settings)
        else:
            self._submit(run_id, "step", [{"do": "step"}], settings)

    def change(self, run_id: str, **settings: float) -> None:
        """Change learning rate, pace or evaluation interval from the next step on.

        Raises:
            ConfigError: out of range. JobError: nothing here trains this run.
        """
        if not self._told_outside(run_id, change_message(settings)):
            self._ask(run_id, "change", settings)

    def stop(self, run_id: str) -> None:
        """End the run with a checkpoint; one that no worker has is over at once.

        Raises:
            JobError: nothing here has it. StoreError: no worker has it, and that it is over cannot be written; it waits
            on then.
        """
        if self._told_outside(run_id, {"do": "stop"}):
            return
        self._bury(run_id)
        self._withdraw(run_id)
        written = self._state(run_id) in (State.QUEUED, State.PARKED)
        if written:
            self._store.set_status(run_id, "stopped")
        elif self._state(run_id) != State.ENDED:
            with suppress(StoreError):  # a full disk must not keep anything going
                self._store.take_back(run_id)
        with self._lock:
            job = self._moved(run_id, "stop")
            waited = job.state == State.ENDED
            if not waited:
                job.tell({"do": "stop"})
            elif job in self._queue:
                self._queue.remove(job)
        if waited:
            try:
                if not written:
                    self._store.set_status(run_id, "stopped")
            finally:
                self._end(job)

    # What is known of it

    def pending(self, run_id: str) -> dict[str, float]:
        """The settings that were asked for and are on their way: the store has others, or does not have them yet."""
        with self._lock:
            return dict(self._jobs[run_id].pending) if run_id in self._jobs else {}

    def wait(self, run_id: str, *states: str, patience: float = ANSWER_PATIENCE_SECONDS) -> bool:
        """Wait a moment until a run is in one of these states, or has ended.

        A worker answers within milliseconds, unless a step takes longer.

        Returns:
            Whether it has come to that; False after `patience` seconds.
        """
        if self.reaches(run_id):
            return elsewhere.wait(self._store, run_id, {*states})
        awaited = {*states, State.ENDED} | ({State.PARKED} if State.PAUSED in states else set())
        with self._heard:
            return self._heard.wait_for(lambda: self._state(run_id) in awaited, patience)

    def is_stopping(self, run_id: str) -> bool:
        """Stop was asked for and has not happened yet."""
        self._bury(run_id)
        return self._state(run_id) == State.STOPPING

    def is_pausing(self, run_id: str) -> bool:
        """Pause was asked for and has not happened yet: a step or an evaluation goes on."""
        with self._lock:
            job = self._jobs.get(run_id)
            return job is not None and job.pausing and job.state in (State.STARTING, State.RUNNING)

    def trouble(self, run_id: str) -> str | None:
        """Why a run ended early, as JSON of a `UserError`, where the store was too full or broken to take that down."""
        return self._troubles.get(run_id)

    def controls(self, run_id: str) -> bool:
        """Whether this run is queued or trained here, so that it can be controlled."""
        self._bury(run_id)
        return self._state(run_id) != State.ENDED

    def reaches(self, run_id: str) -> bool:
        """Whether the command line trains this run, outside this server, and hears what is asked of it here."""
        return not self.controls(run_id) and elsewhere.reaches(self._store, run_id)

    def prefer(self, owner: str) -> None:
        """From now on the runs of this person come first: of the teacher of a class."""
        if owner not in self._preferred:
            with self._lock:
                self._preferred.add(owner)
                for job in self._jobs.values():
                    job.preferred = job.owner in self._preferred

    def position(self, run_id: str) -> int | None:
        """Place in the queue, 1 is next; None if it does not wait."""
        with self._lock:
            return next((n for n, job in enumerate(self._line(), 1) if job.run.id == run_id), None)

    def begins_in(self, run_id: str, seconds: Callable[[Run], float | None]) -> float | None:
        """Seconds until a waiting run begins; None if it does not wait, or nobody knows.

        Args:
            seconds: how long a run will take from now on, if that is known.
        """
        with self._lock:
            line = self._line()
            place = next((n for n, job in enumerate(line) if job.run.id == run_id), None)
            ahead = [] if place is None else [(job, 1.0) for job in line[: place + 1]]
            busy = [(job, job.work) for job in self._jobs.values() if job.attended and job.work]
        known = {job.run.id: seconds(job.run) for job, _work in (*busy, *ahead[:-1])}
        if not ahead or None in known.values() or not self._space.cores:
            return None
        forecasts = [
            Forecast(owner=job.owner, work=work, seconds=known.get(job.run.id) or 0.0)
            for job, work in (*busy, *ahead)
        ]
        return begins_in(forecasts[len(busy) :], forecasts[: len(busy)], self._space)

    def live(self, run_id: str) -> bytes | None:
        """What the live chart draws of a run (see `store/live_state.py`), encoded by its worker; None where no worker
        has it, is just being stopped, or has not been asked: then the store knows it."""
        with self._lock:
            job, now = self._jobs.get(run_id), time.monotonic()
            if job is not None:
                job.seen_at = now
            if job is None or job.worker is None or job.yielding or job.state not in WORKING:
                return None
            if now - job.asked_to_tell > WATCHED_SECONDS:
                job.told = None  # it may have been silent since
            if now - job.asked_to_tell > WATCH_SECONDS:
                job.asked_to_tell = now
                job.worker.send({"do": "watch"})
            return job.told if job.worker.alive else None

    def changed_at(self, run_id: str) -> float:
        """When a run came into another state here, in seconds of the monotonic clock; 0 if that is long ago. Asked for
        every answer, so it waits for nobody."""
        return self._changed_at.get(run_id, 0.0)

    def speed(
        self, model: ModelConfig, training: TrainConfig, patience: float = MEASURE_PATIENCE_SECONDS
    ) -> dict[str, float] | None:
        """Seconds a step and an evaluation of such a run take on this machine, and how crowded it was (see
        `jobs.speed`); None while nothing can measure it.

        Measured once by a warm worker (about 0.2 s for a small model), on as many threads as the run would get now,
        then remembered. Waits at most `patience` seconds; ask again later for an answer that takes longer.
        """
        with self._lock:
            threads = self._threads(model, training.batch_size, alone=self._busy() == 0)
        key = speed_key(model, training, threads)
        if key not in self._speeds:
            self._measure(key, model, training, threads, patience)
        return self._speeds.get(key)

    def take_up(self) -> None:
        """Go on with what a server before this one had, in its order; what was paused stays paused. A run that comes
        to no further checkpoint in several attempts is left to its owner."""
        for run_id, status in self._store.left_behind().items():
            with suppress(UserError):  # somebody has it by now; or it cannot be read, which its page says
                self._take(run_id, "park" if status == State.PARKED else "submit", [], {}, again=True)

    def close(self) -> None:
        """End all workers. Runs in progress keep a checkpoint and count as interrupted until a server comes back;
        settings that no worker has stored are in force when they go on."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.clear()
            workers = list(self._workers)
        for worker in workers:
            worker.close()
        for worker in workers:
            worker.join(CLOSE_SECONDS)
        if self._cluster is not None:
            self._cluster.close(CLOSE_SECONDS)
        if self._fork_server is not None:
            self._fork_server.close()
        for job in list(self._jobs.values()):
            with suppress(StoreError):
                self._store.keep_requested(job.run.id, job.pending)
            self._end(job)

    # The states

    def _state(self, run_id: str) -> State:
        with self._lock:
            return self._jobs[run_id].state if run_id in self._jobs else State.ENDED

    def _move(self, job: Job, event: str) -> bool:
        """Put a job into the state that the table names; False if it names none."""
        state = after(job.state, event)
        if state is not None:
            job.state = state
            self._note_change(job.run.id)
            self._heard.notify_all()
        return state is not None

    def _note_change(self, run_id: str) -> None:
        self._changed_at.pop(run_id, None)
        self._changed_at[run_id] = time.monotonic()
        if len(self._changed_at) > MOST_CHANGES_KNOWN:
            del self._changed_at[next(iter(self._changed_at))]

    def _moved(self, run_id: str, request: str) -> Job:
        """The job after a request. Raises `JobError` if it cannot be met."""
        job = self._jobs.get(run_id)
        if job is not None and self._move(job, request):
            return job
        if job is not None and job.state == State.STOPPING:
            raise JobError("This run is just being stopped. Wait until it has stopped.")
        raise JobError("Nothing here is training this run, so it cannot be steered.")

    def _told_outside(self, run_id: str, *messages: Message) -> bool:
        """Pass something on to the command line, if it trains this run."""
        return not self.controls(run_id) and elsewhere.ask(self._store, run_id, [*messages])

    def _let_end(self, run_id: str) -> None:
        """Who has read in the store that a run is over may go on with it, though its worker has not said so yet."""
        self._bury(run_id)
        if self.controls(run_id) and self._store.run(run_id).status not in LIVE:
            self.wait(run_id, patience=END_PATIENCE_SECONDS)

    def _ask(self, run_id: str, request: str, settings: dict[str, float] | None = None) -> None:
        check_changes(settings or {})
        self._bury(run_id)
        if request == "pause":
            self._withdraw(run_id)
        before = self._state(run_id)
        if before in (State.QUEUED, State.PARKED):
            self._keep_wish(run_id, before, request)
        with self._lock:
            job = self._moved(run_id, request)
            if job.state == State.PARKED and job in self._queue:
                self._queue.remove(job)
            if job.state == State.QUEUED and job not in self._queue:
                self._queue.append(job)
            if settings:
                job.pending |= settings
                job.changes += 1
                if job.worker is not None and not job.yielding:  # else they come along with the run
                    job.worker.send({"do": "change", "settings": settings, "id": job.changes})
            if request != "change":
                job.pausing = request == "pause"
                job.tell({"do": request})
        self._dispatch()

    def _keep_wish(self, run_id: str, state: State, request: str) -> None:
        """Write down what a run is to do, as no worker has it that could."""
        if request == "pause" and state == State.QUEUED:
            self._store.give(run_id, State.PARKED)
        elif request in ("resume", "step") and state == State.PARKED:
            self._store.give(run_id, held=request == "step")
        elif request in ("resume", "step"):
            self._store.hold(run_id, request == "step")

    def _submit(self, run_id: str, request: str, then: list[Message], settings: dict[str, float]) -> None:
        check_changes(settings)
        self._bury(run_id)
        self._take(run_id, request, then, settings)

    def _take(
        self,
        run_id: str,
        request: str,
        then: list[Message],
        settings: dict[str, float],
        *,
        again: bool = False,
    ) -> None:
        """Have a run that had ended, or that a server before this one has left behind (`again`)."""
        if self._closed:
            raise JobError("The dashboard is just being closed. Start it again to train.")
        run, state = self._store.run(run_id), after(State.ENDED, request)
        assert state is not None, request
        with ExitStack() as place:
            try:
                place.enter_context(self._store.queue_lock(run_id))
            except AtWork as error:
                raise JobError("This run is being trained already.") from error
            if self._store.is_locked(run_id):
                raise JobError("This run is being trained already.")
            if again:
                self._store.give_again(run_id, state)
            else:
                self._store.give(run_id, state, held=bool(then))
            with self._lock:
                before = self._jobs.get(run_id)
                pending = (before.pending if before else {}) | settings
                preferred = run.workspace in self._preferred
                job = Job(run, place.pop_all(), then, pending, changes=1, preferred=preferred)
                self._troubles.pop(run_id, None)
                self._jobs[run_id] = job
                self._move(job, request)
                if state == State.QUEUED:
                    self._queue.append(job)
        self._dispatch()
        self._keep_warm()

    def _end(self, job: Job) -> None:
        """It is over; what was asked of it and not stored counts when it is taken up again. Who hears of it may have
        the run at once."""
        job.place.close()
        with self._lock:
            self._move(job, "over")
            job.worker = None
            if not job.pending and self._jobs.get(job.run.id) is job:
                del self._jobs[job.run.id]

    def _fail(self, job: Job, error: UserError) -> None:
        try:
            self._store.set_status(job.run.id, "failed", error=error.to_json())
        except StoreError:
            self._troubles[job.run.id] = error.to_json()
        self._end(job)

    # Workers

    def _dispatch(self) -> None:
        """Give waiting runs to workers, as many as may run."""
        while (job := self._next()) is not None:
            try:
                self._hand_over(job, self._idle_worker() or self._new_worker())
            except Exception as error:  # whatever a launcher throws
                problem = f"{type(error).__name__}: {error}"
                self._fail(
                    job, StoreError("The training process could not be started: {problem}", problem=problem)
                )

    def _next(self) -> Job | None:
        """The run whose turn it is, if it may begin. Where memory is short, a run that is held gives up its worker."""
        with self._lock:
            self._put_back()
            others = [job for job in self._jobs.values() if job.attended]
            room = self._space
            job = next((job for job in self._line() if room.has_turn(job, others)), None)
            if job is None or self._closed:
                return None
            if not room.has_memory(job, others):
                self._make_room(others)
                return None
            self._queue.remove(job)
            self._move(job, "free")
            return job

    def _put_back(self) -> None:
        """Where a cluster has fewer places than were given away, whoever has found none waits again."""
        attended = [job for job in self._jobs.values() if job.attended]
        unplaced = [job for job in attended if self._unplaced(job)]
        for job in unplaced[::-1][: max(0, len(attended) - self._space.cores)]:
            self._withdraw(job.run.id)

    def _unplaced(self, job: Job) -> bool:
        """Whether it was given to a worker of a cluster that is still being started, perhaps for want of a place."""
        given = self._cluster is not None and job.state == State.STARTING and job.worker is not None
        return given and job.worker not in self._ready

    def _withdraw(self, run_id: str) -> None:
        """Put a run that has no place yet back into the queue, as the first one."""
        with self._lock:
            job = self._jobs.get(run_id)
            if job is not None and job.worker is not None and self._unplaced(job):
                job.worker.close()
                job.worker = None
                self._move(job, "no place")
                self._queue.appendleft(job)

    def _line(self) -> list[Job]:
        """The waiting runs in the order in which they begin."""
        return in_turn(self._queue, [job for job in self._jobs.values() if job.attended])

    def _make_room(self, others: list[Job]) -> None:
        """Have one run that is held kept on the disk alone, unless that is under way."""
        held = [job for job in others if job.state == State.PAUSED]
        if held and not any(job.yielding for job in others):
            job = min(held, key=lambda job: job.memory < WORKER_BYTES * 2)  # a large one, if there is any
            self._move(job, "yield")
            job.tell({"do": "park"})
            job.then, job.yielding = [], True

    def _busy(self) -> int:
        """How many runs are calculated, or were just now."""
        return sum(job.attended and job.state != State.PAUSED for job in self._jobs.values())

    def _fork(self, store: RunStore, on_message: OnMessage) -> WorkerProcess:
        assert self._fork_server is not None
        return LocalWorker(store, on_message, self._fork_server.fork())

    def new_calculator(self) -> Forked | None:
        """A process for `calculators.py`; None where processes cannot be copied, or at the end."""
        return None if self._fork_server is None or self._closed else self._fork_server.fork(CALCULATOR)

    def _idle_worker(self) -> WorkerProcess | None:
        """One that has nothing to do. Whoever measures is passed over: a new one is there sooner, but on a cluster."""
        with self._lock:
            self._idle = [worker for worker in self._idle if worker.alive]
            at_it = [] if self._cluster else [worker for worker, _answered in list(self._measuring.values())]
            found = next((worker for worker in self._idle[::-1] if worker not in at_it), None)
            if found is not None:
                self._idle.remove(found)
        return found

    def _new_worker(self) -> WorkerProcess:
        worker = self._launcher(self._store, self._on_message)
        with self._lock:
            self._workers = [one for one in (*self._workers, worker) if one.alive]
        return worker

    def _hand_over(self, job: Job, worker: WorkerProcess) -> None:
        self._give(job, worker)
        self._bury(job.run.id)

    def _give(self, job: Job, worker: WorkerProcess) -> None:
        with self._lock:
            job.worker, job.handed_over = worker, job.changes
            if self._closed:
                worker.close()
                return
            threads = self._threads(job.run.model, job.run.training.batch_size, alone=self._busy() == 1)
            worker.send({
                "do": "train", "run": job.run.id, "threads": threads, "settings": job.pending, "then": [*job.then]
            })  # fmt: skip

    def _threads(self, model: ModelConfig, batch_size: int, *, alone: bool) -> int:
        """One, unless it is alone on idle cores: two trainings of two threads each would stall one another."""
        alone = alone and self._cluster is None  # there it has one core
        return best_thread_count(model, batch_size, os.cpu_count() or 1) if alone else 1

    def _keep_warm(self) -> None:
        """Have a worker ready. It only saves time: one that cannot be started is not tried again at once."""
        with self._lock:
            if not self._warm or self._closed or self._idle or self._warming or not self._has_place():
                return
            self._warming = True
        worker = None
        try:
            worker = self._new_worker()
        except Exception:  # who trains the next run will be told
            pass
        with self._lock:
            self._warming = False
            if worker is not None and not self._take_back(worker):
                worker.close()

    def _has_place(self, waiting: int = 1) -> bool:
        """Whether so many more workers that wait for a run leave a place of the cluster to other servers: none of them
        knows what another one would start."""
        attended = sum(job.attended for job in self._jobs.values())
        return self._cluster is None or attended + len(self._idle) + waiting < self._space.cores

    def _look_again(self) -> None:
        """The cluster has another number of places."""
        self._dispatch()
        self._leave_place()
        self._keep_warm()

    def _leave_place(self) -> None:
        """Where a cluster is full, a worker that waits for a run gives its place up."""
        with self._lock:
            if self._cluster is None or self._cluster.away or self._has_place(0):
                return
            given_up, self._idle = self._idle, []
            for worker in given_up:
                worker.close()

    def _take_back(self, worker: WorkerProcess) -> bool:
        """Keep a worker as the one that is ready; False if there is one already, or it would take somebody's place."""
        if not self._warm or self._closed or not worker.alive or any(map(self._is_quick, self._idle)):
            return False
        if not self._queue and not self._has_place():
            return False
        self._idle.append(worker)
        return True

    def _is_quick(self, idle: WorkerProcess) -> bool:
        """Whether it trains at once: on a cluster, one that is just being started takes seconds."""
        return self._cluster is None or idle in self._ready

    def _measure(
        self, key: str, model: ModelConfig, training: TrainConfig, threads: int, patience: float
    ) -> None:
        """Have an idle worker measure, unless one is at it, and wait for a while; a late answer is kept as well."""
        with self._lock:
            at = self._measuring.get(key)
            if at is None:
                at_it = [worker for worker, _answered in list(self._measuring.values())]
                worker = next((w for w in self._idle if w in self._ready and w not in at_it), None)
                if worker is None:
                    return
                at = self._measuring[key] = worker, threading.Event()
                fields = {"model": model.to_dict(), "training": training.to_dict(), "threads": threads}
                worker.send({"do": "measure", "id": key} | fields)
        at[1].wait(patience)

    # What workers say

    def _on_message(self, worker: WorkerProcess, message: Message) -> None:
        """A worker's reader thread calls this."""
        match message["event"]:
            case "ready":
                self._ready.add(worker)
                self._hurry()
            case "measured":
                self._speeds[message["id"]] = message["seconds"]
                if message["id"] in self._measuring:
                    self._measuring.pop(message["id"])[1].set()
            case "running" | "paused":
                with self._lock:
                    if job := self._job_of(worker):
                        self._move(job, message["event"])
                        job.stored(job.handed_over)
                self._dispatch()  # who is held has given its place back
            case "live":
                with self._lock:
                    if job := self._job_of(worker):
                        job.told = message["state"].encode()
            case "load":
                with self._lock:
                    if job := self._job_of(worker):
                        job.load = message["share"]
                self._dispatch()
            case "changed":
                with self._lock:
                    if job := self._job_of(worker):
                        job.stored(message["id"])
            case "finished":
                self._finished(worker, message)
            case "ended":
                self._lost(worker, message.get("garbled"))

    def _job_of(self, worker: WorkerProcess) -> Job | None:
        return next((job for job in self._jobs.values() if job.worker is worker), None)

    def _finished(self, worker: WorkerProcess, message: Message) -> None:
        """A run has come to its end; its worker serves as the one that is ready, unless there is one or it leaves."""
        leaving = self._job_of(worker) if message["status"] == "interrupted" else None
        if leaving is not None and leaving.state == State.STOPPING:
            self._forget(leaving)
        if message["status"] == "parked" and (parked := self._job_of(worker)):
            self._parked(parked, message["wishes"])
        with self._lock:
            job = self._job_of(worker)
            if job is not None:
                if message["status"] == "done":  # what was asked for came too late
                    job.pending.clear()
                if error := message.get("error"):
                    self._troubles[job.run.id] = error
        if job is not None:
            self._end(job)
        with self._lock:
            if message["status"] == "interrupted" or not self._take_back(worker):
                worker.close()
        self._hurry()
        self._dispatch()
        self._keep_warm()

    def _hurry(self) -> None:
        """On a cluster, a run may wait for a worker that is still being started, perhaps on a node that is lost: if one
        is ready by now, that one gets it."""
        with self._lock:
            quick = next((worker for worker in self._idle if worker in self._ready), None)
            job = next(filter(self._unplaced, self._jobs.values()), None)
            if quick is None or job is None or job.worker is None:
                return
            self._idle.remove(quick)
            job.worker.close()
            self._give(job, quick)
        self._bury(job.run.id)

    def _forget(self, job: Job) -> None:
        """No server is to go on with it by itself, whatever could not be written before."""
        with suppress(StoreError):
            self._store.take_back(job.run.id)

    def _parked(self, job: Job, wishes: list[str]) -> None:
        """Its worker has kept its state and left it. What it was told and did not do any more, and what was asked for
        meanwhile, is asked for again."""
        with self._lock:
            wishes = [*wishes, *(message["do"] for message in job.then)]
            job.worker, job.yielding, job.then, job.told = None, False, [], None
            self._move(job, "parked")
        if job.state == State.ENDED:
            try:
                self._store.set_status(job.run.id, "stopped")
            finally:
                self._end(job)
            return
        for wish in wishes:
            with suppress(UserError):  # then it stays parked
                self._ask(job.run.id, wish)

    def _bury(self, run_id: str) -> None:
        """If a run's worker has been killed, that counts from now on, even where it has not been reported yet."""
        job = self._jobs.get(run_id)
        worker = job.worker if job else None
        if worker is not None and not worker.alive:
            self._lost(worker)

    def _lost(self, worker: WorkerProcess, garbled: str | None = None) -> None:
        """A worker has ended: by request, or killed. A killed one's run shows as interrupted by itself; where it was
        ended for a message that nobody can read, the run says so; one that a cluster has lost goes on elsewhere."""
        with self._lock:
            self._ready.discard(worker)
            self._measuring = {key: at for key, at in self._measuring.items() if at[0] is not worker}
            if worker in self._idle:
                self._idle.remove(worker)
            job = self._job_of(worker)
            if job is not None:
                job.worker = None
        if job is not None and garbled:
            self._fail(
                job,
                StoreError("The training process sent a message that cannot be read: {line}", line=garbled),
            )
        elif job is not None and not (isinstance(worker, RemoteWorker) and self._goes_on(job)):
            self._end_without_word(job)
        self._dispatch()  # and no spare: a worker that cannot start must not be started for ever

    def _goes_on(self, job: Job) -> bool:
        """Queue a run again that has lost its worker; False if it is to end, or has lost several without coming to
        another checkpoint."""
        with self._lock:
            if self._closed or job.state in (State.STOPPING, State.ENDED):
                return False
            held = job.pausing or job.state == State.PAUSED
            then = job.then if job.state == State.STARTING else []
        with suppress(UserError):  # it cannot be read or written
            if self._store.run(job.run.id).attempts < MOST_ATTEMPTS:
                self._end(job)
                self._take(job.run.id, "park" if held else "submit", [] if held else then, {}, again=True)
                return True
        return False

    def _end_without_word(self, job: Job) -> None:
        """Its worker has died. If that was before the run could begin, the run is told so. Nobody goes on with it by
        himself: it may end the next one as well."""
        if not self._closed or job.state == State.STOPPING:
            self._forget(job)
        try:
            waits = (
                job.state in (State.STARTING, State.STOPPING)
                and self._store.run(job.run.id).status == "queued"
            )
        except StoreError:
            waits = False
        if waits:
            self._fail(
                job, StoreError("The training process ended before it could begin. The log may say why.")
            )
        else:
            self._end(job)


def change_message(settings: dict[str, float]) -> Message:
    """The message that asks for other settings. Raises `ConfigError` if they cannot be changed, or not to this."""
    check_changes(settings)
    return {"do": "change", "settings": settings}


def check_changes(settings: dict[str, float]) -> None:
    """Raise `ConfigError` for a setting that cannot be changed while a run goes, or not to this value."""
    for name, value in settings.items():
        check_change(name, value)


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
            _shared = JobManager(
                store or RunStore(), max_running=limit, warm=warm, cluster=from_environment()
            )
            atexit.register(close_shared)
            with suppress(StoreError):  # it cannot be read; the pages say so
                _shared.take_up()
        return _shared


def changed_at(run_id: str) -> float:
    """When a run came into another state in this process; see `JobManager.changed_at`."""
    return _shared.changed_at(run_id) if _shared is not None else 0.0


def close_shared() -> None:
    """End the process-wide manager and its workers."""
    global _shared
    with _shared_lock:
        if _shared is not None:
            _shared.close()
            _shared = None
