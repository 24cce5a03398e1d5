"""Models that only count: the losses to compare a trained model with.

An n-gram model looks at the last n - 1 characters and predicts what followed them most often in the training
text. n = 1, 2, 3 are called unigram, bigram and trigram. All losses are in nats per character.

Letters in the shape comments: N characters in a text, K distinct n-grams in it, V characters in the vocabulary.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.data import Dataset

SMOOTHING = 0.1
"""How much is added to every count, so that what was never seen is unlikely but not impossible. Of 1, 0.1 and
0.01, this one has the lowest trigram loss on the validation part of Tiny Shakespeare."""

MOST_COUNTERS = 4_000_000  # 32 MB: enough for the trigrams of 158 distinct characters


@dataclass(frozen=True)
class Baselines:
    """What models without any training reach on a text, in nats per character.

    The train and validation losses of one model come from the same counts, those of the training part. A
    validation loss is None if that part is too short to hold one n-gram.
    """

    uniform: float
    """ln V: every character is equally likely. An untrained model starts near it."""

    unigram_train: float
    unigram_val: float | None
    """Knows how often each character occurs, and looks at nothing."""

    bigram_train: float
    bigram_val: float | None
    """Looks at one character, as TinyGPT does."""

    trigram_train: float
    trigram_val: float | None
    """Looks at two characters."""

    one_character_minimum: float
    """The lowest loss on the training text that any model can reach which sees one character at a time, exact:
    H(next | current), the conditional entropy of the character pairs of the training text. It is no floor for
    the validation text."""


def baselines(dataset: Dataset) -> Baselines:
    """Count the training part of `dataset` and measure every model on both parts."""
    vocab_size = dataset.tokenizer.vocab_size
    train: list[float] = []
    val: list[float | None] = []
    for order in (1, 2, 3):
        model = NgramModel(order, vocab_size).fit(dataset.train)
        train.append(model.loss(dataset.train))
        val.append(model.loss(dataset.val) if len(dataset.val) >= order else None)
    return Baselines(
        uniform=math.log(vocab_size),
        unigram_train=train[0], unigram_val=val[0],
        bigram_train=train[1], bigram_val=val[1],
        trigram_train=train[2], trigram_val=val[2],
        one_character_minimum=one_character_minimum(dataset.train, vocab_size),
    )  # fmt: skip


class NgramModel:
    """Predicts the next character from counts of the last `order` - 1 characters (add-alpha smoothing).

    P(c | context) = (count(context, c) + alpha) / (count(context) + alpha * V), with alpha = `smoothing`
    (Jurafsky and Martin, Speech and Language Processing, section 3.6). A context never seen gives 1 / V.
    """

    def __init__(self, order: int, vocab_size: int, smoothing: float = SMOOTHING) -> None:
        assert order >= 1 and smoothing >= 0
        assert vocab_size**order < 2**63, "the number of an n-gram must fit an int64"
        self.order = order
        self.vocab_size = vocab_size
        self.smoothing = smoothing

    def fit(self, ids: Tensor) -> Self:
        """Count the n-grams of `ids`, (N,) int64."""
        self.ngrams, self.counts = _count(
            _number_ngrams(ids, self.order, self.vocab_size), self.vocab_size**self.order
        )  # (K,), (K,)
        self.contexts, which = (self.ngrams // self.vocab_size).unique_consecutive(return_inverse=True)
        self.context_counts = torch.zeros_like(self.contexts).index_add(0, which, self.counts)
        return self

    def probabilities(self, context: Sequence[int]) -> Tensor:
        """How likely every character is after `context`, of which the last `order` - 1 ids count: (V,) float64."""
        assert len(context) >= self.order - 1
        seen = [int(i) for i in context[len(context) - self.order + 1 :]]
        return self.probabilities_after(torch.tensor(seen, dtype=torch.int64))

    def probabilities_after(self, contexts: Tensor) -> Tensor:
        """How likely every character is after each of many contexts, (…, `order` - 1) ids: (…, V) float64."""
        number = torch.zeros(contexts.shape[:-1], dtype=torch.int64)
        for seen in contexts.unbind(-1):
            number = number * self.vocab_size + seen
        return self._probability(number[..., None] * self.vocab_size + torch.arange(self.vocab_size))

    def loss(self, ids: Tensor) -> float:
        """Mean cross-entropy over `ids`, (N,) int64, in nats per character.

        The first `order` - 1 characters have no full context and are not predicted. If nothing is left to
        predict, the loss is ln V, that of a guess.
        """
        ngrams, counts = _count(_number_ngrams(ids, self.order, self.vocab_size), self.vocab_size**self.order)
        if not len(ngrams):
            return math.log(self.vocab_size)
        return float(-(counts * self._probability(ngrams).log()).sum() / counts.sum())

    def _probability(self, ngrams: Tensor) -> Tensor:
        """P(last character | the others) of each n-gram, given by its number: float64."""
        count = _look_up(self.ngrams, self.counts, ngrams)
        context_count = _look_up(self.contexts, self.context_counts, ngrams // self.vocab_size)
        return (count + self.smoothing) / (context_count + self.smoothing * self.vocab_size)


class NgramLM(nn.Module):
    """Counted n-grams in the shape of a model: its scores are ln P, so their softmax is P exactly.

    Args:
        counts: pairs, then triples and so on if they are to be used: a text's first characters have few to go by.
    """

    def __init__(self, *counts: NgramModel) -> None:
        super().__init__()
        assert [known.order for known in counts] == list(range(2, 2 + len(counts)))
        self.counts = counts

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Scores (B, T, V) for what comes after each of the ids (B, T), and the loss if targets are given."""
        chances = [
            known.probabilities_after(idx.unfold(1, known.order - 1, 1))  # (B, T - order + 2, V)
            for known in self.counts
            if idx.size(1) >= known.order - 1
        ]
        first = [part[:, :1] for part in chances[:-1]]  # where there is not context enough
        logits = torch.cat([*first, chances[-1]], dim=1).log()  # (B, T, V)
        return logits, None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def one_character_minimum(ids: Tensor, vocab_size: int) -> float:
    """H(next | current) over the pairs of `ids`, (N,): the loss of the bigram model that adds nothing to its counts.

    No model that sees one character can do better on `ids`: for each current character, cross-entropy is
    lowest where the prediction equals the shares that were counted (Gibbs' inequality).
    """
    if len(ids) < 2:
        return 0.0
    return NgramModel(2, vocab_size, smoothing=0).fit(ids).loss(ids)


def _number_ngrams(ids: Tensor, order: int, vocab_size: int) -> Tensor:
    """One number for each n-gram, its ids read as digits in base V: (N - order + 1,) int64."""
    n = max(len(ids) - order + 1, 0)
    numbers = ids[:n]
    for k in range(1, order):
        numbers = numbers * vocab_size + ids[k : k + n]
    return numbers


def _count(ngrams: Tensor, possible: int) -> tuple[Tensor, Tensor]:
    """The distinct n-grams, sorted, and how often each occurs: (K,) and (K,).

    Where there are few `possible` ones each gets a counter, which takes one pass; else only what occurs takes memory.
    """
    if possible > MOST_COUNTERS:
        return torch.unique(ngrams, return_counts=True)
    counters = torch.bincount(ngrams, minlength=possible)
    found = counters.nonzero().flatten()
    return found, counters[found]


def _look_up(keys: Tensor, values: Tensor, wanted: Tensor) -> Tensor:
    """The value of each wanted key, 0 where it is not among the sorted `keys`: float64."""
    if not len(keys):
        return torch.zeros(wanted.shape, dtype=torch.float64)
    places = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return torch.where(keys[places] == wanted, values[places], 0).double()
