"""The learned rows of a run at several checkpoints: as maps that move smoothly, as cosines, and in an order.

Letters in the shape comments: S checkpoints, N rows (characters or places), C numbers a row, V characters in the
vocabulary.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from minigpt_core.data import Dataset
from minigpt_core.interpret.embedding_map import cosine_matrix, moving_map
from minigpt_core.sampling import diverged_error

MOST_CHARACTERS, MOST_PLACES = 160, 128  # rows in a picture that can be read
MOST_CHECKPOINTS = 12  # of a size that can be sent
LEAST_GAIN = 1e-9  # of a turn that counts: rounding must not go round in circles
CHARACTERS, PLACES = "token_embedding.weight", "position_embedding.weight"


@dataclass(frozen=True, eq=False)
class RowHistory:
    """Rows at several moments of a training, as points and as cosines."""

    flat: NDArray[np.float32]
    """(S, N, 2): a map of each moment."""

    deep: NDArray[np.float32]
    """(S, N, 3)"""

    flat_explained: list[float]
    """For each moment, the share of the rows' variance that the map in two dimensions shows."""

    deep_explained: list[float]
    cosines: NDArray[np.float32]
    """(S, N, N)"""

    seriation: list[int]
    """The rows in an order that puts similar ones side by side, by the last moment."""


@dataclass(frozen=True, eq=False)
class EmbeddingHistory:
    """What is shown of the learned rows of a run."""

    steps: list[int]
    """The S checkpoints whose weights are numbers."""

    character_ids: list[int]
    """Which characters are shown, in the order of their ids."""

    character_counts: list[int]
    """How often each of them stands in the part of the text that is learned from."""

    characters: RowHistory
    place_numbers: list[int]
    """Which places are shown, counted from 0; none if the model has learned no rows for places."""

    places: RowHistory | None


def evenly_spaced(
    steps: Sequence[int], most: int = MOST_CHECKPOINTS, among: int | None = None
) -> tuple[int, ...]:
    """At most so many of the steps, the first and the last among them, as evenly spread as can be.

    Args:
        among: one of the steps that must not be missing: it takes the place of its neighbour.
    """
    if len(steps) <= most:
        return tuple(steps)
    apart = (len(steps) - 1) / (most - 1)
    chosen = [steps[round(n * apart)] for n in range(most)]
    if among is not None and among in steps and among not in chosen:
        nearest = min(range(1, most - 1), key=lambda n: abs(chosen[n] - among))
        chosen[nearest] = among
    return tuple(chosen)


def embedding_history(
    checkpoints: Iterable[tuple[int, Mapping[str, Tensor]]], dataset: Dataset
) -> EmbeddingHistory:
    """The rows of a run, as maps and cosines.

    Args:
        checkpoints: steps and the tensors of their checkpoints, the oldest first; only the rows that are shown are
            kept of each.
        dataset: what the run learns from.

    Raises:
        UserError: at no moment are all weights numbers.
    """
    counts = torch.bincount(dataset.train, minlength=dataset.tokenizer.vocab_size)
    ids = most_frequent(counts)
    steps, characters, places = list[int](), list[Tensor](), list[Tensor]()
    for step, tensors in checkpoints:
        if tensors[f"model.{CHARACTERS}"].isfinite().all():
            steps.append(step)
            characters.append(tensors[f"model.{CHARACTERS}"][ids])  # (N, C)
            if f"model.{PLACES}" in tensors:
                places.append(tensors[f"model.{PLACES}"])  # (T, C)
    if not steps:
        raise diverged_error()
    length = len(places[0]) if places else 0
    numbers = list(range(0, length, -(-length // MOST_PLACES) or 1))
    return EmbeddingHistory(
        steps, ids, counts[ids].tolist(), row_history(characters),
        numbers, row_history([rows[numbers] for rows in places]) if places else None,
    )  # fmt: skip


def most_frequent(counts: Tensor, most: int = MOST_CHARACTERS) -> list[int]:
    """The ids of the characters that are shown, of (V,) counts: all, or the most frequent; in the order of the ids."""
    return sorted(counts.argsort(descending=True, stable=True)[:most].tolist())


def row_history(rows: Sequence[Tensor]) -> RowHistory:
    """Maps in two and three dimensions that move smoothly, and all cosines.

    Args:
        rows: (N, C) for each moment, the oldest first.
    """
    flat, deep = moving_map(rows, 2), moving_map(rows, 3)
    cosines = torch.stack([cosine_matrix(each) for each in rows])  # (S, N, N)
    return RowHistory(
        flat=torch.stack([each.points for each in flat]).float().numpy(),
        deep=torch.stack([each.points for each in deep]).float().numpy(),
        flat_explained=[sum(each.explained) for each in flat],
        deep_explained=[sum(each.explained) for each in deep],
        cosines=cosines.float().numpy(),
        seriation=seriate(cosines[-1]),
    )


def seriate(cosines: Tensor) -> list[int]:
    """An order of the rows that puts those with a high cosine side by side: (N, N) -> N indices.

    First by the Fiedler vector of the similarities, the smoothest way to spread the rows along a line (Atkins, Boman
    and Hendrickson 1998, https://doi.org/10.1137/S0097539795285771); then stretches of it are turned round for as
    long as that brings more alike ones together (2-opt: Croes 1958, https://doi.org/10.1287/opre.6.6.791).
    """
    near = (cosines.clamp(-1, 1) + 1) / 2
    laplacian = torch.diag(near.sum(1)) - near
    _values, vectors = torch.linalg.eigh(laplacian)
    line = vectors[:, min(1, len(near) - 1)]
    sign = 1.0 if line[line.abs().argmax()] > 0 else -1.0  # a vector and its mirror image say the same
    order = (line * sign).argsort(stable=True)
    return two_opt(cosines.tolist(), cast(list[int], order.tolist()))


def two_opt(alike: list[list[float]], order: list[int]) -> list[int]:
    """The order with stretches turned round until no turn makes the neighbours more alike."""
    n = len(order)
    better = True
    while better:
        better = False
        for i in range(n - 1):
            for j in range(i + 1, n):
                first, last = order[i], order[j]
                gain = 0.0
                if i > 0:
                    gain += alike[order[i - 1]][last] - alike[order[i - 1]][first]
                if j + 1 < n:
                    gain += alike[first][order[j + 1]] - alike[last][order[j + 1]]
                if gain > LEAST_GAIN:
                    order = order[:i] + order[i : j + 1][::-1] + order[j + 1 :]
                    better = True
    return order
