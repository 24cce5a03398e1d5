"""The parts of a model are those that its batch passes through, with their true shapes and work."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.interpret.anatomy import flops_by_part, model_parts, too_large_to_trace, total_memory
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.memory import training_memory
from minigpt_core.model import build_model
from minigpt_core.weights import count_parameters

V = 40
NAMES = [rung.name for rung in (*RUNGS, *MODERN)]


def config_of(rung: str, **fields: object) -> ModelConfig:
    return ModelConfig.from_dict(
        {"vocab_size": V, "block_size": 16, "n_embd": 32, **settings_up_to(rung)[0], **fields}
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_part_has_the_shape_of_what_leaves_it(name: str) -> None:
    config = config_of(name)
    parts = model_parts(config, 3)
    idx = torch.randint(0, V, (3, config.block_size))
    logits, cache = run_with_cache(build_model(config).eval(), idx)
    assert parts["characters"].shape == tuple(idx.shape)
    assert parts["embedding"].shape == tuple(cache["embed"].shape)
    assert parts["output"].shape == parts["softmax"].shape == tuple(logits.shape)
    if config.n_layer:
        assert parts["attention"].shape == tuple(cache.layer("attn_out", 0).shape)
        assert parts["layer"].shape == tuple(cache.layer("resid_post", -1).shape)
    assert parts["attention"].present == ("blocks.0.attn_out" in cache)
    assert parts["mlp"].present == ("blocks.0.mlp_out" in cache)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_memory_of_the_parts_are_those_of_the_whole(name: str) -> None:
    config = config_of(name)
    parts = model_parts(config, 3, "muon")
    assert sum(part.parameters.count for part in parts.values()) == count_parameters(build_model(config))
    assert total_memory(parts) == training_memory(config, 3, "muon")


@pytest.mark.parametrize("name", NAMES)
def test_the_work_is_what_pytorch_counts(name: str) -> None:
    """Its counter sees the same matrix products when attention writes its pattern down."""
    config = config_of(name)
    model, idx = build_model(config).eval(), torch.randint(0, V, (3, config.block_size))
    with FlopCounterMode(display=False) as counter:
        run_with_cache(model, idx)
    assert sum(flops_by_part(config).values()) * idx.numel() == counter.get_total_flops()


def test_only_a_small_model_is_followed() -> None:
    assert not too_large_to_trace(config_of("dropout"))
    assert not too_large_to_trace(config_of("dropout", block_size=1024, n_layer=4)), (
        "of a batch one row is followed"
    )
    assert too_large_to_trace(config_of("dropout", block_size=1024, n_layer=48, n_embd=256))
    assert too_large_to_trace(ModelConfig(vocab_size=40_000, n_embd=64))
