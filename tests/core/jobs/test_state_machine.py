"""Whatever is asked of runs, in whatever order, and whoever dies in between: a run tells the truth about itself.

Hypothesis makes up the sequences. Workers are puppets (the real loop, moved by the test), so that a thousand take
minutes: `STATE_MACHINE=1000 pytest tests/core/jobs/test_state_machine.py`. One sequence, and as many as
`STATE_MACHINE_PROCESSES` says besides, is played with real processes.
"""

import math
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import StoreError, UserError
from minigpt_core.jobs import recording, worker
from minigpt_core.jobs.forked import CAN_FORK, ForkServer
from minigpt_core.jobs.launchers import LocalWorker, Message, WorkerProcess
from minigpt_core.jobs.manager import JobManager, State
from minigpt_core.jobs.worker import beginning
from minigpt_core.store.curves import read_curve
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.store.schema import Database
from minigpt_core.training import StepEvent, Trainer
from tests.core.jobs.puppets import Puppet

TEXT = "le chat dort. " * 4
STEPS, EVERY = 9, 4
WORKSPACES = ("here", "there")
MOST_RUNS = 2
EXAMPLES = int(os.environ.get("STATE_MACHINE", "100"))
MORE_WITH_PROCESSES = int(os.environ.get("STATE_MACHINE_PROCESSES", "0"))
PATIENCE = 300.0  # seconds; this machine may be busy

RUN, PUPPET = st.integers(0, MOST_RUNS - 1), st.integers(0, 3)
MOVES = st.sampled_from([0, 0, 1, 2, 5, 10, 20, 40])
SETTINGS = st.runner().flatmap(lambda runs: runs.changes)


class CheckedDatabase(Database):
    """Refuses to be used by who holds a manager's lock; may be said to be busy."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, patient=True)
        self.manager: JobManager | None = None
        self.busy = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        self.check_lock()
        with super().reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        self.check_lock()
        if self.busy:
            raise StoreError("The store is busy.")
        with super().writing() as connection:
            yield connection

    def check_lock(self) -> None:
        assert self.manager is None or not self.manager._lock._is_owned()  # type: ignore[attr-defined]


STATUSES = {
    State.QUEUED: ["queued"], State.STARTING: ["queued"], State.RUNNING: ["running"], State.PAUSED: ["paused"],
    State.PARKED: ["paused"],
    State.STOPPING: ["queued", "running", "paused"],
    State.ENDED: ["interrupted", "stopped", "done", "diverged", "failed"],
}  # fmt: skip


def in_force(run: Run) -> dict[str, float]:
    """The settings that its next step is made with."""
    training = run.in_force
    return {
        "learning_rate": training.learning_rate, "pace": training.pace, "eval_interval": training.evaluation_interval
    }  # fmt: skip


class CheckedStore(RunStore):
    """Its locks are files: they too are taken and let go by nobody who holds a manager's lock."""

    @contextmanager
    def queue_lock(self, run_id: str) -> Iterator[None]:
        assert isinstance(self._database, CheckedDatabase)
        self._database.check_lock()
        with super().queue_lock(run_id):
            yield
            self._database.check_lock()


def store_with(database: CheckedDatabase) -> RunStore:
    store = CheckedStore(database.home)
    store._database = database
    return store


class Asked(RuleBasedStateMachine):
    """Up to two runs of two workspaces: what is asked of them, and what is true of them whoever trains them."""

    steps, evaluate_every, pace = 9, 4, 0.0
    ends_as: tuple[str, ...] = ("done", "diverged")
    counts_every_run = True
    """Whether each is calculated as fast as it goes, so that it takes a core."""

    changes = st.fixed_dictionaries(
        {},
        optional={
            "learning_rate": st.sampled_from([1e-3, 1e-2, 1000.0]),
            "pace": st.sampled_from([0.0, 90_000.0]),
            "eval_interval": st.sampled_from([1.0, 3.0]),
        },
    )

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
        self.home = Path(self.folder.name)
        self.database = CheckedDatabase(self.home)
        self.store = store_with(self.database)
        self.asked: dict[str, dict[str, float]] = {}
        """The settings last asked for, by run."""

        self.may_reach: dict[str, float] = {}
        """The last step that was asked for, by run; endless if none was named."""

        self.to_hold: set[str] = set()
        """The runs that were asked to make no step by themselves."""

        self.workers: list[Any] = []

        self.unnoted: set[str] = set()
        """The runs whose workers died while nothing could be written: the next server may try them again."""

        self.options: dict[str, Any] = {}
        self.rest = ExitStack()
        self.store.own_texts()  # makes the tables
        self.reader = sqlite3.connect(self.database.path, isolation_level=None)
        self.reader.row_factory = sqlite3.Row

    def teardown(self) -> None:
        try:
            self.come_to_an_end()
        finally:
            self.manager.close()
            self.rest.close()
            self.reader.close()
            self.folder.cleanup()

    def open_server(self) -> None:
        self.manager = JobManager(self.store, launcher=self.launch, **self.options)
        self.database.manager = self.manager

    # Who trains

    def time_goes_on(self, moves: int) -> None:
        """Let the workers work."""

    def launch(self, store: RunStore, on_message: Callable[[WorkerProcess, Message], None]) -> WorkerProcess:
        """Start a worker."""
        raise NotImplementedError

    def settle(self) -> None:
        """Wait for what cannot be told before it has happened."""

    def died_unseen(self, run_id: str) -> bool:
        """Its worker has died, and nobody has told the manager or looked."""
        return False

    def state(self, run_id: str) -> State:
        """What the manager must say of a run as soon as it looks."""
        return State.ENDED if self.died_unseen(run_id) else self.manager._state(run_id)

    def in_training(self) -> list[str]:
        """The runs that workers are busy with."""
        raise NotImplementedError

    def is_held(self, run_id: str) -> bool:
        """Its worker has made and stored the steps that it was told to make, up to what it has not heard yet."""
        raise NotImplementedError

    def has_heard(self, run_id: str) -> bool:
        """Whether its worker knows all that was asked."""
        return True

    def finish(self, run_ids: Iterable[str]) -> None:
        """Let runs that were told to stop, or to go on, come to their end."""
        raise NotImplementedError

    # What a person does

    @rule(workspace=st.sampled_from(WORKSPACES))
    @precondition(lambda self: len(self.asked) < MOST_RUNS)
    def make(self, workspace: str) -> None:
        training = TrainConfig(
            steps=self.steps, eval_interval=self.evaluate_every, eval_windows=1, sample_length=1, batch_size=1,
            optimizer="sgd", learning_rate=0.1, pace=self.pace,
        )  # fmt: skip
        run = new_run(
            self.store, text=TEXT, title="chat", model_fields={"block_size": 4, "n_embd": 2}, training=training,
            workspace=workspace,
        )  # fmt: skip
        self.asked[run.id] = in_force(run)
        self.may_reach[run.id] = 0

    def some(self, number: int) -> str:
        """One of the runs."""
        return list(self.asked)[number % len(self.asked)]

    def ask(self, run_id: str, request: str, given: dict[str, Any], taken: bool) -> None:
        """Ask for something: it is taken, with the settings, or refused in words, and then nothing has changed."""
        state, held = self.state(run_id), self.is_held(run_id)
        run, unseen = self.store.run(run_id), self.died_unseen(run_id)
        self.drop_what_came_too_late(run)
        try:
            getattr(self.manager, request)(run_id, **given)
        except UserError as refused:
            assert not taken, refused
            assert self.manager._state(run_id) == state
            assert self.store.run(run_id).status == run.status or unseen
        else:
            assert taken
            self.asked[run_id] |= {name: value for name, value in given.items() if name != "paused"}
            self.count_steps(run, state, request, held=held, paused=given.get("paused", False))

    def count_steps(self, run: Run, state: State, request: str, *, held: bool, paused: bool) -> None:
        """How far the run may go, after a request that was taken in this state, in which it was held or not."""
        waiting = state in (State.QUEUED, State.PARKED, State.ENDED)
        kept = self.store.checkpoints(run.id)
        here = run.step if held else kept[-1].step if kept else 0
        known = self.may_reach[run.id]
        if state in (State.PARKED, State.ENDED) or (known == math.inf and (waiting or held)):
            known = here
        if request in ("submit", "resume"):
            known = known if paused else math.inf
        elif request == "step":
            known += 1
        elif request == "pause" and (held or waiting):
            known = here
        self.may_reach[run.id] = known
        if request in ("pause", "step") or paused:
            self.to_hold.add(run.id)
        elif request in ("submit", "resume"):
            self.to_hold.discard(run.id)

    @rule(number=RUN, paused=st.booleans(), given=SETTINGS, after=MOVES)
    @precondition(lambda self: self.asked)
    def submit(self, number: int, paused: bool, given: dict[str, float], after: int = 0) -> None:
        self.time_goes_on(after)
        run_id = self.some(number)
        free = self.state(run_id) == State.ENDED and not self.store.is_locked(run_id)
        self.ask(run_id, "submit", {"paused": paused, **given}, taken=free)

    @rule(number=RUN, request=st.sampled_from(["resume", "step"]), given=SETTINGS, after=MOVES)
    @precondition(lambda self: self.asked)
    def go_on(self, number: int, request: str, given: dict[str, float], after: int = 0) -> None:
        self.time_goes_on(after)
        run_id = self.some(number)
        self.ask(run_id, request, given, taken=self.state(run_id) != State.STOPPING)

    @rule(number=RUN, request=st.sampled_from(["pause", "stop"]), after=MOVES)
    @precondition(lambda self: self.asked)
    def hold(self, number: int, request: str, after: int = 0) -> None:
        self.time_goes_on(after)
        run_id = self.some(number)
        refusing = (State.ENDED,) if request == "stop" else (State.ENDED, State.STOPPING)
        self.ask(run_id, request, {}, taken=self.state(run_id) not in refusing)

    @rule(
        number=RUN,
        requests=st.lists(st.sampled_from(["pause", "resume", "step"]), min_size=2, max_size=4),
        after=MOVES,
    )
    @precondition(lambda self: self.asked)
    def click_quickly(self, number: int, requests: list[str], after: int) -> None:
        """One after the other, before its worker has heard of the first."""
        self.time_goes_on(after)
        for request in requests:
            if request == "pause":
                self.hold(number, request)
            else:
                self.go_on(number, request, {})

    @rule(number=RUN, given=SETTINGS, after=MOVES)
    @precondition(lambda self: self.asked)
    def change(self, number: int, given: dict[str, float], after: int = 0) -> None:
        self.time_goes_on(after)
        run_id = self.some(number)
        self.ask(run_id, "change", given, taken=self.state(run_id) != State.ENDED)

    @rule(number=RUN, workspace=st.sampled_from(WORKSPACES))
    @precondition(lambda self: self.asked)
    def delete_and_take_back(self, number: int, workspace: str) -> None:
        run = self.store.run(self.some(number))
        for change, deleted in ((self.store.delete, True), (self.store.undelete, False)):
            try:
                change(run.id, workspace)
                assert run.workspace == workspace
            except StoreError:
                assert run.workspace != workspace
            else:
                assert (self.store.run(run.id).deleted is not None) == deleted

    @rule()
    def the_server_is_started_anew(self) -> None:
        """What it had goes on by itself, from what was kept; what its owner held or ended does not."""
        before = {run_id: self.state(run_id) for run_id in self.asked}
        unseen = {run_id for run_id in self.asked if self.died_unseen(run_id)} | self.unnoted
        self.unnoted.clear()
        self.manager.close()
        assert not any(worker.alive for worker in self.workers)
        for run_id, asked in self.asked.items():
            run = self.store.run(run_id)
            self.drop_what_came_too_late(run)
            assert in_force(run) == asked
        left = {run_id: self.store.run(run_id) for run_id in self.asked}
        self.open_server()
        self.manager.take_up()
        for run_id in self.asked.keys() - unseen:
            after, over = self.manager._state(run_id), before[run_id] in (State.STOPPING, State.ENDED)
            not_started = self.store.run(run_id).status == "failed"
            if over or not_started or left[run_id].status != "interrupted" or left[run_id].given_up:
                assert after == State.ENDED
            else:
                assert (after == State.PARKED) == (run_id in self.to_hold) and after != State.ENDED
        for run_id in self.to_hold:
            kept = self.store.checkpoints(run_id)
            self.may_reach[run_id] = kept[-1].step if kept else 0

    # What is true at any time

    @invariant()
    def a_run_tells_the_truth(self) -> None:
        self.settle()
        self.check_slots()
        for run_id in self.asked:
            if self.died_unseen(run_id):
                continue
            run = self.store.run(run_id)
            self.check_status(run)
            self.check_settings(run)
            self.check_steps(run)
            self.check_record(run.id)

    def check_slots(self) -> None:
        """Who is busy is at work on a run. Who waits has another run that is calculated, while no core is free."""
        jobs = {run_id: job for run_id, job in self.manager._jobs.items() if job.state != State.ENDED}
        busy = [run_id for run_id, job in jobs.items() if job.attended]
        waiting = [run_id for run_id, job in jobs.items() if job.state == State.QUEUED]
        calculated = [run_id for run_id in busy if jobs[run_id].state != State.PAUSED]
        assert sorted(busy) == sorted(self.in_training())
        if self.counts_every_run:
            owners = [jobs[run_id].owner for run_id in calculated]
            assert all(jobs[run_id].owner in owners for run_id in waiting)
            assert not waiting or len(calculated) >= self.manager.at_once
        places = sorted(filter(None, map(self.manager.position, self.asked)))
        assert places == list(range(1, len(waiting) + 1))

    def check_status(self, run: Run) -> None:
        """Pages and the server say the same."""
        assert run.status in STATUSES[self.manager._state(run.id)]
        assert run.status != "failed" or UserError.from_json(run.error or "")

    def check_settings(self, run: Run) -> None:
        """In force, or on their way, are the settings that were asked for last."""
        self.drop_what_came_too_late(run)
        assert in_force(run) | self.manager.pending(run.id) == self.asked[run.id]

    def drop_what_came_too_late(self, run: Run) -> None:
        """Nothing that is asked of a run after its last step comes into force."""
        if run.status == "done":
            self.asked[run.id] |= in_force(run)

    def check_steps(self, run: Run) -> None:
        """A run that is held makes no step but those that were asked for."""
        if self.manager._state(run.id) in (State.RUNNING, State.PAUSED):  # else it stands where it was left
            assert run.step <= self.may_reach[run.id]
        if self.is_held(run.id) and self.has_heard(run.id):
            self.may_reach[run.id] = run.step

    def check_record(self, run_id: str) -> None:
        """The curve is that of the steps made, and nothing lies beyond them."""
        self.reader.execute("BEGIN")  # the worker may be writing
        key, made = self.reader.execute("SELECT key, step FROM runs WHERE id = ?", (run_id,)).fetchone()
        query = "SELECT step, loss FROM steps WHERE run = ? ORDER BY step"
        steps = dict(map(tuple, self.reader.execute(query, (key,))))
        assert list(steps) == list(range(1, made + 1))
        curve = read_curve(self.reader, key, points=100, means=1)
        if len(steps) <= 100:
            assert dict(zip(curve.steps, curve.losses, strict=True)) == steps
        assert curve.mean_losses == ([pytest.approx(sum(steps.values()) / len(steps))] if steps else [])
        for table in ("evaluations", "samples", "changes", "checkpoints"):
            last = self.reader.execute(f"SELECT max(step) FROM {table} WHERE run = ?", (key,)).fetchone()[0]
            assert last is None or last <= made
        self.reader.execute("COMMIT")

    # The end

    def come_to_an_end(self) -> None:
        """Every run can be stopped, resumed and deleted, and its record says what was done."""
        self.settle()
        for run_id in self.asked:
            if self.manager.controls(run_id):
                self.manager.stop(run_id)
        self.finish(self.asked)
        for run_id in self.asked:
            assert not self.manager.controls(run_id) and not self.manager.is_stopping(run_id)
            self.check_what_was_done(self.store.run(run_id))
            self.manager.resume(run_id, learning_rate=1e-3)
        self.finish(self.asked)
        assert self.manager._busy() == 0
        for run_id in self.asked:
            run = self.store.run(run_id)
            assert run.status in self.ends_as and (run.status != "done" or run.step == self.steps)
            self.check_what_was_done(run)
            self.store.delete(run_id, run.workspace)
        assert self.store.purge_deleted(older_than=0) == len(self.asked)

    def check_what_was_done(self, run: Run) -> None:
        """The stored changes, made again from step 0 on, give the stored losses to the last bit."""
        trainer = Trainer(
            beginning(self.store, run)[0], run.model, run.training, changes=self.store.changes(run.id)
        )
        again = (event.loss for event in trainer.run() if isinstance(event, StepEvent))
        stored = [step.loss for step in self.store.steps_since(run.id, limit=1_000_000)]
        assert stored == list(islice(again, run.step))


class Puppets(Asked):
    """One server that trains up to two at a time with workers that the test moves, and its end and return."""

    def __init__(self) -> None:
        super().__init__()
        self.workers_database = CheckedDatabase(self.home)
        self.launches_fail = self.born_dead = False

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            for puppet in self.workers:
                puppet.kill()

    @initialize(at_once=st.integers(1, 2), warm=st.booleans(), batch=st.booleans(), checkpoints=st.booleans())
    def begin(self, at_once: int, warm: bool, batch: bool, checkpoints: bool) -> None:
        patch = pytest.MonkeyPatch()
        self.rest.callback(patch.undo)
        patch.setattr(recording, "BATCH_SECONDS", 0.0 if batch else 3600.0)
        patch.setattr(worker, "LOAD_SECONDS", math.inf)
        patch.setattr(recording, "CHECKPOINT_SECONDS", 0.0 if checkpoints else 3600.0)
        self.options = {"max_running": at_once, "warm": warm}
        self.open_server()
        self.make(WORKSPACES[0])
        self.submit(0, paused=False, given={})

    def open_server(self) -> None:
        super().open_server()
        self.workers_database.manager = self.manager

    def launch(self, store: RunStore, on_message: Callable[[WorkerProcess, Message], None]) -> Puppet:
        self.database.check_lock()
        if self.launches_fail:
            self.launches_fail = False
            raise OSError("no more processes")
        puppet = Puppet(store_with(self.workers_database), on_message)
        self.workers.append(puppet)
        if self.born_dead:
            self.born_dead = False
            puppet.kill()
        return puppet

    def died_unseen(self, run_id: str) -> bool:
        job = self.manager._jobs.get(run_id)
        return job is not None and job.worker is not None and not job.worker.alive

    def in_training(self) -> list[str]:
        working = [puppet.run_id for puppet in self.workers if puppet.alive and puppet.run_id]
        return [*working, *filter(self.died_unseen, self.asked)]

    def is_held(self, run_id: str) -> bool:
        paused = self.manager._state(run_id) == State.PAUSED
        return paused and any(
            puppet.run_id == run_id and puppet.waits for puppet in self.workers if puppet.alive
        )

    def has_heard(self, run_id: str) -> bool:
        return not any(puppet.messages for puppet in self.workers if puppet.alive and puppet.run_id == run_id)

    def check_slots(self) -> None:
        super().check_slots()
        assert sum(puppet.alive for puppet in self.workers) <= len(self.in_training()) + 1

    # What happens

    @rule(which=PUPPET, moves=st.integers(1, 30))
    def one_goes_on(self, which: int, moves: int) -> None:
        working = [puppet for puppet in self.workers if puppet.alive]
        for _ in range(moves):
            if working:
                working[which % len(working)].advance()

    def time_goes_on(self, moves: int) -> None:
        for _ in range(moves):
            for puppet in list(self.workers):
                puppet.advance()

    @rule(which=PUPPET, told=st.booleans(), garbled=st.booleans(), after=MOVES)
    def kill(self, which: int, told: bool, garbled: bool, after: int) -> None:
        """`told`: the manager has heard of it before anything else happens. `garbled`: its last message too."""
        self.time_goes_on(after)
        working = [puppet for puppet in self.workers if puppet.alive]
        if working:
            puppet = working[which % len(working)]
            run_id = puppet.run_id
            going = run_id is not None and self.store.run(run_id).status in ("running", "paused")
            puppet.kill(garbled="{" if garbled else None)
            if told:
                puppet.report()
            if going and run_id:
                assert self.store.run(run_id).status == ("failed" if garbled and told else "interrupted")

    @rule()
    def the_dead_are_found(self) -> None:
        for puppet in list(self.workers):
            puppet.report()

    @rule(fault=st.sampled_from(["launches_fail", "born_dead"]))
    def the_next_worker_will_not_start(self, fault: str) -> None:
        setattr(self, fault, True)

    @rule(number=RUN, request=st.sampled_from(["submit", "resume", "step", "stop"]))
    @precondition(lambda self: self.asked)
    def somebody_keeps_the_store_busy(self, number: int, request: str) -> None:
        """What cannot be written is said, and leaves a run that can be asked again."""
        run_id = self.some(number)
        state, held, run = self.state(run_id), self.is_held(run_id), self.store.run(run_id)
        had = [other for other in self.asked if self.manager._state(other) != State.ENDED]
        self.database.busy = True
        try:
            getattr(self.manager, request)(run_id)
        except UserError:
            pass
        else:
            self.count_steps(run, state, request, held=held, paused=False)
        finally:
            self.database.busy = False
        lost = [other for other in had if self.manager._state(other) == State.ENDED]
        self.unnoted |= {other for other in lost if self.store.run(other).status == "interrupted"}

    @rule(number=RUN)
    @precondition(lambda self: self.asked)
    def somebody_else_trains_it(self, number: int) -> None:
        run_id = self.some(number)
        if self.state(run_id) == State.ENDED:
            with self.store.lock(run_id, timeout=0):
                self.ask(run_id, "submit", {}, taken=False)

    def come_to_an_end(self) -> None:
        self.launches_fail = self.born_dead = False
        self.the_dead_are_found()
        super().come_to_an_end()

    def finish(self, run_ids: Iterable[str]) -> None:
        while sum(puppet.advance() for puppet in list(self.workers)):
            pass
        self.the_dead_are_found()


class Processes(Asked):
    """The same with real workers. They make 50 steps a second and come to no end by themselves: when the test looks,
    everything that was asked for has been done."""

    steps, evaluate_every, pace = 100_000, 20, 50.0
    ends_as = ("stopped",)
    counts_every_run = False
    changes = st.fixed_dictionaries(
        {},
        optional={
            "learning_rate": st.sampled_from([1e-3, 1e-2]),
            "pace": st.sampled_from([40.0, 60.0]),
            "eval_interval": st.sampled_from([5.0, 10.0]),
        },
    )

    click_quickly: Any = None  # nobody knows what a process has heard by then

    @initialize(at_once=st.integers(1, 2), warm=st.booleans())
    def begin(self, at_once: int, warm: bool) -> None:
        self.options = {"max_running": at_once, "warm": warm}
        self.fork_server = ForkServer(self.home)  # a new process takes seconds
        self.rest.callback(self.fork_server.close)
        self.open_server()

    def launch(self, store: RunStore, on_message: Callable[[WorkerProcess, Message], None]) -> LocalWorker:
        self.workers.append(LocalWorker(store, on_message, self.fork_server.fork() if CAN_FORK else None))
        return self.workers[-1]

    def settle(self) -> None:
        until(lambda: all(map(self.has_answered, self.asked)))
        until(
            lambda: (
                sorted(self.in_training())
                == sorted(id_ for id_, job in self.manager._jobs.items() if job.attended)
            )
        )

    def has_answered(self, run_id: str) -> bool:
        """All that was asked of it has been done, if it is its turn."""
        state, goal = self.manager._state(run_id), self.may_reach[run_id]
        if state in (State.QUEUED, State.PARKED, State.ENDED):
            return True
        if state in (State.STARTING, State.STOPPING) or self.manager.pending(run_id):
            return False
        held = run_id in self.to_hold
        return (state == State.PAUSED) == held and (goal == math.inf or self.store.run(run_id).step == goal)

    def ask(self, run_id: str, request: str, given: dict[str, Any], taken: bool) -> None:
        if request == "step" and self.manager._state(run_id) == State.RUNNING:
            super().ask(run_id, "pause", {}, taken=True)  # else it may make several before it hears of it
            self.a_run_tells_the_truth()
        super().ask(run_id, request, given, taken)

    def in_training(self) -> list[str]:
        return [run_id for run_id in self.asked if self.store.is_locked(run_id)]

    def is_held(self, run_id: str) -> bool:
        return self.manager._state(run_id) == State.PAUSED

    # What happens

    @rule()
    def some_steps_are_made(self) -> None:
        time.sleep(0.3)

    @rule(number=RUN)
    @precondition(lambda self: self.asked)
    def kill(self, number: int) -> None:
        run_id = self.some(number)
        job = self.manager._jobs.get(run_id)
        if job is not None and isinstance(job.worker, LocalWorker):
            os.kill(job.worker.pid, signal.SIGKILL)
            until(lambda: not self.manager.controls(run_id))
            assert self.store.run(run_id).status == "interrupted"

    def finish(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            if self.manager.controls(run_id) and not self.manager.is_stopping(run_id):
                until(lambda run_id=run_id: self.manager._state(run_id) == State.RUNNING)  # type: ignore[misc]
                self.manager.stop(run_id)
            until(lambda run_id=run_id: not self.manager.controls(run_id))  # type: ignore[misc]


LESSON: list[tuple[str, dict[str, Any]]] = [
    ("make", {"workspace": "here"}),
    ("make", {"workspace": "there"}),
    ("submit", {"number": 0, "paused": False, "given": {}}),
    ("submit", {"number": 1, "paused": True, "given": {"learning_rate": 1e-2}}),
    ("some_steps_are_made", {}),
    ("hold", {"number": 0, "request": "pause"}),
    ("go_on", {"number": 0, "request": "step", "given": {}}),
    ("go_on", {"number": 0, "request": "step", "given": {"learning_rate": 1e-3}}),
    ("change", {"number": 0, "given": {"learning_rate": 1e-2, "eval_interval": 5.0}}),
    ("go_on", {"number": 0, "request": "resume", "given": {}}),
    ("some_steps_are_made", {}),
    ("change", {"number": 0, "given": {"learning_rate": 1e-3}}),
    ("kill", {"number": 0}),
    ("go_on", {"number": 1, "request": "step", "given": {}}),
    ("delete_and_take_back", {"number": 0, "workspace": "there"}),
    ("go_on", {"number": 0, "request": "resume", "given": {"learning_rate": 1e-2}}),
    ("hold", {"number": 1, "request": "stop"}),
    ("some_steps_are_made", {}),
    ("hold", {"number": 0, "request": "stop"}),
    ("hold", {"number": 0, "request": "stop"}),
    ("go_on", {"number": 0, "request": "resume", "given": {"learning_rate": 1e-3}}),
    ("the_server_is_started_anew", {}),
    ("go_on", {"number": 0, "request": "step", "given": {}}),
]


def until(condition: Callable[[], bool]) -> None:
    """Wait for what will happen; a process needs seconds to begin."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_change_beside_the_last_step_comes_too_late_for_the_run_that_is_asked_for_next() -> None:
    state = Puppets()
    try:
        state.begin(at_once=1, warm=False, batch=False, checkpoints=False)
        state.change(after=5, given={"learning_rate": 0.001, "eval_interval": 1.0}, number=0)
        state.time_goes_on(20)
        state.change(after=0, given={"learning_rate": 0.01}, number=0)
        state.submit(after=5, given={}, number=0, paused=False)
        state.a_run_tells_the_truth()
    finally:
        state.teardown()


@pytest.mark.timeout(max(300, 12 * EXAMPLES))  # three seconds each where the machine is busy
def test_in_any_order() -> None:
    how = settings(max_examples=EXAMPLES, stateful_step_count=25, print_blob=True)
    run_state_machine_as_test(Puppets, settings=how)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_with_processes() -> None:
    """What a class does within a minute, with one run at a time; then as many sequences of Hypothesis as are wanted."""
    runs = Processes()
    try:
        runs.begin(at_once=1, warm=True)
        for rule_, said in LESSON:
            getattr(runs, rule_)(**said)
            runs.a_run_tells_the_truth()
    finally:
        runs.teardown()
    if MORE_WITH_PROCESSES:
        how = settings(max_examples=MORE_WITH_PROCESSES, stateful_step_count=20, phases=[Phase.generate])
        run_state_machine_as_test(Processes, settings=how)
