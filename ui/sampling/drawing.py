"""A text that is being written: computed once, and only as far as somebody has asked.

V stands for the number of characters in the vocabulary, T for the length of the context.
"""

from dataclasses import dataclass
from threading import Lock

import torch
from torch import Tensor, nn

from minigpt_core import corpus
from minigpt_core.errors import UserError
from minigpt_core.ngrams import NgramModel
from minigpt_core.sampling import SampleSettings, generate, next_probabilities, predict, start_id
from minigpt_core.tokenizer import CharTokenizer
from ui.sampling.recipe import MAX_LENGTH, Recipe

SURE = 0.6  # a probability above which there is little to draw


@dataclass(frozen=True)
class Writer:
    """A model that can be asked for the next character."""

    model: nn.Module
    tokenizer: CharTokenizer
    lower: bool
    """Whether it learnt from small letters: prompts are treated alike."""

    block_size: int
    """T: how many of the last characters it is given."""

    looks_at: int
    """How many of these it uses: TinyGPT and counted pairs use the last one only."""


@dataclass(frozen=True)
class Letter:
    """One drawn character: its id, how likely it was, and the random number that landed on it."""

    token: int
    probability: float
    u: float


@dataclass(frozen=True)
class Choice:
    """What one character was drawn from."""

    context: str
    """Everything before it, the prompt included."""

    before: Tensor
    """(V,) float64: the model's own probabilities."""

    after: Tensor
    """(V,) float64: after temperature, top-k and top-p."""

    letter: Letter


class CountedModel(nn.Module):
    """Counted n-grams in the shape of a model: its scores are log P, so their softmax is P exactly."""

    def __init__(self, counts: NgramModel) -> None:
        super().__init__()
        self.counts = counts

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, None]:
        """Scores (B, T, V) for what comes after each of the ids (B, T)."""
        rows = [[self.counts.probabilities(row[: t + 1]) for t in range(len(row))] for row in idx.tolist()]
        return torch.stack([torch.stack(row) for row in rows]).log(), None


class Draw:
    """The text of one recipe. Safe to use from several threads: the page and the stream share one.

    Raises `UserError` from `letter` and `choice` if the model's scores are not numbers.
    """

    def __init__(self, writer: Writer, recipe: Recipe) -> None:
        self.writer = writer
        self.settings = recipe.settings
        self.typed = corpus.normalize(recipe.prompt, writer.lower, strip=False)
        self.prompt, self.unknown = writer.tokenizer.split_unknown(self.typed)
        """What is left of the prompt, and the characters that were left out, each with its places."""

        self.ids = self._start()  # (T,)
        self._letters: list[Letter] = []
        self._problem: UserError | None = None
        self._lock = Lock()
        self._steps = generate(
            writer.model, self.ids, MAX_LENGTH, writer.block_size,
            generator=torch.Generator().manual_seed(recipe.seed), settings=self.settings,
        )  # fmt: skip

    @property
    def start(self) -> str:
        """The character that the text begins after, if the prompt is empty; else nothing."""
        return "" if self.prompt else self.writer.tokenizer.decode(self.ids)

    def letter(self, place: int) -> Letter:
        """The character at `place`, counted from 0 after the prompt."""
        with self._lock:
            while len(self._letters) <= place:
                self._letters.append(self._next_letter())
            return self._letters[place]

    def text(self, length: int) -> str:
        """The first `length` characters after the prompt."""
        return self.writer.tokenizer.decode([self.letter(place).token for place in range(length)])

    def choice(self, place: int) -> Choice:
        """What the character at `place` was drawn from, calculated again from its context."""
        letter = self.letter(place)
        drawn = torch.tensor([self.letter(i).token for i in range(place)], dtype=torch.int64)
        context = torch.cat([self.ids, drawn])
        logits = predict(self.writer.model, context[-self.writer.block_size :])
        return Choice(
            context=self.writer.tokenizer.decode(context),
            before=next_probabilities(logits, SampleSettings()),
            after=next_probabilities(logits, self.settings),
            letter=letter,
        )

    def first_open(self, among: int = 10) -> int:
        """The first place where the model was not nearly sure what comes next; the first of all if it always was."""
        open_ = (place for place in range(among) if float(self.choice(place).before.max()) < SURE)
        return next(open_, 0)

    def _next_letter(self) -> Letter:
        if self._problem:  # an iterator that has failed once only says that it is at its end
            raise self._problem
        try:
            step = next(self._steps)
        except UserError as error:
            self._problem = error
            raise
        return Letter(step.token, step.probability, step.u)

    def _start(self) -> Tensor:
        tokenizer = self.writer.tokenizer
        return tokenizer.encode(self.prompt) if self.prompt else torch.tensor([start_id(tokenizer)])
