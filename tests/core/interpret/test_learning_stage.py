"""How far a model has come by its loss, between pure chance and the counted models."""

import math

import pytest
import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.data import prepare
from minigpt_core.interpret.learning_stage import STAGES, learning_stage, stage_limits, untrained_loss
from minigpt_core.ngrams import baselines
from minigpt_core.texts import corpus
from minigpt_core.weights import fresh_model


@pytest.mark.parametrize(("vocab_size", "n_embd"), [(48, 64), (48, 16), (200, 32)])
def test_tinygpt_starts_as_far_above_chance_as_is_expected(vocab_size: int, n_embd: int) -> None:
    """Of many freshly drawn models, on random text: what comes next has nothing to do with their scores."""
    config = ModelConfig(vocab_size=vocab_size, n_embd=n_embd)
    ids = torch.randint(vocab_size, (2, 400), generator=torch.Generator().manual_seed(1))
    losses = [fresh_model(config, seed)(ids[:1], ids[1:])[1].item() for seed in range(60)]
    expected = untrained_loss(config) or 0.0
    assert sum(losses) / 60 == pytest.approx(expected, abs=0.02)
    assert expected > math.log(vocab_size) + 0.16
    assert untrained_loss(ModelConfig(vocab_size=vocab_size, n_layer=1)) is None


def test_each_counted_model_is_at_a_stage_of_its_own() -> None:
    dataset = prepare(corpus.normalize(corpus.load("the-curious-cat").text))
    known, vocab_size = baselines(dataset), dataset.tokenizer.vocab_size
    losses = [known.uniform, known.unigram_val, known.bigram_val, known.trigram_val, 0.0]
    assert [learning_stage(loss or 0.0, vocab_size, known) for loss in losses] == [*range(STAGES)]
    limits = stage_limits(vocab_size, known)
    assert list(limits) == sorted(limits, reverse=True) and len(limits) == STAGES - 1


@pytest.mark.parametrize(
    "text", ["".join(chr(0x4E00 + n % 5000) for n in range(12_000)), "ab" * 50 + "cd" * 50]
)
def test_at_chance_a_model_knows_nothing_wherever_counting_ends(text: str) -> None:
    dataset = prepare(text, 0.1)
    known, vocab_size = baselines(dataset), dataset.tokenizer.vocab_size
    assert known.unigram_val is not None and known.unigram_val > known.uniform - 0.05
    for loss in (known.uniform - 0.01, known.uniform, known.uniform + 0.5):
        assert learning_stage(loss, vocab_size, known) == 0


@pytest.mark.parametrize(
    ("loss", "stage"), [(math.log(20), 0), (math.log(20) * 0.95, 0), (1.0, 1), (0.01, 1)]
)
def test_without_a_text_to_compare_with_chance_alone_counts(loss: float, stage: int) -> None:
    assert learning_stage(loss, 20, None) == stage
