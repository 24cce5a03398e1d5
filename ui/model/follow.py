"""A real batch on its way through a model: every tensor in between, and a glimpse of its values."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from minigpt_core.model import GPT, Block, ModelConfig, build_model

SHOWN = 64  # numbers of one character that are kept, at most
LARGEST = 3_000_000_000  # operations of a forward pass that a page waits for
MOST_PARAMETERS = 5_000_000


@dataclass(frozen=True)
class Stage:
    """What left one part of the model."""

    part: str
    shape: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]
    """(T, up to `SHOWN`): the first numbers of each character of the row that is looked at."""

    pattern: tuple[tuple[tuple[float, ...], ...], ...] = ()
    """(nh, T, T), attention only: how much each character takes over from those up to it."""

    layer: int = 0
    """Counted from 1; 0 outside the layers."""


def fresh_model(config: ModelConfig, seed: int) -> nn.Module:
    """The model with which a training with this seed begins; the global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_model(config).eval()


@torch.no_grad()
def follow(model: nn.Module, idx: Tensor, row: int = 0) -> list[Stage]:
    """Every stage of `model(idx)`, in order: first layer in full, of the others what leaves them.

    Args:
        model: in eval mode.
        idx: (B, T) ids.
        row: whose values are kept.
    """
    stages = []
    for part, layer, x, pattern in passed(model, idx):
        values = x[row][:, :SHOWN].double()
        kept = as_tuples(pattern[row]) if pattern is not None else ()
        stages.append(Stage(part, tuple(x.shape), as_tuples(values), kept, layer))
    return stages


Passed = tuple[str, int, Tensor, Tensor | None]


def passed(model: nn.Module, idx: Tensor) -> Iterator[Passed]:
    """(part, layer, what leaves it, attention pattern): the lines of `forward`, one by one, without dropout."""
    x = model.get_submodule("token_embedding")(idx)  # (B, T, C)
    yield "embedding", 0, x, None
    if isinstance(model, GPT) or hasattr(model, "blocks"):
        x = yield from passed_layers(model, x)
    logits = model.get_submodule("lm_head")(x)  # (B, T, V)
    yield "output", 0, logits, None
    yield "softmax", 0, logits.softmax(-1), None


def passed_layers(model: nn.Module, x: Tensor) -> Iterator[Passed]:
    """What a GPT has between its embedding and its output layer."""
    raise NotImplementedError
