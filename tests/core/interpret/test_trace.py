"""What the Model page shows of a batch is what the model calculates."""

import numpy as np
import pytest
import torch
from torch import nn

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.anatomy import model_parts
from minigpt_core.interpret.trace import SHOWN_NUMBERS, SHOWN_PLACES, Stage, trace
from minigpt_core.ladder import ALONE, RUNGS, settings_alone, settings_up_to
from minigpt_core.weights import fresh_model

V, T, C, B = 11, 6, 16, 3
MODELS = {rung.name: settings_up_to(rung.name)[0] for rung in RUNGS} | {
    rung.name: settings_alone(rung)[0] for rung in ALONE
}


def followed(**fields: object) -> tuple[nn.Module, torch.Tensor, list[Stage]]:
    model = fresh_model(ModelConfig(**({"vocab_size": V, "block_size": T, "n_embd": C} | fields)), 3)
    with torch.no_grad():  # a model whose parts all do something, also where it begins at zero
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    idx = torch.randint(V, (B, int(model.config.block_size)), generator=torch.Generator().manual_seed(2))
    return model, idx, trace(model, idx, row=1)


@pytest.mark.parametrize("name", MODELS)
def test_it_ends_with_what_the_model_says_of_that_row(name: str) -> None:
    model, idx, stages = followed(**MODELS[name])
    with torch.no_grad():
        logits = model(idx)[0]
    output, softmax = stages[-2:]
    assert (output.part, softmax.part) == ("output", "softmax")
    np.testing.assert_allclose(output.values, logits[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(softmax.values, logits[1].softmax(-1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_it_has_the_parts_and_shapes_that_the_drawing_has(name: str) -> None:
    model, _idx, stages = followed(**MODELS[name])
    parts = model_parts(model.config, B)
    assert all(stage.shape == parts[stage.part].shape for stage in stages)
    assert all(isinstance(stage.values, np.ndarray) for stage in stages)
    shown = {"layer": model.config.n_layer > 1, "positions": model.config.positions == "learned"}
    expected = [name for name, part in parts.items() if shown.get(name, part.present)]
    assert {stage.part for stage in stages} == {*expected} - {"characters"}
    assert [stage.layer for stage in stages if stage.part == "layer"] == [*range(2, model.config.n_layer + 1)]


@pytest.mark.parametrize("name", ["mlp", "layernorm", "together"])
def test_what_a_part_adds_is_the_difference_between_two_stages(name: str) -> None:
    stages = {stage.part: stage for stage in followed(**MODELS[name])[2] if stage.layer < 2}
    before = stages.get("positions", stages["embedding"]).values
    np.testing.assert_allclose(stages["add_1"].values, before + stages["attention"].values, atol=1e-6)
    after = stages["add_1"].values + stages["mlp"].values
    np.testing.assert_allclose(stages["add_2"].values, after, atol=1e-6)
    pattern = stages["attention"].pattern
    assert pattern is not None and pattern.shape == (4, T, T)
    np.testing.assert_allclose(pattern.sum(-1), np.ones((4, T)), rtol=1e-5)


def test_only_a_glimpse_is_kept() -> None:
    stages = followed(block_size=90, n_embd=80, vocab_size=99, n_layer=1)[2]
    glimpses = {stage.part: stage.values.shape for stage in stages}
    assert glimpses["attention"] == (SHOWN_PLACES, SHOWN_NUMBERS)
    assert glimpses["softmax"] == (SHOWN_PLACES, 99)
    assert next(stage for stage in stages if stage.pattern is not None).pattern.shape == (
        1,
        *[SHOWN_PLACES] * 2,
    )
