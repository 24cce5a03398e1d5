"""A model of every rung, as the tests of what writes and of what reads use them."""

import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.model import build_model

V, T = 11, 12
ALL_RUNGS = [rung.name for rung in (*RUNGS, *MODERN)]
WITH_LAYERS = ALL_RUNGS[1:]


def rung_model(name: str) -> torch.nn.Module:
    """A model of a rung whose parts all do something: weights of a size at which its texts vary."""
    torch.manual_seed(7)
    fields = settings_up_to(name)[0]
    size = (
        0.1 if fields.get("n_layer", 0) > 1 and "norm" not in fields else 0.3
    )  # nothing brings them back to scale
    model = build_model(ModelConfig(vocab_size=V, block_size=T, n_embd=16, **fields))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * size)
    return model.eval()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
