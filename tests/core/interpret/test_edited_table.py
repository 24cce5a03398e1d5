"""TinyGPT's table, changed by hand on a copy."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from minigpt_core.configs import ModelConfig
from minigpt_core.errors import ConfigError
from minigpt_core.generation.streaming import stream
from minigpt_core.interpret.bigram_table import Edit
from minigpt_core.interpret.edited_table import TableModel, edited, learned_table
from minigpt_core.model import TinyGPT

V = 7


def tiny(seed: int = 0) -> TinyGPT:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return TinyGPT(ModelConfig(vocab_size=V, n_embd=5)).eval()


def written(model: torch.nn.Module, length: int = 300) -> list[int]:
    generator = torch.Generator().manual_seed(1)
    return [step.token for step in stream(model, torch.tensor([0]), length, 8, generator=generator)]


def test_the_table_is_the_model() -> None:
    model, idx = tiny(), torch.arange(V)[None]
    table = learned_table(model)
    with torch.no_grad():
        logits, loss = model(idx, idx.roll(1))
    torch.testing.assert_close(table, logits[0].double().log_softmax(-1), rtol=0, atol=1e-6)
    shown, same_loss = TableModel(table)(idx, idx.roll(1))
    torch.testing.assert_close(shown[0], table)
    assert same_loss is not None and loss is not None
    assert same_loss.item() == pytest.approx(loss.item(), abs=1e-6)
    assert written(TableModel(table)) == written(model)


def test_what_is_forbidden_never_comes_and_what_is_sure_always_does() -> None:
    model = tiny()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    table = edited(edited(learned_table(model), Edit(2, 3, 0.0)), Edit(4, 5, 1.0))
    text = written(TableModel(table), 2000)
    pairs = set(itertools.pairwise(text))
    assert (2, 3) not in pairs and {b for a, b in pairs if a == 4} == {5}
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


@given(st.integers(0, V - 1), st.integers(0, V - 1), st.floats(0, 1), st.integers(0, 5))
def test_only_one_row_changes_and_the_others_keep_their_proportions(
    a: int, b: int, p: float, seed: int
) -> None:
    before = learned_table(tiny(seed))
    after = edited(before, Edit(a, b, p))
    rows = [row for row in range(V) if row != a]
    assert torch.equal(before[rows], after[rows])
    assert after[a, b].exp().item() == pytest.approx(p, abs=1e-9)
    assert after[a].exp().sum().item() == pytest.approx(1)
    others = [column for column in range(V) if column != b]
    if p < 1 - 1e-9:
        torch.testing.assert_close(share(after[a][others]), share(before[a][others]), rtol=1e-6, atol=1e-9)


def share(row: Tensor) -> Tensor:
    return row.softmax(-1)


def test_an_edit_can_be_taken_back() -> None:
    before = learned_table(tiny())
    forbidden = edited(before, Edit(1, 2, 0.0))
    again = edited(forbidden, Edit(1, 2, before[1, 2].exp().item()))
    torch.testing.assert_close(again, before)


def test_something_must_be_left_that_can_come_next() -> None:
    sure = edited(learned_table(tiny()), Edit(1, 2, 1.0))
    with pytest.raises(ConfigError, match="Nothing else can come next"):
        edited(sure, Edit(1, 2, 0.5))
    open_again = edited(sure, Edit(1, 3, 0.25))
    assert open_again[1].exp().tolist() == pytest.approx([0, 0, 0.75, 0.25, 0, 0, 0])
    with pytest.raises(ConfigError, match="probability"):
        Edit(1, 2, 1.5)
