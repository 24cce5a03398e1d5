"""What the job manager does in each state, with workers that move only when a test says so."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import ConfigError, StoreError, UserError
from minigpt_core.jobs import recording
from minigpt_core.jobs.launchers import Message, WorkerProcess
from minigpt_core.jobs.manager import JobError, JobManager
from minigpt_core.jobs.turns import Room
from minigpt_core.store.live_state import encoded, live_state
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import LOCAL, MOST_ATTEMPTS, Run, RunStore
from minigpt_core.store.schema import Database
from tests.core.jobs.puppets import Puppet

TEXT = "le chat dort. " * 4


class Stage:
    """A store and a manager with puppets."""

    def __init__(self, home: Path) -> None:
        self.store = RunStore(home)
        self.puppets: list[Puppet] = []
        self.problem: Exception | None = None
        """What the next start of a worker raises."""

        self.jobs = JobManager(self.store, max_running=1, warm=False, launcher=self.launch)

    def launch(self, store: RunStore, on_message: Callable[[WorkerProcess, Message], None]) -> Puppet:
        if problem := self.problem:
            self.problem = None
            raise problem
        self.puppets.append(Puppet(store, on_message))
        return self.puppets[-1]

    def run(self, workspace: str = LOCAL) -> Run:
        training = TrainConfig(steps=20, eval_interval=10, eval_windows=1, sample_length=0, learning_rate=0.1)
        model = {"block_size": 4, "n_embd": 2}
        return new_run(
            self.store, text=TEXT, title="chat", model_fields=model, training=training, workspace=workspace
        )

    def move(self, moves: int = 1000) -> None:
        """Let the workers work, until they wait for a message or have moved this often."""
        for _ in range(moves):
            if not sum(puppet.advance() for puppet in self.puppets):
                return

    def die(self) -> None:
        """As `kill -9` ends a server and its workers: nobody writes anything any more."""
        for puppet in self.puppets:
            puppet.kill()
        for job in list(self.jobs._jobs.values()):
            job.place.close()

    def status(self, run: Run) -> str:
        return self.store.run(run.id).status

    def rates(self, run: Run) -> list[float]:
        return [step.learning_rate for step in self.store.steps_since(run.id)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.jobs.close()


@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
def test_a_stop_that_comes_late_stops_nothing_for_ever(stage: Stage, told: bool) -> None:
    run = stage.run()
    stage.jobs.submit(run.id)
    stage.move(5)
    stage.puppets[0].kill()
    if told:
        stage.puppets[0].report()
    with pytest.raises(JobError):
        stage.jobs.stop(run.id)
    assert stage.status(run) == "interrupted"
    assert not stage.jobs.is_stopping(run.id) and not stage.jobs.controls(run.id)
    stage.jobs.resume(run.id)
    assert not stage.jobs.is_stopping(run.id)
    stage.move()
    assert stage.status(run) == "done"
    with pytest.raises(JobError):
        stage.jobs.stop(run.id)
    assert not stage.jobs.is_stopping(run.id)


def test_a_worker_that_dies_while_it_is_to_stop(stage: Stage) -> None:
    run = stage.run()
    stage.jobs.submit(run.id)
    stage.move(5)
    stage.jobs.stop(run.id)
    assert stage.jobs.is_stopping(run.id)
    with pytest.raises(JobError, match="just being stopped"):
        stage.jobs.resume(run.id)
    stage.puppets[0].kill()
    assert not stage.jobs.is_stopping(run.id)
    assert stage.status(run) == "interrupted"


@pytest.mark.parametrize("status", ["stopped", "failed"])
def test_who_reads_that_a_run_is_over_may_go_on_with_it(stage: Stage, status: str) -> None:
    run = stage.run()
    stage.jobs.submit(run.id)
    stage.move(5)
    stage.jobs.stop(run.id)
    stage.store.set_status(run.id, status)  # what the worker does a moment before it says so
    late = threading.Timer(0.1, stage.move)
    late.start()
    stage.jobs.resume(run.id)
    late.join()
    stage.move()
    assert stage.status(run) == "done"
    assert [step.step for step in stage.store.steps_since(run.id)] == [*range(1, 21)]


def test_a_start_that_fails_is_said_and_the_next_run_goes(stage: Stage) -> None:
    first, second = stage.run(), stage.run()
    stage.problem = OSError("no more processes")
    stage.jobs.submit(first.id)
    failed = stage.store.run(first.id)
    assert failed.status == "failed" and "no more processes" in str(UserError.from_json(failed.error or ""))
    assert not stage.jobs.controls(first.id)
    stage.jobs.submit(second.id)
    stage.jobs.submit(first.id)
    stage.move()
    assert stage.status(first) == stage.status(second) == "done"


def test_a_worker_that_dies_before_it_begins_is_said(stage: Stage) -> None:
    run = stage.run()
    stage.jobs.submit(run.id)
    stage.puppets[0].kill()
    assert not stage.jobs.controls(run.id)
    failed = stage.store.run(run.id)
    assert failed.status == "failed" and "before it could begin" in str(
        UserError.from_json(failed.error or "")
    )


def test_a_spare_that_cannot_start_hinders_nobody(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.jobs.close()
    stage.problem = OSError("no more processes")
    stage.jobs = JobManager(stage.store, max_running=1, launcher=stage.launch)
    run = stage.run()
    stage.jobs.submit(run.id)
    stage.move()
    assert stage.status(run) == "done"
    stage.jobs.close()


class Busy(Database):
    """One that somebody else keeps."""

    def writing(self):  # type: ignore[no-untyped-def]
        raise StoreError("The store is busy.")


def test_a_store_that_is_busy_leaves_a_run_that_can_be_asked_again(stage: Stage) -> None:
    run, behind, left = stage.run(), stage.run(), stage.run()
    stage.jobs.submit(run.id)
    stage.move(5)
    stage.jobs.submit(behind.id)
    usual, stage.store._database = stage.store._database, Busy(stage.store.home)
    with pytest.raises(StoreError, match="busy"):
        stage.jobs.submit(left.id)
    assert not stage.jobs.controls(left.id)
    with pytest.raises(StoreError, match="busy"):
        stage.jobs.stop(behind.id)
    stage.store._database = usual
    assert stage.status(behind) == "queued" and stage.jobs.position(behind.id) == 1  # as if nobody had asked
    stage.jobs.stop(behind.id)
    assert stage.status(behind) == "stopped" and not stage.jobs.controls(behind.id)
    stage.jobs.submit(behind.id)
    stage.jobs.submit(left.id)
    stage.move()
    assert [stage.status(one) for one in (run, behind, left)] == ["done"] * 3


def test_settings_on_their_way_are_known_until_they_are_in_force(stage: Stage) -> None:
    run = stage.run()
    stage.jobs.submit(run.id, paused=True)
    stage.move()
    stage.jobs.change(run.id, learning_rate=0.5)
    assert stage.jobs.pending(run.id) == {"learning_rate": 0.5}
    assert stage.store.run(run.id).in_force.learning_rate == 0.1
    stage.jobs.change(run.id, learning_rate=0.2)
    assert stage.jobs.pending(run.id) == {"learning_rate": 0.2}
    stage.move()  # also while it is held
    assert stage.jobs.pending(run.id) == {}
    assert stage.store.run(run.id).in_force.learning_rate == 0.2
    with pytest.raises(ConfigError):
        stage.jobs.change(run.id, learning_rate=-1.0)
    assert stage.jobs.pending(run.id) == {}


def test_settings_asked_of_a_run_in_the_queue_hold_from_its_first_step(stage: Stage) -> None:
    first, second = stage.run(), stage.run()
    stage.jobs.submit(first.id)
    stage.jobs.submit(second.id)
    stage.jobs.change(second.id, learning_rate=0.5)
    assert stage.jobs.pending(second.id) == {"learning_rate": 0.5}
    stage.move()
    assert set(stage.rates(second)) == {0.5} and set(stage.rates(first)) == {0.1}
    assert stage.jobs.pending(second.id) == {}


def test_what_a_killed_worker_did_not_store_counts_when_the_run_goes_on(stage: Stage) -> None:
    run = stage.run()
    stage.jobs.submit(run.id)
    stage.move(15)
    stage.jobs.change(run.id, learning_rate=0.5)
    stage.puppets[0].kill()
    stage.jobs.resume(run.id, pace=90_000)
    stage.move()
    run = stage.store.run(run.id)
    assert (run.in_force.learning_rate, run.in_force.pace) == (0.5, 90_000)
    assert stage.rates(run)[-1] == 0.5


@pytest.mark.parametrize("moves", [None, 0, 1, 15])
def test_what_no_worker_has_stored_is_kept_when_the_server_ends(stage: Stage, moves: int | None) -> None:
    """`moves` of the worker before it is killed and before anybody hears of it; None: it waits in the queue."""
    first, run = stage.run(), stage.run()
    if moves is None:
        stage.jobs.submit(first.id)
    stage.jobs.submit(run.id)
    stage.move(moves or 0)
    stage.jobs.change(run.id, learning_rate=0.5)
    if moves is not None:
        stage.puppets[0].kill()
    stage.jobs.close()
    assert stage.store.run(run.id).in_force.learning_rate == 0.5
    again = Stage(stage.store.home)
    again.jobs.resume(run.id)
    again.move()
    assert again.rates(run)[-1] == 0.5
    again.jobs.close()


@pytest.mark.parametrize(
    "words", [["pause"], ["step"], ["step", "step"], ["step", "pause"], ["pause", "resume"]]
)
def test_what_is_asked_of_a_run_in_the_queue_is_done_in_its_turn(stage: Stage, words: list[str]) -> None:
    first, second = stage.run(), stage.run()
    stage.jobs.submit(first.id)
    stage.jobs.submit(second.id)
    for word in words:
        getattr(stage.jobs, word)(second.id)
    stage.move()
    made = {"pause": 0, "step": words.count("step"), "resume": 20}[words[-1]]
    assert stage.store.run(second.id).step == made
    assert stage.status(second) == ("done" if made == 20 else "paused")


def test_two_servers_do_not_queue_the_same_run(stage: Stage) -> None:
    run, other = stage.run(), Stage(stage.store.home)
    stage.jobs.submit(run.id)
    with pytest.raises(JobError, match="already"):
        other.jobs.submit(run.id)
    other.jobs.close()
    stage.move()
    assert stage.status(run) == "done"


def statuses(store: RunStore) -> dict[str, str]:
    return {run.id: run.status for run in store.runs()}


def test_a_server_that_comes_back_goes_on_with_what_it_had_in_its_order(stage: Stage) -> None:
    first, second, third, held, stopped = (stage.run() for _ in range(5))
    stage.jobs.submit(held.id, paused=True)
    stage.move(3)
    for run in (third, first, second, stopped):
        stage.jobs.submit(run.id)
    stage.jobs.stop(stopped.id)
    stage.jobs.pause(second.id)
    stage.jobs.close()
    back = Stage(stage.store.home)
    back.jobs.take_up()
    assert statuses(back.store) == {
        first.id: "queued", second.id: "paused", third.id: "queued", held.id: "paused", stopped.id: "stopped"
    }  # fmt: skip
    assert [back.jobs.position(run.id) for run in (third, first)] == [None, 1]  # one begins at once
    back.move()
    assert [back.status(run) for run in (first, second, third, held)] == ["done", "paused", "done", "paused"]
    back.jobs.step(held.id)
    back.move()
    assert back.store.run(held.id).step == 1
    for run in (held, second):
        back.jobs.resume(run.id)
        back.move()
    assert [back.status(run) for run in (second, held)] == ["done", "done"]
    back.jobs.close()


def test_what_has_ended_every_server_is_left_to_its_owner(stage: Stage) -> None:
    run = stage.run()
    stage.jobs.submit(run.id)
    stage.move(8)  # its first checkpoint, and a few steps
    stages = [stage]
    for _ in range(MOST_ATTEMPTS):
        stages[-1].die()
        stages.append(Stage(stage.store.home))
        stages[-1].jobs.take_up()
        assert stages[-1].status(run) == "queued"
        stages[-1].move(2)
    stages[-1].die()
    last = Stage(stage.store.home)
    last.jobs.take_up()
    assert last.status(run) == "interrupted" and last.store.run(run.id).given_up
    last.jobs.resume(run.id)
    last.move()
    assert last.status(run) == "done" and not last.store.run(run.id).given_up
    last.jobs.close()


def test_a_server_leaves_alone_what_another_one_has_and_what_ended_its_worker(stage: Stage) -> None:
    run, killed = stage.run(), stage.run()
    stage.jobs.submit(killed.id)
    stage.move(5)
    stage.puppets[0].kill()
    stage.puppets[0].report()
    stage.jobs.submit(run.id)
    stage.move(5)
    other = Stage(stage.store.home)
    other.jobs.take_up()
    assert not other.jobs.controls(run.id) and stage.jobs.controls(run.id)
    assert other.status(killed) == "interrupted"
    other.jobs.close()


def test_whoever_holds_a_run_keeps_nobody_waiting(stage: Stage) -> None:
    held, slow, behind = stage.run(), stage.run(), stage.run()
    stage.jobs.submit(held.id)
    stage.move(4)
    stage.jobs.submit(slow.id)
    assert stage.jobs.position(slow.id) == 1
    stage.jobs.pause(held.id)
    stage.move(2)
    assert stage.jobs.position(slow.id) is None
    stage.jobs.submit(behind.id)
    assert stage.jobs.position(behind.id) == 1
    stage.puppets[1].tell("load", share=0.02)  # it makes a step a second
    assert stage.jobs.position(behind.id) is None
    stage.jobs.resume(held.id)
    stage.move()
    assert [stage.status(run) for run in (held, slow, behind)] == ["done"] * 3


def test_everybodys_first_goes_before_anybodys_second(stage: Stage) -> None:
    mine, more, theirs = stage.run(), stage.run(), stage.run(workspace="theirs")
    for run in (mine, more, theirs):
        stage.jobs.submit(run.id)
    assert [stage.jobs.position(run.id) for run in (mine, more, theirs)] == [None, 1, None]
    stage.move()
    assert [stage.status(run) for run in (mine, more, theirs)] == ["done"] * 3


@pytest.fixture
def crowded(stage: Stage) -> Stage:
    """A stage with memory for one run."""
    stage.jobs._room = Room(cores=4, memory=1)
    return stage


@pytest.mark.parametrize("words", [["resume"], ["step", "step"], ["pause"], ["stop"], ["pause", "resume"]])
@pytest.mark.parametrize("heard", [True, False], ids=["later", "meanwhile"])
def test_where_memory_is_short_a_held_run_leaves_its_worker_and_loses_nothing(
    crowded: Stage, words: list[str], heard: bool
) -> None:
    run, other, alike = crowded.run(), crowded.run(), crowded.run()
    crowded.jobs.submit(alike.id)
    crowded.move()
    crowded.jobs.submit(run.id)
    crowded.move(15)
    crowded.jobs.pause(run.id)
    crowded.move(2)
    assert crowded.status(run) == "paused"
    here = crowded.store.run(run.id).step
    crowded.jobs.submit(other.id)  # there is no memory for two
    if heard:
        crowded.move()
        assert (crowded.status(run), crowded.status(other)) == ("paused", "done")
    for word in words:
        getattr(crowded.jobs, word)(run.id)
    crowded.move()
    assert crowded.status(other) == "done"
    made = {"resume": 20, "step": here + 2, "pause": here, "stop": here}[words[-1]]
    ends = {"resume": "done", "step": "paused", "pause": "paused", "stop": "stopped"}[words[-1]]
    assert (crowded.store.run(run.id).step, crowded.status(run)) == (made, ends)
    if ends != "stopped":
        crowded.jobs.resume(run.id)
        crowded.move()
    else:
        crowded.jobs.submit(run.id)
        crowded.move()
    losses = [[step.loss for step in crowded.store.steps_since(one.id)] for one in (run, alike)]
    assert losses[0] == losses[1]


def test_what_a_worker_tells_those_who_watch_is_what_the_store_has(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "BATCH_SECONDS", 0.0)
    monkeypatch.setattr(recording, "LIVE_SECONDS", 0.0)
    run, compared = stage.run(), set[bytes]()

    def compare() -> None:
        if (told := stage.jobs.live(run.id)) is not None:
            assert told == encoded(live_state(stage.store, run.id))
            compared.add(told)

    stage.jobs.submit(run.id)
    assert stage.jobs.live(run.id) is None  # no worker has begun
    for _ in range(15):
        stage.move(1)
        compare()
    stage.jobs.pause(run.id)
    stage.move()
    compare()
    stage.jobs.step(run.id)
    stage.move()
    compare()
    assert len(compared) > 10
    stage.jobs.stop(run.id)
    assert stage.jobs.live(run.id) is None  # the server knows that it stops
    stage.move()
    assert stage.jobs.live(run.id) is None and stage.status(run) == "stopped"


def test_a_worker_that_has_been_silent_is_not_believed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run = stage.run()
    stage.jobs.submit(run.id)
    stage.move(5)
    stage.jobs.live(run.id)
    stage.move(1)
    assert stage.jobs.live(run.id) is not None
    later = time.monotonic() + 2 * recording.WATCHED_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    stage.move(2)
    assert stage.jobs.live(run.id) is None
    stage.move(1)
    assert stage.jobs.live(run.id) == encoded(live_state(stage.store, run.id))


def test_what_was_stopped_while_the_store_was_busy_is_not_taken_up_again(stage: Stage) -> None:
    run = stage.run()
    stage.jobs.submit(run.id)
    usual, stage.store._database = stage.store._database, Busy(stage.store.home)
    stage.jobs.stop(run.id)
    stage.store._database = usual
    stage.jobs.close()
    back = Stage(stage.store.home)
    back.jobs.take_up()
    assert not back.jobs.controls(run.id)
    back.jobs.close()
