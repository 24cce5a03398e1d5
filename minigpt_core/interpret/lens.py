"""The logit lens: what a model would guess if it ended at an earlier point.

Letters in the shape comments: B sequences in a batch, T characters in a sequence, V characters in the vocabulary, W
windows of text, P points of the residual stream, k best guesses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig
from minigpt_core.evaluation import guessed_right
from minigpt_core.interpret.activations import ActivationCache, config_of, run_with_cache
from minigpt_core.model import GPT
from minigpt_core.sampling import check_logits

TOP = 5  # guesses that are kept of each point


def lens_points(config: ModelConfig, *, within_layers: bool = False) -> tuple[str, ...]:
    """The names of the residual stream at which one can look: after the embedding and after each layer.

    Args:
        within_layers: also between attention and MLP, where a layer has both.
    """
    if config.n_layer == 0:
        return ("embed",)
    points = ["blocks.0.resid_pre"]
    for layer in range(config.n_layer):
        if within_layers and config.mlp != "none":
            points.append(f"blocks.{layer}.resid_mid")
        points.append(f"blocks.{layer}.resid_post")
    return tuple(points)


@torch.no_grad()
def logit_lens(model: nn.Module, cache: ActivationCache, points: tuple[str, ...] | None = None) -> Tensor:
    """What the model would predict if it ended there: the final norm, then the output layer, on the residual stream.

    "interpreting GPT: the logit lens" (nostalgebraist, 2020, https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru). The
    layers were never trained to be read like this, so an early row can be unreadable without being empty ("Eliciting
    Latent Predictions from Transformers with the Tuned Lens", https://arxiv.org/abs/2303.08112, section 2).

    Returns:
        (P, B, T, V) scores, one row for each of the `points` (None: `lens_points`). The last row is the logits.
    """
    names = points or lens_points(cache.config)
    if cache.config.n_layer == 0:  # positions, if any, stand between the embedding and the output layer
        return torch.stack([cache["logits"] for _name in names])
    gpt = cast(GPT, model)
    return torch.stack([gpt.lm_head(gpt.final_norm(cache[name])) for name in names])


@dataclass(frozen=True, eq=False)
class LensGuesses:
    """The best guesses of the lens at each point, for each character of one text: k of them."""

    points: tuple[str, ...]
    ids: NDArray[np.int64]
    """(P, T, k), the best guess first."""

    probabilities: NDArray[np.float32]
    """(P, T, k)"""

    settled: tuple[int, ...]
    """For each character the first point from which the best guess stays what it is at the end."""

    tied: NDArray[np.bool_]
    """(P, T), whether other characters have exactly the same score as the best guess: it is none then."""


@torch.no_grad()
def lens_guesses(
    model: nn.Module, ids: Sequence[int], *, within_layers: bool = False, top: int = TOP
) -> LensGuesses:
    """What the model would guess after each character of a text if it ended at each point.

    The scores of one point after the other are looked at: V for each character is all that is in memory at once.

    Args:
        model: in eval mode.
        ids: of the T characters, at most `block_size`.
        within_layers: see `lens_points`.
        top: k, how many guesses are kept.

    Raises:
        UserError: the scores are not numbers (the training diverged).
    """
    points = lens_points(config_of(model), within_layers=within_layers)
    logits, cache = run_with_cache(model, torch.tensor([list(ids)]), keep={*points, "logits"}.__contains__)
    check_logits(logits)
    best, tied = [], []
    for point in points:
        scores = logit_lens(model, cache, (point,))[0, 0]  # (T, V)
        best.append(scores.softmax(-1).topk(min(top, scores.size(-1)), dim=-1))
        tied.append((scores == scores.amax(-1, keepdim=True)).sum(-1) > 1)  # (T,)
    guesses, probabilities = torch.stack([b.indices for b in best]), torch.stack([b.values for b in best])
    equals = torch.stack(tied)  # (P, T)
    settled = settled_at(guesses[..., 0], equals)
    return LensGuesses(points, guesses.numpy(), probabilities.numpy(), settled, equals.numpy())


def settled_at(best: Tensor, tied: Tensor) -> tuple[int, ...]:
    """The first point from which the best guess, (P, T) ids, never changes again, for each character.

    Where several were as good (`tied`, (P, T) bool), nothing was guessed yet.
    """
    differs = (best != best[-1]) | tied  # (P, T)
    differs[-1] = False
    rows = torch.arange(1, len(best) + 1)[:, None]
    return tuple((differs * rows).amax(dim=0).tolist())


@dataclass(frozen=True)
class LensScores:
    """How good the guesses at each point of the residual stream are."""

    points: tuple[str, ...]
    losses: tuple[float, ...]
    """Mean cross-entropy, in nats per character."""

    right: tuple[float, ...]
    """Share of the characters that were the best guess; equally good guesses share it."""

    characters: int
    """How many were guessed."""


@torch.no_grad()
def measure_lens(model: nn.Module, x: Tensor, y: Tensor, chunk: int = 8) -> LensScores:
    """Measure the lens on whole windows of text.

    Args:
        x: (W, T) what the model is given.
        y: (W, T) what really comes next.
        chunk: windows calculated at once.
    """
    points = lens_points(config_of(model))
    loss, right = torch.zeros(2, len(points), dtype=torch.float64)
    for few, targets in zip(x.split(chunk), y.split(chunk), strict=True):
        _logits, cache = run_with_cache(model, few, keep={*points, "logits"}.__contains__)
        for row, point in enumerate(points):
            logits = logit_lens(model, cache, (point,))[0]  # (B, T, V)
            loss[row] += F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").double()
            right[row] += guessed_right(logits, targets).sum()
    return LensScores(
        points, tuple((loss / y.numel()).tolist()), tuple((right / y.numel()).tolist()), y.numel()
    )
