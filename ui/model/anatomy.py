"""A configuration taken apart: which parts it has, their tensors, and what each of them costs.

Letters as in `minigpt_core.model`: B sequences, T characters, C numbers a character, nh heads, V characters in the
vocabulary.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch

from minigpt_core.model import ModelConfig, build_model

Shape = tuple[int, ...]

BYTES = 4  # of a float32
ADAMW_AVERAGES = (
    2  # numbers that AdamW keeps for each parameter: the mean of its gradients, and of their squares
)
IN_LAYERS = ("norm_1", "attention", "add_1", "norm_2", "mlp", "add_2")
PLACES = (  # where each part's parameters stand in the model, by the beginning of their names
    ("embedding", "token_embedding."),
    ("positions", "position_embedding."),
    ("norm_1", "norm_1."),
    ("attention", "attention."),
    ("norm_2", "norm_2."),
    ("mlp", "mlp."),
    ("final_norm", "final_norm."),
    ("output", "lm_head."),
)


@dataclass(frozen=True)
class Part:
    """One part of a model. Parts inside a layer are counted over all layers."""

    name: str
    shape: Shape
    """Of the tensor that leaves it, for the batch it was asked for."""

    weights: tuple[tuple[str, Shape], ...] = ()
    """Its parameters, those of the first layer for a part that every layer has."""

    parameters: int = 0
    operations: int = 0
    """Multiplications and additions of its matrix products for one character, forward."""

    there: bool = True
    """Whether the configuration has it; if not, it lets everything through as it is."""


@lru_cache(maxsize=64)
def parts(config: ModelConfig, batch_size: int) -> dict[str, Part]:
    """All parts in the order in which a batch passes through them, by name."""
    B, T, C = batch_size, config.block_size, config.n_embd
    weights, counts = weights_of(config)
    layers, mlp = config.n_layer > 0, config.mlp != "none"
    there = {
        "positions": config.positions != "none",
        "layer": layers,
        "norm_1": layers and config.norm != "none",
        "attention": layers,
        "add_1": layers and config.residual,
        "norm_2": mlp and config.norm != "none",
        "mlp": mlp,
        "add_2": mlp and config.residual,
        "final_norm": layers and config.norm != "none",
    }
    names = ("characters", "embedding", *there, "output", "softmax")
    shapes = {"characters": (B, T), "output": (B, T, config.vocab_size), "softmax": (B, T, config.vocab_size)}
    return {
        name: Part(
            name,
            shapes.get(name, (B, T, C)),
            weights.get(name, ()),
            counts.get(name, 0),
            operations(config).get(name, 0),
            there.get(name, True),
        )
        for name in names
    }


def weights_of(config: ModelConfig) -> tuple[dict[str, tuple[tuple[str, Shape], ...]], dict[str, int]]:
    """For each part the names and shapes of its parameters (of the first layer), and how many there are in all."""
    with torch.device("meta"):
        model = build_model(config)
    weights: dict[str, tuple[tuple[str, Shape], ...]] = {}
    counts: dict[str, int] = {}
    for full_name, weight in model.named_parameters():  # a tied matrix comes once, as the embedding
        layer, inside = split_name(full_name)
        part = next(part for part, begin in PLACES if inside.startswith(begin))
        counts[part] = counts.get(part, 0) + weight.numel()
        if layer == 0:
            weights[part] = (*weights.get(part, ()), (inside, tuple(weight.shape)))
    return weights, counts


def split_name(name: str) -> tuple[int, str]:
    """ "blocks.2.mlp.c_fc.weight" → (2, "mlp.c_fc.weight"); what is outside the layers counts as the first."""
    if not name.startswith("blocks."):
        return 0, name
    _blocks, layer, inside = name.split(".", 2)
    return int(layer), inside


def operations(config: ModelConfig) -> dict[str, int]:
    """Floating-point operations of the matrix products for one character, forward, by part.

    2 for each weight (a multiplication and an addition). Attention also multiplies queries with the keys of T
    characters, and the pattern with their values: 2 · 2 · T · C (https://arxiv.org/abs/2204.02311, appendix B, a third
    of what it counts for a training step). Norms, activations and softmax come on top: they multiply no matrices.
    """
    C, n_layer = config.n_embd, config.n_layer
    return {
        "attention": n_layer * (2 * 4 * C * C + 2 * 2 * config.block_size * C),
        "mlp": n_layer * 2 * 8 * C * C if config.mlp != "none" else 0,
        "output": 2 * C * config.vocab_size,
    }


def total_parameters(config: ModelConfig) -> int:
    """How many numbers training adjusts."""
    return sum(part.parameters for part in parts(config, 1).values())


def total_operations(config: ModelConfig) -> int:
    """Floating-point operations for one character, forward."""
    return sum(operations(config).values())


@dataclass(frozen=True)
class Memory:
    """Bytes of what a training keeps for some parameters; the numbers in between of a batch come on top."""

    weights: int
    gradients: int
    optimizer: int

    @property
    def total(self) -> int:
        """All three together."""
        return self.weights + self.gradients + self.optimizer


def memory(parameters: int) -> Memory:
    """What a training with AdamW keeps."""
    weights = BYTES * parameters
    return Memory(weights, weights, ADAMW_AVERAGES * weights)


def size_of(shape: Shape) -> int:
    """How many numbers a tensor of this shape has."""
    return math.prod(shape)
