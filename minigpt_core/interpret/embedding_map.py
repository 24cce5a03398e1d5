"""The rows of an embedding as points that can be drawn: maps, distances, neighbours, and a map that moves smoothly.

Letters in the shape comments: N rows (characters or places), C numbers a row, D dimensions of the map (2 or 3).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ANGLES = 100_001  # between two directions, 0 to π
RARELY = 0.05


@dataclass(frozen=True, eq=False)
class Map:
    """Rows seen from the side where they differ most."""

    points: Tensor
    """(N, D) float64."""

    explained: tuple[float, ...]
    """For each dimension the share of the rows' variance that lies along it. What is missing to 1 cannot be seen."""


def pca(rows: Tensor, dimensions: int = 2) -> Map:
    """Principal components: the directions along which the rows, (N, C), differ most, by singular values.

    Pearson (1901), "On lines and planes of closest fit to systems of points in space". Each direction points to the
    side on which its farthest point lies, so that the same rows always give the same map.
    """
    centred = rows.double() - rows.double().mean(dim=0)
    u, s, _vt = torch.linalg.svd(centred, full_matrices=False)  # (N, K), (K,), (K, C)
    points = pad(u * s, dimensions)  # (N, D)
    farthest = points.gather(0, points.abs().argmax(dim=0, keepdim=True))  # (1, D)
    variance = pad(s.square()[None], dimensions)[0]
    total = max(s.square().sum().item(), 1e-300)
    return Map(points * torch.where(farthest < 0, -1.0, 1.0), tuple((variance / total).tolist()))


def pad(x: Tensor, columns: int) -> Tensor:
    """The first columns of `x`, (N, K), with columns of zeros where there are too few."""
    return torch.nn.functional.pad(x[:, :columns], (0, max(columns - x.size(1), 0)))


def turned_onto(points: Tensor, other: Tensor) -> Tensor:
    """`points`, (N, D), turned and mirrored (never stretched) so that they lie as near as possible to `other`.

    The orthogonal Procrustes problem (Schönemann 1966, https://doi.org/10.1007/BF02289451): U Vᵀ of pointsᵀ · other.
    """
    u, _s, vt = torch.linalg.svd(points.T @ other)
    return points @ (u @ vt)


def moving_map(all_rows: Sequence[Tensor], dimensions: int = 2) -> list[Map]:
    """One map for each checkpoint, the oldest first, each turned onto the following one so that nothing jumps.

    The last map is the plain `pca` of the last rows. A turned map shows the same plane from the same distance: only its
    axes are no longer the directions of the most variance, so `explained` holds for the plane as a whole.

    Args:
        all_rows: (N, C) of each checkpoint.
    """
    maps: list[Map] = []
    for rows in reversed(all_rows):
        here = pca(rows, dimensions)
        maps.append(Map(turned_onto(here.points, maps[-1].points), here.explained) if maps else here)
    return maps[::-1]


def cosine_matrix(rows: Tensor) -> Tensor:
    """The cosine of the angle between every two rows, (N, C) -> (N, N) float64: 1 same direction, 0 none in common.

    A row of zeros has no direction: its cosines are 0.
    """
    unit = torch.nn.functional.normalize(rows.double(), dim=-1)
    return unit @ unit.T


def chance_cosine(dimensions: int, rows: int) -> float:
    """The cosine that the nearest of `rows` rows has by chance: drawn at random, in 19 of 20 cases it is below that.

    The angle θ between two random directions in C dimensions has the density sin(θ)^(C - 2); of all `rows`, less than
    0.05 are expected beyond.
    """
    if dimensions == 1 or rows < 1:
        return 1.0
    angles = torch.linspace(0, math.pi, ANGLES, dtype=torch.float64)
    density = angles.sin() ** (dimensions - 2)
    below = torch.cumulative_trapezoid(density, angles)
    beyond = torch.searchsorted(below, RARELY / rows * below[-1])
    return float(angles[beyond].cos())


def nearest(rows: Tensor, index: int, k: int = 5) -> list[tuple[int, float]]:
    """The k other rows whose direction is nearest to that of row `index`, and their cosines, the nearest first."""
    cosines = cosine_matrix(rows)[index]
    order = cosines.argsort(descending=True, stable=True).tolist()
    return [(other, cosines[other].item()) for other in order if other != index][:k]
