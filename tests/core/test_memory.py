"""The memory of a training is what PyTorch and the optimizers really keep."""

import pytest
import torch

from minigpt_core import optimizers
from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.memory import memory_by_part, training_memory
from minigpt_core.model import build_model
from minigpt_core.weights import count_parameters, parameters_by_part
from tests.core.switches import SWITCHES, turned

V = 40
NAMES = [rung.name for rung in (*RUNGS, *MODERN)]


def config_of(rung: str, **fields: object) -> ModelConfig:
    return ModelConfig.from_dict(
        {"vocab_size": V, "block_size": 16, "n_embd": 32, **settings_up_to(rung)[0], **fields}
    )


def saved_for_the_way_back(config: ModelConfig, batch_size: int) -> int:
    """Bytes that autograd keeps of a training batch, each storage once, the parameters left out."""
    model = build_model(config).train()
    known = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage  # held, so that no later one gets its place
        return tensor

    x, y = torch.randint(0, config.vocab_size, (2, batch_size, config.block_size))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(x, y)
    return sum(storage.nbytes() for storage in kept.values())


KINDS: list[dict[str, object]] = [
    {}, {"norm": "rmsnorm"}, {"norm": "none"}, {"positions": "rotary"}, {"mlp": "relu2"}, {"mlp": "none"},
    {"qk_norm": True, "positions": "rotary"}, {"block_size": 96, "n_layer": 2}, *map(turned, SWITCHES),
]  # fmt: skip


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("fields", KINDS)
def test_the_numbers_in_between_are_those_that_pytorch_keeps(
    dropout: float, fields: dict[str, object]
) -> None:
    config = config_of("dropout", **(fields | {"dropout": dropout, "n_layer": fields.get("n_layer", 3)}))
    counted = training_memory(config, 5).activations
    assert counted == pytest.approx(saved_for_the_way_back(config, 5), rel=0.01)


@pytest.mark.parametrize("rung", [rung.name for rung in RUNGS])
def test_on_every_rung_too(rung: str) -> None:
    counted = training_memory(config_of(rung), 4).activations
    assert counted == pytest.approx(saved_for_the_way_back(config_of(rung), 4), rel=0.01)


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "sgd"])
@pytest.mark.parametrize("fields", [{}, {"tie_weights": True}], ids=str)
def test_the_optimizers_memory_is_what_it_keeps(optimizer: str, fields: dict[str, object]) -> None:
    config = config_of("layernorm", **fields)
    model = build_model(config)
    made = optimizers.configure_optimizers(model, TrainConfig(optimizer=optimizer))
    model(*torch.randint(0, V, (2, 2, 16)))[1].backward()
    for one in made:
        one.step()
    kept = sum(tensor.nbytes for tensor in optimizers.state_dict(made).values() if tensor.ndim)
    assert training_memory(config, 2, optimizer).optimizer == kept


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "fields", [{}, {"tie_weights": True, "n_layer": 3}, {"bias": False, "n_layer": 2}], ids=str
)
def test_the_parameters_of_all_parts_are_those_of_the_model(name: str, fields: dict[str, object]) -> None:
    config = config_of(name)
    if config.n_layer:
        config = config_of(name, **fields)
    model, parts = build_model(config), parameters_by_part(config)
    assert sum(part.count for part in parts.values()) == count_parameters(model)
    real = {key: tuple(parameter.shape) for key, parameter in model.named_parameters()}
    for part in parts.values():
        for key, shape in part.shapes:
            assert shape == real.get(key, real.get(f"blocks.0.{key}"))
    hidden = sum(
        p.numel() for key, p in model.named_parameters() if key.startswith("blocks.") and p.ndim == 2
    )
    assert sum(part.hidden_matrices for part in parts.values()) == hidden


def test_the_whole_is_the_sum_of_the_parts_and_grows_with_the_batch() -> None:
    config = config_of("layernorm")
    one, two = training_memory(config, 1), training_memory(config, 2)
    assert one.total == sum(part.total for part in memory_by_part(config, 1).values())
    assert two.activations == 2 * one.activations
    assert (
        (two.parameters, two.gradients)
        == (one.parameters, one.gradients)
        == (4 * count_parameters(build_model(config)),) * 2
    )


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(KeyError):
        training_memory(config_of("tinygpt"), 1, "adam")
