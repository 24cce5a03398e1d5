"""Which windows the steps of a training are given: in an epoch each once, and the same ones again after a resume."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt_core.batches import Batches, Epochs, batches_of
from minigpt_core.configs import TrainConfig
from minigpt_core.data import get_batch, windows_in_epoch

SIZES = st.tuples(
    st.integers(1, 12), st.integers(1, 7), st.integers(0, 60)
)  # T, B, characters beyond one window


def counted(T: int, more: int) -> torch.Tensor:
    """A text in which every number tells its place."""
    return torch.arange(T + 1 + more)


def drawn(batches: Batches, steps: range) -> list[list[list[int]]]:
    """x of these steps; y must be x shifted by one."""
    pairs = [batches.of_step(step) for step in steps]
    assert all(torch.equal(y, x + 1) for x, y in pairs)
    return [x.tolist() for x, _y in pairs]


def test_random_batches_are_those_of_get_batch() -> None:
    data, generator = torch.arange(100), torch.Generator().manual_seed(5)
    batches = batches_of(data, 8, TrainConfig(batch_size=3, seed=5))
    for step in range(4):
        for mine, its in zip(batches.of_step(step), get_batch(data, 8, 3, generator), strict=True):
            assert torch.equal(mine, its)


@given(SIZES, st.integers(0, 2**32 - 1))
def test_in_an_epoch_every_window_comes_once_and_none_overlaps_another(
    sizes: tuple[int, int, int], seed: int
) -> None:
    T, B, more = sizes
    data = counted(T, more)
    W = windows_in_epoch(len(data), T)
    batches = Epochs(data, T, B, seed)
    rows = [row for batch in drawn(batches, range(-(-3 * W // B))) for row in batch]
    assert all(len(row) == T for row in rows)
    for epoch in range(3):
        characters = [c for row in rows[epoch * W : (epoch + 1) * W] for c in row]
        assert len(characters) == len(set(characters)) == W * T
        assert len(data) - 1 - W * T < 2 * T  # what an epoch leaves out, at its ends


@given(SIZES, st.integers(0, 2**32 - 1), st.integers(0, 30), st.sampled_from(["random", "epochs"]))
def test_after_a_resume_the_same_batches_come(
    sizes: tuple[int, int, int], seed: int, at: int, windows: str
) -> None:
    T, B, more = sizes
    data, config = counted(T, more), TrainConfig(batch_size=B, seed=seed, windows=windows)
    whole = drawn(batches_of(data, T, config), range(at + 10))
    first = batches_of(data, T, config)
    assert drawn(first, range(at)) == whole[:at]
    state = first.state(at)
    assert drawn(first, range(at, at + 10)) == whole[at:]  # looking changes nothing
    resumed = batches_of(data, T, config)
    resumed.restore(at, state)
    assert torch.equal(resumed.state(at), state)
    assert drawn(resumed, range(at, at + 10)) == whole[at:]


def test_epochs_differ_in_order_and_in_where_they_cut_the_text() -> None:
    data = counted(8, 400)
    W = windows_in_epoch(len(data), 8)
    batches = Epochs(data, 8, W, seed=1)
    first, second = drawn(batches, range(2))
    assert [row[0] for row in first] != sorted(row[0] for row in first)
    assert {row[0] % 8 for row in first} != {row[0] % 8 for row in second}
    assert drawn(Epochs(data, 8, W, seed=2), range(1)) != [first]
