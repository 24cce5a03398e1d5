"""Random numbers that belong to somebody: torch draws new weights and dropout from one state of the whole process.

Whoever seeds or swaps that state decides what everybody else draws at that moment, such as another visitor of the same
server. So nobody does but `RandomNumbers.lent`, one thread at a time; what takes a generator gets one of its own.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import torch
from torch import Tensor

_LOCK = threading.RLock()
CPU = torch.device("cpu")


class RandomNumbers:
    """A stretch of a device's random numbers, for what takes no generator."""

    def __init__(self, state: Tensor, device: torch.device = CPU) -> None:
        self.state = state
        """Of the device's generator, where this stretch goes on. It lies on the processor."""
        self.device = device

    @classmethod
    def seeded(cls, seed: int, device: torch.device = CPU) -> Self:
        """What the device draws after `manual_seed(seed)`; its own generator is left alone."""
        if device.type == "cpu":
            return cls(torch.Generator().manual_seed(seed).get_state())
        with _LOCK:
            outside = _state(device)
            torch.get_device_module(device).manual_seed(seed)
            state = _state(device)
            _set_state(device, outside)
        return cls(state, device)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Inside, the process draws these numbers and this thread alone draws; then it goes on with those it had."""
        with _LOCK:
            outside = _state(self.device)
            _set_state(self.device, self.state)
            try:
                yield
            finally:
                self.state = _state(self.device)
                _set_state(self.device, outside)


def _state(device: torch.device) -> Tensor:
    return torch.get_rng_state() if device.type == "cpu" else torch.get_device_module(device).get_rng_state()


def _set_state(device: torch.device, state: Tensor) -> None:
    if device.type == "cpu":
        torch.set_rng_state(state)
    else:
        torch.get_device_module(device).set_rng_state(state)
