"""Where an answer can be looked up, and how much each head looks there."""

from typing import Any

import pytest
import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.data import prepare
from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.interpret.puzzle_heads import PAIRS, best_head, head_scores, read_in, steps
from minigpt_core.interpret.puzzles import Puzzle, unseen_puzzles
from minigpt_core.model import build_model
from minigpt_core.texts import corpus

TASKS = ("reversed-words", "balanced-brackets")


def some_puzzles(task: str) -> list[Puzzle]:
    known = prepare(corpus.normalize(corpus.load(task).text))
    return unseen_puzzles(task, known.tokenizer.decode(known.train), known.tokenizer.decode(known.val))


def test_a_reversed_word_can_be_looked_up_letter_by_letter() -> None:
    puzzles = some_puzzles("reversed-words")
    assert len(puzzles) > 100
    for puzzle in puzzles:
        read = read_in(puzzle)
        looked_up = steps("reversed-words", puzzle)
        assert "".join(read[source] for _here, source in looked_up) + "\n" == puzzle.answer
        assert all(read[here + 1] == read[source] and source < here for here, source in looked_up)


def test_a_closing_bracket_has_the_opening_one_that_it_closes() -> None:
    for puzzle in some_puzzles("balanced-brackets"):
        read = read_in(puzzle)
        looked_up = steps("balanced-brackets", puzzle)
        assert len(looked_up) == len(puzzle.answer)
        for here, source in looked_up:
            assert PAIRS[read[here + 1]] == read[source]
            between = read[source + 1 : here + 1]
            while (shorter := between.replace("()", "").replace("[]", "").replace("{}", "")) != between:
                between = shorter
            assert between == ""  # all that was opened in between is closed


def test_a_small_example() -> None:
    assert steps("reversed-words", Puzzle("ba>", "ab\n")) == [(3, 2), (4, 1)]  # ⏎ b a > a b
    assert steps("balanced-brackets", Puzzle("()[{", "}]")) == [(4, 4), (5, 3)]  # ⏎ ( ) [ { } ]


@pytest.mark.parametrize("task", TASKS)
def test_scores_are_the_mean_attention_to_the_right_places(task: str) -> None:
    known = prepare(corpus.normalize(corpus.load(task).text))
    puzzles = some_puzzles(task)[:7]
    fields: dict[str, Any] = {
        "n_layer": 2,
        "n_head": 2,
        "n_embd": 16,
        "block_size": 48,
        "positions": "rotary",
        "residual": True,
    }
    torch.manual_seed(0)
    model = build_model(ModelConfig(vocab_size=known.tokenizer.vocab_size, **fields)).eval()
    looks = []
    for puzzle in puzzles:
        cache = run_with_cache(model, known.tokenizer.encode(read_in(puzzle))[None])[1]
        looks += [cache.layers("attn.pattern")[:, 0, :, here, source] for here, source in steps(task, puzzle)]
    scores = head_scores(model, known.tokenizer, task, puzzles)
    torch.testing.assert_close(scores, torch.stack(looks).double().mean(0))
    layer, head = best_head(scores)
    assert scores[layer, head] == scores.max()
