"""Each rung is one idea, and a setting is called idle only where it is."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.errors import ConfigError
from minigpt_core.ladder import (
    ALONE,
    MODERN,
    RUNGS,
    find_rung,
    rung_of,
    settings_alone,
    settings_that_cannot_matter,
    settings_up_to,
)
from minigpt_core.model import TinyGPT, build_model

ALL = (*RUNGS, *MODERN)
V, T = 11, 8
OTHER: dict[str, Any] = {
    "block_size": 16, "n_embd": 32, "n_layer": 3, "n_head": 2, "positions": "none", "mlp": "gelu", "residual": False,
    "norm": "rmsnorm", "dropout": 0.3, "bias": False, "tie_weights": True, "qk_norm": True, "zero_init": True,
    "token_shift": True,
}  # fmt: skip


def config(name: str) -> ModelConfig:
    return ModelConfig(vocab_size=V, block_size=T, n_embd=16, **settings_up_to(name)[0])


def test_the_lowest_rung_is_the_notebook() -> None:
    assert isinstance(build_model(config("tinygpt")), TinyGPT)
    assert config("tinygpt") == ModelConfig(vocab_size=V, block_size=T, n_embd=16)


@pytest.mark.parametrize("number", range(1, len(ALL)))
def test_each_rung_is_one_switch_away_from_the_last(number: int) -> None:
    rung = ALL[number]
    (model, training), (before, trained) = settings_up_to(rung.name), settings_up_to(ALL[number - 1].name)
    after = ModelConfig(vocab_size=V, **model).to_dict() | TrainConfig(**training).to_dict()
    below = ModelConfig(vocab_size=V, **before).to_dict() | TrainConfig(**trained).to_dict()
    assert [name for name in after if after[name] != below[name]] == [*rung.model, *rung.training]
    assert len([*rung.model, *rung.training]) == 1
    assert rung.idea.endswith(".")


@pytest.mark.parametrize("rung", ALL, ids=lambda rung: rung.name)
def test_from_layernorm_on_a_model_begins_with_smaller_weights(rung: Any) -> None:
    spread = build_model(config(rung.name)).get_parameter("token_embedding.weight").std()
    assert spread < 0.03 if ALL.index(rung) >= ALL.index(find_rung("layernorm")) else spread > 0.5


@pytest.mark.parametrize("rung", MODERN, ids=lambda rung: rung.name)
def test_each_modern_switch_can_be_turned_alone(rung: Any) -> None:
    (model, training), (before, trained) = settings_alone(rung), settings_up_to("dropout")
    after = ModelConfig(vocab_size=V, **model).to_dict() | TrainConfig(**training).to_dict()
    classic = ModelConfig(vocab_size=V, **before).to_dict() | TrainConfig(**trained).to_dict()
    assert [name for name in after if after[name] != classic[name]] == [*rung.model, *rung.training]
    build_model(ModelConfig(vocab_size=V, **model))


def test_alone_begins_with_the_last_rung_and_ends_with_all_switches_on() -> None:
    assert settings_alone(ALONE[0]) == settings_up_to(RUNGS[-1].name)
    assert settings_alone(ALONE[-1]) == settings_up_to(MODERN[-1].name)


@pytest.mark.parametrize("rung", ALL, ids=lambda rung: rung.name)
def test_a_rung_is_known_again(rung: Any) -> None:
    training = TrainConfig(**settings_up_to(rung.name)[1])
    assert rung_of(config(rung.name), training) is rung
    assert rung_of(config(rung.name)) is (rung if rung.name != "muon" else find_rung("zero-init"))
    if config(rung.name).n_layer > 1:
        assert rung_of(replace(config(rung.name), n_layer=7, n_embd=64), training) is rung


def test_a_mixture_is_no_rung() -> None:
    assert rung_of(replace(config("dropout"), residual=False)) is None
    with pytest.raises(ConfigError, match="tinygpt, one-head"):
        find_rung("magic")


def computed(config: ModelConfig) -> tuple[Any, ...]:
    """What a model makes of a few characters while training, with weights that depend on their shapes alone."""
    model = build_model(config)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape))
    torch.manual_seed(0)
    logits = model(torch.arange(T)[None])[0]
    first = build_model(config).state_dict()
    zeros = sorted(name for name, weight in first.items() if not weight.any())
    return [tuple(weight.shape) for weight in first.values()], zeros, logits.detach()


@pytest.mark.parametrize("rung", ALL, ids=lambda rung: rung.name)
@pytest.mark.parametrize("setting", OTHER)
def test_a_setting_that_is_not_called_idle_changes_the_model(rung: Any, setting: str) -> None:
    before = config(rung.name)
    idle = settings_that_cannot_matter(before)
    value = OTHER[setting] if OTHER[setting] != getattr(before, setting) else {
        "mlp": "relu2", "norm": "layernorm", "positions": "learned", "qk_norm": False, "zero_init": False,
        "token_shift": False, "residual": True,
    }[setting]  # fmt: skip
    try:
        after = replace(before, **{setting: value})
    except ConfigError:
        assert setting in idle or (setting == "residual" and before.zero_init)
        return
    if setting in idle:
        assert setting == "block_size"
        return
    (shapes, zeros, logits), (shapes_after, zeros_after, logits_after) = computed(before), computed(after)
    longer = setting == "block_size"  # what it changes is how far back the model may look
    assert longer or shapes != shapes_after or zeros != zeros_after or not logits.allclose(logits_after)


@pytest.mark.parametrize("positions", ["none", "learned"])
def test_where_the_context_is_called_idle_no_logit_depends_on_it(positions: str) -> None:
    without_layers = replace(config("tinygpt"), positions=positions)
    assert "block_size" in settings_that_cannot_matter(without_layers)
    model, idx = build_model(without_layers), torch.arange(T)[None]
    other = (idx + 1) % V
    other[0, -1] = idx[0, -1]
    torch.testing.assert_close(model(idx)[0][0, -1], model(other)[0][0, -1])


def test_reasons_are_sentences() -> None:
    reasons = [
        *settings_that_cannot_matter(config("tinygpt")).values(),
        *settings_that_cannot_matter(config("heads")).values(),
        *settings_that_cannot_matter(config("dropout"), TrainConfig(optimizer="sgd")).values(),
    ]
    assert len(reasons) > 10
    assert all(reason.endswith(".") for reason in reasons)
    assert not settings_that_cannot_matter(
        config("dropout"), TrainConfig(schedule="cosine", optimizer="muon")
    )
    assert "momentum" in settings_that_cannot_matter(config("dropout"), TrainConfig(schedule="cosine"))
