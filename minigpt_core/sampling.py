"""Drawing the next character: pure functions of logits and a random generator.

V stands for the number of characters in the vocabulary, T for the length of the context.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from minigpt_core.configs import SampleSettings
from minigpt_core.errors import UserError
from minigpt_core.model import GPT, KeyValueCache
from minigpt_core.tokenizer import CharTokenizer

CHARACTERS_AT_ONCE = 2048  # of a text that is read for its surprise: enough for speed, little memory


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
    if not torch.isfinite(scores.max()):  # NaN is the maximum of any scores that hold one
        raise no_numbers()
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


def no_numbers() -> UserError:
    """What to say of a model whose training diverged."""
    return UserError(
        "This model's scores are not numbers any more: its training diverged. Choose an earlier checkpoint."
    )


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
    logits = logits.detach().to("cpu", torch.float64)
    probabilities = next_probabilities(logits, settings or SampleSettings())
    u = torch.rand(1, generator=generator, dtype=torch.float64).item()
    return SampleStep(token=token_at(probabilities, u), probabilities=probabilities, logits=logits, u=u)


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


def start_id(tokenizer: CharTokenizer) -> int:
    """What an empty prompt begins after: a newline, else a space, else the character with id 0."""
    return tokenizer.stoi.get("\n", tokenizer.stoi.get(" ", 0))


def generate(
    model: nn.Module,
    idx: Tensor,
    length: int,
    block_size: int,
    *,
    generator: torch.Generator,
    settings: SampleSettings | None = None,
    use_cache: bool = True,
    keep: int | None = None,
) -> Iterator[SampleStep]:
    """Write `length` characters, one at a time: predict, draw, append, repeat.

    Nothing is calculated before it is asked for: who stops asking, stops the model.

    Args:
        model: any model of `model.py`; set to `eval()` while it predicts and put back afterwards.
        idx: (T,) ids of the prompt, at least one.
        length: how many characters to draw.
        block_size: how many of the last characters the model is shown.
        generator: where the random numbers come from.
        settings: temperature, top-k and top-p.
        use_cache: see `Reader`; the characters are the same with and without (but for rounding).
        keep: see `Reader`.
    """
    several = generate_many(
        model, idx[None], length, block_size,
        generators=[generator], settings=[settings or SampleSettings()], use_cache=use_cache, keep=keep,
    )  # fmt: skip
    for (step,) in several:
        yield step


def generate_many(
    model: nn.Module,
    idx: Tensor,
    length: int,
    block_size: int,
    *,
    generators: Sequence[torch.Generator],
    settings: Sequence[SampleSettings],
    use_cache: bool = True,
    keep: int | None = None,
) -> Iterator[list[SampleStep]]:
    """Write B texts at once, each with random numbers and settings of its own: what each would be alone.

    Args:
        idx: (B, T) ids of the prompts.
        generators: one for each text.
        settings: one for each text.

    Yields:
        B steps, the next character of every text.
    """
    assert len(idx) == len(generators) == len(settings)
    reader = Reader(model, idx, block_size, use_cache=use_cache, keep=keep)
    for _ in range(length):
        scores = reader.scores()  # (B, V)
        steps = [
            sample_next(row, generator, how)
            for row, generator, how in zip(scores, generators, settings, strict=True)
        ]
        yield steps
        reader.read(torch.tensor([step.token for step in steps]))


class Reader:
    """Shows a model the last `block_size` characters of growing texts, and remembers what it made of them.

    Until the window is full, attention's keys and values stay valid from one character to the next, so only the new
    character goes through the model (`KeyValueCache`). When the window is full and slides, every character moves one
    place forward and the oldest is forgotten: learned positions change what every character is, and whatever the
    positions, the upper layers' keys and values still hold traces of the character that has left. To predict
    exactly what the model says of this window it is therefore read again from place 0, character after character.

    Both ways add up the same numbers, in another order: probabilities agree to seven digits, so of a million draws
    about one falls beyond another character's border.

    Args:
        model: any model of `model.py`, or anything else that turns (B, T) ids into (B, T, V) scores.
        idx: (B, T) ids of the texts' beginnings, at least one character.
        block_size: how long the window may become.
        use_cache: False reads the whole window for each character.
        keep: what a full window is cut down to, 1 to `block_size` - 1, such as half of it: the model goes on from these
            last characters, read once from place 0, so that a long text costs no more a character than a short one.
            The model then sees between `keep` and `block_size` characters instead of always `block_size`.
    """

    def __init__(
        self,
        model: nn.Module,
        idx: Tensor,
        block_size: int,
        *,
        use_cache: bool = True,
        keep: int | None = None,
    ) -> None:
        assert idx.ndim == 2 and idx.size(1) > 0
        assert keep is None or 1 <= keep < block_size
        self.model = model
        self.block_size = block_size
        self.keep = keep
        self.window = idx[:, -block_size:]  # (B, T)
        remembers = use_cache and isinstance(model, GPT) and model.config.n_layer > 0
        self._new_cache = model.new_cache if remembers and isinstance(model, GPT) else None
        self._cache: list[KeyValueCache] | None = None

    def scores(self) -> Tensor:
        """(B, V): what the model says of the character after each text."""
        if self._new_cache is None:
            return ask(self.model, self.window)[:, -1]
        if self._cache is None:
            self._cache = self._new_cache()
        unread = self.window[:, self._cache[0].length :]  # (B, 1), or all that is new
        return ask(self.model, unread, self._cache)[:, -1]

    def read(self, tokens: Tensor) -> None:
        """Put one more character, (B,) ids, at the end of the texts."""
        self.window = torch.cat([self.window, tokens[:, None]], dim=1)
        if self.window.size(1) > self.block_size:
            self.window = self.window[:, -(self.keep or self.block_size) :]
            self._cache = None  # all places have changed


@dataclass(frozen=True, kw_only=True, eq=False)
class Surprise:
    """What a model thought of each character of a text but the first, which nothing comes before. N characters."""

    losses: Tensor
    """(N - 1,) float64: -log of the probability that the character had, in nats."""

    likeliest: Tensor
    """(N - 1, k) ids of the characters that were expected most, falling."""

    probabilities: Tensor
    """(N - 1, k) float64: how likely these were."""

    loss: float
    """What the model's own loss function makes of the text, in nats per character: the mean of `losses`."""


@torch.no_grad()
def surprise(model: nn.Module, ids: Tensor, block_size: int, top: int = 5) -> Surprise:
    """How probable a model finds every character of a text, which is read as training measures its loss.

    The text is read in stretches of `block_size` characters that do not overlap (the last one may be shorter), so the
    first characters of a stretch are guessed from little.

    Args:
        ids: (N,) at least two.
        block_size: T, at most the model's.
        top: k, how many of the likeliest characters are reported.

    Raises:
        UserError: the scores are not numbers (the training diverged).
    """
    assert ids.ndim == 1 and len(ids) > 1
    was_training = model.training
    model.eval()
    device = next((weight.device for weight in model.parameters()), ids.device)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    loss_sum = 0.0
    for x, y in stretches(ids, block_size):
        logits, loss = model(x.to(device), y.to(device))  # (B, T, V), ()
        loss_sum += float(loss) * y.numel()
        logs = logits.flatten(0, 1).cpu().double().log_softmax(-1)  # (B*T, V)
        best = logs.topk(min(top, logs.size(-1)))
        losses = -logs.gather(1, y.reshape(-1, 1))[:, 0]  # (B*T,)
        parts.append((losses, best.indices, best.values.exp()))
    model.train(was_training)
    losses, likeliest, probabilities = (torch.cat(part) for part in zip(*parts, strict=True))
    if torch.isnan(losses).any():
        raise no_numbers()
    return Surprise(
        losses=losses, likeliest=likeliest, probabilities=probabilities, loss=loss_sum / (len(ids) - 1)
    )


def stretches(ids: Tensor, block_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows x and, one character later, y of the (N,) ids: (B, T) each, then what is left, (1, rest)."""
    whole = (len(ids) - 1) // block_size * block_size  # characters in whole windows
    x, y = ids[:whole].view(-1, block_size), ids[1 : whole + 1].view(-1, block_size)  # (W, T) each
    rows = max(1, CHARACTERS_AT_ONCE // block_size)
    if whole:
        yield from zip(x.split(rows), y.split(rows), strict=True)
    if whole < len(ids) - 1:
        yield ids[None, whole:-1], ids[None, whole + 1 :]


def predict(model: nn.Module, idx: Tensor) -> Tensor:
    """Scores (V,) for the character after the (T,) ids `idx`."""
    return ask(model, idx[None])[0, -1]


@torch.inference_mode()
def ask(model: nn.Module, idx: Tensor, cache: list[KeyValueCache] | None = None) -> Tensor:
    """Scores (B, T, V) for what comes after each of the (B, T) ids; the model's mode is left as it was."""
    training = model.training
    if training:  # switching visits every part of the model: not for each character
        model.eval()
    device = next((weight.device for weight in model.parameters()), idx.device)
    arguments = {"cache": cache} if cache is not None else {}
    logits, _loss = model(idx.to(device), **arguments)  # (B, T, V)
    if training:
        model.train()
    return logits.cpu()
