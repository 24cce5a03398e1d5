"""Models that can be asked about a text: how they read a prompt, and what they say of the next character."""

import pytest
import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.data import prepare
from minigpt_core.errors import UserError
from minigpt_core.generation.language_model import (
    LanguageModel,
    encode_prompt,
    next_logits,
    ngram_language_model,
    random_numbers,
    trained_language_model,
)
from minigpt_core.model import build_model
from minigpt_core.ngrams import NgramModel

TEXT = "the cat's ear. the cat sat on a mat.\n" * 20
DATASET = prepare(TEXT)


def trained(**fields: int | str) -> LanguageModel:
    """Freshly drawn weights: what a run has after 0 steps."""
    config = ModelConfig(vocab_size=DATASET.tokenizer.vocab_size, block_size=8, **fields)
    torch.manual_seed(0)
    return trained_language_model(build_model(config).eval(), config, DATASET.tokenizer.characters, True)


def test_a_prompt_is_read_as_the_text_was() -> None:
    lm = trained()
    prompt = encode_prompt(lm, "The cat’s 😀 ear")
    assert prompt.text == "the cat's  ear" and prompt.ids == lm.tokenizer.encode(prompt.text).tolist()
    assert prompt.exchanged == {"’": "'"} and prompt.unknown == {"😀": [10]}


@pytest.mark.parametrize("typed", ["", "😀"])
def test_nothing_to_read_begins_after_a_new_line(typed: str) -> None:
    lm = trained()
    assert encode_prompt(lm, typed).ids == lm.tokenizer.encode("\n").tolist()


def test_only_the_characters_that_are_used_change_what_a_model_says() -> None:
    for lm in (
        trained(),
        trained(n_layer=1, positions="learned", n_embd=16),
        ngram_language_model(DATASET, 3, True),
    ):
        ids = lm.tokenizer.encode("the cat sat").tolist()
        elsewhere = [(i + 1) % lm.tokenizer.vocab_size for i in ids[: -lm.context_used]]
        assert next_logits(lm, ids) == next_logits(lm, [*elsewhere, *ids[-lm.context_used :]])
        within = [*ids[: -lm.context_used], (ids[-lm.context_used] + 1) % lm.tokenizer.vocab_size]
        assert next_logits(lm, ids) != next_logits(lm, [*within, *ids[len(within) :]])


def test_counted_pairs_say_the_logarithms_of_their_probabilities() -> None:
    lm = ngram_language_model(DATASET, 2, True)
    counts = NgramModel(2, lm.tokenizer.vocab_size).fit(DATASET.train)
    said = torch.tensor(next_logits(lm, [3, 5]), dtype=torch.float64)
    torch.testing.assert_close(said, counts.probabilities([5]).log())


def test_scores_without_a_number_are_refused_and_minus_infinity_is_none() -> None:
    lm = trained()
    with torch.no_grad():
        lm.network.lm_head.bias = torch.nn.Parameter(torch.zeros(lm.tokenizer.vocab_size))
        lm.network.lm_head.bias[2] = -torch.inf
        assert [place for place, score in enumerate(next_logits(lm, [1])) if score is None] == [2]
        lm.network.lm_head.bias[2] = torch.nan
    with pytest.raises(UserError, match="not numbers"):
        next_logits(lm, [1])


def test_random_numbers_are_those_that_characters_are_drawn_with() -> None:
    generator = torch.Generator().manual_seed(9)
    one_by_one = [torch.rand(1, generator=generator, dtype=torch.float64).item() for _ in range(5)]
    assert random_numbers(9, 5) == one_by_one
