"""The table of what each request and each message does to a run, in each of its states: it is what the manager does."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from minigpt_core.jobs import manager
from minigpt_core.jobs.manager import TRANSITIONS, WORKER_BYTES, JobError, State
from minigpt_core.jobs.turns import Room
from tests.core.jobs.puppets import Puppet
from tests.core.jobs.test_states import Stage

STATES = [*State]
REQUESTS: dict[str, Callable[[Stage, str], None]] = {
    "submit": lambda stage, run_id: stage.jobs.submit(run_id),
    "pause": lambda stage, run_id: stage.jobs.pause(run_id),
    "resume": lambda stage, run_id: stage.jobs.resume(run_id),
    "step": lambda stage, run_id: stage.jobs.step(run_id),
    "change": lambda stage, run_id: stage.jobs.change(run_id, learning_rate=0.05),
    "stop": lambda stage, run_id: stage.jobs.stop(run_id),
}
"""What a person may ask."""

SAID: dict[str, dict[str, object]] = {
    "running": {"event": "running"},
    "paused": {"event": "paused"},
    "parked": {"event": "finished", "status": "parked", "wishes": []},
    "over": {"event": "ended"},
}
"""What a worker may say. One that has no run says it of nothing: where no worker has the run, such a one does."""


def bring(stage: Stage, state: State) -> str:
    """A run in this state. What waits does so for another one that goes, or because its owner held it."""
    run_id = stage.run().id
    if state in (State.QUEUED, State.PARKED, State.ENDED):
        stage.jobs.submit(stage.run().id)
    if state == State.ENDED:
        return run_id
    stage.jobs.submit(run_id, paused=state == State.PAUSED)
    if state == State.PARKED:
        stage.jobs.pause(run_id)
    elif state != State.QUEUED:
        while state != State.STARTING and stage.jobs._state(run_id) == State.STARTING:
            stage.move(1)
        if state == State.STOPPING:
            stage.jobs.stop(run_id)
    assert stage.jobs._state(run_id) == state
    return run_id


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_does_what_the_table_says_or_is_refused(stage: Stage, request_: str, state: State) -> None:
    run_id = bring(stage, state)
    expected = manager.after(state, request_)
    if expected is None:
        with pytest.raises(JobError):
            REQUESTS[request_](stage, run_id)
    else:
        REQUESTS[request_](stage, run_id)
    assert stage.jobs._state(run_id) == (expected or state)
    stage.jobs.close()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("said", SAID)
def test_a_message_does_what_the_table_says_or_nothing(stage: Stage, said: str, state: State) -> None:
    run_id = bring(stage, state)
    job = stage.jobs._jobs.get(run_id)
    worker = job.worker if job is not None and job.worker is not None else Puppet(stage.store, print)
    stage.jobs._on_message(worker, dict(SAID[said]))
    expected = manager.after(state, said)
    if said == "over" and state in (State.QUEUED, State.PARKED):
        expected = None  # no worker has it that could die
    assert stage.jobs._state(run_id) == (expected or state)
    stage.jobs.close()
    assert stage.jobs._state(run_id) == manager.after(state, "over") == State.ENDED


@pytest.mark.parametrize("state", STATES)
def test_a_free_core_begins_what_is_queued(stage: Stage, state: State) -> None:
    run_id = bring(stage, state)
    stage.jobs._room = Room(cores=4, memory=2**40)
    stage.jobs._dispatch()
    assert stage.jobs._state(run_id) == (manager.after(state, "free") or state)
    stage.jobs.close()


@pytest.mark.parametrize("state", STATES)
def test_what_is_paused_is_told_to_leave_its_worker_where_memory_is_short(stage: Stage, state: State) -> None:
    run_id = bring(stage, state)
    stage.jobs._room = Room(cores=4, memory=WORKER_BYTES)
    other = stage.run("somebody else")
    stage.jobs.submit(other.id)
    job = stage.jobs._jobs.get(run_id)
    assert (job is not None and job.yielding) == (manager.after(state, "yield") is not None)
    stage.jobs.close()


@pytest.mark.parametrize("state", [State.QUEUED, State.PARKED])
def test_a_server_that_comes_back_takes_up_what_waited_and_what_was_held(stage: Stage, state: State) -> None:
    run_id = bring(stage, state)
    stage.die()
    after = Stage(stage.store.home)
    after.jobs._room = Room(cores=0, memory=2**40)
    after.jobs.take_up()
    row = {State.QUEUED: "submit", State.PARKED: "park"}[state]
    assert after.jobs._state(run_id) == manager.after(State.ENDED, row) == state
    after.jobs.close()


def test_what_was_told_to_go_on_and_then_to_leave_waits_for_its_turn(stage: Stage) -> None:
    """Its worker has said that it goes on before it hears that it is to leave."""
    first, other = stage.run(), stage.run("somebody else")
    stage.jobs.submit(first.id, paused=True)
    stage.move()
    stage.jobs.resume(first.id)
    stage.jobs._room = Room(cores=4, memory=WORKER_BYTES)
    stage.jobs.submit(other.id)
    stage.move()
    assert [stage.status(run) for run in (first, other)] == ["done", "done"]
    assert stage.jobs._busy() == 0
    stage.jobs.close()


def words(given: ast.expr) -> set[str]:
    """The names that an argument may be."""
    if isinstance(given, ast.IfExp):
        return words(given.body) | words(given.orelse)
    return {given.value} if isinstance(given, ast.Constant) and isinstance(given.value, str) else set()


def test_the_manager_uses_every_row_and_no_other() -> None:
    """Whatever is given to the functions that move a run: by its name, or as a worker has said it."""
    moving = {"_move", "_moved", "_ask", "_submit", "_take"}
    used: set[str] = set()
    for node in ast.walk(ast.parse(inspect.getsource(manager))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in moving:
            used.update(*map(words, node.args))
        if isinstance(node, ast.match_case) and "self._move(job, message['event'])" in ast.unparse(node):
            used.update(*(words(said) for said in ast.walk(node.pattern) if isinstance(said, ast.expr)))
    assert used == {*TRANSITIONS}
