"""What every character of a text costs a model; the mean of it is the loss."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, windows
from minigpt_core.errors import UserError
from minigpt_core.generation.token_losses import chunks, token_losses
from minigpt_core.ladder import settings_up_to
from minigpt_core.sampling import predict
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import Trainer
from tests.core.generation.rung_models import ALL_RUNGS, T, V, rung_model, seeded


@pytest.mark.parametrize("name", ALL_RUNGS)
@pytest.mark.parametrize("n", [2, T, T + 1, 5 * T + 4])
def test_the_mean_is_the_loss(name: str, n: int) -> None:
    model = rung_model(name)
    ids = torch.randint(V, (n,), generator=seeded(4))
    found = token_losses(model, ids, T)
    assert found.losses.shape == (n - 1,) and found.likeliest.shape == found.probabilities.shape == (n - 1, 5)
    assert found.losses.mean().item() == pytest.approx(found.loss, rel=1e-6)
    for place in range(1, n):  # each one straight from the model
        first = (place - 1) // T * T
        scores = predict(model, ids[first:place]).double()
        assert found.losses[place - 1].item() == pytest.approx(
            F.cross_entropy(scores, ids[place]).item(), abs=1e-5
        )
        chances, best = scores.softmax(-1).topk(5)
        torch.testing.assert_close(found.probabilities[place - 1], chances, rtol=1e-4, atol=1e-6)
        assert found.likeliest[place - 1].tolist() == best.tolist()


def test_on_whole_windows_it_is_the_loss_that_training_measures() -> None:
    text = "".join("abcde \n"[i] for i in torch.randint(7, (40 * T + 1,), generator=seeded(5)))
    tokenizer = CharTokenizer.from_text(text)
    ids = tokenizer.encode(text)
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size, block_size=T, n_embd=16, **settings_up_to("zero-init")[0]
    )
    trainer = Trainer(Dataset(tokenizer, ids, ids), config, TrainConfig(steps=1, eval_windows=0))
    for event in trainer.evaluate():
        assert event.total == 40 * T
    measured = drain(trainer.evaluate())
    assert token_losses(trainer.model, ids, T).loss == pytest.approx(measured, rel=1e-6)


def drain(evaluating: object) -> float:
    """The training loss that an evaluation returns at its end."""
    try:
        while True:
            next(evaluating)  # type: ignore[call-overload]
    except StopIteration as end:
        return float(end.value.train_loss)


@pytest.mark.parametrize("n", [2, 5, 6, 7, 30])
def test_chunks_ask_for_every_character_but_the_first_once(n: int) -> None:
    ids = torch.arange(n)
    parts = list(chunks(ids, 5))
    assert torch.cat([y.flatten() for _x, y in parts]).tolist() == list(range(1, n))
    for x, y in parts:
        assert (x + 1).equal(y)
    whole = windows(ids, torch.arange(0, n - 5, 5), 5) if n > 5 else None
    assert whole is None or torch.cat([x for x, _y in parts if x.size(1) == 5]).equal(whole[0])


def test_uniform_scores_cost_ln_v() -> None:
    class Even(torch.nn.Module):
        def forward(self, idx: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            logits = torch.zeros(*idx.shape, V)
            return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    found = token_losses(Even(), torch.arange(V), 4)
    assert found.losses.tolist() == pytest.approx([math.log(V)] * (V - 1))
    assert token_losses(Even(), torch.arange(V), 4, top=99).likeliest.shape == (V - 1, V)


def test_a_model_whose_training_diverged_has_none() -> None:
    model = rung_model("heads")
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    with pytest.raises(UserError, match="not numbers"):
        token_losses(model, torch.arange(V), 4)
