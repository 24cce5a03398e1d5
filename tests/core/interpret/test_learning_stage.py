"""How far a model has come by its loss, between pure chance and the counted models."""

import math

import pytest

from minigpt_core.data import prepare
from minigpt_core.interpret.learning_stage import STAGES, learning_stage, stage_limits
from minigpt_core.ngrams import baselines
from minigpt_core.texts import corpus


def test_each_counted_model_is_at_a_stage_of_its_own() -> None:
    dataset = prepare(corpus.normalize(corpus.load("the-curious-cat").text))
    known, vocab_size = baselines(dataset), dataset.tokenizer.vocab_size
    losses = [known.uniform, known.unigram_val, known.bigram_val, known.trigram_val, 0.0]
    assert [learning_stage(loss or 0.0, vocab_size, known) for loss in losses] == [*range(STAGES)]
    limits = stage_limits(vocab_size, known)
    assert list(limits) == sorted(limits, reverse=True) and len(limits) == STAGES - 1


@pytest.mark.parametrize(
    ("loss", "stage"), [(math.log(20), 0), (math.log(20) * 0.95, 0), (1.0, 1), (0.01, 1)]
)
def test_without_a_text_to_compare_with_chance_alone_counts(loss: float, stage: int) -> None:
    assert learning_stage(loss, 20, None) == stage
