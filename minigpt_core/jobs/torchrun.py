"""The command line under torchrun: the first process trains and records as always, the others help it."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset
from minigpt_core.devices import available_threads, best_thread_count
from minigpt_core.distributed import Team, TeamEnded, TeamError, processes_here
from minigpt_core.training import Checkpoint, Trainer


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a process needs to make the same steps as the first one: no disk is shared with it."""

    dataset: Dataset
    model: ModelConfig
    training: TrainConfig
    precision: str
    checkpoint: Checkpoint | None


def beginning_of(trainer: Trainer) -> Beginning:
    """How the first process begins, or goes on."""
    return Beginning(
        dataset=trainer.dataset,
        model=trainer.model_config,
        training=replace(trainer.config, device=trainer.device.type),
        precision=trainer.precision,
        checkpoint=trainer.checkpoint() if trainer.step else None,
    )


def lead(team: Team, train: Callable[[], int]) -> int:
    """Train as the first process. If it cannot, the others are let go."""
    try:
        return train()
    except TeamError:
        raise  # nobody can be told any more
    except BaseException:
        with suppress(TeamError):
            team.end() if team.begun else team.hand_out(None)
        raise


def assist(team: Team, threads_wanted: int | None, *, compiled: bool) -> int:
    """Make every step that the first process makes, until it says that there is no further one.

    Raises:
        TeamError: another process has ended; one of those that are left says so, as the first one may be it.
    """
    for name in ("SIGINT", "SIGTERM"):  # the first one ends the training, with a checkpoint
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        given: Beginning | None = team.hand_out()
        if given is None:
            return 2
        torch.set_num_threads(threads_wanted or threads(given.model, given.training))
        trainer = Trainer(
            given.dataset, given.model, given.training,
            checkpoint=given.checkpoint, precision=given.precision, team=team,
        )  # fmt: skip
        if compiled:
            trainer.compile()
        with suppress(TeamEnded):
            while True:
                trainer.make_step()
        team.leave()
        return 0
    except TeamError:
        if team.rank == 1:
            raise
        return 2


def threads(model: ModelConfig, training: TrainConfig, before: int | None = None) -> int:
    """How many threads suit a model on this process's share of the machine; `before`: what its run had."""
    cores = max(1, (os.cpu_count() or 1) // processes_here())
    return min(available_threads(before or best_thread_count(model, training.batch_size, cores)), cores)
