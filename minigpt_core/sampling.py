"""From a model's scores to a text: `generate`, and below it the pure functions that it is made of.

V stands for the number of characters in the vocabulary, T for the length of the context.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from minigpt_core.configs import SampleSettings
from minigpt_core.errors import UserError
from minigpt_core.model import LayerCache
from minigpt_core.tokenizer import CharTokenizer


@torch.inference_mode()
def generate(
    model: nn.Module,
    idx: Tensor,
    length: int,
    block_size: int,
    *,
    generator: torch.Generator,
    settings: SampleSettings = SampleSettings(),
) -> Tensor:
    """Write `length` characters, one at a time: predict, draw, append, repeat.

    `generation.streaming` writes the same text faster and hands it out while it grows.

    Args:
        model: any model of `model.py`; it is left in `eval()` mode.
        idx: (T,) ids of the prompt, at least one.
        length: how many characters to draw.
        block_size: how many of the last characters the model is shown.
        generator: where the random numbers come from.
        settings: temperature, top-k and top-p.

    Returns:
        (T + length,) the prompt and what comes after it.
    """
    model.eval()  # no dropout
    for _ in range(length):
        context = idx[-block_size:]  # (T,) the model sees no further
        logits, _loss = model(context[None])  # (1, T, V)
        step = sample_next(logits[0, -1], generator, settings)  # from (V,) scores
        idx = torch.cat([idx, torch.tensor([step.token])])
    return idx


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleStep:
    """One character drawn, with everything that led to it."""

    token: int
    probabilities: Tensor
    """(V,) float64, after temperature, top-k and top-p: what the character was drawn from."""

    logits: Tensor
    """(V,) float64, the model's scores."""

    u: float
    """The random number in [0, 1) that landed on the cumulative bar."""

    @property
    def probability(self) -> float:
        """How likely the drawn character was."""
        return float(self.probabilities[self.token])


def sample_next(
    logits: Tensor, generator: torch.Generator, settings: SampleSettings = SampleSettings()
) -> SampleStep:
    """Draw one character: a random number u in [0, 1) lands on a bar made of all probabilities, laid end to end.

    The notebook writes the same in one line, `torch.multinomial(F.softmax(logits, -1), 1)`; with the same seed that
    line picks other characters, because it consumes its random numbers differently.

    Args:
        logits: (V,) the model's scores for the next character.
        generator: where u comes from; one number is taken.
        settings: temperature, top-k and top-p; the usual ones draw from the model's own distribution.
    """
    logits = logits.detach().to("cpu", torch.float64)
    probabilities = next_probabilities(logits, settings)
    u = torch.rand(1, generator=generator, dtype=torch.float64).item()
    return SampleStep(token=token_at(probabilities, u), probabilities=probabilities, logits=logits, u=u)


def next_probabilities(logits: Tensor, settings: SampleSettings) -> Tensor:
    """The distribution that the next character is drawn from.

    Args:
        logits: (V,) scores; -inf forbids a character.
        settings: temperature first, then top-k, then top-p, as GPT-2's sampler did.

    Returns:
        (V,) float64, sums to 1. At temperature 0 all of it is on the likeliest character (the lowest id of equals).

    Raises:
        UserError: the scores are not numbers (the training diverged).
    """
    scores = logits.detach().to("cpu", torch.float64)
    if not torch.isfinite(scores.max()):  # NaN is the maximum of any scores that hold one
        raise diverged_error()
    scores = scores - scores.max()  # softmax does not change, and exp() cannot overflow
    if settings.temperature == 0:
        return torch.zeros_like(scores).index_fill(0, scores.argmax(), 1.0)
    scores = scores / settings.temperature
    if settings.top_p == 1 and not 0 < settings.top_k < len(scores):
        return scores.softmax(-1)
    order = scores.sort(descending=True, stable=True).indices  # equals stay in id order
    if 0 < settings.top_k < len(scores):
        scores[order[settings.top_k :]] = -torch.inf
    probabilities = scores.softmax(-1)
    if settings.top_p < 1:
        before = probabilities[order].cumsum(-1) - probabilities[order]  # reached without this one
        probabilities[order[before >= settings.top_p]] = 0.0
    return probabilities / probabilities.sum()


def token_at(probabilities: Tensor, u: float) -> int:
    """The first id, in id order, whose cumulative probability exceeds u.

    Args:
        probabilities: (V,) float64.
        u: in [0, 1).
    """
    return int(tokens_at(probabilities, torch.tensor([u], dtype=torch.float64)))


def tokens_at(probabilities: Tensor, u: Tensor) -> Tensor:
    """The same for many random numbers on one bar: (N,) float64 -> (N,) ids."""
    cumulative = probabilities.cumsum(-1)
    last_possible = int(probabilities.nonzero().max())
    # rounding may leave the bar's end just below 1: u beyond it falls on the last character that can be drawn
    return torch.searchsorted(cumulative, u, right=True).clamp(max=last_possible)


def predict(model: nn.Module, idx: Tensor) -> Tensor:
    """Scores (V,) for the character after the (T,) ids `idx`."""
    return model_logits(model, idx[None])[0, -1]


@torch.inference_mode()
def model_logits(model: nn.Module, idx: Tensor, cache: Sequence[LayerCache] | None = None) -> Tensor:
    """Scores (B, T, V) for what comes after each of the (B, T) ids; the model's mode is left as it was.

    Args:
        cache: see `GPT.forward`.
    """
    training = model.training
    if training:  # switching visits every part of the model: not for each character
        model.eval()
    device = next((weight.device for weight in model.parameters()), idx.device)
    options: dict[str, Any] = {"cache": cache} if cache is not None else {}
    logits, _loss = model(idx.to(device), **options)  # (B, T, V)
    if training:
        model.train()
    return logits.cpu()


def start_id(tokenizer: CharTokenizer) -> int:
    """What an empty prompt begins after: a newline, else a space, else the character with id 0."""
    return tokenizer.stoi.get("\n", tokenizer.stoi.get(" ", 0))


def check_logits(logits: Tensor) -> None:
    """Raise `UserError` if a model's scores are not numbers."""
    if not torch.isfinite(logits).all():
        raise diverged_error()


def diverged_error() -> UserError:
    """What to say of a model whose training diverged."""
    return UserError(
        "This model's scores are not numbers any more: its training diverged. Choose an earlier checkpoint."
    )
