"""The Transformer and its parts: what each sees, and that it computes what others compute."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from minigpt_core.configs import ModelConfig
from minigpt_core.errors import ConfigError
from minigpt_core.export.gpt2 import gpt2_config, gpt2_weights
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.model import (
    GPT,
    CausalSelfAttention,
    TinyGPT,
    attention_pattern,
    attention_scores,
    build_model,
    make_norm,
    rotary_table,
    rotate,
)  # fmt: skip
from minigpt_core.presets import find_preset
from minigpt_core.weights import count_parameters, parameters_of

V, T, B, C = 13, 8, 3, 16
NAMES = [rung.name for rung in (*RUNGS, *MODERN)]
GPT2: dict[str, Any] = settings_up_to("layernorm")[0] | {"n_layer": 2, "tie_weights": True}


def config(rung: str, **changed: Any) -> ModelConfig:
    fields = settings_up_to(rung)[0] | changed
    return ModelConfig(vocab_size=V, block_size=T, n_embd=C, **fields)


def lively(config: ModelConfig, seed: int = 0) -> Any:
    """A model, ready to predict, whose every weight is a random number, also those that begin at 0 or 1."""
    model = build_model(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    return model


def some_ids(batch: int = B, length: int = T) -> Tensor:
    return torch.randint(V, (batch, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("rung", NAMES)
def test_shapes_and_loss(rung: str) -> None:
    model, idx, targets = lively(config(rung)), some_ids(), some_ids().flip(0)
    logits, loss = model(idx, targets)
    assert logits.shape == (B, T, V)
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(loss, -logits.log_softmax(-1).gather(-1, targets[..., None]).mean())
    assert model(idx)[1] is None


@pytest.mark.parametrize("rung", NAMES)
def test_no_later_character_changes_an_earlier_logit(rung: str) -> None:
    model, idx = lively(config(rung)), some_ids(1)
    for t in range(1, T):
        changed = idx.clone()
        changed[0, t:] = (changed[0, t:] + 1) % V
        torch.testing.assert_close(model(idx)[0][:, :t], model(changed)[0][:, :t], rtol=0, atol=1e-6)


@pytest.mark.parametrize("rung", NAMES[1:])
def test_with_attention_an_earlier_character_changes_the_last_logits(rung: str) -> None:
    model, idx = lively(config(rung)), some_ids(1)
    changed = idx.clone()
    changed[0, 0] = (changed[0, 0] + 1) % V
    assert (model(idx)[0][0, -1] - model(changed)[0][0, -1]).abs().max() > 1e-4


@pytest.mark.parametrize("positions", ["none", "learned"])
def test_without_attention_it_does_not(positions: str) -> None:
    model, idx = lively(config("tinygpt", positions=positions)), some_ids(1)
    changed = (idx + 1) % V
    changed[0, -1] = idx[0, -1]
    torch.testing.assert_close(model(idx)[0][0, -1], model(changed)[0][0, -1])


def test_a_token_shift_adds_a_share_of_the_row_before() -> None:
    model, idx = build_model(config("token-shift")).eval(), some_ids()
    assert isinstance(model, GPT) and model.token_shift is not None
    without = build_model(config("zero-init")).eval()
    shift, rows = model.token_shift, model.token_embedding(idx)
    without.load_state_dict({name: w for name, w in model.state_dict().items() if name != "token_shift"})
    torch.testing.assert_close(model(idx)[0], without(idx)[0], rtol=0, atol=0)  # it begins at 0
    with torch.no_grad():
        shift.copy_(torch.randn(C))
    seen: list[Tensor] = []
    model.blocks[0].register_forward_pre_hook(lambda _block, given: seen.append(given[0]))
    model(idx)
    for t in range(T):
        before = rows[:, t - 1] if t else torch.zeros(B, C)
        torch.testing.assert_close(seen[0][:, t], rows[:, t] + shift * before)


@pytest.mark.parametrize("rung", ["one-head", "heads", "rotary", "qk-norm"])
def test_the_written_out_attention_is_the_fast_one(rung: str) -> None:
    attention = CausalSelfAttention(config(rung))
    x = torch.randn(B, T, C)
    q, k, v = attention.eval().project_qkv(x)
    pattern = attention_pattern(attention_scores(q, k))
    torch.testing.assert_close(attention.merge_heads(pattern @ v), attention(x), rtol=1e-4, atol=1e-6)
    assert pattern.shape == (B, config(rung).n_head, T, T)
    torch.testing.assert_close(pattern.sum(-1), torch.ones(B, config(rung).n_head, T))
    assert pattern.triu(1).abs().max() == 0


def test_a_bigger_model_begins_at_the_scale_of_a_small_one() -> None:
    """The scaled projections: a residual stream of 48 layers is not much larger than one of 2."""
    torch.manual_seed(0)
    losses = [build_model(config("layernorm", n_layer=n))(some_ids(), some_ids())[1].item() for n in (2, 48)]
    assert losses == pytest.approx([math.log(V)] * 2, abs=0.1)


@pytest.mark.parametrize("rung", ["zero-init", "layernorm"])
def test_a_zero_initialised_head_costs_ln_vocab_size(rung: str) -> None:
    model = build_model(config(rung))
    if rung != "zero-init":
        torch.nn.init.zeros_(model.lm_head.weight)
    assert model.eval()(some_ids(), some_ids())[1].item() == pytest.approx(math.log(V), abs=1e-6)


def test_zero_initialised_layers_let_everything_through_and_still_learn() -> None:
    model = build_model(config("zero-init", dropout=0.0))
    x = torch.randn(B, T, C)
    for block in model.blocks:
        torch.testing.assert_close(block(x), x)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):  # the output layer first, then the projections, then what is before them
        model.zero_grad()
        model(some_ids(), some_ids().flip(0))[1].backward()
        optimizer.step()
    assert all(weight.grad.abs().max() > 0 for weight in model.parameters())


@pytest.mark.parametrize("rung", ["heads", "mlp", "layernorm", "zero-init"])
def test_one_batch_can_be_overfitted(rung: str) -> None:
    """Which of two characters comes next depends on the one two places before: no table of pairs can know."""
    torch.manual_seed(0)
    model = build_model(
        config(rung, dropout=0.0, **({"n_layer": 2} if rung in ("layernorm", "zero-init") else {}))
    )
    x = torch.tensor([[0, 5, 2, 6, 1, 7, 3, 8], [9, 5, 1, 6, 2, 7, 4, 8]])
    y = torch.tensor([[5, 2, 6, 1, 7, 3, 8, 0], [5, 1, 6, 2, 7, 4, 8, 9]])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(250):
        _, loss = model(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    tiny = TinyGPT(config("tinygpt"))
    optimizer = torch.optim.AdamW(tiny.parameters(), lr=1e-2)
    for _ in range(250):
        _, loss = tiny(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() > 0.2


@pytest.mark.parametrize(
    "changed", [{}, {"bias": False}, {"bias": False, "tie_weights": False}, {"n_head": 1}]
)
def test_it_is_the_gpt2_of_an_independent_implementation(changed: dict[str, Any]) -> None:
    ours = lively(ModelConfig(vocab_size=V, block_size=T, n_embd=C, **(GPT2 | changed)))
    settings = gpt2_config(ours.config)
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(**settings)).eval()
    missing = theirs.load_state_dict(gpt2_weights(ours.config, ours.state_dict()), strict=False)
    assert set(missing.missing_keys) <= {"lm_head.weight"}
    assert missing.unexpected_keys == []
    with torch.no_grad():
        difference = (ours(some_ids())[0] - theirs(some_ids()).logits).abs().max()
    assert difference < 1e-4


def test_the_shares_of_dropout_are_blanked_in_training_only() -> None:
    model, idx = lively(config("dropout")), some_ids()
    torch.testing.assert_close(model(idx)[0], model(idx)[0], rtol=0, atol=0)
    model.train()
    assert (model(idx)[0] - model(idx)[0]).abs().max() > 0


@given(shift=st.integers(0, 20), distance=st.integers(0, 10), seed=st.integers(0, 1000))
def test_rotary_scores_depend_on_the_distance_only(shift: int, distance: int, seed: int) -> None:
    q, k = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(seed)).double()
    cos, sin = (table.double() for table in rotary_table(40, 8))

    def score(query_at: int, key_at: int) -> float:
        turned_q = rotate(q, cos[query_at : query_at + 1], sin[query_at : query_at + 1])
        return (turned_q * rotate(k, cos[key_at : key_at + 1], sin[key_at : key_at + 1])).sum().item()

    assert score(shift + distance, shift) == pytest.approx(score(distance, 0), abs=1e-5)
    assert rotate(q, cos[shift : shift + 1], sin[shift : shift + 1]).norm() == pytest.approx(q.norm().item())


def test_with_rotary_positions_the_same_text_later_gets_the_same_pattern() -> None:
    attention = CausalSelfAttention(config("rotary"))
    x = torch.randn(1, 4, C)
    q, k, _v = attention.eval().project_qkv(torch.cat([x, x], 1))
    first = attention_pattern(attention_scores(q, k))  # (1, nh, 8, 8)
    later = first[:, :, 4:, 4:]
    torch.testing.assert_close(later / later.sum(-1, keepdim=True), first[:, :, :4, :4])


def test_rmsnorm_divides_by_the_root_of_the_mean_square() -> None:
    norm, x = make_norm(config("rmsnorm")), 5 * torch.randn(B, T, C)
    torch.nn.init.normal_(norm.weight)
    root = (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(norm(x), x / root * norm.weight)


def test_qk_norm_bounds_every_score_by_sqrt_head_size() -> None:
    attention = CausalSelfAttention(config("qk-norm"))
    q, k, _ = attention.project_qkv(100 * torch.randn(B, T, C))
    torch.testing.assert_close(q.norm(dim=-1), torch.full((B, 4, T), math.sqrt(C // 4)))
    assert (q @ k.transpose(-2, -1) / math.sqrt(C // 4)).max() <= math.sqrt(C // 4) + 1e-4


def test_nanogpts_model_has_its_number_of_parameters() -> None:
    """nanoGPT prints 0.80M for it: all weights without those of the 64 positions."""
    model = build_model(ModelConfig(vocab_size=65, **find_preset("nanogpt-cpu").model))
    assert isinstance(model, GPT) and model.position_embedding is not None
    by_hand = 65 * 128 + 64 * 128 + 4 * (2 * 128 + 128 * 3 * 128 + 128 * 128 + 2 * 128 * 4 * 128) + 128
    assert count_parameters(model) == by_hand
    assert f"{(by_hand - model.position_embedding.weight.numel()) / 1e6:.2f}" == "0.80"


@pytest.mark.parametrize("rung", NAMES)
def test_counting_parameters_needs_no_model_and_no_random_number(rung: str) -> None:
    state = torch.get_rng_state()
    counted = parameters_of(config(rung))
    assert torch.equal(torch.get_rng_state(), state)
    assert counted == count_parameters(build_model(config(rung)))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"n_layer": 1, "n_head": 3}, r"n_embd = 16 .* n_head = 3 .* such as 18"),
        ({"n_layer": 1, "n_embd": 12, "n_head": 4, "positions": "rotary"}, "every head has 3"),
        ({"n_head": 4}, "n_head = 4 needs at least one layer"),
        ({"mlp": "gelu"}, "mlp = gelu needs at least one layer"),
        ({"positions": "rotary"}, "positions = rotary needs at least one layer"),
        ({"tie_weights": True}, "tie_weights = True needs at least one layer"),
        ({"dropout": 0.1}, "dropout = 0.1 needs at least one layer"),
        ({"n_layer": 1, "zero_init": True}, "zero_init needs residual"),
        ({"n_layer": 1, "mlp": "swish"}, "one of none, gelu, relu2"),
        ({"n_layer": 1, "norm": "batch"}, "one of none, layernorm, rmsnorm"),
        ({"n_layer": 1, "positions": "sinus"}, "one of none, learned, rotary"),
        ({"n_layer": 1, "dropout": 1.0}, "dropout = 1.0"),
        ({"n_layer": 99}, "n_layer = 99"),
    ],
)
def test_impossible_combinations_are_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ModelConfig(vocab_size=V, **({"n_embd": C} | fields))


def test_every_rung_survives_json() -> None:
    for rung in NAMES:
        assert ModelConfig.from_dict(config(rung).to_dict()) == config(rung)
    assert replace(config("muon"), n_layer=3).n_layer == 3
