"""Whatever is asked of runs, in whatever order, and whoever dies in between: a run tells the truth about itself.

Hypothesis makes up the sequences. Workers are puppets (the real loop, moved by the test), so that thousands take
minutes: `STATE_MACHINE=5000 pytest tests/core/jobs/test_state_machine.py`.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import note, settings
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
from minigpt_core.jobs import recording
from minigpt_core.jobs.launchers import Message, WorkerProcess
from minigpt_core.jobs.manager import JobManager, State
from minigpt_core.jobs.worker import make_trainer
from minigpt_core.store.curves import read_curve
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.store.schema import Database
from minigpt_core.training import StepEvent, Trainer
from tests.core.jobs.puppets import Puppet

TEXT = "le chat dort. " * 4
STEPS, EVERY = 9, 4
WORKSPACES = ("here", "there")
MOST_RUNS = 3
EXAMPLES = int(os.environ.get("STATE_MACHINE", "150"))

RUN, PUPPET = st.integers(0, MOST_RUNS - 1), st.integers(0, 3)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "learning_rate": st.sampled_from([1e-3, 1e-2, 1000.0]),
        "pace": st.sampled_from([0.0, 90_000.0]),
        "eval_interval": st.sampled_from([1.0, 3.0]),
    },
)


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
    State.STOPPING: ["queued", "running", "paused"],
    State.ENDED: ["interrupted", "stopped", "done", "diverged", "failed"],
}  # fmt: skip


def in_force(run: Run) -> dict[str, float]:
    """The settings that its next step is made with."""
    training = run.in_force
    return {
        "learning_rate": training.learning_rate, "pace": training.pace, "eval_interval": training.evaluation_interval
    }  # fmt: skip


def store_with(database: CheckedDatabase) -> RunStore:
    store = RunStore(database.home)
    store._database = database
    return store


class Runs(RuleBasedStateMachine):
    """Up to three runs of two workspaces, one server that trains up to two at a time, and its end and return."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
        self.home = Path(self.folder.name)
        self.database = CheckedDatabase(self.home)
        self.store = store_with(self.database)
        self.workers_database = CheckedDatabase(self.home)
        self.puppets: list[Puppet] = []
        self.asked: dict[str, dict[str, float]] = {}
        """The settings last asked for, by run."""

        self.launches_fail = self.born_dead = False
        self.rest = ExitStack()
        self.store.own_texts()  # makes the tables
        self.reader = sqlite3.connect(self.database.path, isolation_level=None)
        self.reader.row_factory = sqlite3.Row

    def teardown(self) -> None:
        try:
            self.come_to_an_end()
        finally:
            self.manager.close()
            for puppet in self.puppets:
                puppet.kill()
            self.rest.close()
            self.reader.close()
            self.folder.cleanup()

    # Beginning

    @initialize(at_once=st.integers(1, 2), warm=st.booleans(), batch=st.booleans(), checkpoints=st.booleans())
    def begin(self, at_once: int, warm: bool, batch: bool, checkpoints: bool) -> None:
        patch = pytest.MonkeyPatch()
        self.rest.callback(patch.undo)
        patch.setattr(recording, "BATCH_SECONDS", 0.0 if batch else 3600.0)
        patch.setattr(recording, "CHECKPOINT_SECONDS", 0.0 if checkpoints else 3600.0)
        self.options = {"max_running": at_once, "warm": warm}
        self.open_server()

    def open_server(self) -> None:
        self.manager = JobManager(self.store, launcher=self.launch, **self.options)
        self.database.manager = self.workers_database.manager = self.manager

    def launch(self, store: RunStore, on_message: Callable[[WorkerProcess, Message], None]) -> Puppet:
        self.database.check_lock()
        if self.launches_fail:
            self.launches_fail = False
            raise OSError("no more processes")
        puppet = Puppet(store_with(self.workers_database), on_message)
        self.puppets.append(puppet)
        if self.born_dead:
            self.born_dead = False
            puppet.kill()
        return puppet

    @rule(workspace=st.sampled_from(WORKSPACES))
    @precondition(lambda self: len(self.asked) < MOST_RUNS)
    def make(self, workspace: str) -> None:
        training = TrainConfig(
            steps=STEPS, eval_interval=EVERY, eval_windows=1, sample_length=1, batch_size=1, optimizer="sgd",
            learning_rate=0.1,
        )  # fmt: skip
        run = new_run(
            self.store, text=TEXT, title="chat", model_fields={"block_size": 4, "n_embd": 2}, training=training,
            workspace=workspace,
        )  # fmt: skip
        self.asked[run.id] = {"learning_rate": 0.1, "pace": 0.0, "eval_interval": EVERY}

    # What a person does

    def some(self, number: int) -> str:
        """One of the runs."""
        return list(self.asked)[number % len(self.asked)]

    def ask(self, run_id: str, request: Callable[..., None], given: dict[str, float], taken: bool) -> None:
        """Ask for something: it is taken, with the settings, or refused in words, and then nothing has changed."""
        state, status = self.manager._state(run_id), self.store.run(run_id).status
        try:
            request(run_id, **given)
        except UserError as refused:
            note(f"    refused: {refused}")
            assert not taken, refused
            assert (self.manager._state(run_id), self.store.run(run_id).status) == (state, status)
        else:
            assert taken
            self.asked[run_id] |= given

    @rule(number=RUN, paused=st.booleans(), given=SETTINGS)
    @precondition(lambda self: self.asked)
    def submit(self, number: int, paused: bool, given: dict[str, float]) -> None:
        run_id = self.some(number)
        free = not self.manager.controls(run_id) and not self.store.is_locked(run_id)
        self.ask(run_id, partial(self.manager.submit, paused=paused), given, taken=free)

    @rule(number=RUN, request=st.sampled_from(["resume", "step"]), given=SETTINGS)
    @precondition(lambda self: self.asked)
    def go_on(self, number: int, request: str, given: dict[str, float]) -> None:
        run_id = self.some(number)
        free = not self.manager.is_stopping(run_id)
        self.ask(run_id, getattr(self.manager, request), given, taken=free)

    @rule(number=RUN, request=st.sampled_from(["pause", "stop"]))
    @precondition(lambda self: self.asked)
    def hold(self, number: int, request: str) -> None:
        run_id = self.some(number)
        here = self.manager.controls(run_id) and not (request == "pause" and self.manager.is_stopping(run_id))
        self.ask(run_id, getattr(self.manager, request), {}, taken=here)

    @rule(number=RUN, given=SETTINGS)
    @precondition(lambda self: self.asked)
    def change(self, number: int, given: dict[str, float]) -> None:
        run_id = self.some(number)
        self.ask(run_id, self.manager.change, given, taken=self.manager.controls(run_id))

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

    # What happens

    @rule(which=PUPPET, moves=st.integers(1, 8))
    def time_goes_on(self, which: int, moves: int) -> None:
        working = [puppet for puppet in self.puppets if puppet.alive]
        for _ in range(moves):
            if working:
                working[which % len(working)].advance()

    @rule(which=PUPPET, told=st.booleans())
    def kill(self, which: int, told: bool) -> None:
        """`told`: the manager has heard of it before anything else happens."""
        working = [puppet for puppet in self.puppets if puppet.alive]
        if working:
            puppet = working[which % len(working)]
            run_id = puppet.run_id
            going = run_id is not None and self.store.run(run_id).status in ("running", "paused")
            puppet.kill()
            if told:
                puppet.report()
            if going and run_id:
                assert self.store.run(run_id).status == "interrupted"
                assert not self.manager.controls(run_id)

    @rule()
    def the_dead_are_found(self) -> None:
        for puppet in list(self.puppets):
            puppet.report()

    @rule(fault=st.sampled_from(["launches_fail", "born_dead"]))
    def the_next_worker_will_not_start(self, fault: str) -> None:
        setattr(self, fault, True)

    @rule(number=RUN, request=st.sampled_from(["submit", "resume", "step", "stop"]))
    @precondition(lambda self: self.asked)
    def somebody_keeps_the_store_busy(self, number: int, request: str) -> None:
        """What cannot be written is said, and leaves a run that can be asked again."""
        run_id = self.some(number)
        self.database.busy = True
        try:
            getattr(self.manager, request)(run_id)
        except UserError as error:
            note(f"    refused: {error}")
        self.database.busy = False

    @rule(number=RUN)
    @precondition(lambda self: self.asked)
    def somebody_else_trains_it(self, number: int) -> None:
        run_id = self.some(number)
        if not self.manager.controls(run_id):
            with self.store.lock(run_id, timeout=0):
                self.ask(run_id, self.manager.submit, {}, taken=False)

    @rule()
    def the_server_is_started_anew(self) -> None:
        trained = {puppet.run_id for puppet in self.puppets if puppet.alive}
        self.manager.close()
        assert not any(puppet.alive for puppet in self.puppets)
        for run_id, asked in self.asked.items():
            run = self.store.run(run_id)
            if run_id in trained and run.status != "done":
                assert in_force(run) == asked
            asked |= in_force(run)  # nobody has stored what was asked of a run that no worker had
        self.open_server()

    # What is true at any time

    @invariant()
    def a_run_tells_the_truth(self) -> None:
        self.the_dead_are_found()
        self.check_slots()
        for run_id in self.asked:
            run = self.store.run(run_id)
            self.check_status(run)
            self.check_settings(run)
            self.check_record(run)

    def check_slots(self) -> None:
        """Who is busy is at work on a run, and nobody waits while a slot is free."""
        given = sorted(puppet.run_id for puppet in self.puppets if puppet.alive and puppet.run_id)
        states = {run_id: self.manager._state(run_id) for run_id in self.asked}
        busy = sorted(run_id for run_id, state in states.items() if state not in (State.QUEUED, State.ENDED))
        waiting = [run_id for run_id, state in states.items() if state == State.QUEUED]
        assert busy == given and len(busy) <= self.manager.at_once
        assert not waiting or len(busy) == self.manager.at_once
        assert sorted(filter(None, map(self.manager.position, self.asked))) == list(
            range(1, len(waiting) + 1)
        )
        assert sum(puppet.alive for puppet in self.puppets) <= len(busy) + 1

    def check_status(self, run: Run) -> None:
        """Pages and the server say the same."""
        assert run.status in STATUSES[self.manager._state(run.id)]
        assert run.status != "failed" or UserError.from_json(run.error or "")

    def check_settings(self, run: Run) -> None:
        """In force, or on their way, are the settings that were asked for last."""
        if run.status == "done":  # what came after the last step came too late
            self.asked[run.id] |= in_force(run)
        assert in_force(run) | self.manager.asked(run.id) == self.asked[run.id]

    def check_record(self, run: Run) -> None:
        """The curve is that of the steps made, and nothing lies beyond them."""
        key = self.reader.execute("SELECT key FROM runs WHERE id = ?", (run.id,)).fetchone()[0]
        query = "SELECT step, loss FROM steps WHERE run = ? ORDER BY step"
        steps = dict(map(tuple, self.reader.execute(query, (key,))))
        assert list(steps) == list(range(1, run.step + 1))
        curve = read_curve(self.reader, key, points=100, means=1)
        assert dict(zip(curve.steps, curve.losses, strict=True)) == steps
        assert curve.mean_losses == ([pytest.approx(sum(steps.values()) / len(steps))] if steps else [])
        for table in ("evaluations", "samples", "changes", "checkpoints"):
            last = self.reader.execute(f"SELECT max(step) FROM {table} WHERE run = ?", (key,)).fetchone()[0]
            assert last is None or last <= run.step

    # The end

    def move_until_all_is_quiet(self) -> None:
        moved = True
        while moved:
            moved = sum(puppet.advance() for puppet in list(self.puppets)) > 0
        self.the_dead_are_found()

    def come_to_an_end(self) -> None:
        """Every run can be stopped, resumed to its end and deleted, and its record says what was done."""
        self.launches_fail = self.born_dead = False
        self.the_dead_are_found()
        for run_id in self.asked:
            if self.manager.controls(run_id):
                self.manager.stop(run_id)
        self.move_until_all_is_quiet()
        for run_id in self.asked:
            assert not self.manager.controls(run_id) and not self.manager.is_stopping(run_id)
            self.check_what_was_done(self.store.run(run_id))
            self.manager.resume(run_id, learning_rate=1e-3)
        self.move_until_all_is_quiet()
        assert self.manager._busy() == 0
        for run_id in self.asked:
            run = self.store.run(run_id)
            assert run.status in ("done", "diverged")
            assert run.status == "diverged" or run.step == STEPS
            self.check_what_was_done(run)
            self.store.delete(run_id, run.workspace)
        assert self.store.purge_deleted(older_than=0) == len(self.asked)

    def check_what_was_done(self, run: Run) -> None:
        """The stored changes, made again from step 0 on, give the stored losses to the last bit."""
        trainer = Trainer(
            make_trainer(self.store, run).dataset, run.model, run.training, changes=self.store.changes(run.id)
        )
        losses = [event.loss for event in trainer.run() if isinstance(event, StepEvent)]
        assert [step.loss for step in self.store.steps_since(run.id)] == losses[: run.step]


def test_in_any_order() -> None:
    how = settings(max_examples=EXAMPLES, stateful_step_count=25, print_blob=True)
    run_state_machine_as_test(Runs, settings=how)
