"""The maps and cosines of a run's rows at every checkpoint are those of the rows, of as many as can be shown."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from minigpt_core.data import prepare
from minigpt_core.errors import UserError
from minigpt_core.interpret.embedding_history import (
    CHARACTERS,
    MOST_CHARACTERS,
    MOST_CHECKPOINTS,
    MOST_PLACES,
    PLACES,
    embedding_history,
    evenly_spaced,
    most_frequent,
    row_history,
    seriate,
)
from minigpt_core.interpret.embedding_map import cosine_matrix, pca

DATASET = prepare("the cat sat on the mat. " * 10, val_fraction=0.1)
V, C = DATASET.tokenizer.vocab_size, 6


def rows(n: int, seed: int) -> Tensor:
    return torch.randn(n, C, generator=torch.Generator().manual_seed(seed))


def checkpoint(step: int, places: int = 0) -> tuple[int, dict[str, Tensor]]:
    weights = {f"model.{CHARACTERS}": rows(V, step)}
    return step, weights | ({f"model.{PLACES}": rows(places, 100 + step)} if places else {})


def test_the_last_map_is_that_of_the_last_rows_and_cosines_are_those_of_each_moment() -> None:
    history = embedding_history([checkpoint(0), checkpoint(7)], DATASET)
    assert history.steps == [0, 7] and history.character_ids == list(range(V))
    assert history.characters.flat.shape == (2, V, 2) and history.characters.deep.shape == (2, V, 3)
    for moment, step in enumerate(history.steps):
        np.testing.assert_allclose(
            history.characters.cosines[moment], cosine_matrix(rows(V, step)), atol=1e-6
        )
        here = pca(rows(V, step), 2)
        assert history.characters.flat_explained[moment] == pytest.approx(sum(here.explained))
    np.testing.assert_allclose(history.characters.flat[-1], pca(rows(V, 7), 2).points, atol=1e-5)
    assert sorted(history.characters.seriation) == list(range(V))
    assert history.places is None and history.place_numbers == []


def test_characters_are_counted_in_the_part_that_is_learned_from() -> None:
    history = embedding_history([checkpoint(0)], DATASET)
    learned = DATASET.tokenizer.decode(DATASET.train)
    assert history.character_counts == [learned.count(c) for c in DATASET.tokenizer.characters]


def test_many_places_are_thinned_out() -> None:
    history = embedding_history([checkpoint(0, places=300), checkpoint(1, places=300)], DATASET)
    assert history.place_numbers == list(range(0, 300, 3)) and len(history.place_numbers) <= MOST_PLACES
    assert history.places is not None and history.places.flat.shape == (2, 100, 2)
    np.testing.assert_allclose(history.places.cosines[1], cosine_matrix(rows(300, 101)[::3]), atol=1e-6)


def test_a_checkpoint_that_is_no_numbers_is_left_out() -> None:
    broken = (9, {f"model.{CHARACTERS}": torch.full((V, C), torch.nan)})
    assert embedding_history([checkpoint(0), broken], DATASET).steps == [0]
    with pytest.raises(UserError, match="diverged"):
        embedding_history([broken], DATASET)


def test_of_thousands_of_characters_only_so_many_are_kept_and_one_checkpoint_is_held_at_a_time() -> None:
    text = "".join(chr(0x4E00 + n % 3_000) for n in range(9_000)) + chr(0x4E00 + 7) * 5
    dataset, alive = prepare(text, val_fraction=0), 0

    class Weights(dict[str, Tensor]):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def checkpoints() -> Iterator[tuple[int, Weights]]:
        nonlocal alive
        for step in range(4):
            alive += 1
            yield step, Weights({f"model.{CHARACTERS}": rows(3_000, step)})
            assert alive <= 2

    history = embedding_history(checkpoints(), dataset)
    assert len(history.character_ids) == MOST_CHARACTERS and 7 in history.character_ids
    assert history.characters.cosines.shape == (4, MOST_CHARACTERS, MOST_CHARACTERS)


def test_many_checkpoints_and_characters_are_thinned_out() -> None:
    chosen = evenly_spaced(range(0, 1000, 7))
    assert len(chosen) == MOST_CHECKPOINTS and chosen[0] == 0 and chosen[-1] == 994
    assert evenly_spaced([0, 5]) == (0, 5)
    for wanted in (7, 497, 987):
        found = evenly_spaced(range(0, 1000, 7), among=wanted)
        assert wanted in found and sorted(found) == list(found) and len(found) == len(chosen)
        assert (found[0], found[-1]) == (chosen[0], chosen[-1])
    assert most_frequent(torch.arange(1000)) == list(range(1000 - MOST_CHARACTERS, 1000))


def test_similar_rows_stand_side_by_side() -> None:
    turns = torch.linspace(0, 3, 9)
    mixed = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    points = torch.stack([turns.cos(), turns.sin()], dim=1)[mixed]
    order = seriate(cosine_matrix(points))
    angles = torch.atan2(points[:, 1], points[:, 0])[order].tolist()
    assert angles in (sorted(angles), sorted(angles, reverse=True))


def test_a_single_row_is_a_picture_too() -> None:
    history = row_history([rows(1, 0), rows(1, 1)])
    assert history.seriation == [0] and np.isfinite(history.flat).all()
