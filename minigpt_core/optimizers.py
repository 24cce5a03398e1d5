"""How the weights follow their gradients: the optimizers, and how the learning rate changes on the way."""

import math
from collections import defaultdict
from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor, nn

from minigpt_core.configs import TrainConfig
from minigpt_core.model import TinyGPT

ROUNDS = (
    (8.0934, -23.6204, 17.4462),
    (3.6366, -2.7219, 0.5365),
    (2.6613, -1.9772, 0.4526),
)
"""a, b, c of Muon's iteration: each round's are the best for what the one before it leaves over. A direction of 1/100
to 1 of the longest there can be comes to 0.73 to 1.27 (Polar Express, https://arxiv.org/abs/2505.16932, algorithm 1).
"""


def configure_optimizers(model: nn.Module, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """The optimizer that is asked for; for Muon two, one for the matrices inside the layers, one for the rest.

    Fused: one kernel call for all weights. Muon (https://kellerjordan.github.io/posts/muon/) takes the gradient's
    running mean of a matrix and makes all its directions equally long. Only a matrix that maps numbers to numbers
    has such directions; in embeddings and the output layer every row stands for a character and goes its own way.
    `match_rms_adamw` makes its steps as long as AdamW's, so that one learning rate and weight decay suit both
    (https://arxiv.org/abs/2502.16982, section 2.2).
    """
    hidden: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        inside = name.startswith("blocks.") and weight.ndim == 2
        (hidden if inside and config.optimizer == "muon" else others).append(weight)
    groups = param_groups(model, others, config.weight_decay)
    if config.optimizer == "sgd":
        return [SGD(groups, lr=config.learning_rate, fused=True)]
    betas = (config.beta1, config.beta2)
    adamw = AdamW(groups, lr=config.learning_rate, betas=betas, fused=True)
    if config.optimizer == "adamw":
        return [adamw]
    muon = Muon(
        hidden,
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        momentum=config.momentum,
        adjust_lr_fn="match_rms_adamw",
    )
    return [muon, adamw]


class Uncompiled(torch.optim.Optimizer):
    """The methods of torch's optimizers without what prepares them for torch.compile: at its first call that loads the
    compiler, 800 modules, a second and a half of a processor and 90 MB in every process that trains."""

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)


def bare(step: Callable[..., Any]) -> Any:
    """A method `step` as it is written, with nothing around it for torch's compiler and profiler: each call of the
    latter takes as long as half of AdamW's step for TinyGPT."""
    quick = torch.no_grad()(unwrap(step))
    quick.hooked = True  # torch takes it for wrapped already
    return quick


class AdamW(Uncompiled, torch.optim.AdamW):
    """`torch.optim.AdamW` in its fused kind, for weights that are all on one device: sorting them by device takes
    longer than what is calculated for TinyGPT."""

    @bare
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Move all weights once."""
        assert closure is None
        for group in self.param_groups:
            moments: tuple[list[Tensor], ...] = ([], [], [], [], [], [])
            self._init_group(group, *moments)
            weights, gradients, means, squares, largest, steps = moments
            if not weights:
                continue
            torch._foreach_add_(steps, 1)
            torch._fused_adamw_(
                weights, gradients, means, squares, largest, steps, lr=group["lr"], beta1=group["betas"][0],
                beta2=group["betas"][1], weight_decay=group["weight_decay"], eps=group["eps"], amsgrad=False,
                maximize=False,
            )  # fmt: skip


class SGD(Uncompiled, torch.optim.SGD):
    """`torch.optim.SGD`."""

    step = bare(torch.optim.SGD.step)


class Muon(Uncompiled, torch.optim.Muon):
    """`torch.optim.Muon` with a quicker iteration, in which all matrices of one shape go together."""

    @bare
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Move all weights once."""
        assert closure is None
        for group in self.param_groups:
            same_shape = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    same_shape[weight.shape].append(weight)
            for weights in same_shape.values():
                self._move(weights, group)

    def _move(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
        gradients = torch.stack([weight.grad for weight in weights if weight.grad is not None])
        means = [self.state[weight]["momentum_buffer"] for weight in weights]
        torch._foreach_lerp_(means, list(gradients), 1 - group["momentum"])
        updates = torch.stack(means)
        if group["nesterov"]:
            updates = gradients.lerp(updates, group["momentum"])
        updates = orthogonalize(updates, group["eps"])
        length = 0.2 * math.sqrt(max(weights[0].shape))  # `match_rms_adamw`
        torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(weights, list(updates), alpha=-group["lr"] * length)


def orthogonalize(matrices: Tensor, eps: float) -> Tensor:
    """Matrices, (n, rows, columns), whose directions are all about equally long: U S Vᵀ becomes U S' Vᵀ, S' near 1.

    Newton–Schulz iteration, X ← aX + b(XXᵀ)X + c(XXᵀ)²X: nothing but products
    (https://kellerjordan.github.io/posts/muon/). So all rounds together are P(XXᵀ) X with a polynomial P, and what
    they do stays with the small square XXᵀ; X itself is multiplied once.
    """
    tall = matrices.size(1) > matrices.size(2)
    x = matrices.mT if tall else matrices  # (n, rows, columns), rows <= columns
    gram = x @ x.mT  # (n, rows, rows)
    longest = gram.norm(dim=(1, 2), keepdim=True).clamp(min=eps**2)  # at least the square of X's longest
    gram = gram / longest
    product = factor = None
    for a, b, c in ROUNDS:
        if factor is not None:
            gram = factor @ gram @ factor  # XXᵀ after the round before
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        product = factor if product is None else factor @ product  # of all rounds so far
    assert product is not None
    x = product @ x / longest.sqrt()
    return x.mT if tall else x


def clip_gradients(weights: list[nn.Parameter], limit: float) -> Tensor:
    """The length of all gradients together, (), before they are shortened to `limit`; with a limit of 0 they stay.

    As `torch.nn.utils.clip_grad_norm_` does for weights on one device.
    """
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    if limit:
        share = limit / (length + 1e-6)
        if not share >= 1:  # nor if it is not a number: then all of them become so
            torch._foreach_mul_(gradients, share)
    return length


def param_groups(model: nn.Module, weights: list[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """The weights with their decay. In a GPT only matrices are pulled towards 0, as in nanoGPT: a constant or the
    scale of a norm has no reason to be small. In TinyGPT all are, as in the notebook."""
    if isinstance(model, TinyGPT):
        return [{"params": weights, "weight_decay": weight_decay}]
    return [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]


def lr_multiplier(config: TrainConfig, step: int) -> float:
    """Share of the learning rate that is in force for the step after `step` ones, above 0 to 1.

    It rises in a straight line for `warmup_steps`; then a falling schedule comes down to `min_lr_share` at `steps`
    (SGDR's half cosine, https://arxiv.org/abs/1608.03983, equation 5, or a straight line).
    """
    if step < config.warmup_steps:
        return (step + 1) / (config.warmup_steps + 1)
    if config.schedule == "constant":
        return 1.0
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)  # 0 to 1
    left = 0.5 * (1 + math.cos(math.pi * progress)) if config.schedule == "cosine" else 1 - progress
    return config.min_lr_share + (1 - config.min_lr_share) * left


def state_dict(optimizers: list[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """The running averages of all optimizers as `<number of the weight>.<name>`; the numbers run on from one
    optimizer to the next."""
    tensors: dict[str, Tensor] = {}
    for first, optimizer in numbered(optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"{first + index}.{name}": value for name, value in moments.items()}
    return tensors


def load_state_dict(optimizers: list[torch.optim.Optimizer], tensors: dict[str, Tensor]) -> None:
    """The inverse of `state_dict`."""
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".", 1)
        moments.setdefault(int(number), {})[name] = value.clone()  # the optimizer writes into it
    for first, optimizer in numbered(optimizers):
        saved = optimizer.state_dict()
        count = sum(len(group["params"]) for group in optimizer.param_groups)
        saved["state"] = {index: moments[first + index] for index in range(count) if first + index in moments}
        optimizer.load_state_dict(saved)


def mean_gradients(optimizers: list[torch.optim.Optimizer]) -> dict[nn.Parameter, Tensor]:
    """What AdamW's last step followed: for each weight that it moves, the running mean of its gradients, free of the
    zeros that it began with (https://arxiv.org/abs/1711.05101, algorithm 2, line 9).

    What Muon and SGD move is not among them.
    """
    return {
        weight: moments["exp_avg"] / (1 - group["betas"][0] ** moments["step"].item())
        for optimizer in optimizers
        if isinstance(optimizer, torch.optim.AdamW)
        for group in optimizer.param_groups
        for weight in group["params"]
        if (moments := optimizer.state.get(weight))
    }


def numbered(optimizers: list[torch.optim.Optimizer]) -> list[tuple[int, torch.optim.Optimizer]]:
    """Each optimizer with the number of its first weight."""
    firsts, first = [], 0
    for optimizer in optimizers:
        firsts.append(first)
        first += sum(len(group["params"]) for group in optimizer.param_groups)
    return list(zip(firsts, optimizers, strict=True))
