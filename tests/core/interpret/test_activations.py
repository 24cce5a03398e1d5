"""Looking inside: every number is the model's own, whatever the model, and nothing is left behind on it."""

import threading
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from minigpt_core.configs import ModelConfig
from minigpt_core.export.gpt2 import gpt2_config, gpt2_weights
from minigpt_core.interpret.activations import (
    ActivationCache,
    activation_norms,
    residual_components,
    residual_norms,
    run_with_cache,
)
from minigpt_core.interpret.lens import lens_points, logit_lens, measure_lens
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.model import build_model, causal_mask
from tests.core.switches import SWITCHES, turned

V, T, B, C = 13, 8, 3, 16
NAMES = [rung.name for rung in (*RUNGS, *MODERN) if rung.model or rung.name == "tinygpt"]
GPT2: dict[str, Any] = settings_up_to("layernorm")[0] | {"n_layer": 2, "tie_weights": True}
MIXED: dict[str, Any] = {
    "n_layer": 2,
    "n_head": 2,
    "positions": "rotary",
    "norm": "rmsnorm",
}  # neither MLP nor residual
MODELS = {name: settings_up_to(name)[0] for name in NAMES} | {name: turned(name) for name in SWITCHES}
MODELS["mixed"] = MIXED


def lively(fields: dict[str, Any], seed: int = 0, vocab_size: int = V) -> Any:
    """A model, ready to predict, whose every weight is a random number, also those that begin at 0 or 1."""
    model = build_model(ModelConfig(vocab_size=vocab_size, block_size=T, n_embd=C, **fields)).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    return model


def some_ids(batch: int = B, length: int = T) -> Tensor:
    return torch.randint(V, (batch, length), generator=torch.Generator().manual_seed(1))


def close(one: Tensor, other: Tensor) -> None:
    largest = max(1.0, other.abs().max().item())  # without a norm they grow to hundreds
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * largest)


@pytest.fixture(params=MODELS)
def seen(request: pytest.FixtureRequest) -> tuple[Any, Tensor, Tensor, ActivationCache]:
    model, idx = lively(MODELS[request.param]), some_ids()
    return model, idx, *run_with_cache(model, idx)


Seen = tuple[Any, Tensor, Tensor, ActivationCache]


def test_the_logits_are_the_models_own(seen: Seen) -> None:
    model, idx, logits, cache = seen
    with torch.no_grad():
        close(logits, model(idx)[0])
    assert cache["logits"] is logits


def test_the_residual_stream_adds_up(seen: Seen) -> None:
    model, _idx, _logits, cache = seen
    residual, x = model.config.residual, cache["embed"]
    for name in ("token_shift", "pos_embed"):
        x = x + cache[name] if name in cache else x
    for layer in range(model.config.n_layer):
        close(cache.layer("resid_pre", layer), x)
        x = residual * x + cache.layer("attn_out", layer)
        close(cache.layer("resid_mid", layer), x)
        if model.config.mlp != "none":
            x = residual * x + cache.layer("mlp_out", layer)
        close(cache.layer("resid_post", layer), x)


def test_patterns_are_causal_and_sum_to_one(seen: Seen) -> None:
    model, _idx, _logits, cache = seen
    for layer in range(model.config.n_layer):
        pattern = cache.layer("attn.pattern", layer)
        assert pattern.shape == (B, model.config.n_head, T, T)
        close(pattern.sum(-1), torch.ones(B, model.config.n_head, T))
        assert (pattern[..., ~causal_mask(T)] == 0).all()
        scores = cache.layer("attn.scores", layer).masked_fill(~causal_mask(T), -torch.inf)
        close(scores.softmax(-1), pattern)
        block = model.blocks[layer]
        with torch.no_grad():
            close(block.attention(cache.layer("norm_1", layer)), cache.layer("attn_out", layer))


def test_the_lens_ends_with_the_logits(seen: Seen) -> None:
    model, _idx, logits, cache = seen
    for within in (False, True):
        points = lens_points(model.config, within_layers=within)
        lens = logit_lens(model, cache, points)
        assert lens.shape == (len(points), B, T, V)
        close(lens[-1], logits)
    if model.config.n_layer:
        with torch.no_grad():
            embedding_only = model.lm_head(model.final_norm(cache.layer("resid_pre", 0)))
        close(logit_lens(model, cache)[0], embedding_only)


@pytest.mark.parametrize("rung", ["tinygpt", "positions", "layernorm", "zero-init"])
def test_the_lens_measured_on_text_ends_with_the_models_own_loss(rung: str) -> None:
    model, x = lively(MODELS[rung]), some_ids(batch=5)
    y = x.roll(1)
    with torch.no_grad():
        logits, loss = model(x, y)
    scores = measure_lens(model, x, y, chunk=2)
    assert scores.losses[-1] == pytest.approx(loss.item(), abs=1e-5)
    assert scores.right[-1] == pytest.approx((logits.argmax(-1) == y).double().mean().item())
    assert scores.characters == y.numel() and scores.points == lens_points(model.config)


def test_contributions_add_up_to_the_end_of_the_residual_stream() -> None:
    model, idx = lively(GPT2), some_ids()
    _logits, cache = run_with_cache(model, idx)
    names = residual_components(model.config)
    assert names == (
        "embed",
        "pos_embed",
        *(f"blocks.{n}.{p}" for n in (0, 1) for p in ("attn_out", "mlp_out")),
    )
    close(sum(cache[name] for name in names), cache.layer("resid_post", -1))
    assert activation_norms(cache, names).shape == (6, B, T)
    close(activation_norms(cache, names)[2, 1, 3], cache["blocks.0.attn_out"][1, 3].square().sum().sqrt())


def test_only_what_is_asked_for_is_kept() -> None:
    logits, cache = run_with_cache(lively(GPT2), some_ids(), keep=lambda name: name.endswith("pattern"))
    assert list(cache) == ["blocks.0.attn.pattern", "blocks.1.attn.pattern"]
    assert cache.layers("attn.pattern").shape == (2, B, 4, T, T)
    assert not logits.requires_grad


def test_nothing_is_left_on_the_model(seen: Seen) -> None:
    model, idx, _logits, _cache = seen
    before = {name: vars(module).keys() for name, module in model.named_modules()}
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    run_with_cache(model, idx)
    assert before == {name: vars(module).keys() for name, module in model.named_modules()}
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert all(torch.equal(weights[name], weight) for name, weight in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())


def test_many_look_at_one_model_at_once() -> None:
    model = lively(GPT2)
    texts = [some_ids().roll(shift, dims=1) for shift in range(6)]
    alone = [run_with_cache(model, idx)[1] for idx in texts]
    together: dict[int, list[ActivationCache]] = {number: [] for number in range(6)}
    start = threading.Barrier(6)

    def look(number: int) -> None:
        start.wait()
        together[number] += [run_with_cache(model, texts[number])[1] for _ in range(20)]

    threads = [threading.Thread(target=look, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, caches in together.items():
        assert len(caches) == 20
        for cache in caches:
            assert all(torch.equal(cache[name], alone[number][name]) for name in alone[number])


def test_a_training_model_is_refused() -> None:
    model = lively(settings_up_to("dropout")[0]).train()
    with pytest.raises(AssertionError, match="eval"):
        run_with_cache(model, some_ids())


def test_transformers_sees_the_same_inside_a_gpt2() -> None:
    model, idx = lively(GPT2), some_ids()
    settings = gpt2_config(model.config) | {"attn_implementation": "eager"}
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(**settings)).eval()
    missing = theirs.load_state_dict(gpt2_weights(model.config, model.state_dict()), strict=False)
    assert not missing.unexpected_keys and set(missing.missing_keys) <= {"lm_head.weight"}  # which is tied
    logits, cache = run_with_cache(model, idx)
    with torch.no_grad():
        out = theirs(idx, output_attentions=True, output_hidden_states=True)
    assert (out.logits - logits).abs().max() < 1e-4
    for layer in range(2):
        assert (out.attentions[layer] - cache.layer("attn.pattern", layer)).abs().max() < 1e-4
        assert (out.hidden_states[layer] - cache.layer("resid_pre", layer)).abs().max() < 1e-4
    assert (out.hidden_states[2] - cache["final_norm"]).abs().max() < 1e-4  # theirs ends after the final norm


# Heads in words


def test_norms_of_the_residual_stream_are_those_of_the_text(seen: Seen) -> None:
    model, idx, _logits, _cache = seen
    config = model.config
    found = residual_norms(model, idx[0].tolist())
    _logits, cache = run_with_cache(model, idx[:1])
    assert found.components == residual_components(config)
    close(torch.tensor(found.added), activation_norms(cache, found.components)[:, 0].mean(-1))
    assert len(found.stream) == len(found.added)
    if config.n_layer:
        close(torch.tensor(found.stream[-1]), cache.layer("resid_post", -1).norm(dim=-1).mean())
    if config.residual:  # the stream is the sum of what was added so far
        parts = torch.stack([cache[name][0] for name in found.components])  # (P, T, C)
        close(torch.tensor(found.stream), parts.cumsum(0).norm(dim=-1).mean(-1))
