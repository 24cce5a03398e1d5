"""A continuation is what `generate` writes with the same seed."""

import pytest
import torch

from minigpt_core.configs import ModelConfig, SampleSettings
from minigpt_core.errors import UserError
from minigpt_core.generation.continuation import continue_text
from minigpt_core.generation.streaming import stream
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.weights import fresh_model

WORDS = CharTokenizer.from_text("the cat sat on it")
MODEL = fresh_model(ModelConfig(vocab_size=WORDS.vocab_size, block_size=8, n_layer=1, n_head=2), seed=1)


def test_it_is_what_generate_draws_with_the_same_seed() -> None:
    prompt = WORDS.encode("the cat")
    steps = list(
        stream(
            MODEL, prompt, 20, 8, generator=torch.Generator().manual_seed(5), settings=SampleSettings(temperature=0.8)
        )
    )  # fmt: skip
    written = continue_text(MODEL, WORDS, prompt.tolist(), 20, block_size=8, seed=5)
    assert written.text == WORDS.decode([step.token for step in steps])
    assert written.probabilities == tuple(step.probability for step in steps)
    assert written != continue_text(MODEL, WORDS, prompt.tolist(), 20, block_size=8, seed=6)


def test_nothing_may_be_asked_for() -> None:
    assert continue_text(MODEL, WORDS, [0], -3, block_size=8, seed=1).text == ""


def test_a_model_without_numbers_is_refused() -> None:
    broken = fresh_model(MODEL.config, seed=1)
    with torch.no_grad():
        next(broken.parameters()).fill_(torch.nan)
    with pytest.raises(UserError, match="diverged"):
        continue_text(broken, WORDS, [0], 1, block_size=8, seed=1)
