"""What is read in numpy is what the model says."""

import pytest
import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.generation.quick_reader import MOST_CHANNELS, MOST_TEXTS, QuickReader, reads_quickly
from minigpt_core.model import GPT, build_model
from minigpt_core.sampling import model_logits
from tests.core.generation.rung_models import WITH_LAYERS, T, V, rung_model, seeded


@pytest.mark.parametrize("texts", [1, 3])
@pytest.mark.parametrize("name", WITH_LAYERS)
def test_it_says_what_the_model_says_of_a_text_that_grows_and_of_another_one(name: str, texts: int) -> None:
    model = rung_model(name)
    assert isinstance(model, GPT) and reads_quickly(model, texts)
    reader = QuickReader(model)
    for seed, beginning in ((1, 1), (2, 5)):
        reader.forget()
        ids = torch.randint(V, (texts, T), generator=seeded(seed))
        read = 0
        for until in range(beginning, T + 1):
            said = torch.from_numpy(reader.read(ids[:, read:until].numpy()))
            torch.testing.assert_close(said, model_logits(model, ids[:, :until])[:, -1], rtol=2e-4, atol=2e-4)
            read = until


def test_it_follows_weights_that_change() -> None:
    model = rung_model("rotary")
    assert isinstance(model, GPT)
    reader, ids = QuickReader(model), torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(0.5)
    said = torch.from_numpy(reader.read(ids.numpy()))
    torch.testing.assert_close(said, model_logits(model, ids)[:, -1], rtol=1e-4, atol=1e-4)


def test_models_in_which_there_is_more_to_calculate_or_to_look_at_are_read_by_themselves() -> None:
    assert not reads_quickly(rung_model("tinygpt"), 1)
    assert not reads_quickly(rung_model("rotary"), MOST_TEXTS + 1)
    assert not reads_quickly(rung_model("rotary").double(), 1)
    large = ModelConfig(vocab_size=V, block_size=T, n_embd=2 * MOST_CHANNELS, n_layer=1)
    assert not reads_quickly(build_model(large), 1)
    watched = rung_model("rotary")
    next(iter(watched.children())).register_forward_hook(lambda *_: None)
    assert not reads_quickly(watched, 1)
