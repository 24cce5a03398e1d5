"""Which head of a model solves a puzzle: where each one looks while the answer is written.

Letters in the shape comments: B puzzles at once, T characters of question and answer, L layers, nh heads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from minigpt_core.generation.language_model import LanguageModel
from minigpt_core.interpret.activations import config_of, run_with_cache
from minigpt_core.interpret.puzzles import Puzzle, greedy_answers, same_lengths
from minigpt_core.tokenizer import CharTokenizer

Head = tuple[int, int]
"""Layer and head, counted from 0."""

PAIRS = {")": "(", "]": "[", "}": "{"}


def reversed_sources(puzzle: Puzzle) -> list[int]:
    """For each letter of the answer the place of that letter in the question: the last one first."""
    return list(range(len(puzzle.question) - 2, -1, -1))  # the last character of the question is the sign


def bracket_sources(puzzle: Puzzle) -> list[int]:
    """For each bracket of the answer the place of the one that it closes."""
    still_open: list[int] = []
    sources = []
    for place, character in enumerate(puzzle.question + puzzle.answer):
        if character in PAIRS.values():
            still_open.append(place)
        elif still_open:
            opening = still_open.pop()
            if place >= len(puzzle.question):
                sources.append(opening)
    return sources


ANSWER_SOURCES: dict[str, Callable[[Puzzle], list[int]]] = {
    "reversed-words": reversed_sources,
    "balanced-brackets": bracket_sources,
}
"""For the texts whose answers can be looked up: where, by the text's id. Places are counted in the question."""


def read_in(puzzle: Puzzle) -> str:
    """What a model has read when it has written the answer: a new line, the question, the answer without its end."""
    return "\n" + puzzle.question + puzzle.answer.rstrip("\n")


def lookups(corpus_id: str, puzzle: Puzzle) -> list[tuple[int, int]]:
    """(place of the character from which the next one is guessed, place where that one can be looked up) for each
    character of the answer that can be. Both counted in `read_in`."""
    first = len(puzzle.question)  # the last character of the question: the new line before it moves it by one
    return [(first + n, source + 1) for n, source in enumerate(ANSWER_SOURCES[corpus_id](puzzle))]


@torch.no_grad()
def head_scores(
    model: nn.Module, tokenizer: CharTokenizer, corpus_id: str, puzzles: Sequence[Puzzle]
) -> Tensor:
    """The mean attention that each head pays to the character that has to be written next: (L, nh), 0 to 1.

    The model is given the right answers, so a mistake early on does not spoil what follows.
    """
    config = config_of(model)
    total, count = torch.zeros(config.n_layer, config.n_head, dtype=torch.float64), 0
    for numbers in same_lengths(puzzles):
        for length in sorted({len(read_in(puzzles[n])) for n in numbers}):
            group = [puzzles[n] for n in numbers if len(read_in(puzzles[n])) == length]
            idx = torch.stack([tokenizer.encode(read_in(puzzle)[: config.block_size]) for puzzle in group])
            patterns = run_with_cache(model, idx, is_pattern)[1].layers("attn.pattern")  # (L, B, nh, T, T)
            for row, puzzle in enumerate(group):
                for here, source in lookups(corpus_id, puzzle):
                    if here < idx.size(1):
                        total += patterns[:, row, :, here, source].double()
                        count += 1
    return total / max(count, 1)


def is_pattern(name: str) -> bool:
    """Whether a tensor of the cache is needed here."""
    return name.endswith("attn.pattern")


def ranked_heads(scores: Tensor) -> dict[Head, float]:
    """The (L, nh) scores by layer and head, counted from 0: falling, of equals the earlier head first."""
    order = scores.flatten().argsort(descending=True, stable=True).tolist()
    heads = [divmod(place, scores.size(1)) for place in order]
    return {head: scores[head].item() for head in heads}


@dataclass(frozen=True, eq=False)
class PuzzleAttention:
    """A puzzle, what a model wrote, and where its heads looked meanwhile."""

    corpus_id: str
    puzzle: Puzzle
    written: str
    """As many characters as the answer has."""

    pattern: NDArray[np.float32]
    """(L, nh, T, T)"""

    @property
    def text(self) -> str:
        """Everything the model has read when it has finished."""
        return "\n" + self.puzzle.question + self.written.rstrip("\n")

    @property
    def lookups(self) -> list[tuple[int, int]]:
        """See `lookups`: as many as the model could read."""
        fits = self.pattern.shape[-1]
        return [(here, source) for here, source in lookups(self.corpus_id, self.puzzle) if here < fits]

    def strongest(self, here: int, source: int) -> Head:
        """The head that looks most at `source` from `here`."""
        looks = self.pattern[:, :, here, source]  # (L, nh)
        layer, head = divmod(int(looks.argmax()), looks.shape[1])
        return layer, head


def attention_while_solving(lm: LanguageModel, corpus_id: str, puzzle: Puzzle) -> PuzzleAttention:
    """Have a GPT solve a puzzle, and see where each head looks in what it has written itself."""
    written = greedy_answers(lm.network, lm.tokenizer, [puzzle], lm.block_size)[0]
    read = "\n" + puzzle.question + written.rstrip("\n")
    idx = lm.tokenizer.encode(read[: lm.block_size])[None]  # (1, T)
    pattern = run_with_cache(lm.network, idx, is_pattern)[1].layers("attn.pattern")[:, 0]  # (L, nh, T, T)
    return PuzzleAttention(corpus_id, puzzle, written, pattern.numpy())
