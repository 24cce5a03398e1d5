"""Which windows of the text each step of a training learns from: drawn anew every time, or in epochs.

Letters in the shape comments: N characters in the training part, B sequences in a batch, T characters in a window,
W windows in an epoch.
"""

from typing import Protocol

import torch
from torch import Generator, Tensor

from minigpt_core.configs import TrainConfig
from minigpt_core.data import get_batch, shuffled_starts, windows, windows_in_epoch


class Batches(Protocol):
    """The batches of a training, one for each step, the same ones for the same seed."""

    def of_step(self, step: int) -> tuple[Tensor, Tensor]:
        """x and y, (B, T) each, for the step after so many; asked for in the order of the steps."""
        ...

    def state(self, step: int) -> Tensor:
        """From which `restore` goes on at this step: the state of a random generator."""
        ...

    def restore(self, step: int, state: Tensor) -> None:
        """Go on at this step."""
        ...


def batches_of(data: Tensor, block_size: int, config: TrainConfig) -> Batches:
    """Those that a training draws from `data`, (N,)."""
    kind = Epochs if config.windows == "epochs" else RandomBatches
    return kind(data, block_size, config.batch_size, config.seed)


class RandomBatches:
    """Windows from everywhere in the text, drawn anew at every step: some characters come often, some hardly ever."""

    def __init__(self, data: Tensor, block_size: int, batch_size: int, seed: int) -> None:
        self._data, self._block_size, self._batch_size = data, block_size, batch_size
        self._generator = Generator().manual_seed(seed)

    def of_step(self, step: int) -> tuple[Tensor, Tensor]:
        """What `get_batch` draws next."""
        return get_batch(self._data, self._block_size, self._batch_size, self._generator)

    def state(self, step: int) -> Tensor:
        """The generator's."""
        return self._generator.get_state()

    def restore(self, step: int, state: Tensor) -> None:
        """Draw on from there."""
        self._generator.set_state(state)


class Epochs:
    """Windows side by side in a shuffled order: no character comes again before all others have come.

    Every epoch cuts the text at other places (`shuffled_starts`), so that the windows of one are not those of the
    last. An epoch may end in the middle of a batch. The training of a textbook
    (https://www.deeplearningbook.org/contents/optimization.html, section 8.1.3).
    """

    def __init__(self, data: Tensor, block_size: int, batch_size: int, seed: int) -> None:
        self._data, self._block_size, self._batch_size = data, block_size, batch_size
        self._generator = Generator().manual_seed(seed)
        self._length = windows_in_epoch(len(data), block_size)  # W, the same in every epoch
        self._epoch = -1

    def of_step(self, step: int) -> tuple[Tensor, Tensor]:
        """The next B windows of the epoch, with those of the following one where it is over."""
        starts: list[Tensor] = []
        at, end = step * self._batch_size, (step + 1) * self._batch_size  # of all windows of all epochs
        while at < end:
            epoch, place = divmod(at, self._length)
            self._begin(epoch)
            starts.append(self._order[place : place + end - at])
            at += len(starts[-1])
        return windows(self._data, torch.cat(starts), self._block_size)

    def state(self, step: int) -> Tensor:
        """The generator's when the epoch of this step began."""
        self._begin(step * self._batch_size // self._length)
        return self._state

    def restore(self, step: int, state: Tensor) -> None:
        """Shuffle the epoch of this step again."""
        self._generator.set_state(state)
        self._epoch = step * self._batch_size // self._length - 1

    def _begin(self, epoch: int) -> None:
        while self._epoch < epoch:
            self._state = self._generator.get_state()
            self._order = shuffled_starts(self._data, self._block_size, self._generator)  # (W,)
            self._epoch += 1
