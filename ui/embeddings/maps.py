"""What the Embeddings page computes: maps and similarities of the rows at every checkpoint of a run.

Letters in the shape comments: S checkpoints, N rows (characters or places), C numbers a row, D dimensions of a map.
"""

import base64
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from minigpt_core.data import Dataset
from minigpt_core.errors import UserError
from minigpt_core.interpret.embedding_map import cosine_matrix, moving_map
from ui.words.tokens import KINDS, kind

MOST_CHARACTERS, MOST_PLACES, MOST_MOMENTS = (
    160,
    128,
    12,
)  # in a picture that can be read, of a size that can be sent
COSINE_UNIT = 32_767  # cosines are sent as whole numbers of 16 bits
LEAST_GAIN = 1e-9  # of a turn that counts: rounding must not go round in circles
CHARACTERS, PLACES = "token_embedding.weight", "position_embedding.weight"


@dataclass(frozen=True, eq=False)
class Maps:
    """The rows of a run at several moments of its training, as points and as cosines."""

    flat: str
    """(S, N, 2) float32, little-endian, in base64."""

    deep: str
    """(S, N, 3) likewise."""

    flat_kept: list[float]
    """For each moment, the share of the rows' variance that the map in two dimensions shows."""

    deep_kept: list[float]
    cosines: str
    """(S, N, N) int16, in base64: 32767 is 1."""

    alike: list[int]
    """The rows in an order that puts similar ones side by side, by the last moment."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The learned rows of a run that are shown, at every moment that is shown."""

    steps: list[int]
    characters: list[Tensor]
    """(N, C) for each moment."""

    ids: list[int]
    """Which characters these are."""

    places: list[Tensor]
    """(T', C) for each moment; empty if the model has learned none."""

    numbers: list[int]
    """Which places these are, counted from 0."""


def moments(steps: Sequence[int]) -> list[int]:
    """At most `MOST_MOMENTS` of the steps, the first and the last among them, as evenly spread as can be."""
    if len(steps) <= MOST_MOMENTS:
        return list(steps)
    apart = (len(steps) - 1) / (MOST_MOMENTS - 1)
    return [steps[round(n * apart)] for n in range(MOST_MOMENTS)]


def shown_characters(counts: Tensor) -> list[int]:
    """The ids of the characters that are shown: all, or the most frequent ones; in the order of the ids."""
    order = counts.argsort(descending=True, stable=True)[:MOST_CHARACTERS]
    return sorted(order.tolist())


def rows_of(weights: Sequence[tuple[int, Mapping[str, Tensor]]], counts: Tensor) -> Rows:
    """Pick what is shown.

    Args:
        weights: for each moment its step and the tensors of the checkpoint.
        counts: (V,) how often the run has each character in its text.

    Raises:
        UserError: at no moment are all weights numbers.
    """
    weights = [
        (step, tensors) for step, tensors in weights if tensors[f"model.{CHARACTERS}"].isfinite().all()
    ]
    if not weights:
        raise UserError(
            "This model's scores are not numbers any more: its training diverged. Choose an earlier checkpoint."
        )
    ids = shown_characters(counts)
    steps = [step for step, _tensors in weights]
    characters = [tensors[f"model.{CHARACTERS}"][ids] for _step, tensors in weights]
    all_places = [tensors[f"model.{PLACES}"] for _step, tensors in weights if f"model.{PLACES}" in tensors]
    length = len(all_places[0]) if all_places else 0
    stride = -(-length // MOST_PLACES)
    numbers = list(range(0, length, stride or 1))
    return Rows(steps, characters, ids, [places[numbers] for places in all_places], numbers)


def maps(rows: Sequence[Tensor]) -> Maps:
    """Maps in two and three dimensions that move smoothly, and all cosines.

    Args:
        rows: (N, C) for each moment, the oldest first.
    """
    flat, deep = moving_map(rows, 2), moving_map(rows, 3)
    cosines = torch.stack([cosine_matrix(each) for each in rows])  # (S, N, N)
    return Maps(
        flat=packed(torch.stack([each.points for each in flat])),
        deep=packed(torch.stack([each.points for each in deep])),
        flat_kept=[sum(each.explained) for each in flat],
        deep_kept=[sum(each.explained) for each in deep],
        cosines=base64.b64encode((cosines * COSINE_UNIT).round().short().numpy().astype("<i2").tobytes()).decode(),
        alike=side_by_side(cosines[-1]),
    )  # fmt: skip


def packed(x: Tensor) -> str:
    """The numbers of a tensor as float32 in base64."""
    return base64.b64encode(x.contiguous().float().numpy().astype("<f4").tobytes()).decode()


def side_by_side(cosines: Tensor) -> list[int]:
    """An order of the rows that puts those with a high cosine side by side: (N, N) -> N indices.

    First by the Fiedler vector of the similarities, the smoothest way to spread the rows along a line (Atkins, Boman
    and Hendrickson 1998, https://doi.org/10.1137/S0097539795285771); then stretches of it are turned round for as
    long as that brings more alike ones together (2-opt: Croes 1958, https://doi.org/10.1287/opre.6.6.791).
    """
    near = (cosines.clamp(-1, 1) + 1) / 2
    laplacian = torch.diag(near.sum(1)) - near
    _values, vectors = torch.linalg.eigh(laplacian)
    line = vectors[:, min(1, len(near) - 1)]
    line = line * (
        1.0 if line[line.abs().argmax()] > 0 else -1.0
    )  # a vector and its mirror image say the same
    return two_opt(cosines.tolist(), line.argsort(stable=True).tolist())


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


def by_kind(characters: Sequence[str]) -> list[int]:
    """Vowels, consonants, spaces, digits, signs; within each in alphabetical order, accents beside their letter."""
    kinds = list(KINDS)

    def place(index: int) -> tuple[int, str, str]:
        character = characters[index]
        return kinds.index(kind(character)), unicodedata.normalize("NFD", character).lower(), character

    return sorted(range(len(characters)), key=place)


def has_accent(character: str) -> bool:
    """Whether it is a letter with a mark: é, ç, ñ."""
    letter = unicodedata.normalize("NFD", character)
    return len(letter) > 1 and letter[0].isalpha()


def frequencies(dataset: Dataset) -> Tensor:
    """(V,) how often each character stands in the part of the text that a run learns from."""
    return torch.bincount(dataset.train, minlength=dataset.tokenizer.vocab_size)
