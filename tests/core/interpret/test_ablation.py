"""Switching parts off: nothing changes without one, and what is off hands on nothing."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig
from minigpt_core.data import prepare
from minigpt_core.errors import TextError
from minigpt_core.generation.streaming import stream
from minigpt_core.interpret import ablation
from minigpt_core.interpret.ablation import (
    CHUNK,
    MOST_SCORES,
    AblatedModel,
    Component,
    ablated_loss,
    ablation_hook,
    ablation_table,
    components_of,
    draw_windows,
    held_out_windows,
    mean_activations,
    window_losses,
    windows_at_once,
)
from minigpt_core.interpret.activations import run_with_cache, run_with_hook
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.model import build_model

V, T, C = 13, 8, 16
NAMES = [rung.name for rung in (*RUNGS, *MODERN) if rung.model or rung.name == "tinygpt"]
GPT2: dict[str, Any] = settings_up_to("layernorm")[0] | {"n_layer": 2, "n_head": 2}
MODERN_FIELDS: dict[str, Any] = settings_up_to("zero-init")[0] | {"n_layer": 2, "n_head": 2}


def lively(fields: dict[str, Any], seed: int = 0) -> Any:
    model = build_model(ModelConfig(vocab_size=V, block_size=T, n_embd=C, **fields)).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    return model


def some_ids(length: int = 3 * T, batch: int | None = 3) -> Tensor:
    shape = (length,) if batch is None else (batch, T)
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(1))


def close(one: Tensor, other: Tensor) -> None:
    largest = max(1.0, other.abs().max().item())  # without a norm they grow to hundreds
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * largest)


def plain(model: Any, idx: Tensor) -> Tensor:
    with torch.no_grad():
        logits: Tensor = model(idx)[0]
    return logits


@pytest.mark.parametrize("rung", NAMES)
def test_switching_nothing_off_changes_nothing(rung: str) -> None:
    model, idx = lively(settings_up_to(rung)[0]), some_ids()
    close(AblatedModel(model, [])(idx)[0], plain(model, idx))
    logits, loss = AblatedModel(model, [])(idx, idx)
    close(loss, F.cross_entropy(logits.flatten(0, 1), idx.flatten()))


@pytest.mark.parametrize("rung", NAMES)
def test_every_part_can_be_switched_off(rung: str) -> None:
    model, idx = lively(settings_up_to(rung)[0]), some_ids()
    config, before = model.config, plain(model, idx)
    embedding = (config.positions != "none") + config.token_shift
    heads, mlps = config.n_layer * config.n_head, config.n_layer * (config.mlp != "none")
    parts = components_of(config)
    assert len(set(parts)) == len(parts) == heads + mlps + config.n_layer + embedding
    for part in parts:
        for means in (None, mean_activations(model, idx)):
            after = AblatedModel(model, [part], means)(idx)[0]
            assert torch.isfinite(after).all()
            assert (after - before).abs().max() > 1e-4, part
    close(plain(model, idx), before)  # the model is as it was


@pytest.mark.parametrize("fields", [GPT2, MODERN_FIELDS])
def test_a_model_without_its_layers_is_its_embedding_and_output(fields: dict[str, Any]) -> None:
    model, idx = lively(fields), some_ids()
    layers = [Component("layer", 0), Component("layer", 1)]
    x = run_with_cache(model, idx)[1]["blocks.0.resid_pre"]
    with torch.no_grad():
        close(AblatedModel(model, layers)(idx)[0], model.lm_head(model.final_norm(x)))


def test_a_layer_is_its_heads_and_its_mlp() -> None:
    model, idx = lively(GPT2 | {"bias": False}), some_ids()  # c_proj's constant is the layer's, and no head's
    parts = [Component("head", 1, 0), Component("head", 1, 1), Component("mlp", 1)]
    close(AblatedModel(model, [Component("layer", 1)])(idx)[0], AblatedModel(model, parts)(idx)[0])


def test_without_positions_a_model_does_not_know_the_order_of_what_came_before() -> None:
    for fields in (GPT2, MODERN_FIELDS):
        model, idx = lively(fields | {"n_layer": 1}), some_ids(batch=1)
        turned = torch.cat([idx[:, :-1].flip(1), idx[:, -1:]], dim=1)
        assert (plain(model, idx)[0, -1] - plain(model, turned)[0, -1]).abs().max() > 1e-3
        blind = AblatedModel(model, [Component("positions")])
        close(blind(idx)[0][0, -1], blind(turned)[0][0, -1])


def test_the_mean_is_handed_on_instead() -> None:
    model, idx = lively(GPT2), some_ids()
    means = mean_activations(model, idx)
    whole = run_with_cache(model, idx)[1]
    close(means["blocks.1.mlp_out"][0, 0], whole["blocks.1.mlp_out"].mean(dim=(0, 1)))
    kept: dict[str, Tensor] = {}
    visit = ablation_hook(model, [Component("mlp", 1), Component("head", 1, 0)], means)
    run_with_hook(model, idx, lambda name, x: kept.setdefault(name, visit(name, x)))
    close(
        kept["blocks.1.mlp_out"],
        whole["blocks.1.mlp_out"].mean(dim=(0, 1)).expand_as(kept["blocks.1.mlp_out"]),
    )
    z = whole["blocks.1.attn.z"]
    close(kept["blocks.1.attn.z"][:, 0], z[:, 0].mean(dim=(0, 1)).expand_as(z[:, 0]))
    close(kept["blocks.1.attn.z"][:, 1], z[:, 1])


@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("fields", [GPT2, MODERN_FIELDS, {"n_layer": 2, "n_head": 2}])
def test_the_table_measures_each_part_on_the_same_windows(fields: dict[str, Any], mean: bool) -> None:
    model, data = lively(fields), some_ids(200, batch=None)
    text = draw_windows(data, T, limit=CHUNK + 2)
    assert len(text.x) == CHUNK + 2 and text.characters == (CHUNK + 2) * T
    *_before, last = ablation_table(model, text, mean=mean)
    means = mean_activations(model, text.x) if mean else None
    loss = F.cross_entropy(plain(model, text.x).flatten(0, 1), text.y.flatten()).item()
    assert last.loss == pytest.approx(loss, abs=1e-4)
    assert last.windows == len(text.x) and last.done == last.total
    assert {effect.part for effect in last.effects} == set(components_of(model.config))
    assert [effect.change for effect in last.effects] == sorted(
        (e.change for e in last.effects), reverse=True
    )
    for effect in last.effects:
        without = AblatedModel(model, [effect.part], means)(text.x, text.y)[1]
        assert effect.change == pytest.approx(without.item() - loss, abs=1e-4)
        changes = window_losses(model, text, ablation_hook(model, [effect.part], means)) - window_losses(
            model, text, lambda name, x: x
        )
        assert effect.error == pytest.approx(changes.std().item() / math.sqrt(len(changes)), abs=1e-4)


def test_the_table_comes_in_small_portions_and_gets_steadier() -> None:
    model, text = lively(GPT2), draw_windows(some_ids(200, batch=None), T, limit=2 * CHUNK)
    progress = list(ablation_table(model, text))
    variants = len(components_of(model.config)) + 1
    assert [p.done for p in progress[:variants]] == list(range(1, variants + 1))
    assert not progress[variants - 1].effects and progress[variants].windows == CHUNK
    assert len(progress[variants].effects) == variants - 1
    assert progress[-1].total == 2 * variants


def test_one_window_has_no_error_bar_and_a_short_text_is_refused() -> None:
    data = some_ids(T + 1, batch=None)
    *_before, last = ablation_table(lively(GPT2), draw_windows(data, T))
    assert all(math.isnan(effect.error) and math.isfinite(effect.change) for effect in last.effects)
    with pytest.raises(TextError):
        draw_windows(data[:-1], T)


def test_the_text_that_was_held_out_is_taken_if_there_is_room() -> None:
    known = prepare("abcdefgh" * 40, val_fraction=0.2)
    text = held_out_windows(known, 8)
    assert text.unseen and torch.equal(text.x[0], known.val[:8])
    assert torch.equal(text.y[0], known.val[1:9])
    short = held_out_windows(prepare("abcdefgh" * 40, val_fraction=0.02), 8)
    assert not short.unseen and short.characters > 0


def test_many_characters_are_calculated_a_few_windows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    known = prepare("abcdefgh" * 40, val_fraction=0.5)
    assert held_out_windows(known, T).at_once == windows_at_once(8, T) == CHUNK
    assert windows_at_once(200_000, 1024) == 1 and windows_at_once(5_000, 256) * 5_000 * 256 <= MOST_SCORES
    model, text = lively(GPT2), draw_windows(some_ids(200, batch=None), T)
    whole = ablated_loss(model, text, [Component("mlp", 1)], mean_activations(model, text.x))
    seen: list[int] = []
    model.lm_head.register_forward_hook(lambda _module, _args, out: seen.append(out.numel()))
    monkeypatch.setattr(ablation, "MOST_SCORES", 2 * V * T)
    means = mean_activations(model, text.x)
    again = ablated_loss(model, replace(text, at_once=2), [Component("mlp", 1)], means)
    assert max(seen) == 2 * V * T and again == pytest.approx(whole, abs=1e-5)


def test_a_model_with_a_part_off_can_write() -> None:
    model = lively(GPT2)

    def text(asked: Any) -> list[int]:
        generator = torch.Generator().manual_seed(3)
        return [step.token for step in stream(asked, torch.tensor([1]), 100, T, generator=generator)]

    assert text(AblatedModel(model, [])) == text(model)
    assert text(AblatedModel(model, [Component("layer", 0), Component("layer", 1)])) != text(model)
