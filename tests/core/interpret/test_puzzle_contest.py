"""Who solves the puzzles: scores are those of the models asked one by one, and who may take part."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.generation.language_model import LanguageModel, trained_language_model
from minigpt_core.interpret.ablation import AblatedModel, Component
from minigpt_core.interpret.puzzle_contest import (
    KEPT_OUT,
    MOST_PUZZLES,
    QUICK,
    PuzzleScore,
    can_take_part,
    counted_pairs,
    held_out_puzzles,
    quick_tinygpt,
    score,
)
from minigpt_core.interpret.puzzles import greedy_answers
from minigpt_core.model import build_model
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store import prepared
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import StepEvent, Trainer

TASK = "reversed-words"
DATASET = prepare(corpus.normalize(corpus.load(TASK).text), KEPT_OUT)


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    """The prepared GPT that reverses words."""
    store = RunStore(tmp_path_factory.mktemp("home"))
    prepared.adopt(store)
    run = store.run("preparedReversed")
    kept = store.load_checkpoint(run.id, run.step, model_only=True).tensors
    network = build_model(run.model)
    network.load_state_dict({name.removeprefix("model."): weight for name, weight in kept.items()})
    return trained_language_model(network.eval(), run.model, run.characters, lower=True)


def test_a_score_counts_the_answers_without_a_mistake(gpt: LanguageModel) -> None:
    puzzles = held_out_puzzles(TASK, DATASET)
    assert 100 < len(puzzles) <= MOST_PUZZLES
    few = puzzles[:25]
    part = Component("head", 0, 0)
    for without, network in ((None, gpt.network), (part, AblatedModel(gpt.network, [part]))):
        written = greedy_answers(network, gpt.tokenizer, few, gpt.block_size)
        right = sum(text == puzzle.answer for text, puzzle in zip(written, few, strict=True))
        assert score(gpt, few, without) == PuzzleScore(right, len(few))
    assert score(gpt, few).share > 0.9


def test_the_prepared_gpt_solves_every_puzzle_as_is_said_of_it(gpt: LanguageModel) -> None:
    puzzles = held_out_puzzles(TASK, DATASET)
    assert score(gpt, puzzles) == PuzzleScore(296, 296)


def test_counted_pairs_solve_next_to_nothing() -> None:
    assert score(counted_pairs(DATASET), held_out_puzzles(TASK, DATASET)[:60]).share < 0.1


def test_the_quick_tinygpt_is_what_a_training_with_its_settings_makes() -> None:
    few = replace(QUICK, steps=3)
    lm = quick_tinygpt(DATASET, few)
    trainer = Trainer(DATASET, ModelConfig(vocab_size=DATASET.tokenizer.vocab_size, **NOTEBOOK.model), few)
    assert sum(isinstance(event, StepEvent) for event in trainer.run()) == 3
    for one, other in zip(lm.network.parameters(), trainer.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert lm.context_used == 1 and not lm.network.training


def test_counted_pairs_never_write_a_letter_that_did_not_follow() -> None:
    lm = counted_pairs(DATASET)
    text = DATASET.tokenizer.decode(DATASET.train)
    puzzles = held_out_puzzles(TASK, DATASET)[:10]
    for puzzle, written in zip(puzzles, greedy_answers(lm.network, lm.tokenizer, puzzles, 1), strict=True):
        whole = puzzle.question + written
        assert all(whole[i : i + 2] in text for i in range(len(puzzle.question) - 1, len(whole) - 1))


def test_no_puzzle_is_no_score() -> None:
    assert PuzzleScore(0, 0).share == 0 and PuzzleScore(3, 4).share == 0.75


def test_a_gpt_of_this_text_that_kept_its_end_out_takes_part(tmp_path: Path) -> None:
    text = corpus.normalize(corpus.load(TASK).text)
    fields = {"n_layer": 1, "n_head": 1, "n_embd": 8, "block_size": 16, "positions": "learned"}
    run = new_run(
        RunStore(tmp_path), text=text, title="words", model_fields=fields,
        training=TrainConfig(steps=1, val_fraction=KEPT_OUT), status="stopped",
    )  # fmt: skip
    assert can_take_part(run, run.text_id, run.characters)
    assert not can_take_part(run, "another", run.characters)
    assert not can_take_part(run, run.text_id, run.characters + "!")
    assert not can_take_part(
        replace(run, training=TrainConfig(steps=1, val_fraction=0)), run.text_id, run.characters
    )
    tiny = replace(run, model=ModelConfig(vocab_size=len(run.characters)))
    assert not can_take_part(tiny, run.text_id, run.characters)


def test_scores_do_not_depend_on_how_many_puzzles_are_tried_at_once(gpt: LanguageModel) -> None:
    puzzles = held_out_puzzles(TASK, DATASET)[:12]
    with torch.no_grad():
        alone = [score(gpt, [puzzle]).right for puzzle in puzzles]
    assert score(gpt, puzzles).right == sum(alone)
