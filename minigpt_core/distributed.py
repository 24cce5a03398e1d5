"""Several processes that train one model together, each with its share of every batch (data parallelism).

Every process has a copy of the model, draws the same batch from the same random numbers, and calculates the loss and
the gradients of its own rows. Then they add up what they have, so that each makes the same step as one process with the
whole batch would; only the order of the sum is another one. The first process leads: it alone keeps the pace, listens,
evaluates and records, and says before each step that there is one. torchrun starts the processes and says who is who.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import ConfigError, UserError
from minigpt_core.steering import Steering

PATIENCE = timedelta(days=30)  # a pause may last; a process that has ended is noticed at once
OTHER_NUMBERS = 1_000_003  # apart lie the seeds of the processes' dropout


class TeamError(UserError):
    """The processes cannot train together, or one of them has ended."""


class TeamEnded(Exception):
    """The first process has said that there is no further step."""


class Alone:
    """A process that trains by itself: it has the whole batch, and nothing to agree about."""

    rank: int = 0
    size: int = 1

    def agree(self, steering: Steering) -> None:
        """Before a step: everybody goes on, with the first one's learning rate."""

    def share(self, batch_size: int) -> slice:
        """Which rows of a batch this process calculates."""
        return slice(0, batch_size)

    def add_up(self, loss: Tensor, weights: Iterable[Tensor]) -> None:
        """Make each process's loss and gradients the sum of all of them, in place."""

    def hand_out(self, what: Any = None) -> Any:
        """What the first process has to say before they train: it says it, the others get it."""
        return what

    def end(self) -> None:
        """The first process says that there is no further step."""


class Team(Alone):
    """The processes that torchrun has started.

    Raises:
        TeamError: from every method, when one of them has ended.
    """

    def __init__(self) -> None:
        with together():
            dist.init_process_group(backend_for(torch.cuda.is_available()), timeout=PATIENCE)
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.begun = False  # whether everybody has what `hand_out` gives
        if torch.cuda.is_available():  # from now on "cuda" means this process's card
            torch.cuda.set_device(local_rank() % torch.cuda.device_count())

    def agree(self, steering: Steering) -> None:
        told = torch.tensor([1.0, steering.learning_rate], dtype=torch.float64)
        with together():
            dist.broadcast(told, src=0)
        if not told[0]:
            raise TeamEnded
        steering.learning_rate = told[1].item()

    def share(self, batch_size: int) -> slice:
        return slice(batch_size * self.rank // self.size, batch_size * (self.rank + 1) // self.size)

    def add_up(self, loss: Tensor, weights: Iterable[Tensor]) -> None:
        parts = [loss, *(weight.grad for weight in weights if weight.grad is not None)]
        whole = torch.cat([part.flatten() for part in parts])  # one message instead of one for each
        with together():
            dist.all_reduce(whole)
        for part, total in zip(parts, whole.split([part.numel() for part in parts]), strict=True):
            part.copy_(total.view_as(part))

    def hand_out(self, what: Any = None) -> Any:
        box = [what]
        with together():
            dist.broadcast_object_list(box, src=0)
        self.begun = True
        return box[0]

    def end(self) -> None:
        with together():
            dist.broadcast(torch.zeros(2, dtype=torch.float64), src=0)
            dist.barrier()  # else it might not notice who has gone before

    def leave(self) -> None:
        """Answer the first process, which has said that."""
        with together():
            dist.barrier()


@contextmanager
def team() -> Iterator[Team]:
    """The team of this process, for as long as the block lasts."""
    try:
        yield Team()
    finally:
        with suppress(RuntimeError, AssertionError):
            dist.destroy_process_group()


def launched() -> bool:
    """Whether torchrun, or something that sets the same variables, has started this process."""
    return {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()


def local_rank() -> int:
    """Which of the processes on this machine it is."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def processes_here() -> int:
    """How many processes share this machine's cores."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def backend_for(cuda: bool) -> str:
    """Who carries the messages: gloo between processors, NCCL between NVIDIA's graphics cards."""
    return "cpu:gloo,cuda:nccl" if cuda and dist.is_nccl_available() else "gloo"


def check_shares(config: TrainConfig, size: int) -> None:
    """Raise `ConfigError` if a process would have no row of a batch."""
    if config.batch_size < size:
        raise ConfigError(
            "batch_size = {batch_size} cannot be shared out among {size} processes: each needs one window at least. "
            "Choose a larger batch, or fewer processes.",
            batch_size=config.batch_size, size=size,
        )  # fmt: skip


def dropout_seed(config: TrainConfig, team: Alone, step: int) -> int:
    """Where a process besides the first takes the numbers that dropout draws: others than everybody else's."""
    return (config.seed + team.rank * OTHER_NUMBERS + step) % 2**63


@contextmanager
def together() -> Iterator[None]:
    """What torch raises when a process cannot be reached any more, as a sentence."""
    try:
        yield
    except RuntimeError as error:
        raise TeamError(
            "One of the processes that train together has ended, and the training with it. It can be resumed from its "
            "last checkpoint, with any number of processes."
        ) from error
