"""Two processes that train together make the steps of one with the same batch; a batch in parts is the same batch."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from minigpt_core.background import import_path
from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.distributed import Alone, Team, backend_for, check_shares
from minigpt_core.errors import ConfigError, UserError
from minigpt_core.jobs.launchers import WorkerProcess
from minigpt_core.jobs.manager import JobManager
from minigpt_core.memory_budget import training_peak
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import StepEvent, Trainer
from tests.core.ranks import a_free_port, team_of

TEXT = "the cat sat on the mat, and the dog ate the hat. " * 30
SMALL = {
    "steps": 50, "batch_size": 5, "eval_interval": 25, "eval_windows": 4, "sample_length": 5, "n_layer": 1,
    "n_head": 2, "n_embd": 16, "block_size": 16, "positions": "learned", "mlp": "gelu", "residual": "true",
    "norm": "layernorm", "learning_rate": 0.01, "grad_clip": 1.0, "seed": 7,
}  # fmt: skip
HERE = sys.platform == "linux" and torch.distributed.is_available()
pytestmark = pytest.mark.skipif(not HERE, reason="starts processes that find each other by gloo")


def assignments(**settings: object) -> list[str]:
    return [part for name, value in (SMALL | settings).items() for part in ("--set", f"{name}={value}")]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


def losses(store: RunStore, run: Run) -> list[float]:
    return [event.loss for event in store.steps_since(run.id, limit=10_000)]


def alone(store: RunStore, run: Run) -> list[float]:
    """The losses of the same run in one process."""
    dataset = prepare(store.text(run.text_id).text, run.training.val_fraction)
    trainer = Trainer(dataset, run.model, run.training)
    return [event.loss for event in trainer.run() if isinstance(event, StepEvent)]


def until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_processes_make_the_steps_of_one(text: Path, data_home: Path, tmp_path: Path) -> None:
    with team_of(2, tmp_path, "--text", str(text), *assignments()) as (first, second):
        assert (first.ended(), second.ended()) == (0, 0)
        assert json.loads(first.out.splitlines()[-1])["status"] == "done" and second.out == ""
    store = RunStore(data_home)
    (run,) = store.runs()
    assert (run.status, run.step, len(losses(store, run))) == ("done", 50, 50)
    assert losses(store, run) == pytest.approx(alone(store, run), abs=1e-4)


def no_worker(*_asked: object) -> WorkerProcess:
    raise AssertionError("the command line trains it")


def test_the_run_is_steered_from_a_server_and_goes_on_with_another_number_of_processes(
    text: Path, data_home: Path, tmp_path: Path
) -> None:
    store = RunStore(data_home)
    jobs = JobManager(store, warm=False, launcher=no_worker)
    with team_of(2, tmp_path, "--text", str(text), *assignments(steps=120, pace=20)) as (first, second):
        until(lambda: store.runs() and store.runs()[0].step > 3)
        run = store.runs()[0]
        assert jobs.reaches(run.id) and not jobs.controls(run.id)
        jobs.pause(run.id)
        assert jobs.wait(run.id, "paused")
        held = store.run(run.id).step
        jobs.step(run.id)
        until(lambda: store.run(run.id).step == held + 1)
        jobs.resume(run.id, learning_rate=0.005)
        until(lambda: store.run(run.id).step > held + 1)
        jobs.stop(run.id)
        assert (first.ended(), second.ended()) == (0, 0)
    assert not jobs.reaches(run.id)
    left = store.run(run.id)
    assert (left.status, left.in_force.learning_rate) == ("stopped", 0.005)
    assert store.load_checkpoint(run.id).step == left.step < 120
    (change,) = store.changes(run.id)

    store.keep_requested(run.id, {"pace": 0})
    with team_of(3, tmp_path, "--resume", run.id) as ranks:
        assert [rank.ended() for rank in ranks] == [0, 0, 0]
    assert (store.run(run.id).status, store.run(run.id).step) == ("done", 120)

    trainer = Trainer(prepare(store.text(run.text_id).text), run.model, replace(run.training, pace=0.0))
    expected = list[float]()
    while trainer.step < 120:
        if trainer.step == change.step:
            trainer.steering.change(learning_rate=0.005)
        expected.append(trainer.make_step().loss)
    assert losses(store, run) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("dies", [0, 1])
def test_a_process_that_dies_ends_the_run_and_it_can_go_on(
    text: Path, data_home: Path, tmp_path: Path, dies: int
) -> None:
    store = RunStore(data_home)
    with team_of(2, tmp_path, "--text", str(text), *assignments(steps=4000, pace=200)) as ranks:
        until(lambda: store.runs() and store.checkpoints(store.runs()[0].id)[2:])
        ranks[dies].send_signal(signal.SIGKILL)
        assert ranks[dies].ended() == -signal.SIGKILL and ranks[1 - dies].ended() == 2
        assert "One of the processes" in ranks[1 - dies].err
    run = store.runs()[0]
    if dies == 0:
        assert run.status == "interrupted"
    else:
        assert run.status == "failed" and run.error is not None
        assert "One of the processes" in str(UserError.from_json(run.error))
    kept = store.load_checkpoint(run.id).step
    with team_of(2, tmp_path, "--resume", run.id) as (first, second):
        until(lambda: store.load_checkpoint(run.id).step > kept)  # the step is still that of those who died
        first.send_signal(signal.SIGTERM)
        assert (first.ended(), second.ended()) == (0, 0)
    assert store.run(run.id).status == "stopped"


def test_torchrun_starts_them(text: Path, data_home: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-port", str(a_free_port())]
    trained = subprocess.run(
        [*command, "-m", "minigpt_core", "train", "--json", "--text", str(text), *assignments(steps=4)],
        capture_output=True, text=True, env=os.environ | import_path() | {"OMP_NUM_THREADS": "1"}, timeout=200,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout.splitlines()[-1])["status"] == "done"
    (run,) = RunStore(data_home).runs()
    assert (run.status, run.step) == ("done", 4)


def test_what_cannot_be_trained_is_told_once_and_everybody_leaves(text: Path, tmp_path: Path) -> None:
    with team_of(2, tmp_path, "--text", str(text), *assignments(batch_size=1)) as (first, second):
        assert (first.ended(), second.ended()) == (2, 2)
        assert "batch_size = 1 cannot be shared out among 2 processes" in first.err
        assert "batch_size" not in second.err


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(TEXT)


def of_parts(dataset: Dataset, accumulation: int, dropout: float = 0.0) -> list[float]:
    model = ModelConfig(
        vocab_size=dataset.tokenizer.vocab_size, n_layer=2, n_head=2, n_embd=16, block_size=16, positions="rotary",
        mlp="relu2", residual=True, norm="rmsnorm", dropout=dropout,
    )  # fmt: skip
    training = TrainConfig(
        steps=30, batch_size=7, accumulation=accumulation, optimizer="muon", learning_rate=0.01, grad_clip=1.0
    )
    trainer = Trainer(dataset, model, training)
    return [trainer.make_step().loss for _ in range(training.steps)]


@pytest.mark.parametrize("accumulation", [2, 3, 7, 100])
def test_a_batch_in_parts_is_the_same_batch(dataset: Dataset, accumulation: int) -> None:
    assert of_parts(dataset, accumulation) == pytest.approx(of_parts(dataset, 1), abs=1e-4)


def test_parts_of_a_batch_drop_out_other_numbers(dataset: Dataset) -> None:
    """So the losses are others; what is learned is not."""
    whole, parts = of_parts(dataset, 1, dropout=0.2), of_parts(dataset, 4, dropout=0.2)
    assert whole != pytest.approx(parts, abs=1e-4)
    assert sum(whole[-10:]) / 10 == pytest.approx(sum(parts[-10:]) / 10, abs=0.3)


def test_parts_take_less_memory() -> None:
    model, whole = ModelConfig(vocab_size=100, n_embd=64, block_size=128), TrainConfig(batch_size=64)
    assert training_peak(model, replace(whole, accumulation=8)) == training_peak(
        model, replace(whole, batch_size=8)
    )
    assert training_peak(model, replace(whole, accumulation=64)) < training_peak(model, whole) / 10


class Third(Alone):
    """A process's share, as `Team` takes it."""

    size = 3

    def __init__(self, rank: int) -> None:
        self.rank = rank


def test_shares_are_the_whole_batch() -> None:
    for batch_size in range(3, 20):
        shares = [Team.share(Third(rank), batch_size) for rank in range(3)]
        rows = [row for share in shares for row in range(batch_size)[share]]
        assert rows == [*range(batch_size)]
    with pytest.raises(ConfigError, match="shared out among 3 processes"):
        check_shares(TrainConfig(batch_size=2), 3)


def test_messages_go_by_nccl_where_there_are_cards() -> None:
    assert backend_for(cuda=False) == "gloo"
    assert backend_for(cuda=True) in (
        "cpu:gloo,cuda:nccl",
        "gloo",
    )  # the latter where torch came without NCCL
