"""A network together with what it takes to ask it about a text: its vocabulary and how much of a text it is given.

V stands for the number of characters in the vocabulary, T for the length of the context.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from minigpt_core.configs import ModelConfig, SampleSettings
from minigpt_core.data import Dataset
from minigpt_core.ngrams import NgramLM, NgramModel
from minigpt_core.sampling import next_probabilities, predict, start_id
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer

Network = nn.Module
"""What turns (B, T) ids into (B, T, V) scores. Pages hand it on to the core, and never look inside."""

NGRAM_WINDOW = 1000  # characters: counting needs no more context than a few, wherever they stand


@dataclass(frozen=True)
class LanguageModel:
    """A network that can be asked for the next character of a text."""

    network: Network
    tokenizer: CharTokenizer
    lower: bool
    """Whether it learned from small letters: prompts are treated alike."""

    block_size: int
    """T: how many of the last characters it is given."""

    context_used: int
    """How many of these change what it says: of TinyGPT and counted pairs, the last one only."""

    loss_window: int
    """How many characters of a text are read at a time when its losses are measured."""


def trained_language_model(
    network: Network, config: ModelConfig, characters: str, lower: bool
) -> LanguageModel:
    """The model of a run, in eval mode."""
    used = config.block_size if config.n_layer else 1  # without attention, each character is on its own
    tokenizer = CharTokenizer.from_characters(characters)
    return LanguageModel(network, tokenizer, lower, config.block_size, used, config.block_size)


def ngram_language_model(dataset: Dataset, order: int, lower: bool) -> LanguageModel:
    """Counted n-grams of a text's training part: of characters up to `order`, 2 or 3."""
    vocab_size = dataset.tokenizer.vocab_size
    network = NgramLM(*(NgramModel(n, vocab_size).fit(dataset.train) for n in range(2, order + 1)))
    return LanguageModel(network, dataset.tokenizer, lower, order - 1, order - 1, NGRAM_WINDOW)


@dataclass(frozen=True)
class EncodedPrompt:
    """What a model makes of a prompt."""

    text: str
    """What is left of it."""

    exchanged: dict[str, str]
    """Signs of it that the model does not know, and those that it reads instead."""

    unknown: dict[str, list[int]]
    """The characters that were left out, each with its places."""

    ids: list[int]
    """Of the text; if nothing is left, of one character to begin after."""


def encode_prompt(lm: LanguageModel, prompt: str) -> EncodedPrompt:
    """Treat a prompt as the model's text was treated; exchange or leave out what it does not know."""
    known = lm.tokenizer.fitted(
        corpus.normalize(prompt, lm.lower, strip=False, alphabet=lm.tokenizer.characters)
    )
    ids = lm.tokenizer.encode(known.text).tolist() if known.text else [start_id(lm.tokenizer)]
    return EncodedPrompt(known.text, known.exchanged, known.unknown, ids)


def next_logits(lm: LanguageModel, ids: Sequence[int]) -> list[float | None]:
    """The V scores for the character after these ids, of which the last T count; None for minus infinity.

    Raises `UserError` if they are not numbers.
    """
    logits = predict(lm.network, torch.tensor(ids[-lm.block_size :]))  # (V,)
    next_probabilities(logits, SampleSettings())
    return [score if math.isfinite(score) else None for score in logits.double().tolist()]


def random_numbers(seed: int, count: int) -> list[float]:
    """The first numbers in [0, 1) that characters are drawn with under this seed."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, generator=generator, dtype=torch.float64).tolist()
