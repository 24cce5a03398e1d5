"""A text that is being written: computed once, and only as far as somebody has asked.

V stands for the number of characters in the vocabulary, T for the length of the context.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.configs import SampleSettings
from minigpt_core.errors import UserError
from minigpt_core.ngrams import NgramModel
from minigpt_core.sampling import SampleStep, generate, generate_many, next_probabilities, predict, start_id
from minigpt_core.texts import corpus
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

    stretch: int
    """How many characters of a text are read at a time when its surprise is measured."""


@dataclass(frozen=True)
class Letter:
    """One drawn character: its id, how likely it was, and the random number that landed on it."""

    token: int
    probability: float
    u: float
    entropy: float
    """Of what it was drawn from, in nats: e to this is how many equally likely characters would leave as open."""


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
    """Counted n-grams in the shape of a model: its scores are log P, so their softmax is P exactly.

    Args:
        counts: pairs, and triples if they are to be used: a text's first character only has pairs to go by.
    """

    def __init__(self, *counts: NgramModel) -> None:
        super().__init__()
        assert [known.order for known in counts] == list(range(2, 2 + len(counts)))
        self.counts = counts

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Scores (B, T, V) for what comes after each of the ids (B, T)."""
        chances = [
            known.probabilities_after(idx.unfold(1, known.order - 1, 1))  # (B, T - order + 2, V)
            for known in self.counts
            if idx.size(1) >= known.order - 1
        ]
        longest = chances[-1]
        first = [part[:, :1] for part in chances[:-1]]  # where there is not context enough
        logits = torch.cat([*first, longest], dim=1).log()  # (B, T, V)
        return logits, None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class Draw:
    """The text of one recipe. Safe to use from several threads: the page and the stream share one.

    Raises `UserError` from `letter` and `choice` if the model's scores are not numbers.
    """

    def __init__(self, writer: Writer, recipe: Recipe) -> None:
        self.writer = writer
        self.settings = recipe.settings
        beginning = begin(writer, recipe.prompt)
        self.prompt, self.unknown, self.ids = beginning.prompt, beginning.unknown, beginning.ids
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
        return letter(step)


class Lanes:
    """Several texts, written side by side. Those that one model writes from one prompt go through it together."""

    def __init__(self, writers: Sequence[Writer], recipes: Sequence[Recipe]) -> None:
        self.tokenizers = [writer.tokenizer for writer in writers]
        self._count = len(recipes)
        self._columns: list[list[Letter]] = []
        self._problem: UserError | None = None
        self._lock = Lock()
        self._groups: list[tuple[list[int], Iterator[list[SampleStep]]]] = []
        for place, recipe in enumerate(recipes):
            alike = [i for i, other in enumerate(recipes) if same_beginning(recipe, other)]
            if alike[0] == place:
                steps = write_together(writers[place], [recipes[i] for i in alike])
                self._groups.append((alike, steps))

    def column(self, place: int) -> list[Letter]:
        """The character at `place` of every text, counted from 0 after the prompt."""
        with self._lock:
            while len(self._columns) <= place:
                self._columns.append(self._next_column())
            return self._columns[place]

    def _next_column(self) -> list[Letter]:
        if self._problem:
            raise self._problem
        letters: dict[int, Letter] = {}
        try:
            for places, steps in self._groups:
                letters |= zip(places, map(letter, next(steps)), strict=True)
        except UserError as error:
            self._problem = error
            raise
        return [letters[i] for i in range(self._count)]


def same_beginning(one: Recipe, other: Recipe) -> bool:
    """Whether the same model writes from the same prompt."""
    return one.author == other.author and one.prompt == other.prompt


def write_together(writer: Writer, recipes: Sequence[Recipe]) -> Iterator[list[SampleStep]]:
    """The texts of one model from one prompt, character by character."""
    ids = begin(writer, recipes[0].prompt).ids  # (T,)
    return generate_many(
        writer.model, ids.repeat(len(recipes), 1), MAX_LENGTH, writer.block_size,
        generators=[torch.Generator().manual_seed(recipe.seed) for recipe in recipes],
        settings=[recipe.settings for recipe in recipes],
    )  # fmt: skip


@dataclass(frozen=True)
class Beginning:
    """What a model makes of a prompt."""

    prompt: str
    """What is left of it."""

    exchanged: dict[str, str]
    """Signs of it that the model does not know, and those that it reads instead."""

    unknown: dict[str, list[int]]
    """The characters that were left out, each with its places."""

    ids: Tensor
    """(T,) of the prompt; of a character to begin after, if nothing is left."""


def begin(writer: Writer, prompt: str) -> Beginning:
    """Treat a prompt as the model's text was treated; exchange or leave out what it does not know."""
    known = writer.tokenizer.fitted(corpus.normalize(prompt, writer.lower, strip=False))
    ids = writer.tokenizer.encode(known.text) if known.text else torch.tensor([start_id(writer.tokenizer)])
    return Beginning(known.text, known.exchanged, known.unknown, ids)


def letter(step: SampleStep) -> Letter:
    """What pages need of a step: without all that was possible, thousands of them take little room."""
    entropy = float(torch.special.entr(step.probabilities).sum())
    return Letter(step.token, step.probability, step.u, entropy)
