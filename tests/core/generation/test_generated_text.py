"""Texts that are written as far as somebody asks: the same as `generate` writes, alone and side by side."""

import math
from dataclasses import replace
from threading import Thread

import numpy as np
import pytest
import torch

from minigpt_core.configs import ModelConfig, SampleSettings
from minigpt_core.data import prepare
from minigpt_core.errors import UserError
from minigpt_core.generation.generated_text import (
    GeneratedText,
    ParallelTexts,
    SampledToken,
    drawn_token,
    sampled_token,
    together,
)
from minigpt_core.generation.language_model import LanguageModel, ngram_language_model, trained_language_model
from minigpt_core.generation.request import GenerationRequest
from minigpt_core.generation.streaming import stream
from minigpt_core.model import build_model
from minigpt_core.sampling import next_probabilities, predict, sample_next

DATASET = prepare("the cat sat on a mat. a cat ate the rat.\n" * 20)
REQUEST = GenerationRequest(run="r", prompt="the cat", temperature=0.9, top_k=6, seed=7)


@pytest.fixture
def gpt() -> LanguageModel:
    config = ModelConfig(
        vocab_size=DATASET.tokenizer.vocab_size,
        block_size=8,
        n_embd=16,
        n_layer=1,
        n_head=2,
        positions="learned",
    )
    torch.manual_seed(1)
    return trained_language_model(build_model(config).eval(), config, DATASET.tokenizer.characters, True)


def alone(lm: LanguageModel, request: GenerationRequest, length: int) -> str:
    """Straight from `generate`."""
    steps = stream(
        lm.network, lm.tokenizer.encode(request.prompt), length, lm.block_size,
        generator=torch.Generator().manual_seed(request.seed), settings=request.settings,
    )  # fmt: skip
    return lm.tokenizer.decode([step.token for step in steps])


def test_the_text_is_that_of_generate_and_only_computed_as_far_as_asked(gpt: LanguageModel) -> None:
    generated = GeneratedText(gpt, REQUEST)
    generated.token(4)
    assert len(generated._tokens) == 5
    assert generated.text(30) == alone(gpt, REQUEST, 30)
    assert generated.text(3) == alone(gpt, REQUEST, 3)


def test_a_character_was_drawn_from_what_the_model_says_of_its_context(gpt: LanguageModel) -> None:
    generated = GeneratedText(gpt, REQUEST)
    drawn = generated.next_token(12)
    assert drawn.context == REQUEST.prompt + generated.text(12)
    logits = predict(gpt.network, gpt.tokenizer.encode(drawn.context)[-8:])
    np.testing.assert_array_equal(
        drawn.model_probabilities, next_probabilities(logits, SampleSettings()).numpy()
    )
    np.testing.assert_allclose(drawn.probabilities[drawn.sampled.token], drawn.sampled.probability, rtol=1e-6)
    assert np.count_nonzero(drawn.probabilities) == REQUEST.top_k
    before = drawn.probabilities[: drawn.sampled.token].sum()
    assert before <= drawn.sampled.u < before + drawn.sampled.probability + 1e-9


def test_the_likeliest_are_falling_and_the_lowest_id_comes_first_of_equals(gpt: LanguageModel) -> None:
    drawn = replace(
        GeneratedText(gpt, REQUEST).next_token(0), model_probabilities=np.array([0.1, 0.4, 0.1, 0.4, 0.0])
    )
    assert drawn.likeliest(3) == [1, 3, 0] and drawn.likeliest(9) == [1, 3, 0, 2, 4]


def test_the_entropy_of_a_choice_among_equals_is_their_logarithm() -> None:
    """Counted pairs of a text in which nothing was counted are uniform."""
    lm = ngram_language_model(prepare("abcde", 0.8), 2, True)
    drawn = GeneratedText(lm, GenerationRequest(text="t", prompt="e")).token(0)
    assert drawn.probability == pytest.approx(1 / 5) and drawn.entropy == pytest.approx(math.log(5))


def test_the_first_open_place_is_the_first_where_the_model_was_not_sure() -> None:
    lm = ngram_language_model(prepare("aab" * 300), 2, True)  # after a: a or b; after b: a
    generated = GeneratedText(lm, GenerationRequest(text="t", prompt="b"))
    assert generated.text(1) == "a" and generated.first_open() == 1
    sure = ngram_language_model(prepare("ab" * 300), 2, True)
    assert GeneratedText(sure, GenerationRequest(text="t", prompt="a")).first_open() == 0


def test_texts_side_by_side_are_those_that_each_request_gives_alone(gpt: LanguageModel) -> None:
    pairs = ngram_language_model(DATASET, 2, True)
    requests = [replace(REQUEST, temperature=t) for t in (0, 0.5, 2)]
    requests += [
        replace(REQUEST, seed=5),
        replace(REQUEST, prompt="a rat"),
        GenerationRequest(text="t", prompt="a"),
    ]
    models = [*[gpt] * 5, pairs]
    texts = ParallelTexts(models, requests)
    columns = [texts.column(place) for place in range(25)]
    for lm, request, drawn in zip(models, requests, zip(*columns, strict=True), strict=True):
        assert lm.tokenizer.decode([one.token for one in drawn]) == alone(lm, request, 25)
    assert together(requests) == [[0, 1, 2, 3], [4], [5]]


def test_threads_that_share_a_text_all_read_the_same(gpt: LanguageModel) -> None:
    generated, read = GeneratedText(gpt, REQUEST), list[list[SampledToken]]()

    def ask() -> None:
        read.append([generated.token(place) for place in range(20)])

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 4 and all(one == read[0] for one in read)


def test_a_model_without_numbers_says_so_every_time(gpt: LanguageModel) -> None:
    with torch.no_grad():
        next(gpt.network.parameters()).fill_(torch.nan)
    generated, texts = GeneratedText(gpt, REQUEST), ParallelTexts([gpt], [REQUEST])
    for _again in range(2):
        with pytest.raises(UserError, match="not numbers"):
            generated.token(0)
        with pytest.raises(UserError, match="not numbers"):
            texts.column(0)


@pytest.mark.parametrize(
    "settings",
    [
        SampleSettings(),
        SampleSettings(temperature=0),
        SampleSettings(temperature=0.3),
        SampleSettings(top_k=2),
        SampleSettings(top_p=0.6),
    ],
)
def test_a_character_is_drawn_as_one_step_at_a_time_draws_it(settings: SampleSettings) -> None:
    logits = torch.tensor([0.3, -torch.inf, 2.0, 1.0, -torch.inf])
    generator, again = (torch.Generator().manual_seed(4) for _ in range(2))
    for _ in range(50):
        u = torch.rand(1, generator=again, dtype=torch.float64).item()
        expected = sampled_token(sample_next(logits, generator, settings))
        drawn = drawn_token(logits, u, settings)
        assert (drawn.token, drawn.u) == (expected.token, expected.u)
        assert drawn.probability == pytest.approx(expected.probability, rel=1e-12)
        assert drawn.entropy == pytest.approx(expected.entropy, abs=1e-12)


def test_nothing_is_drawn_from_scores_that_are_no_numbers() -> None:
    with pytest.raises(UserError, match="diverged"):
        drawn_token(torch.tensor([0.0, torch.nan]), 0.5, SampleSettings())
