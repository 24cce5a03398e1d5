"""The generated texts as puzzles: a question, an answer that can be checked, and how often a model finds it.

Guessing the next character well is not yet solving a puzzle: one wrong character makes the whole answer wrong.
Letters in the shape comments: B puzzles at once, T characters of their questions, V characters in the vocabulary.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from minigpt_core.evaluation import guessed_right
from minigpt_core.generation.decoder import IncrementalDecoder
from minigpt_core.tokenizer import CharTokenizer

SYLLABLES = re.compile(r"(?:[bcdfglmnprst][aeiou]){2,4}")
"""What each word in `corpus.reversed_words` looks like: two to four times a consonant and a vowel."""

LAST_OPENING = re.compile(r".*[(\[{]")


@dataclass(frozen=True)
class Puzzle:
    """One line of a generated text, cut where its answer begins."""

    question: str
    """What the model is given, such as ``12+7=``; before it stands a new line."""

    answer: str
    """What it must write, character for character, such as ``19`` and the end of the line."""


def split_sum(line: str) -> Puzzle:
    """``12+7=19`` → ``12+7=`` and ``19``."""
    question, sign, answer = line.partition("=")
    return Puzzle(question + sign, answer + "\n")


def split_reversed(line: str) -> Puzzle:
    """``lomira>arimol`` → ``lomira>`` and ``arimol``."""
    question, sign, answer = line.partition(">")
    return Puzzle(question + sign, answer + "\n")


def split_brackets(line: str) -> Puzzle:
    """``([]{})`` → ``([]{`` and ``})``: after the last opening one, there is one right way to close them all.

    The model might open another pair first. Where it is as likely to open one as to close one, there are three it could
    open and one to close, so who knows the rule closes.
    """
    question = LAST_OPENING.match(line)
    assert question is not None, "a line of brackets has an opening one"
    return Puzzle(question[0], line[question.end() :])


SPLITS: dict[str, Callable[[str], Puzzle]] = {
    "additions": split_sum,
    "reversed-words": split_reversed,
    "balanced-brackets": split_brackets,
}
"""How the lines of a bundled text become puzzles, by its id."""


def unseen_puzzles(corpus_id: str, train: str, val: str) -> list[Puzzle]:
    """The puzzles of whole lines in `val`, the validation part of the text, that are in no line of `train`."""
    seen = set(train.split("\n"))
    lines = val.split("\n")[1:-1]  # the split falls into a line, and the last one may lack its end
    return [SPLITS[corpus_id](line) for line in lines if line and line not in seen]


def example_words(text: str) -> list[str]:
    """The first word of each length in a text of reversed words, the shortest first: what its words look like."""
    first: dict[int, str] = {}
    for line in text.split("\n")[:-1]:
        word = split_reversed(line).question.removesuffix(">")
        first.setdefault(len(word), word)
    return [first[length] for length in sorted(first)]


def greedy_answers(
    model: nn.Module, tokenizer: CharTokenizer, puzzles: Sequence[Puzzle], block_size: int
) -> list[str]:
    """What the model writes after each question if it always takes the likeliest character: as many characters as
    the answer has."""
    found: dict[int, str] = {}
    for numbers in same_lengths(puzzles):
        questions = [tokenizer.encode("\n" + puzzles[n].question) for n in numbers]
        length = max(len(puzzles[n].answer) for n in numbers)
        written = greedy_decode(model, torch.stack(questions), length, block_size)  # (B, length)
        for n, ids in zip(numbers, written, strict=True):
            found[n] = tokenizer.decode(ids)[: len(puzzles[n].answer)]
    return [found[n] for n in range(len(puzzles))]


def same_lengths(puzzles: Sequence[Puzzle]) -> Iterator[list[int]]:
    """The numbers of the puzzles, those with equally long questions together, so that they make one tensor."""

    def length(number: int) -> int:
        return len(puzzles[number].question)

    for _length, numbers in groupby(sorted(range(len(puzzles)), key=length), key=length):
        yield list(numbers)


def greedy_decode(model: nn.Module, idx: Tensor, length: int, block_size: int) -> Tensor:
    """The `length` likeliest characters after each of the (B, T) beginnings, one by one: (B, length)."""
    decoder = IncrementalDecoder(model, idx, block_size)
    written = []
    for _ in range(length):
        written.append(decoder.next_logits().argmax(-1))  # (B,)
        decoder.append(written[-1])
    return torch.stack(written, dim=1)


def exact_match(
    model: nn.Module, tokenizer: CharTokenizer, puzzles: Sequence[Puzzle], block_size: int
) -> float:
    """Share of the puzzles that the model solves ("exact match"): every character of the answer is its best guess.

    Where several characters have exactly the same score, as a fair draw among them would solve it on average.
    """
    solved = 0.0
    for numbers in same_lengths(puzzles):
        answers = [tokenizer.encode(puzzles[n].answer) for n in numbers]
        wanted = pad_sequence(answers, batch_first=True, padding_value=-1)  # (B, longest answer)
        idx = torch.stack([tokenizer.encode("\n" + puzzles[n].question) for n in numbers])
        decoder, right = IncrementalDecoder(model, idx, block_size), torch.ones(len(numbers))
        for ids in wanted.unbind(1):  # (B,): as long as all was right, it has written the answer itself
            given = ids.clamp(min=0)
            right *= torch.where(ids < 0, 1.0, guessed_right(decoder.next_logits(), given))
            decoder.append(given)
        solved += right.sum().item()
    return solved / max(1, len(puzzles))
