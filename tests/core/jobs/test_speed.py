"""What is measured before a training is small and like it, whatever the training is."""

import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.devices import flops_per_step
from minigpt_core.jobs import speed
from minigpt_core.memory import training_memory

ROOT = Path(__file__).parents[3]
GPT: dict[str, Any] = {
    "mlp": "gelu",
    "residual": True,
    "norm": "layernorm",
    "positions": "learned",
    "dropout": 0.1,
}
LARGE = ModelConfig(vocab_size=65, n_layer=12, n_embd=256, n_head=8, block_size=256, **GPT)


@given(
    V=st.integers(2, 200_000),
    T=st.integers(1, 1024),
    C=st.integers(1, 64).map(lambda n: 16 * n),
    layers=st.integers(0, 48),
    B=st.integers(1, 1024),
    windows=st.integers(0, 1_000_000),
    length=st.integers(0, 2000),
    optimizer=st.sampled_from(("adamw", "sgd", "muon")),
)
@settings(max_examples=60, deadline=None)
def test_what_is_measured_takes_little_time_and_memory(
    V: int, T: int, C: int, layers: int, B: int, windows: int, length: int, optimizer: str
) -> None:
    optimizer = optimizer if layers else "adamw"
    model = ModelConfig(
        vocab_size=V, block_size=T, n_embd=C, n_layer=layers, **(GPT | {"n_head": 4} if layers else {})
    )
    training = TrainConfig(batch_size=B, eval_windows=windows, sample_length=length, optimizer=optimizer)
    less, tried = speed.measured_settings(model, training)
    assert flops_per_step(less, tried.batch_size) <= speed.MOST_OPERATIONS
    assert training_memory(less, tried.batch_size, optimizer).total <= speed.MOST_BYTES
    assert tried.eval_windows * flops_per_step(less, 1) <= max(
        3 * speed.MOST_OPERATIONS, flops_per_step(less, 1)
    )
    assert tried.sample_length <= speed.MOST_CHARACTERS
    read = speed.random_text(less, tried)
    assert len(read.train) <= max(200_000, T + 2)
    if (less, tried.batch_size) == (model, B):
        assert (tried.optimizer, tried.precision) == (training.optimizer, training.precision)


def test_a_small_training_is_measured_as_it_is() -> None:
    model, training = ModelConfig(vocab_size=40), TrainConfig(batch_size=16, eval_windows=8, sample_length=20)
    less, tried = speed.measured_settings(model, training)
    assert (less, tried.batch_size, tried.eval_windows, tried.sample_length) == (model, 16, 8, 20)


def test_times_of_something_smaller_are_scaled_by_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    training = TrainConfig(batch_size=64, eval_windows=100, sample_length=200)
    less, tried = speed.measured_settings(LARGE, training)
    assert tried.batch_size < 64
    found = speed.scaled(LARGE, training, less, tried, until=0.0)
    more = speed.scaled(LARGE, replace(training, batch_size=128), less, tried, until=0.0)
    assert all(math.isfinite(value) and value > 0 for value in found.values())
    assert flops_per_step(LARGE, 128) == 2 * flops_per_step(LARGE, 64)
    assert more["step"] > found["step"]


def test_the_number_of_threads_is_that_of_the_run_and_of_nobody_before() -> None:
    before = torch.get_num_threads()
    speed.measure(
        ModelConfig(vocab_size=5, block_size=4, n_embd=4),
        TrainConfig(eval_windows=1, sample_length=0),
        threads=1,
    )
    assert torch.get_num_threads() == before


def test_threads_that_wait_for_each_other_on_a_crowded_machine_take_no_longer_alone_than_one() -> None:
    several = {"step": 12.0, "evaluation": 6.0, "crowding": 12.0}
    one = {"step": 0.4, "evaluation": 0.2, "crowding": 4.0}
    found = speed.with_one_thread(several, one)
    assert found["step"] == 12.0
    assert found["step"] / found["crowding"] == pytest.approx(0.1)
    assert found["evaluation"] / found["crowding"] == pytest.approx(0.05)
    quick = {"step": 0.1, "evaluation": 0.1, "crowding": 2.0}
    assert speed.with_one_thread(quick, one) == {"step": 0.1, "evaluation": 0.1, "crowding": 2.0}


KEYS: list[tuple[dict[str, Any], int]] = [
    ({"precision": "bfloat16"}, 1), ({"device": "cpu"}, 1), ({}, 2), ({"batch_size": 5}, 1), ({"optimizer": "sgd"}, 1),
    ({"grad_clip": 1.0}, 1), ({"eval_windows": 1}, 1), ({"sample_length": 1}, 1),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "threads"), KEYS, ids=str)
def test_what_changes_the_speed_is_measured_anew(fields: dict[str, Any], threads: int) -> None:
    model, training = ModelConfig(vocab_size=5), TrainConfig()
    assert speed.speed_key(model, replace(training, **fields), threads) != speed.speed_key(model, training, 1)
    same = replace(training, steps=7, seed=9, pace=3.0, learning_rate=1.0)
    assert speed.speed_key(model, same, 1) == speed.speed_key(model, training, 1)


def test_a_large_training_is_measured_in_little_memory() -> None:
    """In a process of its own (2 s, for torch has to be loaded): it kept 5 GB."""
    code = (
        "import json, resource, sys\n"
        "from minigpt_core.configs import ModelConfig, TrainConfig\n"
        "from minigpt_core.jobs.speed import measure\n"
        "found = measure(ModelConfig(**json.loads(sys.argv[1])), TrainConfig(batch_size=64, eval_windows=1_000_000))\n"
        "print(json.dumps([found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(LARGE.to_dict())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found, peak = json.loads(done.stdout)
    assert peak * (1 if sys.platform == "darwin" else 1024) < 1_500_000_000
    assert found["step"] > 0 and found["evaluation"] > found["step"]


def test_a_measurement_ends_however_quick_the_steps_are() -> None:
    """The first step is not counted; the others are, though each of them takes less than what is measured."""
    tiny, once = ModelConfig(vocab_size=2), TrainConfig(steps=1, sample_length=1)
    for _ in range(2):  # nothing has to be imported the second time
        assert 0 < speed.measure(tiny, once)["step"] < speed.MEASURED_SECONDS


def test_both_rounds_of_a_measurement_together_end_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a clock that goes on by 10 ms whenever somebody looks at it."""
    ticks = count()
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks) / 100)
    monkeypatch.setattr(speed, "MEASURED_SECONDS", math.inf)  # only the clock ends it
    monkeypatch.setattr(speed, "CROWDED", 0.0)  # and it is repeated on one thread
    monkeypatch.setattr(speed, "available_threads", lambda wanted: wanted)
    speed.measure(ModelConfig(vocab_size=2), TrainConfig(sample_length=1), threads=2)
    assert 0.9 < next(ticks) / 100 < 1.2
