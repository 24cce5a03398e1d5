"""What is expensive to make is made once, and kept within a number of bytes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from ui import byte_cache as room
from ui.byte_cache import byte_cached, size_of


def later(weights: torch.Tensor) -> Iterator[torch.Tensor]:
    yield weights


def test_it_is_made_once_however_many_ask_at_once() -> None:
    made, first = [], threading.Event()

    @byte_cached
    def number(n: int) -> object:
        first.wait()
        made.append(n)
        return object()

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(number, 3) for _ in range(8)]
        first.set()
        assert len({id(one.result()) for one in asked}) == 1
    assert made == [3]


def test_what_was_not_used_for_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    @byte_cached
    def weights(n: int) -> torch.Tensor:
        made.append(n)
        return torch.zeros(1000)

    monkeypatch.setattr(room, "MOST_BYTES", 3 * 4000 + 100)
    for n in (1, 2, 3, 1, 4, 1, 3, 2):
        weights(n)
    assert made == [1, 2, 3, 4, 2]


def test_one_that_is_larger_than_all_room_is_still_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_BYTES", 10)
    assert len(byte_cached(lambda: torch.zeros(1000))()) == 1000


def test_what_fails_is_tried_again() -> None:
    made = []

    @byte_cached
    def number() -> int:
        made.append(1)
        if len(made) == 1:
            raise ValueError
        return len(made)

    with pytest.raises(ValueError):
        number()
    assert number() == number() == 2
    number.clear()
    assert number() == 3


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (torch.zeros(1000), 4000),
        (np.zeros(1000), 8000),
        ("a" * 1000, 1000),
        (nn.Linear(100, 100, bias=False), 40_000),
        ([np.zeros(10) for _ in range(1000)], 80_000),
        ({"one": (torch.zeros(50), torch.zeros(50)), "other": later(torch.zeros(900))}, 4000),
    ],
)
def test_sizes_are_about_right(value: object, size: int) -> None:
    assert size <= size_of(value) <= 1.4 * size + 3000
