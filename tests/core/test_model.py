"""TinyGPT: shapes, what it sees, what it cannot see."""

import math

import pytest
import torch
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig
from minigpt_core.errors import ConfigError
from minigpt_core.model import TinyGPT, build_model
from minigpt_core.weights import count_parameters

V, T, B = 11, 5, 3


@pytest.fixture
def model() -> TinyGPT:
    torch.manual_seed(0)
    return TinyGPT(ModelConfig(vocab_size=V, block_size=T, n_embd=8))


def test_shapes_and_loss(model: TinyGPT) -> None:
    idx, targets = torch.randint(V, (2, B, T))
    logits, loss = model(idx, targets)
    assert logits.shape == (B, T, V)
    assert loss.shape == ()
    assert model(idx)[1] is None
    by_hand = -logits.log_softmax(-1).gather(-1, targets[..., None]).mean()
    torch.testing.assert_close(loss, by_hand)


def test_parameters_are_an_embedding_and_a_linear_layer() -> None:
    model = build_model(ModelConfig(vocab_size=50))
    assert count_parameters(model) == 50 * 64 + 64 * 50 + 50


def test_uniform_logits_cost_ln_vocab_size(model: TinyGPT) -> None:
    torch.nn.init.zeros_(model.lm_head.weight)
    torch.nn.init.zeros_(model.lm_head.bias)
    idx, targets = torch.randint(V, (2, B, T))
    assert model(idx, targets)[1].item() == pytest.approx(math.log(V), abs=1e-6)


def test_it_sees_one_character_only(model: TinyGPT) -> None:
    """Whatever stands before a character, the prediction after it is the same."""
    idx = torch.randint(V, (1, T))
    other = idx.clone()
    other[0, :-1] = (other[0, :-1] + 1) % V
    torch.testing.assert_close(model(idx)[0][0, -1], model(other)[0][0, -1], rtol=0, atol=0)


def test_causality(model: TinyGPT) -> None:
    """Changing a later character changes no earlier logit."""
    idx = torch.randint(V, (1, T))
    later = idx.clone()
    later[0, -1] = (later[0, -1] + 1) % V
    torch.testing.assert_close(model(idx)[0][0, :-1], model(later)[0][0, :-1], rtol=0, atol=0)


def test_one_batch_can_be_overfitted() -> None:
    """Distinct characters, each with one successor: the loss must fall to almost nothing."""
    torch.manual_seed(0)
    model = TinyGPT(ModelConfig(vocab_size=V, block_size=V - 1))
    sequence = torch.arange(V)[None]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(300):
        _, loss = model(sequence[:, :-1], sequence[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02


def test_gradient_of_the_output_bias_is_softmax_minus_one_hot(model: TinyGPT) -> None:
    idx, targets = torch.randint(V, (2, B, T))
    logits, loss = model(idx, targets)
    loss.backward()
    expected = (logits.softmax(-1) - F.one_hot(targets, V)).mean((0, 1))
    torch.testing.assert_close(model.lm_head.bias.grad, expected)


@pytest.mark.parametrize(
    "fields",
    [{"vocab_size": 0}, {"vocab_size": 5, "block_size": 0}, {"vocab_size": 5, "n_embd": 10_000}],
)
def test_impossible_sizes_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="choose a number"):
        ModelConfig(**fields)


def test_config_survives_json() -> None:
    config = ModelConfig(vocab_size=7, block_size=3, n_embd=4)
    assert ModelConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ConfigError, match="no setting called layers"):
        ModelConfig.from_dict({"vocab_size": 7, "layers": 2})
