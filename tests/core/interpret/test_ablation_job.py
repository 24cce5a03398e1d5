"""The table is calculated in a thread: it can be stopped, goes on where it was, and stops when nobody reads it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.ablation import ablation_table, draw_windows
from minigpt_core.interpret.ablation_job import AblationJob
from minigpt_core.weights import fresh_model

CONFIG = ModelConfig(vocab_size=13, block_size=8, n_embd=16, n_layer=2, n_head=2, mlp="gelu", residual=True)
TEXT = draw_windows(torch.randint(13, (400,), generator=torch.Generator().manual_seed(1)), 8)


def job(**settings: Any) -> AblationJob:
    return AblationJob(fresh_model(CONFIG, seed=1), TEXT, mean=False, **settings)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_its_end_is_that_of_the_table() -> None:
    measured = job()
    assert measured.progress is None and not measured.running
    measured.start()
    wait_until(lambda: measured.finished)
    *_before, last = ablation_table(fresh_model(CONFIG, seed=1), TEXT)
    assert measured.progress == last


def test_it_can_be_stopped_and_goes_on() -> None:
    measured = job()
    measured.start()
    wait_until(lambda: measured.progress)
    measured.stop()
    wait_until(lambda: not measured.running)
    held = measured.progress
    assert held is not None and held.done < held.total and not measured.finished
    assert measured.progress == held
    measured.start()
    wait_until(lambda: measured.finished)
    assert measured.progress is not None and measured.progress.effects


def test_nobody_who_reads_it_any_more_stops_it() -> None:
    measured = job(idle_seconds=0)
    measured.start()
    wait_until(lambda: not measured.running)
    assert not measured.finished


def test_what_went_wrong_is_raised_where_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = AblationJob(fresh_model(CONFIG, seed=1).train(), TEXT, mean=False)  # dropout's mode is refused
    measured.start()
    wait_until(lambda: not measured.running)
    with pytest.raises(AssertionError, match="eval"):
        _progress = measured.progress
