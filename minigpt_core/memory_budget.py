"""Whether a training fits into this machine's memory: told from its settings, before room is made for anything.

Letters as in `minigpt_core.model`: B sequences, T characters, C numbers a character, V characters in the vocabulary;
N = B · T characters in a batch.
"""

import math
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.devices import choose_device, flops_per_step
from minigpt_core.errors import ConfigError
from minigpt_core.memory import FLOAT32_BYTES, training_memory
from minigpt_core.weights import parameters_of

PROCESS_BYTES = 100_000_000  # at least, besides a training


def peak_memory(config: ModelConfig, training: TrainConfig) -> int:
    """About how many bytes a training takes at most, with the process that it is made in."""
    return training_peak(config, training) + PROCESS_BYTES


def training_peak(config: ModelConfig, training: TrainConfig) -> int:
    """About how many bytes a training takes at most: what it keeps, what passes by on the way back, a checkpoint.

    On the way back the gradients of the widest activations stand beside what was kept: of the scores, (N, V), and in
    the layers of the MLP's, (N, 4C), twice. A checkpoint is a copy of the parameters and of what the optimizer keeps.
    """
    B = math.ceil(training.batch_size / training.accumulation)
    kept = training_memory(config, B, training.optimizer)
    N = B * config.block_size
    widest = max(3 * N * config.vocab_size, 8 * N * config.n_embd if config.n_layer else 0)
    most = kept.total + FLOAT32_BYTES * widest + kept.parameters + kept.optimizer
    return most + most // 4


def memory_limit() -> int:
    """How many bytes one training may take on this machine: `MINIGPT_MEMORY` gigabytes, else half of what there is."""
    chosen = os.environ.get("MINIGPT_MEMORY")
    return int(float(chosen) * 1e9) if chosen else machine_memory() // 2


@lru_cache(maxsize=1)
def machine_memory() -> int:
    """The memory of this machine in bytes, or what its container may use of it."""
    if sys.platform == "win32":
        return windows_memory()
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # there is none, or "max"
            total = min(total, int(Path(limit).read_text()))
    return total


def windows_memory() -> int:
    """The same on Windows (`GlobalMemoryStatusEx`)."""
    import ctypes

    status = (ctypes.c_uint64 * 8)()
    ctypes.cast(status, ctypes.POINTER(ctypes.c_uint32))[0] = ctypes.sizeof(
        status
    )  # then the load, in 32 bits
    ctypes.windll.kernel32.GlobalMemoryStatusEx(status)  # type: ignore[attr-defined]
    return int(status[1])


def check_memory(config: ModelConfig, training: TrainConfig) -> None:
    """Raise `ConfigError`, with what would fit, if a training needs more memory than one may take here.

    A CUDA device has memory of its own: there the training itself finds out.
    """
    needed, limit = peak_memory(config, training), memory_limit()
    if needed <= limit or on_cuda(config, training):
        return
    values = {"needed": gigabytes(needed), "limit": gigabytes(limit)}
    for batch_size in halves(training.batch_size):
        if peak_memory(config, replace(training, batch_size=batch_size)) <= limit:
            raise ConfigError(
                "A training with these settings needs about {needed} GB of memory, and here one may take {limit} GB. "
                "With batch_size = {fitting} it fits.",
                **values, fitting=batch_size,
            )  # fmt: skip
    raise ConfigError(
        "A training with these settings needs about {needed} GB of memory, and here one may take {limit} GB. Choose "
        "fewer layers, or a smaller n_embd or block_size.",
        **values,
    )


def on_cuda(config: ModelConfig, training: TrainConfig) -> bool:
    """Whether this training would take place in the memory of a graphics card."""
    return choose_device(training.device, flops_per_step(config, training.batch_size)).type == "cuda"


def check_weights_memory(config: ModelConfig) -> None:
    """Raise `ConfigError` if there is no room for the weights of a model and what an optimizer keeps of them, twice:
    what opening a run takes."""
    needed, limit = 2 * 3 * FLOAT32_BYTES * parameters_of(config), memory_limit()
    if needed > limit:
        raise ConfigError(
            "Opening this model takes about {needed} GB of memory, and here it may take {limit} GB.",
            needed=gigabytes(needed), limit=gigabytes(limit),
        )  # fmt: skip


def halves(batch_size: int) -> Iterator[int]:
    """Half of it, a quarter, … down to 1."""
    while batch_size > 1:
        batch_size //= 2
        yield batch_size


def gigabytes(size: int) -> float:
    """Bytes as gigabytes with one digit."""
    return round(size / 1e9, 1)
