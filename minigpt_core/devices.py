"""Where a model is trained: which device, how many processor threads, and how exact."""

import os

import torch
from torch import nn

from minigpt_core.configs import ModelConfig
from minigpt_core.errors import UserError
from minigpt_core.weights import parameters_of

# Floating-point operations of one training step. Below the first, a graphics processor spends its time on starting
# kernels; below the second, a second thread waits longer than it works. See benchmarks/threads.py.
WORTH_A_DEVICE = 2e9
WORTH_A_THREAD = 5e8


class DeviceError(UserError):
    """The device that was asked for, or found, cannot train this model."""


def flops_per_step(model_config: ModelConfig, batch_size: int) -> float:
    """About how many floating-point operations one training step takes.

    6 for each parameter and character (a multiplication and an addition forward, twice that backward), and
    12 · n_layer · C · T a character for the attention scores (https://arxiv.org/abs/2204.02311, appendix B).
    """
    attention = 12 * model_config.n_layer * model_config.n_embd * model_config.block_size
    characters = batch_size * model_config.block_size
    return (6.0 * parameters_of(model_config) + attention) * characters


def best_thread_count(model_config: ModelConfig, batch_size: int, cores: int) -> int:
    """How many threads train such a model fastest on `cores` idle cores: 1 for a small one."""
    return max(1, min(cores, int(flops_per_step(model_config, batch_size) / WORTH_A_THREAD)))


def available_threads(wanted: int) -> int:
    """As many threads as are wanted, but no more than this machine has cores: more wait for each other."""
    return min(wanted, os.cpu_count() or 1)


def use_threads(count: int) -> None:
    """Have everything that this process calculates use so many threads."""
    torch.set_num_threads(count)


def thread_count() -> int:
    """On how many threads this process calculates."""
    return torch.get_num_threads()


def choose_device(wanted: str, operations: float) -> torch.device:
    """The device that is `wanted`; for "auto", an accelerator if there is one and a step has work enough for it."""
    if wanted != "auto":
        return torch.device(wanted)
    if operations >= WORTH_A_DEVICE:
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
    return torch.device("cpu")


def move_to_device(model: nn.Module, device: torch.device) -> tuple[torch.device, DeviceError | None]:
    """Move the model to the device and try it; if that fails, back to the CPU, with a sentence that says so."""
    if device.type == "cpu":
        return device, None
    try:
        model.to(device)
        idx = torch.zeros(1, 1, dtype=torch.int64, device=device)  # (B, T)
        model(idx, idx)[1].backward()
        model.zero_grad(set_to_none=True)
    except (RuntimeError, AssertionError) as error:  # a torch built without CUDA fails by assertion
        model.to("cpu")
        return torch.device("cpu"), DeviceError(
            "The device {device} cannot train this model ({problem}). It is trained on the processor (CPU) instead.",
            device=device.type,
            problem=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
        )
    return device, None
