"""Texts that are being written: computed once, and only as far as somebody has asked.

V stands for the number of characters in the vocabulary, T for the length of the context.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from minigpt_core.configs import SampleSettings
from minigpt_core.errors import UserError
from minigpt_core.generation.decoder import IncrementalDecoder
from minigpt_core.generation.language_model import LanguageModel, encode_prompt, random_numbers
from minigpt_core.generation.request import MAX_LENGTH, GenerationRequest
from minigpt_core.generation.streaming import stream_batch
from minigpt_core.sampling import SampleStep, diverged_error, next_probabilities, predict

Item = TypeVar("Item")
SURE = 0.6  # a probability above which there is little to draw


@dataclass(frozen=True)
class SampledToken:
    """One drawn character: its id, how likely it was, and the random number that landed on it."""

    token: int
    probability: float
    u: float
    entropy: float
    """Of what it was drawn from, in nats: e to this is how many equally likely characters would leave as open."""


@dataclass(frozen=True, eq=False)
class NextToken:
    """What one character was drawn from."""

    context: str
    """Everything before it, the prompt included."""

    model_probabilities: NDArray[np.float64]
    """(V,): the model's own."""

    probabilities: NDArray[np.float64]
    """(V,): after temperature, top-k and top-p."""

    sampled: SampledToken

    def likeliest(self, most: int) -> list[int]:
        """The ids that the model itself finds likeliest, falling; the lowest id first of equals."""
        return np.argsort(-self.model_probabilities, kind="stable")[:most].tolist()


class Kept(Generic[Item]):
    """What an iterator gives, remembered: calculated once, and only as far as somebody asks. Safe to use from several
    threads. A `UserError` that ends it is raised again for whoever asks for more."""

    def __init__(self, steps: Iterator[Item]) -> None:
        self._steps, self._items = steps, list[Item]()
        self._problem: UserError | None = None
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, place: int) -> Item:
        with self._lock:
            while len(self._items) <= place:
                self._items.append(self._next())
            return self._items[place]

    def _next(self) -> Item:
        if self._problem:  # an iterator that has failed once only says that it is at its end
            raise self._problem
        try:
            return next(self._steps)
        except UserError as error:
            self._problem = error
            raise


class GeneratedText:
    """The text of one request. Safe to use from several threads: a page and a stream share one.

    Raises `UserError` from its methods if the model's scores are not numbers.

    Args:
        tokens: its characters, if somebody else calculates them.
    """

    def __init__(
        self, lm: LanguageModel, request: GenerationRequest, tokens: Iterator[SampledToken] | None = None
    ) -> None:
        self.lm = lm
        self.settings = request.settings
        self.prompt = encode_prompt(lm, request.prompt)
        self._tokens = Kept(tokens or generate(lm, request))

    def token(self, place: int) -> SampledToken:
        """The character at `place`, counted from 0 after the prompt."""
        return self._tokens[place]

    def text(self, length: int) -> str:
        """The first `length` characters after the prompt."""
        return self.lm.tokenizer.decode([self.token(place).token for place in range(length)])

    def next_token(self, place: int) -> NextToken:
        """What the character at `place` was drawn from, calculated again from its context."""
        sampled = self.token(place)
        context = [*self.prompt.ids, *(self.token(i).token for i in range(place))]
        logits = predict(self.lm.network, torch.tensor(context[-self.lm.block_size :]))
        return NextToken(
            context=self.lm.tokenizer.decode(context),
            model_probabilities=next_probabilities(logits, SampleSettings()).numpy(),
            probabilities=next_probabilities(logits, self.settings).numpy(),
            sampled=sampled,
        )

    def first_open(self, among: int = 10) -> int:
        """The first place where the model was not nearly sure what comes next; the first of all if it always was."""
        open_ = (place for place in range(among) if self.next_token(place).model_probabilities.max() < SURE)
        return next(open_, 0)


class ParallelTexts:
    """Several texts, written side by side. Those that one model writes from one prompt go through it together.

    Args:
        columns: the next character of each, if somebody else calculates them.
    """

    def __init__(
        self,
        models: Sequence[LanguageModel],
        requests: Sequence[GenerationRequest],
        columns: Iterator[list[SampledToken]] | None = None,
    ) -> None:
        self.tokenizers = [lm.tokenizer for lm in models]
        self._columns = Kept(columns or generate_columns(models, requests))

    def column(self, place: int) -> list[SampledToken]:
        """The character at `place` of every text, counted from 0 after the prompt."""
        return self._columns[place]


def same_beginning(one: GenerationRequest, other: GenerationRequest) -> bool:
    """Whether the same model writes from the same prompt."""
    return one.model_only == other.model_only and one.prompt == other.prompt


def generate(lm: LanguageModel, request: GenerationRequest) -> Iterator[SampledToken]:
    """The text of a request, character by character."""
    decoder = IncrementalDecoder(
        lm.network, torch.tensor([encode_prompt(lm, request.prompt).ids]), lm.block_size
    )
    for u in random_numbers(request.seed, MAX_LENGTH):
        drawn = drawn_token(decoder.next_logits()[0], u, request.settings)
        yield drawn
        decoder.append(torch.tensor([drawn.token]))


def generate_columns(
    models: Sequence[LanguageModel], requests: Sequence[GenerationRequest]
) -> Iterator[list[SampledToken]]:
    """The next character of each text; those that one model writes from one prompt go through it together."""
    batches = [
        (alike, generate_batch(models[alike[0]], [requests[i] for i in alike]))
        for alike in together(requests)
    ]
    for _ in range(MAX_LENGTH):
        column: dict[int, SampledToken] = {}
        for places, steps in batches:
            column |= zip(places, map(sampled_token, next(steps)), strict=True)
        yield [column[i] for i in range(len(requests))]


def together(requests: Sequence[GenerationRequest]) -> list[list[int]]:
    """The places of the requests that go through a model together."""
    alike = [
        [i for i, other in enumerate(requests) if same_beginning(request, other)] for request in requests
    ]
    return [places for first, places in enumerate(alike) if places[0] == first]


def generate_batch(lm: LanguageModel, requests: Sequence[GenerationRequest]) -> Iterator[list[SampleStep]]:
    """The texts of one model from one prompt, character by character."""
    ids = torch.tensor(encode_prompt(lm, requests[0].prompt).ids)  # (T,)
    return stream_batch(
        lm.network, ids.repeat(len(requests), 1), MAX_LENGTH, lm.block_size,
        generators=[torch.Generator().manual_seed(request.seed) for request in requests],
        settings=[request.settings for request in requests],
    )  # fmt: skip


def drawn_token(logits: Tensor, u: float, settings: SampleSettings) -> SampledToken:
    """What `sampling.sample_next` draws, by fewer and quicker steps: this is done for every character that is shown.

    Args:
        logits: (V,) the model's scores.
        u: the random number in [0, 1).

    Raises `UserError` if the scores are not numbers.
    """
    if settings.temperature == 0 or settings.top_k or settings.top_p < 1:
        return on_bar(next_probabilities(logits, settings).numpy(), u)
    scores = logits.numpy().astype(np.float64)  # (V,)
    best = scores.max()
    if not math.isfinite(best):
        raise diverged_error()
    weights = np.exp((scores - best) / settings.temperature)
    return on_bar(weights / weights.sum(), u)


def on_bar(probabilities: NDArray[np.float64], u: float) -> SampledToken:
    """The character that a random number falls on, with how open that was: see `sampling.tokens_at`."""
    possible = probabilities.nonzero()[0]
    token = min(int(probabilities.cumsum().searchsorted(u, side="right")), int(possible[-1]))
    shares = probabilities[possible]
    return SampledToken(token, float(probabilities[token]), u, -float(shares @ np.log(shares)))


def sampled_token(step: SampleStep) -> SampledToken:
    """What pages need of a step: without all that was possible, thousands of them take little room."""
    entropy = float(torch.special.entr(step.probabilities).sum())
    return SampledToken(step.token, step.probability, step.u, entropy)
