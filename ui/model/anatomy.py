"""A configuration taken apart: which parts it has, their tensors, and what each of them costs.

Letters as in `minigpt_core.model`: B sequences, T characters, C numbers a character, nh heads, V characters in the
vocabulary.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.model import build_model

Shape = tuple[int, ...]

BYTES = 4  # of a float32
AVERAGES = {  # numbers that an optimizer keeps for each parameter, and for each of a matrix inside the layers
    "adamw": (2, 2),  # the mean of its gradients, and of their squares
    "muon": (2, 1),  # matrices inside the layers: the mean alone; the others have AdamW
    "sgd": (0, 0),
}
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
class Memory:
    """Bytes that a training keeps from the begin of a step to its end."""

    weights: int = 0
    gradients: int = 0
    optimizer: int = 0
    batch: int = 0
    """What was calculated on the way forward and is needed on the way back."""

    @property
    def total(self) -> int:
        """All together."""
        return self.weights + self.gradients + self.optimizer + self.batch

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(
            self.weights + other.weights,
            self.gradients + other.gradients,
            self.optimizer + other.optimizer,
            self.batch + other.batch,
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

    memory: Memory = Memory()
    there: bool = True
    """Whether the configuration has it; if not, it lets everything through as it is."""


@lru_cache(maxsize=64)
def parts(config: ModelConfig, batch_size: int, optimizer: str = "adamw") -> dict[str, Part]:
    """All parts in the order in which a batch passes through them, by name."""
    B, T, C = batch_size, config.block_size, config.n_embd
    weights, counts, matrices = weights_of(config)
    saved = kept_numbers(config, batch_size)
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
            memory(counts.get(name, 0), matrices.get(name, 0), optimizer, saved.get(name, 0)),
            there.get(name, True),
        )
        for name in names
    }


Counts = dict[str, int]


def weights_of(config: ModelConfig) -> tuple[dict[str, tuple[tuple[str, Shape], ...]], Counts, Counts]:
    """For each part the names and shapes of its parameters (of the first layer), how many there are in all, and how
    many of them stand in matrices inside the layers."""
    with torch.device("meta"):
        model = build_model(config)
    weights: dict[str, tuple[tuple[str, Shape], ...]] = {}
    counts: Counts = {}
    matrices: Counts = {}
    for full_name, weight in model.named_parameters():  # a tied matrix comes once, as the embedding
        layer, inside = split_name(full_name)
        part = next(part for part, begin in PLACES if inside.startswith(begin))
        counts[part] = counts.get(part, 0) + weight.numel()
        if full_name != inside and weight.ndim == 2:
            matrices[part] = matrices.get(part, 0) + weight.numel()
        if layer == 0:
            weights[part] = (*weights.get(part, ()), (inside, tuple(weight.shape)))
    return weights, counts, matrices


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


def memory(parameters: int, matrices: int, optimizer: str, kept: int) -> Memory:
    """Of one part.

    Args:
        matrices: how many of the parameters stand in matrices inside the layers.
        kept: numbers of the batch.
    """
    elsewhere, inside = AVERAGES[optimizer]
    averages = elsewhere * (parameters - matrices) + inside * matrices
    return Memory(BYTES * parameters, BYTES * parameters, BYTES * averages, BYTES * kept)


def total_memory(parts: Mapping[str, Part]) -> Memory:
    """Of all parts."""
    return sum((part.memory for part in parts.values()), Memory())


def kept_numbers(config: ModelConfig, batch_size: int) -> dict[str, int]:
    """How many numbers of a batch each part keeps for the way back, over all layers, as PyTorch does on a processor.

    A linear layer keeps what enters it, a norm too, an activation what enters it and what leaves it, dropout which
    numbers it has let through. An id counts as two numbers: it has 8 bytes. A test compares with PyTorch itself.
    """
    N, C, V = batch_size * config.block_size, config.n_embd, config.vocab_size
    n_layer, mask = config.n_layer, N * C if config.dropout else 0
    norm = {"none": 0, "layernorm": N * C + 2 * N, "rmsnorm": 2 * N * C + N}[config.norm]
    mlp = {"none": 0, "gelu": 9 * N * C + mask, "relu2": 13 * N * C + mask}[config.mlp]
    return {
        "embedding": 2 * N + mask,
        "norm_1": n_layer * norm,
        "attention": n_layer * (_kept_by_attention(config, N) + mask),
        "norm_2": n_layer * norm if config.mlp != "none" else 0,
        "mlp": n_layer * mlp,
        "final_norm": norm if n_layer else 0,
        "output": N * C,
        "softmax": N * V + 2 * N,
    }


def _kept_by_attention(config: ModelConfig, N: int) -> int:
    """Numbers that one layer's attention keeps of N characters.

    Its fast kernel keeps queries, keys, values, its result and one number a head: never the pattern. It knows no
    dropout; with it, the pattern is kept three times: after the softmax, which of it was let through, and the rest.
    """
    NC, heads = N * config.n_embd, N * config.n_head
    patterns = heads * config.block_size
    kept = 5 * NC + (3 * patterns if config.dropout else heads)
    rotary = config.positions == "rotary"
    if config.qk_norm:
        kept += 2 * heads + (2 if not config.dropout or rotary else 3) * NC
    return kept + (3 * NC if rotary and not config.dropout else 0)


def size_of(shape: Shape) -> int:
    """How many numbers a tensor of this shape has."""
    return math.prod(shape)
