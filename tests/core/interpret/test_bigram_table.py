"""TinyGPT as a table, counted pairs beside it, and rows changed by hand; all without a table of V × V numbers."""

import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig
from minigpt_core.errors import ConfigError
from minigpt_core.generation.streaming import stream
from minigpt_core.interpret import bigram_table
from minigpt_core.interpret.bigram_table import (
    BigramTable,
    Edit,
    PairCounts,
    distance_from_counts,
    edited_loss,
    edited_row,
    mean_loss,
)
from minigpt_core.model import TinyGPT
from minigpt_core.ngrams import one_character_minimum

V = 7
IDS = torch.randint(V, (500,), generator=torch.Generator().manual_seed(1))


def tiny(seed: int = 0, vocab_size: int = V) -> TinyGPT:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return TinyGPT(ModelConfig(vocab_size=vocab_size, n_embd=5)).eval()


def rows(*edits: Edit, seed: int = 0) -> Tensor:
    return BigramTable(tiny(seed), edits).log_rows(torch.arange(V))


def written(model: torch.nn.Module, length: int = 300) -> list[int]:
    generator = torch.Generator().manual_seed(1)
    return [step.token for step in stream(model, torch.tensor([0]), length, 8, generator=generator)]


# What is counted


def test_pairs_are_counted_where_they_occur() -> None:
    pairs = PairCounts.of_text(IDS, V)
    expected = Counter(itertools.pairwise(IDS.tolist()))
    listed = zip(pairs.current.tolist(), pairs.next.tolist(), pairs.counts.tolist(), strict=True)
    assert {(a, b): n for a, b, n in listed} == expected and pairs.total == 499
    first = Counter(IDS[:-1].tolist())
    assert pairs.row_totals().tolist() == [first[i] for i in range(V)]
    assert pairs.most_frequent(3) == sorted(sorted(range(V), key=lambda i: (-first[i], i))[:3])
    after = pairs.after([2, 5])
    assert set(after.current.tolist()) == {2, 5} and after.total == first[2] + first[5]


def test_windows_are_counted_without_the_pairs_between_them() -> None:
    x, y = torch.tensor([[0, 1], [0, 2]]), torch.tensor([[1, 2], [1, 3]])
    pairs = PairCounts.of_windows(x, y, V)
    assert pairs.current.tolist() == [0, 1, 2] and pairs.next.tolist() == [1, 2, 3]
    assert pairs.counts.tolist() == [2, 1, 1]


def test_counted_shares_are_those_of_all_that_follows() -> None:
    pairs, ids = PairCounts.of_text(IDS, V), [1, 3, 4]
    shares = pairs.shares(ids)
    text = IDS.tolist()
    for row, a in enumerate(ids):
        for column, b in enumerate(ids):
            times = sum(pair == (a, b) for pair in itertools.pairwise(text))
            assert shares[row, column] == pytest.approx(times / text[:-1].count(a))
    np.testing.assert_allclose(pairs.shares(range(V)).sum(1), 1)


def test_a_text_without_pairs() -> None:
    pairs = PairCounts.of_text(torch.tensor([3]), V)
    assert pairs.total == 0 and pairs.shares([0, 1]).tolist() == [[0, 0], [0, 0]]
    assert distance_from_counts(BigramTable(tiny()), pairs) == 0


# What was learned


def test_the_table_is_the_model() -> None:
    model, idx = tiny(), torch.arange(V)[None]
    table = BigramTable(model)
    with torch.no_grad():
        logits, loss = model(idx, idx.roll(1))
    expected = logits[0].double().log_softmax(-1)
    torch.testing.assert_close(table.log_rows(idx[0]), expected, rtol=0, atol=1e-6)
    shown, same_loss = table(idx, idx.roll(1))
    torch.testing.assert_close(shown[0], expected, rtol=0, atol=1e-6)
    assert same_loss is not None and loss is not None
    assert same_loss.item() == pytest.approx(loss.item(), abs=1e-6)
    assert written(table) == written(model)
    np.testing.assert_allclose(table.shares([1, 4]), expected.exp()[[1, 4]][:, [1, 4]], atol=1e-6)
    np.testing.assert_allclose(table.probabilities(4), expected[4].exp(), atol=1e-6)


def test_the_loss_of_pairs_is_cross_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bigram_table, "NUMBERS_AT_ONCE", 2 * V)  # two rows at a time
    x, y = IDS[:-1].view(1, -1), IDS[1:].view(1, -1)
    table, pairs = BigramTable(tiny(), [Edit(2, 3, 0.5)]), PairCounts.of_windows(x, y, V)
    expected = F.cross_entropy(table.log_rows(x[0]), y[0]).item()
    assert mean_loss(table, pairs) == pytest.approx(expected)
    learned = mean_loss(BigramTable(tiny()), pairs)
    assert edited_loss(table, learned, pairs) == pytest.approx(expected)
    assert edited_loss(BigramTable(tiny()), learned, pairs) == learned


def test_the_distance_is_what_the_loss_lies_above_its_minimum() -> None:
    """For any table: loss − H(next | current)."""
    table, pairs = BigramTable(tiny(), [Edit(0, 1, 0.9)]), PairCounts.of_text(IDS, V)
    excess = mean_loss(table, pairs) - one_character_minimum(IDS, V)
    assert distance_from_counts(table, pairs) == pytest.approx(excess)
    counted = BigramTable(tiny())
    for current, row in enumerate(pairs.shares(range(V))):
        counted.edited[current] = torch.from_numpy(row).log()
    assert distance_from_counts(counted, pairs) == pytest.approx(0, abs=1e-12)


def test_thousands_of_characters_never_make_a_square() -> None:
    """However many there are, only so many rows are in memory at once, and only so many are measured."""
    vocab_size, largest = 5_000, list[int]()
    model = tiny(vocab_size=vocab_size)
    model.lm_head.register_forward_hook(lambda _m, _args, out: largest.append(out.numel()))
    ids = torch.arange(12_000) % vocab_size
    table, pairs = BigramTable(model, [Edit(1, 2, 0.5)]), PairCounts.of_text(ids, vocab_size)
    table.shares(pairs.most_frequent(60))
    learned = mean_loss(table, pairs.after(range(600)))
    edited_loss(table, learned, pairs)
    assert 0 < max(largest) <= bigram_table.NUMBERS_AT_ONCE
    largest.clear()
    distance_from_counts(table, pairs)
    assert max(largest) <= bigram_table.NUMBERS_AT_ONCE
    assert 0 < sum(largest) <= bigram_table.MEASURED_NUMBERS


# What is changed by hand


def test_what_is_forbidden_never_comes_and_what_is_sure_always_does() -> None:
    model = tiny()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    text = written(BigramTable(model, [Edit(2, 3, 0.0), Edit(4, 5, 1.0)]), 2000)
    pairs = set(itertools.pairwise(text))
    assert (2, 3) not in pairs and {b for a, b in pairs if a == 4} == {5}
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


@given(st.integers(0, V - 1), st.integers(0, V - 1), st.floats(0, 1), st.integers(0, 5))
def test_only_one_row_changes_and_the_others_keep_their_proportions(
    a: int, b: int, p: float, seed: int
) -> None:
    before, after = rows(seed=seed), rows(Edit(a, b, p), seed=seed)
    unchanged = [row for row in range(V) if row != a]
    assert torch.equal(before[unchanged], after[unchanged])
    assert after[a, b].exp().item() == pytest.approx(p, abs=1e-9)
    assert after[a].exp().sum().item() == pytest.approx(1)
    others = [column for column in range(V) if column != b]
    if p < 1 - 1e-9:
        shares = (row[others].softmax(-1) for row in (after[a], before[a]))
        torch.testing.assert_close(*shares, rtol=1e-6, atol=1e-9)


def test_an_edit_can_be_taken_back() -> None:
    row = rows()[1]
    again = edited_row(edited_row(row, Edit(1, 2, 0.0)), Edit(1, 2, row[2].exp().item()))
    torch.testing.assert_close(again, row, rtol=1e-6, atol=1e-6)


def test_something_must_be_left_that_can_come_next() -> None:
    sure = Edit(1, 2, 1.0)
    with pytest.raises(ConfigError, match="Nothing else can come next"):
        rows(sure, Edit(1, 2, 0.5))
    assert rows(sure, Edit(1, 3, 0.25))[1].exp().tolist() == pytest.approx([0, 0, 0.75, 0.25, 0, 0, 0])
    with pytest.raises(ConfigError, match="probability"):
        Edit(1, 2, 1.5)
