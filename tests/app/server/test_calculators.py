"""What pages ask is calculated by processes beside the server, and comes out as if it were calculated here."""

import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from minigpt_core import devices
from minigpt_core.background import BETWEEN
from minigpt_core.errors import RunNotFound, UserError
from minigpt_core.generation.generated_text import GeneratedText, ParallelTexts
from minigpt_core.generation.request import MAX_LENGTH, GenerationRequest
from minigpt_core.interpret.ablation import ablation_table, held_out_windows
from minigpt_core.interpret.activations import residual_norms
from minigpt_core.jobs import calculating, calculators
from minigpt_core.jobs.calculators import Calculators, InTurn
from minigpt_core.jobs.forked import CALCULATOR, CAN_FORK, ForkServer, exists
from minigpt_core.store.runs import Run
from tests.app.small_runs import GPT, small_run
from ui import resources
from ui.ablation import cache
from ui.script_turns import turns
from ui.server import generation_routes

beside = pytest.mark.skipif(not CAN_FORK, reason="processes cannot be copied here")


@pytest.fixture(scope="module")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """One for the whole file: it takes seconds to start. Its data folder is a link to that of the test."""
    server = ForkServer(tmp_path_factory.mktemp("calculators") / "home")
    yield server
    server.close()


@pytest.fixture
def pool(home: Path, fork_server: ForkServer) -> Iterator[None]:
    """Calculators, as the dashboard has them. It too calculates with one thread: with more, last digits differ."""
    devices.use_threads(1)
    fork_server._home.unlink(missing_ok=True)
    fork_server._home.symlink_to(home)
    calculators.use(lambda: fork_server.fork(CALCULATOR))
    yield
    calculators.close()


@pytest.fixture
def run(pool: None) -> Run:
    """A GPT that was trained for three steps, in the folder that the calculators know."""
    return small_run(GPT, steps=3)


@beside
def test_texts_are_those_that_would_be_written_here(run: Run) -> None:
    one = GenerationRequest(run=run.id, step=3, prompt="the cat", seed=5)
    other = GenerationRequest(text="the-curious-cat", order=2, prompt="a", temperature=0.5)
    for request in (one, other):
        here = GeneratedText(resources.language_model(request), request)
        elsewhere = resources.generated_text(request)
        assert [elsewhere.token(place) for place in range(60)] == [here.token(place) for place in range(60)]
        assert elsewhere.token(MAX_LENGTH - 1) == here.token(MAX_LENGTH - 1)
    together = generation_routes.parallel_texts((one, other))
    here_too = ParallelTexts([resources.language_model(one), resources.language_model(other)], (one, other))
    assert [together.column(place) for place in range(30)] == [here_too.column(place) for place in range(30)]


@beside
def test_looks_are_those_that_would_be_had_here(run: Run) -> None:
    ids = (1, 2, 3, 4)
    elsewhere = resources.look(run.id, 3, residual_norms, ids)
    assert str(elsewhere) == str(residual_norms(resources.model(run.id, 3), ids))


@beside
def test_a_table_that_grows_there_is_the_one_that_would_grow_here(run: Run) -> None:
    text = held_out_windows(resources.run_dataset(run.id), run.model.block_size, 8)
    calculator = calculators.find("look", (run.id, 3))
    assert calculator is not None
    ask = partial(calculator.call, calculating.ablation_portion, run.id, 3, text, False)
    there, here = [*iter(ask, None)], [*ablation_table(resources.model(run.id, 3), text)]
    assert len(there) == len(here)
    assert there[-1] == here[-1]


@beside
def test_what_is_raised_there_is_raised_here(pool: None) -> None:
    with pytest.raises(RunNotFound) as caught:
        resources.look("nobody", 3, residual_norms, (1,))
    assert caught.value.values == {"id": "nobody"}
    assert "{id}" in caught.value.template


@beside
def test_it_is_another_process_between_pages_and_trainings(pool: None) -> None:
    calculator = calculators.find("look", "anything")
    assert calculator is not None
    assert calculator.call(os.getpid) != os.getpid()
    assert calculator.call(os.nice, 0) >= BETWEEN


@beside
def test_one_that_was_killed_is_replaced_and_one_that_ends_over_a_call_says_so(pool: None) -> None:
    calculator = calculators.find("write", "anything")
    assert calculator is not None
    pid = calculator.call(os.getpid)
    os.kill(pid, 9)
    after = calculator.call(os.getpid)
    assert after != pid
    with pytest.raises(UserError, match="ended unexpectedly"):
        calculator.call(os._exit, 3)
    last = calculator.call(os.getpid)
    calculators.close()
    while exists(last):
        pass


def test_where_there_is_none_it_is_calculated_here() -> None:
    assert calculators.find("look", "anything") is None
    assert resources.calculate("anything", os.getpid) == os.getpid()
    assert Calculators(lambda: None, cores=2).find("write", "anything").call(os.getpid) == os.getpid()


def test_who_came_first_is_served_first() -> None:
    turns, served = InTurn(), list[int]()

    def wait(number: int) -> None:
        with turns:
            served.append(number)

    with turns:
        waiting = []
        for number in range(8):
            thread = threading.Thread(target=wait, args=(number,))
            thread.start()
            waiting.append(thread)
            while len(turns._waiting) < number + 2:
                pass
    for thread in waiting:
        thread.join()
    assert served == list(range(8))


def test_a_result_that_cannot_be_handed_over_is_an_error_and_not_a_silence(tmp_path: Path) -> None:
    with (tmp_path / "pipe").open("w+b") as pipe:
        calculating.send(pipe, (True, threading.Lock()))
        calculating.send(pipe, (True, 7))
        pipe.seek(0)
        well, error = calculating.receive(pipe)
        assert not well and isinstance(error, RuntimeError)
        assert calculating.receive(pipe) == (True, 7)
        assert calculating.receive(pipe) is None


class Asked:
    """A calculator that notes who has a turn while it calculates; it says nothing."""

    def __init__(self) -> None:
        self.turns = list[int]()

    def call(self, *_given: object, **_named: object) -> None:
        """Calculate nothing."""
        self.turns.append(len(turns._begun))


@pytest.mark.parametrize("what", ["look", "calculate", "write", "table"])
def test_a_page_that_waits_for_what_is_calculated_keeps_no_other_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    run = small_run(GPT, steps=3)
    asked = Asked()
    monkeypatch.setattr(calculators, "find", lambda _kind, _key: asked)
    with turns.turn():
        match what:
            case "look":
                resources.look(run.id, 3, residual_norms, (1,))
            case "calculate":
                resources.calculate("anything", os.getpid)
            case "write":
                elsewhere = resources.written_elsewhere(GenerationRequest(run=run.id, step=3))
                with pytest.raises(TypeError):  # it wrote nothing
                    next(elsewhere or iter(()))
            case "table":
                assert next(cache.ablation_job(run.id, 3, False)._steps, None) is None
    assert asked.turns == [0]
