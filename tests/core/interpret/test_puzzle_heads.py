"""Where an answer can be looked up, and how much each head looks there."""

from typing import Any

import numpy as np
import pytest
import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.data import prepare
from minigpt_core.generation.language_model import trained_language_model
from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.interpret.puzzle_heads import (
    PAIRS,
    PuzzleAttention,
    attention_while_solving,
    head_scores,
    lookups,
    ranked_heads,
    read_in,
)
from minigpt_core.interpret.puzzles import Puzzle, greedy_answers, unseen_puzzles
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
        looked_up = lookups("reversed-words", puzzle)
        assert "".join(read[source] for _here, source in looked_up) + "\n" == puzzle.answer
        assert all(read[here + 1] == read[source] and source < here for here, source in looked_up)


def test_a_closing_bracket_has_the_opening_one_that_it_closes() -> None:
    for puzzle in some_puzzles("balanced-brackets"):
        read = read_in(puzzle)
        looked_up = lookups("balanced-brackets", puzzle)
        assert len(looked_up) == len(puzzle.answer)
        for here, source in looked_up:
            assert PAIRS[read[here + 1]] == read[source]
            between = read[source + 1 : here + 1]
            while (shorter := between.replace("()", "").replace("[]", "").replace("{}", "")) != between:
                between = shorter
            assert between == ""  # all that was opened in between is closed


def test_a_small_example() -> None:
    assert lookups("reversed-words", Puzzle("ba>", "ab\n")) == [(3, 2), (4, 1)]  # ⏎ b a > a b
    assert lookups("balanced-brackets", Puzzle("()[{", "}]")) == [(4, 4), (5, 3)]  # ⏎ ( ) [ { } ]


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
        looks += [
            cache.layers("attn.pattern")[:, 0, :, here, source] for here, source in lookups(task, puzzle)
        ]
    scores = head_scores(model, known.tokenizer, task, puzzles)
    torch.testing.assert_close(scores, torch.stack(looks).double().mean(0))
    ranked = ranked_heads(scores)
    assert sorted(ranked) == [(layer, head) for layer in range(2) for head in range(2)]
    assert [*ranked.values()] == sorted(scores.flatten().tolist(), reverse=True)
    assert all(scores[head] == share for head, share in ranked.items())


@pytest.mark.parametrize("task", TASKS)
def test_the_attention_while_solving_is_that_of_what_was_written(task: str) -> None:
    known = prepare(corpus.normalize(corpus.load(task).text))
    config = ModelConfig(
        vocab_size=known.tokenizer.vocab_size,
        n_layer=2,
        n_head=2,
        n_embd=16,
        block_size=20,
        positions="rotary",
    )
    torch.manual_seed(0)
    lm = trained_language_model(build_model(config).eval(), config, known.tokenizer.characters, lower=True)
    for puzzle in some_puzzles(task)[:4]:
        solved = attention_while_solving(lm, task, puzzle)
        assert solved.written == greedy_answers(lm.network, lm.tokenizer, [puzzle], 20)[0]
        cache = run_with_cache(lm.network, lm.tokenizer.encode(solved.text[:20])[None])[1]
        np.testing.assert_array_equal(solved.pattern, cache.layers("attn.pattern")[:, 0].numpy())
        assert all(here < min(len(solved.text), 20) and source <= here for here, source in solved.lookups)


def test_the_strongest_head_of_a_row_is_the_one_that_looks_there() -> None:
    pattern = np.zeros((2, 3, 5, 5), dtype=np.float32)
    pattern[1, 2, 3, 2], pattern[0, 1, 4, 1] = 0.9, 0.8
    solved = PuzzleAttention("reversed-words", Puzzle("ba>", "ab\n"), "ab\n", pattern)
    assert solved.lookups == [(3, 2), (4, 1)]
    assert solved.strongest(3, 2) == (1, 2) and solved.strongest(4, 1) == (0, 1)
