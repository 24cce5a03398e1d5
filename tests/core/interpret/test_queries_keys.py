"""Queries and keys are enough to get the model's own attention back."""

import pytest
import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.errors import UserError
from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.interpret.queries_keys import MOST_NUMBERS, longest_window, queries_keys
from minigpt_core.ladder import ALONE, settings_alone, settings_up_to
from minigpt_core.model import causal_mask
from minigpt_core.weights import fresh_model

KINDS = {"dropout": settings_up_to("dropout")[0]} | {
    rung.name: settings_alone(rung)[0] for rung in ALONE if rung.model
}
GPT = {"n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": 24, "positions": "learned", "norm": "layernorm"}


@pytest.mark.parametrize("name", KINDS)
def test_the_softmax_of_their_products_is_the_pattern(name: str) -> None:
    config = ModelConfig(**({"vocab_size": 11, "block_size": 8, "n_embd": 16} | KINDS[name]))
    model, idx = fresh_model(config, seed=1), torch.tensor([3, 1, 4, 1, 5, 9, 2])
    found = queries_keys(model, idx)
    assert found.ids == idx.tolist()
    q, k = torch.from_numpy(found.queries), torch.from_numpy(found.keys)  # (L, nh, T, hs)
    assert q.shape == (config.n_layer, config.n_head, 7, config.head_size)
    scores = (q @ k.transpose(-2, -1) / config.head_size**0.5).masked_fill(~causal_mask(7), -torch.inf)
    _logits, cache = run_with_cache(model, idx[None])
    torch.testing.assert_close(scores.softmax(-1), cache.layers("attn.pattern")[:, 0])


def test_a_model_too_large_to_send_is_seen_in_shorter_parts() -> None:
    small = ModelConfig(vocab_size=10, **GPT)
    assert longest_window(small, 256) == small.block_size and longest_window(small, 5) == 5
    large = ModelConfig(vocab_size=10, **GPT | {"n_layer": 48, "n_embd": 1024, "block_size": 1024})
    assert 1 < longest_window(large, 256) <= MOST_NUMBERS / (2 * 48 * 1024)


def test_a_diverged_model_is_refused_with_a_sentence() -> None:
    model = fresh_model(ModelConfig(vocab_size=10, **GPT), seed=1)
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    with pytest.raises(UserError, match="diverged"):
        queries_keys(model, torch.arange(5))
