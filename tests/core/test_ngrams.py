import math
import os
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from minigpt_core.data import Dataset, prepare
from minigpt_core.ngrams import SMOOTHING, NgramLM, NgramModel, baselines, one_character_minimum
from minigpt_core.tokenizer import CharTokenizer

TEXT = "un matin, le chat dit : un chat, un matin, un toit. le toit dit : miaou ! " * 3
some_ids = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(torch.tensor)


def counted_loss(train: list[int], text: list[int], order: int, vocab_size: int, smoothing: float) -> float:
    """The loss by the formula of the textbook, one n-gram at a time."""
    places = range(len(train) - order + 1)
    ngrams = Counter(tuple(train[i : i + order]) for i in places)
    contexts = Counter(tuple(train[i : i + order - 1]) for i in places)
    losses = []
    for i in range(len(text) - order + 1):
        ngram = tuple(text[i : i + order])
        p = (ngrams[ngram] + smoothing) / (contexts[ngram[:-1]] + smoothing * vocab_size)
        losses.append(-math.log(p))
    return sum(losses) / len(losses)


@given(some_ids, some_ids, st.integers(1, 4), st.sampled_from([0.01, SMOOTHING, 1.0]))
def test_losses_equal_those_counted_by_hand(
    train: torch.Tensor, text: torch.Tensor, order: int, smoothing: float
) -> None:
    model = NgramModel(order, 5, smoothing).fit(train)
    if len(text) < order:
        assert model.loss(text) == math.log(5)
    else:
        by_hand = counted_loss(train.tolist(), text.tolist(), order, 5, smoothing)
        assert model.loss(text) == pytest.approx(by_hand, rel=1e-12)


@given(some_ids, st.integers(1, 3), st.lists(st.integers(0, 4), min_size=3, max_size=5))
def test_probabilities_are_those_of_the_loss_and_sum_to_one(
    train: torch.Tensor, order: int, context: list[int]
) -> None:
    model = NgramModel(order, 5).fit(train)
    p = model.probabilities(context)
    assert p.shape == (5,) and p.dtype == torch.float64
    assert p.sum().item() == pytest.approx(1, rel=1e-12)
    seen = context[len(context) - order + 1 :]
    for character in range(5):
        assert model.loss(torch.tensor([*seen, character])) == pytest.approx(
            -math.log(p[character]), abs=1e-9
        )


def test_a_model_that_has_counted_nothing_guesses() -> None:
    model = NgramModel(2, 7).fit(torch.tensor([], dtype=torch.int64))
    assert model.probabilities([3]).tolist() == pytest.approx([1 / 7] * 7)
    uniform_logits = torch.zeros(3, 7, dtype=torch.float64)
    guess = F.cross_entropy(uniform_logits, torch.tensor([1, 2, 3])).item()
    assert model.loss(torch.tensor([0, 1, 2, 3])) == pytest.approx(guess) == pytest.approx(math.log(7))


def test_the_minimum_is_the_conditional_entropy() -> None:
    ids = CharTokenizer.from_text(TEXT).encode(TEXT)
    pairs = Counter(pairwise(TEXT))
    current = Counter(TEXT[:-1])
    n = len(TEXT) - 1
    # H(next | current) = H(current, next) - H(current), the chain rule of entropy
    joint = -sum(c / n * math.log(c / n) for c in pairs.values())
    single = -sum(c / n * math.log(c / n) for c in current.values())
    assert one_character_minimum(ids, len(set(TEXT))) == pytest.approx(joint - single, rel=1e-12)


@given(some_ids, st.integers(0, 2**32))
def test_no_table_of_logits_beats_the_minimum(ids: torch.Tensor, seed: int) -> None:
    table = torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    minimum = one_character_minimum(ids, 5)
    if len(ids) > 1:
        assert F.cross_entropy(table[ids[:-1]], ids[1:]).item() >= minimum
        counts = torch.zeros(5, 5, dtype=torch.float64)
        counts.index_put_((ids[:-1], ids[1:]), torch.ones(len(ids) - 1, dtype=torch.float64), accumulate=True)
        best = counts.log()  # the counted shares, as logits
        assert F.cross_entropy(best[ids[:-1]], ids[1:]).item() == pytest.approx(minimum, abs=1e-12)
    else:
        assert minimum == 0


def test_baselines_of_a_text() -> None:
    dataset = prepare(TEXT)
    found = baselines(dataset)
    train, val, vocab_size = dataset.train.tolist(), dataset.val.tolist(), dataset.tokenizer.vocab_size
    assert found.uniform == math.log(vocab_size)
    for order, name in ((1, "unigram"), (2, "bigram"), (3, "trigram")):
        for part, ids in (("train", train), ("val", val)):
            by_hand = counted_loss(train, ids, order, vocab_size, SMOOTHING)
            assert getattr(found, f"{name}_{part}") == pytest.approx(by_hand, rel=1e-12)
    assert found.one_character_minimum < found.bigram_train < found.unigram_train < found.uniform


def test_without_a_validation_part_there_is_no_validation_loss() -> None:
    found = baselines(prepare(TEXT, val_fraction=0))
    assert found.unigram_val is found.bigram_val is found.trigram_val is None
    found = baselines(prepare(TEXT[:20], val_fraction=0.1))  # 2 characters: no trigram among them
    assert found.bigram_val is not None and found.trigram_val is None


@pytest.mark.parametrize("text", ["a", "ab", "abc", "aaaa"])
def test_baselines_of_tiny_texts_are_finite(text: str) -> None:
    found = baselines(prepare(text))
    assert all(value is None or math.isfinite(value) for value in vars(found).values())


def test_thousands_of_distinct_characters_take_little_memory() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 6000))) * 2  # 6,000 ** 3 trigrams are possible
    found = baselines(prepare(text, val_fraction=0))
    assert found.uniform == math.log(6000)
    assert found.one_character_minimum == 0  # each character has one successor
    ids = CharTokenizer.from_text(text).encode(text)
    model = NgramModel(3, 200_000, smoothing=0).fit(ids)
    assert model.probabilities([3, 4])[5] == 1


def test_tiny_shakespeare_has_the_known_losses() -> None:
    path = os.environ.get("TINY_SHAKESPEARE")
    if not path:
        pytest.skip("TINY_SHAKESPEARE names no file")
    found = baselines(prepare(Path(path).read_text("utf-8")))
    assert found.uniform == pytest.approx(4.1744, abs=1e-4)
    assert found.unigram_val == pytest.approx(3.347, abs=0.003)
    assert found.bigram_val == pytest.approx(2.482, abs=0.003)
    assert found.trigram_val == pytest.approx(2.046, abs=0.003)


def test_a_dataset_made_by_hand() -> None:
    tokenizer = CharTokenizer.from_text("ab")
    found = baselines(Dataset(tokenizer, torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0])))
    assert found.one_character_minimum == 0
    assert found.bigram_val == pytest.approx(-math.log(SMOOTHING / (2 + 2 * SMOOTHING)))


def test_counted_pairs_as_a_model_give_their_probabilities() -> None:
    counts = NgramModel(2, 3).fit(torch.tensor([0, 1, 2, 0, 1, 1, 2, 0]))
    logits, loss = NgramLM(counts)(torch.tensor([[0, 1, 2]]))
    assert loss is None
    for last in range(3):
        torch.testing.assert_close(logits[0, last].softmax(-1), counts.probabilities([last]))


def test_the_loss_of_triples_as_a_model_is_theirs_and_the_first_character_goes_by_pairs() -> None:
    ids = torch.randint(5, (400,), generator=torch.Generator().manual_seed(1))
    pairs, triples = (NgramModel(order, 5).fit(ids[:300]) for order in (2, 3))
    logits, loss = NgramLM(pairs, triples)(ids[None, :-1], ids[None, 1:])
    losses = -logits[0].log_softmax(-1).gather(1, ids[1:, None])[:, 0]  # (399,)
    assert losses[1:].mean().item() == pytest.approx(triples.loss(ids))
    assert losses[0].item() == pytest.approx(-pairs.probabilities(ids[:1].tolist())[ids[1]].log().item())
    assert loss is not None and loss.item() == pytest.approx(losses.mean().item())
