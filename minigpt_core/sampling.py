"""Drawing the next character: pure functions of logits and a random generator.

V stands for the number of characters in the vocabulary, T for the length of the context.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from minigpt_core.errors import ConfigError, UserError
from minigpt_core.model import check_range
from minigpt_core.tokenizer import CharTokenizer


@dataclass(frozen=True, kw_only=True)
class SampleSettings:
    """How a distribution is bent before one character is drawn from it."""

    temperature: float = 1.0
    """The logits are divided by it, 0 to 100: below 1 bolder, above 1 more adventurous, 0 always the likeliest."""

    top_k: int = 0
    """Only the k likeliest characters can be drawn; 0 allows all."""

    top_p: float = 1.0
    """Only the likeliest characters that together reach this probability can be drawn, above 0 to 1."""

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0, 100)
        check_range("top_k", self.top_k, 0, 1_000_000)
        if not 0 < self.top_p <= 1:
            raise ConfigError(
                "top_p = {value} cannot be used: choose a number above 0 and at most 1.", value=self.top_p
            )


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
    if torch.isnan(scores).any() or not torch.isfinite(scores.max()):
        raise UserError(
            "This model's scores are not numbers any more: its training diverged. Choose an earlier checkpoint."
        )
    scores = scores - scores.max()  # softmax does not change, and exp() cannot overflow
    if settings.temperature == 0:
        return torch.zeros_like(scores).index_fill(0, scores.argmax(), 1.0)
    scores = scores / settings.temperature
    order = scores.sort(descending=True, stable=True).indices  # equals stay in id order
    if 0 < settings.top_k < len(scores):
        scores[order[settings.top_k :]] = -torch.inf
    probabilities = scores.softmax(-1)
    if settings.top_p < 1:
        before = probabilities[order].cumsum(-1) - probabilities[order]  # reached without this one
        probabilities[order[before >= settings.top_p]] = 0.0
    return probabilities / probabilities.sum()


def sample_next(
    logits: Tensor, generator: torch.Generator, settings: SampleSettings | None = None
) -> SampleStep:
    """Draw one character: a random number u in [0, 1) lands on a bar made of all probabilities, laid end to end.

    The notebook writes the same in one line, `torch.multinomial(F.softmax(logits, -1), 1)`; with the same seed that
    line picks other characters, because it consumes its random numbers differently.

    Args:
        logits: (V,) the model's scores for the next character.
        generator: where u comes from; one number is taken.
        settings: temperature, top-k and top-p; None draws from the model's own distribution.
    """
    probabilities = next_probabilities(logits, settings or SampleSettings())
    u = torch.rand(1, generator=generator, dtype=torch.float64).item()
    return SampleStep(
        token=token_at(probabilities, u), probabilities=probabilities, logits=logits.detach().double(), u=u
    )


def token_at(probabilities: Tensor, u: float) -> int:
    """The first id, in id order, whose cumulative probability exceeds u.

    Args:
        probabilities: (V,) float64.
        u: in [0, 1).
    """
    cumulative = probabilities.cumsum(-1)
    last_possible = int(probabilities.nonzero().max())
    # rounding may leave the bar's end just below 1: u beyond it falls on the last character that can be drawn
    return min(int(torch.searchsorted(cumulative, u, right=True)), last_possible)


def start_id(tokenizer: CharTokenizer) -> int:
    """What an empty prompt begins after: a newline, else a space, else the character with id 0."""
    return tokenizer.stoi.get("\n", tokenizer.stoi.get(" ", 0))


@torch.no_grad()
def generate(
    model: nn.Module,
    idx: Tensor,
    length: int,
    block_size: int,
    *,
    generator: torch.Generator,
    settings: SampleSettings | None = None,
) -> Iterator[SampleStep]:
    """Write `length` characters, one at a time: predict, draw, append, repeat.

    Args:
        model: any model of `model.py`; set to `eval()` while it predicts and put back afterwards.
        idx: (T,) ids of the prompt, at least one.
        length: how many characters to draw.
        block_size: how many of the last characters the model is shown.
        generator: where the random numbers come from.
        settings: temperature, top-k and top-p.
    """
    assert idx.ndim == 1 and len(idx) > 0
    for _ in range(length):
        logits = predict(model, idx[-block_size:])
        step = sample_next(logits, generator, settings)
        yield step
        idx = torch.cat([idx[-block_size:], torch.tensor([step.token])])


@torch.no_grad()
def predict(model: nn.Module, idx: Tensor) -> Tensor:
    """Scores (V,) for the character after the (T,) ids `idx`."""
    training = model.training
    model.eval()
    device = next((weight.device for weight in model.parameters()), idx.device)
    logits, _ = model(idx[None].to(device))  # (1, T, V)
    model.train(training)
    return logits[0, -1].cpu()
