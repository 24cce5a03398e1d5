"""The generated texts as puzzles: what is asked, what counts as solved, and by whom."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from minigpt_core.configs import ModelConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.interpret.puzzles import (
    SPLITS,
    SYLLABLES,
    Puzzle,
    exact_match,
    example_words,
    greedy_answers,
    greedy_decode,
    unseen_puzzles,
)
from minigpt_core.model import TinyGPT
from minigpt_core.ngrams import NgramLM, NgramModel
from minigpt_core.presets import TOY_REVERSED_WORDS
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import StepEvent, Trainer
from minigpt_core.weights import fresh_model

TOYS = pytest.mark.parametrize("toy", SPLITS)


def parts(toy: str) -> tuple[Dataset, str, str]:
    dataset = prepare(corpus.load(toy).text)
    return dataset, dataset.tokenizer.decode(dataset.train), dataset.tokenizer.decode(dataset.val)


class Knowing(nn.Module):
    """Knows some lines by heart and goes on with the one that begins like the end of the text."""

    def __init__(self, tokenizer: CharTokenizer, lines: list[str]) -> None:
        super().__init__()
        self.tokenizer, self.lines = tokenizer, lines

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, None]:
        B, T = idx.shape
        logits = torch.zeros(B, T, self.tokenizer.vocab_size)
        for row, ids in enumerate(idx):
            line = self.tokenizer.decode(ids).split("\n")[-1]
            known = next((known for known in self.lines if known.startswith(line)), line + "\n")
            logits[row, -1, self.tokenizer.stoi[(known + "\n")[len(line)]]] = 1.0
        return logits, None


def test_a_line_is_cut_where_its_answer_begins() -> None:
    assert SPLITS["additions"]("12+7=19") == Puzzle("12+7=", "19\n")
    assert SPLITS["reversed-words"]("lomira>arimol") == Puzzle("lomira>", "arimol\n")
    assert SPLITS["balanced-brackets"]("([]{})") == Puzzle("([]{", "})")
    assert SPLITS["balanced-brackets"]("()[[{}]]") == Puzzle("()[[{", "}]]")


def test_the_words_of_the_text_are_syllables_and_there_are_examples_of_each_length() -> None:
    text = corpus.load("reversed-words").text
    words = [line.partition(">")[0] for line in text.split("\n")[:-1]]
    assert all(SYLLABLES.fullmatch(word) for word in words)
    assert not any(SYLLABLES.fullmatch(word) for word in ("cat", "ma", "radio", "arimol", "bababababa"))
    examples = example_words(text)
    assert [len(word) for word in examples] == sorted({len(word) for word in words}) == [4, 6, 8]
    assert set(examples) <= set(words)


@TOYS
def test_puzzles_are_whole_lines_that_were_never_seen(toy: str) -> None:
    _, train, val = parts(toy)
    puzzles = unseen_puzzles(toy, train, val)
    assert len(puzzles) >= 280
    for puzzle in puzzles:
        line = (puzzle.question + puzzle.answer).strip()
        assert f"\n{line}\n" in val and f"\n{line}\n" not in train
    assert len({puzzle.question for puzzle in puzzles}) == len(puzzles)


@TOYS
def test_no_question_of_the_unseen_ones_was_asked_before(toy: str) -> None:
    """Other lines may hold it, but none asks it: for brackets, the last opening one stands elsewhere."""
    _, train, val = parts(toy)
    asked = {SPLITS[toy](line).question for line in train.split("\n")[:-1]}
    assert not asked & {puzzle.question for puzzle in unseen_puzzles(toy, train, val)}


def test_lines_that_are_cut_short_or_were_seen_are_no_puzzles() -> None:
    assert unseen_puzzles("additions", "1+2=3\n4+", "4=8\n1+2=3\n5+1=6\n7+2=") == [Puzzle("5+1=", "6\n")]


@TOYS
def test_who_knows_the_lines_solves_all_and_one_wrong_character_solves_nothing(toy: str) -> None:
    dataset, train, val = parts(toy)
    puzzles = unseen_puzzles(toy, train, val)[:40]
    lines = val.split("\n")[1:]
    tokenizer = dataset.tokenizer
    assert exact_match(Knowing(tokenizer, lines), tokenizer, puzzles, 64) == 1.0
    wrong = [Puzzle(p.question, p.answer[:-1] + ("0" if toy == "additions" else "(")) for p in puzzles[:10]]
    if toy != "reversed-words":
        assert exact_match(Knowing(tokenizer, lines), tokenizer, wrong, 64) == 0.0
    assert exact_match(Knowing(tokenizer, lines), tokenizer, puzzles, 64) > exact_match(
        Knowing(tokenizer, lines[::2]), tokenizer, puzzles, 64
    )


def test_the_likeliest_character_is_taken_every_time() -> None:
    torch.manual_seed(3)
    model = TinyGPT(ModelConfig(vocab_size=5))
    follows = model(torch.arange(5)[None])[0][0].argmax(-1)  # (5,)
    first, second = follows[2], follows[follows[2]]
    assert greedy_decode(model, torch.tensor([[0, 2], [1, 1]]), 2, 8)[0].tolist() == [
        first.item(),
        second.item(),
    ]


def test_counted_pairs_write_what_followed_most_often() -> None:
    tokenizer = CharTokenizer.from_characters("\n=>ab")
    ids = tokenizer.encode("\na=ab\na=ab\nb=b\n")
    model = NgramLM(NgramModel(2, tokenizer.vocab_size).fit(ids))
    assert greedy_answers(model, tokenizer, [Puzzle("b=", "ab\n"), Puzzle("a", "=")], 8) == ["a=a", "="]
    assert model(ids[None, :4])[0].exp().sum(-1).tolist() == [[pytest.approx(1.0)] * 4]


def test_characters_with_the_same_score_are_drawn_among_fairly() -> None:
    """A model without any knowledge solves as many as dice would, not all those whose answer has the lowest id."""
    tokenizer = CharTokenizer.from_text("0123456789+=\n")
    model = fresh_model(
        ModelConfig(vocab_size=13, block_size=8, n_layer=1, residual=True, zero_init=True), seed=1
    )
    puzzles = [Puzzle("1+1=", "\n"), Puzzle("1+2=", "0"), Puzzle("1+1+1=", "00")]
    assert exact_match(model, tokenizer, puzzles, 8) == pytest.approx((1 / 13 + 1 / 13 + 1 / 13**2) / 3)


def test_answers_come_in_the_order_of_the_questions() -> None:
    """Of a really trained model, one by one or all at once."""
    dataset, train, val = parts("reversed-words")
    model_config = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **TOY_REVERSED_WORDS.model)
    training = replace(TOY_REVERSED_WORDS.training, steps=60, batch_size=8, eval_windows=1, sample_length=0)
    trainer = Trainer(dataset, model_config, training)
    assert sum(isinstance(event, StepEvent) for event in trainer.run()) == 60
    puzzles = unseen_puzzles("reversed-words", train, val)[:12]
    at_once = greedy_answers(trainer.model, dataset.tokenizer, puzzles, 32)
    alone = [greedy_answers(trainer.model, dataset.tokenizer, [puzzle], 32)[0] for puzzle in puzzles]
    assert at_once == alone
    assert [len(text) for text in at_once] == [len(puzzle.answer) for puzzle in puzzles]
    assert len(set(at_once)) > 1
