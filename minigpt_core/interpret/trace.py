"""A row of characters on its way through a model: what leaves each part of it, and a glimpse of its values.

Letters as in `minigpt_core.model`: B sequences, T characters, C numbers a character, nh heads, V characters in the
vocabulary.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.interpret.anatomy import model_parts

SHOWN_PLACES = 64  # characters of the row that are kept, at most
SHOWN_NUMBERS = 64  # numbers of each of them
FIRST_LAYER = {  # parts of a layer, as in `anatomy.py`, and what leaves them, as in `activations.py`
    "norm_1": "norm_1",
    "attention": "attn_out",
    "add_1": "resid_mid",
    "norm_2": "norm_2",
    "mlp": "mlp_out",
    "add_2": "resid_post",
}
SHOWN = ("embed", "token_shift", "final_norm", "resid_post")  # of everything outside the first layer


@dataclass(frozen=True, eq=False)
class Stage:
    """What left one part of the model."""

    part: str
    """As in `anatomy.model_parts`; `layer` for what left a whole layer."""

    shape: tuple[int, ...]
    """Of the tensor for the whole batch."""

    values: NDArray[np.float32]
    """(up to `SHOWN_PLACES`, up to `SHOWN_NUMBERS`): the first numbers of the first characters of one row; of the
    softmax all numbers."""

    pattern: NDArray[np.float32] | None = None
    """(nh, up to `SHOWN_PLACES`, the same), attention only: how much each character takes over
    from those up to it."""

    layer: int = 0
    """Counted from 1; 0 outside the layers."""


@torch.no_grad()
def trace(model: nn.Module, idx: Tensor, row: int = 0) -> list[Stage]:
    """Every stage of one row on its way, in order: the first layer in full, of the others what leaves them.

    Args:
        model: in eval mode.
        idx: (B, T) ids.
        row: the one that is followed. No row knows of the others.
    """
    logits, cache = run_with_cache(model, idx[row : row + 1], keep=is_shown)
    config, n = cache.config, SHOWN_PLACES
    parts = model_parts(config, len(idx))
    stages: list[Stage] = []

    def add(part: str, x: Tensor, layer: int = 0, pattern: Tensor | None = None) -> None:
        values = x[0, :n] if part == "softmax" else x[0, :n, :SHOWN_NUMBERS]
        kept = None if pattern is None else pattern[0, :, :n, :n].clone().numpy()
        stages.append(Stage(part, (len(idx), *x.shape[1:]), values.clone().numpy(), kept, layer))

    x = cache["embed"] + cache["token_shift"] if "token_shift" in cache else cache["embed"]
    add("embedding", x)
    if "pos_embed" in cache:
        add("positions", x + cache["pos_embed"])
    for part, name in FIRST_LAYER.items():
        if parts[part].present:
            add(
                part, cache.layer(name, 0), 1, cache["blocks.0.attn.pattern"] if part == "attention" else None
            )
    for layer in range(1, config.n_layer):
        add("layer", cache.layer("resid_post", layer), layer + 1)
    if parts["final_norm"].present:
        add("final_norm", cache["final_norm"])
    add("output", logits)
    add("softmax", logits.softmax(-1))
    return stages


def is_shown(name: str) -> bool:
    """Whether an activation is one of those that stages show."""
    first, _, inside = name.partition("blocks.0.")
    return inside in (*FIRST_LAYER.values(), "attn.pattern") if inside else first.endswith(SHOWN)
