"""What is measured over windows of text, against the definitions."""

import math

import pytest
import torch
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import evaluation_starts, prepare, windows
from minigpt_core.evaluation import guessed_right, loss_per_window, standard_error
from minigpt_core.presets import CHAT_CURIEUX_GPT
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent, Trainer


def test_equally_good_guesses_share_the_point() -> None:
    logits = torch.tensor([[2.0, 2.0, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0], [1.0, 3.0, 2.0, 0.0]])
    chances = [[1 / 3, 1 / 3, 0, 1 / 3], [0.25] * 4, [0, 1, 0, 0]]
    for target in range(4):
        right = guessed_right(logits, torch.full((3,), target))
        assert right.tolist() == pytest.approx([row[target] for row in chances])


def test_without_ties_it_is_the_argmax() -> None:
    logits, targets = torch.randn(8, 5, 7), torch.randint(7, (8, 5))
    assert torch.equal(guessed_right(logits, targets), (logits.argmax(-1) == targets).float())
    assert guessed_right(torch.full((1, 3), torch.nan), torch.tensor([0])).tolist() == [0.0]


def test_the_mean_of_the_windows_is_the_loss() -> None:
    logits, targets = torch.randn(6, 5, 7), torch.randint(7, (6, 5))
    losses = loss_per_window(logits, targets)
    assert losses.mean().item() == pytest.approx(
        F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()
    )
    assert standard_error(losses) == pytest.approx(losses.std().item() / math.sqrt(6))
    assert math.isnan(standard_error(losses[:1]))


@pytest.mark.parametrize("block_size", [16, 128])
def test_a_gpt_that_knows_nothing_guesses_as_dice_do(block_size: int) -> None:
    """All its scores are 0: the first character of the vocabulary, the space, must not count as its guess."""
    dataset = prepare(corpus.normalize(corpus.load("le-chat-curieux").text))
    fields = CHAT_CURIEUX_GPT.model | {"block_size": block_size}
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **fields)
    trainer = Trainer(dataset, model, TrainConfig(sample_length=0))
    first = next(event for event in trainer.run() if isinstance(event, MetricsEvent))
    assert first.val_accuracy == pytest.approx(1 / dataset.tokenizer.vocab_size)
    assert first.val_loss == pytest.approx(math.log(dataset.tokenizer.vocab_size))


def test_a_validation_loss_says_how_sure_it_is() -> None:
    dataset = prepare(corpus.normalize(corpus.load("the-curious-cat").text))
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, block_size=16, n_embd=16)
    trainer = Trainer(dataset, model, TrainConfig(steps=30, eval_windows=20, sample_length=0))
    last = [event for event in trainer.run() if isinstance(event, MetricsEvent)][-1]
    starts = evaluation_starts(dataset.val, 16, 20, 1337)
    losses = [
        trainer.model(x[None], y[None])[1].item()
        for x, y in zip(*windows(dataset.val, starts, 16), strict=True)
    ]
    assert last.val_loss == pytest.approx(sum(losses) / 20, rel=1e-5)
    assert last.val_error == pytest.approx(torch.tensor(losses).std().item() / math.sqrt(20), rel=1e-4)


def test_a_single_window_says_nothing_about_that() -> None:
    dataset = prepare("abcdefghij" * 10)
    model = ModelConfig(vocab_size=10, block_size=9, n_embd=4)
    trainer = Trainer(dataset, model, TrainConfig(steps=1, sample_length=0))
    first = next(event for event in trainer.run() if isinstance(event, MetricsEvent))
    assert first.val_loss is not None and first.val_error is None
