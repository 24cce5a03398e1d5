"""How the weights follow their gradients: the optimizers, and how the learning rate changes on the way."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from minigpt_core.model import TinyGPT

OPTIMIZERS = ("adamw", "sgd", "muon")
SCHEDULES = ("constant", "cosine", "linear")


def make(
    name: str, model: nn.Module, *, learning_rate: float, weight_decay: float, betas: tuple[float, float]
) -> list[torch.optim.Optimizer]:
    """The optimizer called `name`; for Muon two, one for the matrices inside the layers, one for the rest.

    Fused: one kernel call for all weights. Muon (https://kellerjordan.github.io/posts/muon/) takes the gradient's
    running mean of a matrix and makes all its directions equally long. Only a matrix that maps numbers to numbers
    has such directions; in embeddings and the output layer every row stands for a character and goes its own way.
    `match_rms_adamw` makes its steps as long as AdamW's, so that one learning rate and weight decay suit both
    (https://arxiv.org/abs/2502.16982, section 2.2).
    """
    hidden: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for weight_name, weight in model.named_parameters():
        inside = weight_name.startswith("blocks.") and weight.ndim == 2
        (hidden if inside and name == "muon" else others).append(weight)
    groups = weight_groups(model, others, weight_decay)
    if name == "sgd":
        return [torch.optim.SGD(groups, lr=learning_rate, fused=True)]
    adamw = torch.optim.AdamW(groups, lr=learning_rate, betas=betas, fused=True)
    if name == "adamw":
        return [adamw]
    muon = torch.optim.Muon(
        hidden, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
    )
    return [muon, adamw]


def weight_groups(model: nn.Module, weights: list[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """The weights with their decay. In a GPT only matrices are pulled towards 0, as in nanoGPT: a constant or the
    scale of a norm has no reason to be small. In TinyGPT all are, as in the notebook."""
    if isinstance(model, TinyGPT):
        return [{"params": weights, "weight_decay": weight_decay}]
    return [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]


def schedule_share(schedule: str, step: int, steps: int, warmup_steps: int, min_share: float) -> float:
    """Share of the learning rate that is in force for the step after `step` ones, above 0 to 1.

    It rises in a straight line for `warmup_steps`; then a falling schedule comes down to `min_share` at `steps`
    (SGDR's half cosine, https://arxiv.org/abs/1608.03983, equation 5, or a straight line).
    """
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    if schedule == "constant":
        return 1.0
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)  # 0 to 1
    left = 0.5 * (1 + math.cos(math.pi * progress)) if schedule == "cosine" else 1 - progress
    return min_share + (1 - min_share) * left


def state(optimizers: list[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """The running averages of all optimizers as `<number of the weight>.<name>`; the numbers run on from one
    optimizer to the next."""
    tensors: dict[str, Tensor] = {}
    for first, optimizer in numbered(optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"{first + index}.{name}": value for name, value in moments.items()}
    return tensors


def load_state(optimizers: list[torch.optim.Optimizer], tensors: dict[str, Tensor]) -> None:
    """The inverse of `state`."""
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".", 1)
        moments.setdefault(int(number), {})[name] = value.clone()  # the optimizer writes into it
    for first, optimizer in numbered(optimizers):
        saved = optimizer.state_dict()
        count = sum(len(group["params"]) for group in optimizer.param_groups)
        saved["state"] = {index: moments[first + index] for index in range(count) if first + index in moments}
        optimizer.load_state_dict(saved)


def numbered(optimizers: list[torch.optim.Optimizer]) -> list[tuple[int, torch.optim.Optimizer]]:
    """Each optimizer with the number of its first weight."""
    firsts, first = [], 0
    for optimizer in optimizers:
        firsts.append(first)
        first += sum(len(group["params"]) for group in optimizer.param_groups)
    return list(zip(firsts, optimizers, strict=True))
