"""Rows of numbers as points: nothing is invented by the projection."""

import pytest
import torch
from torch import Tensor

from minigpt_core.interpret.embedding_map import (
    chance_cosine,
    cosine_matrix,
    moving_map,
    nearest,
    pca,
    turned_onto,
)


def rows(n: int = 20, c: int = 6, seed: int = 0) -> Tensor:
    return torch.randn(n, c, generator=torch.Generator().manual_seed(seed)) * torch.arange(1, c + 1)


def distances(points: Tensor) -> Tensor:
    return torch.cdist(points.double(), points.double(), compute_mode="donot_use_mm_for_euclid_dist")


def turn(angle: float) -> Tensor:
    a = torch.tensor(angle, dtype=torch.float64)
    return torch.stack([torch.stack([a.cos(), -a.sin()]), torch.stack([a.sin(), a.cos()])])


def test_a_map_with_all_dimensions_keeps_every_distance() -> None:
    seen = pca(rows(), 6)
    torch.testing.assert_close(distances(seen.points), distances(rows()))
    assert sum(seen.explained) == pytest.approx(1)
    assert list(seen.explained) == sorted(seen.explained, reverse=True)


def test_explained_is_the_share_of_the_variance() -> None:
    data, seen = rows(), pca(rows(), 3)
    total = data.double().var(dim=0).sum()
    torch.testing.assert_close(
        seen.points.var(dim=0) / total, torch.tensor(seen.explained, dtype=torch.float64)
    )
    components = torch.linalg.eigvalsh(torch.cov(data.double().T)).flip(0)
    torch.testing.assert_close(seen.points.var(dim=0), components[:3])


def test_the_map_does_not_depend_on_the_order_or_the_sign() -> None:
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(pca(rows()).points[order], pca(rows()[order]).points)
    torch.testing.assert_close(distances(pca(-rows()).points), distances(pca(rows()).points))


def test_few_or_equal_rows_still_make_a_map() -> None:
    assert pca(rows(2, 6), 3).points.shape == (2, 3)
    assert pca(rows(20, 1), 2).explained == pytest.approx((1, 0))
    flat = pca(torch.ones(4, 3), 2)
    assert flat.points.abs().max() == 0 and flat.explained == (0, 0)


def test_a_turned_and_mirrored_map_is_turned_back() -> None:
    points = pca(rows()).points
    mirrored = points @ turn(0.7) * torch.tensor([1.0, -1.0], dtype=torch.float64)
    torch.testing.assert_close(turned_onto(mirrored, points), points)


def test_a_map_moves_smoothly_through_the_checkpoints() -> None:
    end = rows(12, 4)
    start = rows(12, 4, seed=5)
    path = [start + (end - start) * share for share in torch.linspace(0, 1, 9)]
    moving, alone = moving_map(path), [pca(step) for step in path]
    torch.testing.assert_close(moving[-1].points, alone[-1].points)
    for here, own, following in zip(moving, alone, moving[1:], strict=False):
        torch.testing.assert_close(distances(here.points), distances(own.points))
        assert here.explained == own.explained
        step = (here.points - following.points).square().sum()
        assert step <= (own.points - following.points).square().sum() + 1e-9
        for angle in (0.1, -0.1, 3.0):  # no other turn is nearer
            assert step <= (here.points @ turn(angle) - following.points).square().sum()


def test_cosines_and_neighbours() -> None:
    data = torch.tensor([[1.0, 0, 0], [2, 0, 0], [0, 3, 0], [-1, 0, 0], [1, 1, 0], [0, 0, 0]])
    cosines = cosine_matrix(data)
    assert cosines[0].tolist() == pytest.approx([1, 1, 0, -1, 0.5**0.5, 0])
    torch.testing.assert_close(cosines, cosines.T)
    (first, same), (second, between) = nearest(data, 0, 2)
    assert (first, second) == (1, 4) and (same, between) == pytest.approx((1, 0.5**0.5))
    assert len(nearest(data, 0, 99)) == 5


@pytest.mark.parametrize(("dimensions", "rows"), [(64, 46), (16, 46), (2, 5), (3, 30)])
def test_random_rows_are_rarely_nearer_than_what_is_called_chance(dimensions: int, rows: int) -> None:
    draw = torch.randn(
        4000, rows, dimensions, generator=torch.Generator().manual_seed(1)
    )  # the first axis is the row
    highest = torch.nn.functional.normalize(draw, dim=-1)[..., 0].amax(-1)  # (4000,)
    beyond = (highest > chance_cosine(dimensions, rows)).double().mean().item()
    assert 0.03 < beyond < 0.065


def test_in_one_dimension_every_cosine_comes_by_chance() -> None:
    assert chance_cosine(1, 10) == 1.0 and chance_cosine(64, 0) == 1.0
    assert chance_cosine(64, 46) == pytest.approx(0.37, abs=0.01)
