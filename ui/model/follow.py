"""A real batch on its way through a model: every tensor in between, and a glimpse of its values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from minigpt_core.model import GPT, Block

SHOWN_PLACES = 64  # characters of the row that are kept, at most
SHOWN_NUMBERS = 64  # numbers of each of them


@dataclass(frozen=True, eq=False)
class Stage:
    """What left one part of the model."""

    part: str
    shape: tuple[int, ...]
    values: Tensor
    """(up to `SHOWN_PLACES`, up to `SHOWN_NUMBERS`): the first numbers of the first characters of one row; of the
    softmax all numbers."""

    pattern: Tensor | None = None
    """(nh, up to `SHOWN_PLACES`, the same), attention only: how much each character takes over
    from those up to it."""

    layer: int = 0
    """Counted from 1; 0 outside the layers."""


@torch.no_grad()
def follow(model: nn.Module, idx: Tensor, row: int = 0) -> list[Stage]:
    """Every stage of `model(idx)`, in order: the first layer in full, of the others what leaves them.

    Args:
        model: in eval mode.
        idx: (B, T) ids.
        row: whose values are kept.
    """
    n = SHOWN_PLACES
    return [
        Stage(
            part,
            tuple(x.shape),
            x[row, :n, :SHOWN_NUMBERS].clone() if part != "softmax" else x[row, :n].clone(),
            None if pattern is None else pattern[row, :, :n, :n].clone(),
            layer,
        )
        for part, layer, x, pattern in passed(model, idx)
    ]


Passed = tuple[str, int, Tensor, Tensor | None]


def passed(model: nn.Module, idx: Tensor) -> Iterator[Passed]:
    """(part, layer, what leaves it, attention's pattern): the lines of `forward` one by one, without dropout."""
    gpt = cast(GPT, model)  # TinyGPT has the same embedding and output layer
    x = gpt.token_embedding(idx)  # (B, T, C)
    yield "embedding", 0, x, None
    if hasattr(model, "blocks"):
        if gpt.position_embedding is not None:
            x = x + gpt.position_embedding.weight[: idx.size(1)]  # (B, T, C) + (T, C)
            yield "positions", 0, x, None
        for number, block in enumerate(gpt.blocks, start=1):
            if number == 1:
                for stage in passed_layer(cast(Block, block), x):
                    yield stage
                    x = stage[2] if not stage[0].startswith("norm") else x
            else:
                x = block(x)
                yield "layer", number, x, None
        x = gpt.final_norm(x)
        if gpt.config.norm != "none":
            yield "final_norm", 0, x, None
    logits = gpt.lm_head(x)  # (B, T, V)
    yield "output", 0, logits, None
    yield "softmax", 0, logits.softmax(-1), None


def passed_layer(block: Block, x: Tensor) -> Iterator[Passed]:
    """What happens inside the first layer; x is (B, T, C)."""
    normed = block.norm_1(x)
    if not isinstance(block.norm_1, nn.Identity):
        yield "norm_1", 1, normed, None
    found, pattern = block.attention.forward_with_pattern(normed)
    yield "attention", 1, found, pattern
    if block.residual:
        found = x + found
        yield "add_1", 1, found, None
    if block.mlp is None or block.norm_2 is None:
        return
    normed = block.norm_2(found)
    if not isinstance(block.norm_2, nn.Identity):
        yield "norm_2", 1, normed, None
    thought = block.mlp(normed)
    yield "mlp", 1, thought, None
    if block.residual:
        yield "add_2", 1, found + thought, None
