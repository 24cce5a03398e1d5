"""The smoothed loss that pages lead with, against its definition written out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as values

from minigpt_core.store.curves import Curve, smoothed_losses, smoothing_steps

losses = values.lists(values.floats(0, 20), min_size=1, max_size=60)


def curve(of: list[float]) -> Curve:
    middles = [4 * i + 1.5 for i in range(len(of))]
    return Curve(steps=[0, 4 * len(of) - 1], losses=[of[0], of[-1]], mean_steps=middles, mean_losses=of)


@given(losses)
def test_the_smoothed_curve_stays_between_the_extremes(of: list[float]) -> None:
    line = [y for _x, y in smoothed_losses(curve(of), 400)]
    assert min(of) - 1e-9 <= min(line)
    assert max(line) <= max(of) + 1e-9


@given(values.floats(0, 20), values.integers(1, 50))
def test_a_constant_loss_is_not_changed_by_smoothing(loss: float, count: int) -> None:
    assert [y for _x, y in smoothed_losses(curve([loss] * count), 280)] == pytest.approx([loss] * (count + 1))


@given(losses)
def test_smoothing_weighs_by_distance_in_steps(of: list[float]) -> None:
    """The definition, written out: each mean keeps its weight times exp(-distance / memory) at every later one."""
    shown, steps = curve(of), 400
    keep = [math.exp(-4 / smoothing_steps(step, steps)) for step in shown.mean_steps]
    for i, (_step, value) in enumerate(smoothed_losses(shown, steps)[: len(of)]):
        weights = [(1 if j == 0 else 1 - keep[j]) * math.prod(keep[j + 1 : i + 1]) for j in range(i + 1)]
        mean = sum(w * y for w, y in zip(weights, of, strict=False)) / sum(weights)
        assert value == pytest.approx(mean)


def test_the_curve_remembers_less_at_the_start_and_never_less_than_a_step() -> None:
    remembered = [smoothing_steps(step, 4000) for step in (0, 50, 900, 1000, 4000)]
    assert remembered == [1, 5, 90, 100, 100]
