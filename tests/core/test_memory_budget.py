"""What does not fit into memory is refused before anything is made, with what would fit."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.errors import ConfigError
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.memory import training_memory
from minigpt_core.memory_budget import (
    check_memory,
    check_weights_memory,
    machine_memory,
    memory_limit,
    peak_memory,
)

NAMES = [rung.name for rung in (*RUNGS, *MODERN)]


def config_of(rung: str, **fields: object) -> ModelConfig:
    return ModelConfig.from_dict(
        {"vocab_size": 40, "block_size": 16, "n_embd": 32, **settings_up_to(rung)[0], **fields}
    )


LARGE = config_of("dropout", n_layer=12, n_embd=256, n_head=8, block_size=256)


def test_the_peak_lies_above_what_is_kept() -> None:
    for rung in NAMES:
        for batch_size in (1, 64):
            config, training = config_of(rung), TrainConfig(batch_size=batch_size)
            assert peak_memory(config, training) > training_memory(config, batch_size).total


def test_what_does_not_fit_is_refused_with_what_would(monkeypatch: pytest.MonkeyPatch) -> None:
    training = TrainConfig(batch_size=64, device="cpu")
    monkeypatch.setenv("MINIGPT_MEMORY", "4")
    with pytest.raises(ConfigError, match=r"With batch_size = (\d+) it fits") as refused:
        check_memory(LARGE, training)
    fitting = refused.value.values["fitting"]
    check_memory(LARGE, replace(training, batch_size=fitting))
    with pytest.raises(ConfigError):
        check_memory(LARGE, replace(training, batch_size=2 * fitting))
    monkeypatch.setenv("MINIGPT_MEMORY", "0.2")
    with pytest.raises(ConfigError, match="fewer layers"):
        check_memory(LARGE, training)
    check_memory(config_of("tinygpt"), training)


def test_weights_alone_need_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGPT_MEMORY", "0.3")
    check_weights_memory(LARGE)
    with pytest.raises(ConfigError):
        check_weights_memory(replace(LARGE, n_layer=48))


def test_one_training_may_take_half_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIGPT_MEMORY", raising=False)
    assert 100_000_000 < memory_limit() == machine_memory() // 2
    if sys.platform == "linux":
        total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
        assert machine_memory() <= total
