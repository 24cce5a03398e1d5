"""The lens' guesses are the largest of its scores, looked at one point after the other."""

from typing import Any

import numpy as np
import pytest
import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.errors import UserError
from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.interpret.lens import lens_guesses, lens_points, logit_lens, measure_lens, settled_at
from minigpt_core.ladder import settings_up_to
from minigpt_core.weights import fresh_model

V, T = 13, 8
IDS = [3, 1, 4, 1, 5, 9, 2, 6]


def small_gpt(vocab_size: int = V) -> Any:
    fields: dict[str, Any] = settings_up_to("layernorm")[0] | {"n_layer": 3, "n_head": 2}
    return fresh_model(ModelConfig(vocab_size=vocab_size, block_size=T, n_embd=16, **fields), seed=1)


@pytest.mark.parametrize("within", [False, True])
def test_the_guesses_are_the_best_of_the_scores_at_each_point(within: bool) -> None:
    model = small_gpt()
    logits, cache = run_with_cache(model, torch.tensor([IDS]))
    points = lens_points(model.config, within_layers=within)
    shares = logit_lens(model, cache, points)[:, 0].softmax(-1)  # (P, T, V)
    found = lens_guesses(model, IDS, within_layers=within, top=4)
    assert found.points == points and found.ids.shape == (len(points), T, 4)
    np.testing.assert_array_equal(found.ids[..., 0], shares.argmax(-1))
    np.testing.assert_allclose(
        found.probabilities, shares.sort(-1, descending=True).values[..., :4], atol=1e-6
    )
    np.testing.assert_array_equal(found.ids[-1, :, 0], logits[0].argmax(-1))
    for place, row in enumerate(found.settled):
        assert (found.ids[row:, place, 0] == found.ids[-1, place, 0]).all()
        assert row == 0 or found.ids[row - 1, place, 0] != found.ids[-1, place, 0]


def test_settled_is_where_the_guess_never_changes_again() -> None:
    best = torch.tensor([[1, 2, 3, 4], [1, 5, 3, 9], [1, 2, 8, 9], [1, 2, 3, 9]])
    none = torch.zeros(4, 4, dtype=torch.bool)
    assert settled_at(best, none) == (0, 2, 3, 1)
    assert settled_at(best[:1], none[:1]) == (0, 0, 0, 0)
    assert settled_at(best, torch.eye(4, dtype=torch.bool)) == (1, 2, 3, 1)


def test_characters_with_the_same_score_are_no_guess() -> None:
    """A model that has learned nothing yet and gives all of them the same."""
    model = fresh_model(
        ModelConfig(vocab_size=V, block_size=T, n_layer=1, n_embd=16, residual=True, zero_init=True), seed=1
    )
    found = lens_guesses(model, IDS)
    assert found.tied.all() and found.settled == (1,) * T
    x = torch.tensor([IDS])
    assert measure_lens(model, x, x.roll(-1)).right == pytest.approx((1 / V, 1 / V))
    assert not lens_guesses(small_gpt(), IDS).tied.any()


def test_a_small_vocabulary_has_fewer_guesses() -> None:
    assert lens_guesses(small_gpt(vocab_size=3), [0, 1, 2]).ids.shape == (4, 3, 3)


def test_a_diverged_model_is_refused_with_a_sentence() -> None:
    model = small_gpt()
    with torch.no_grad():
        model.lm_head.weight.fill_(torch.nan)
    with pytest.raises(UserError, match="diverged"):
        lens_guesses(model, IDS)


def test_the_scores_of_one_point_are_in_memory_at_a_time() -> None:
    """However many layers and characters there are."""
    model, largest = small_gpt(vocab_size=5_000), list[int]()
    model.lm_head.register_forward_hook(lambda _module, _args, out: largest.append(out.numel()))
    lens_guesses(model, IDS)
    assert max(largest) == T * 5_000
    largest.clear()
    x = torch.randint(5_000, (4, T), generator=torch.Generator().manual_seed(1))
    measure_lens(model, x, x.roll(1), chunk=2)
    assert max(largest) == 2 * T * 5_000 and len(largest) == 2 * (1 + len(lens_points(model.config)))
