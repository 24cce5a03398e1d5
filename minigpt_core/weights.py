"""Where a model's weights come from, and how many there are: drawn from a seed, given, or only counted."""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from minigpt_core.configs import ModelConfig
from minigpt_core.model import build_model
from minigpt_core.random_numbers import RandomNumbers

PART_OF_MODULE = {  # the part of the model that each of its modules belongs to
    "token_embedding": "embedding",
    "token_shift": "embedding",
    "position_embedding": "positions",
    "norm_1": "norm_1",
    "attention": "attention",
    "norm_2": "norm_2",
    "mlp": "mlp",
    "final_norm": "final_norm",
    "lm_head": "output",
}


def fresh_model(config: ModelConfig, seed: int) -> nn.Module:
    """The model with which a training with this seed begins, ready to predict."""
    with RandomNumbers.seeded(seed).lent():
        return build_model(config).eval()


def load_model(config: ModelConfig, weights: dict[str, Tensor]) -> nn.Module:
    """The model that a configuration describes, with these weights by name, ready to predict. None are drawn."""
    with WithoutDrawing():
        model = build_model(config)
    model.load_state_dict(weights)
    return model.eval()


def count_parameters(model: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(p.numel() for p in model.parameters())


def fingerprint(model: nn.Module) -> str:
    """Eight characters that change with any bit of any number of the model: the beginning of a SHA-256."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:8]


def parameters_of(config: ModelConfig) -> int:
    """How many numbers training adjusts in such a model, without making room for them."""
    return sum(part.count for part in parameters_by_part(config).values())


@dataclass(frozen=True)
class PartParameters:
    """What training adjusts in one part of a model, over all layers."""

    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Name and shape of each tensor; those of the first layer for a part that every layer has."""

    count: int = 0
    hidden_matrices: int = 0
    """How many of them stand in matrices inside the layers: those that Muon trains."""


@lru_cache(maxsize=256)
def parameters_by_part(config: ModelConfig) -> dict[str, PartParameters]:
    """The parameters of each part that has any. All layers are alike: one is looked at, without its numbers.

    On the meta device a tensor has a shape and no numbers. Nothing is calculated there: torch would first load its
    compiler, which takes a second.
    """
    with torch.device("meta"), WithoutDrawing():
        model = build_model(replace(config, n_layer=min(config.n_layer, 1)))
    parts: dict[str, PartParameters] = {}
    for name, parameter in model.named_parameters():  # a tied matrix comes once, as the embedding
        inside = name.removeprefix("blocks.0.")
        layers = 1 if inside == name else config.n_layer
        part = PART_OF_MODULE[inside.split(".")[0]]
        before, count = parts.get(part, PartParameters()), layers * parameter.numel()
        parts[part] = PartParameters(
            (*before.shapes, (inside, tuple(parameter.shape))),
            before.count + count,
            before.hidden_matrices + (count if inside != name and parameter.ndim == 2 else 0),
        )
    return parts


class WithoutDrawing(TorchFunctionMode):
    """Inside, new weights are not drawn."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
