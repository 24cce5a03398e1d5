"""A configuration taken apart: which parts it has, the tensors that leave them, and what each of them costs.

Letters as in `minigpt_core.model`: B sequences, T characters, C numbers a character, V characters in the vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from minigpt_core.configs import ModelConfig
from minigpt_core.memory import TrainingMemory, memory_by_part
from minigpt_core.weights import PartParameters, parameters_by_part, parameters_of

Shape = tuple[int, ...]

IN_LAYERS = ("norm_1", "attention", "add_1", "norm_2", "mlp", "add_2")
LARGEST_FORWARD = 3_000_000_000  # operations of a forward pass that a page waits for
MOST_PARAMETERS = 5_000_000


@dataclass(frozen=True)
class ModelPart:
    """One part of a model. Parts inside a layer are counted over all layers."""

    name: str
    shape: Shape
    """Of the tensor that leaves it, for the batch it was asked for."""

    parameters: PartParameters
    flops: int
    """Multiplications and additions of its matrix products for one character, forward."""

    memory: TrainingMemory
    present: bool
    """Whether the configuration has it; if not, it lets everything through as it is."""


@lru_cache(maxsize=64)
def model_parts(config: ModelConfig, batch_size: int, optimizer: str = "adamw") -> dict[str, ModelPart]:
    """All parts in the order in which a batch passes through them, by name."""
    B, T, C, V = batch_size, config.block_size, config.n_embd, config.vocab_size
    parameters, flops = parameters_by_part(config), flops_by_part(config)
    memory = memory_by_part(config, batch_size, optimizer)
    layers, mlp = config.n_layer > 0, config.mlp != "none"
    present = {
        "characters": True,
        "embedding": True,
        "positions": config.positions != "none",
        "layer": layers,
        "norm_1": layers and config.norm != "none",
        "attention": layers,
        "add_1": layers and config.residual,
        "norm_2": mlp and config.norm != "none",
        "mlp": mlp,
        "add_2": mlp and config.residual,
        "final_norm": layers and config.norm != "none",
        "output": True,
        "softmax": True,
    }
    shapes = {"characters": (B, T), "output": (B, T, V), "softmax": (B, T, V)}
    return {
        name: ModelPart(
            name,
            shapes.get(name, (B, T, C)),
            parameters.get(name, PartParameters()),
            flops.get(name, 0),
            memory.get(name, TrainingMemory()),
            there,
        )
        for name, there in present.items()
    }


def flops_by_part(config: ModelConfig) -> dict[str, int]:
    """Floating-point operations of the matrix products for one character, forward.

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


def total_memory(parts: Mapping[str, ModelPart]) -> TrainingMemory:
    """Of all parts."""
    return sum((part.memory for part in parts.values()), TrainingMemory())


def too_large_to_trace(config: ModelConfig) -> bool:
    """Whether a forward pass of one row, which is all that is followed, takes longer than a page can wait for."""
    flops = sum(flops_by_part(config).values()) * config.block_size
    return flops > LARGEST_FORWARD or parameters_of(config) > MOST_PARAMETERS
