"""The notebook's first losses, computed by its own few lines, are those of the `Trainer`, bit for bit."""

import unicodedata

import torch
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig
from minigpt_core.data import prepare
from minigpt_core.presets import NOTEBOOK
from minigpt_core.texts import corpus
from minigpt_core.training import StepEvent, Trainer

STEPS = 5


def notebook_losses(text: str) -> list[float]:
    """Embedding + Linear, random windows, cross-entropy, AdamW: nothing of ours in it."""
    text = unicodedata.normalize("NFC", text.strip().lower())
    characters = sorted(set(text))
    stoi = {character: i for i, character in enumerate(characters)}
    data = torch.tensor([stoi[character] for character in text])
    data = data[: int(0.9 * len(data))]

    torch.manual_seed(1337)
    embedding = torch.nn.Embedding(len(characters), 64)
    linear = torch.nn.Linear(64, len(characters))
    weights = [*embedding.parameters(), *linear.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=3e-3, weight_decay=0.0, fused=True)
    generator = torch.Generator().manual_seed(1337)
    losses = []
    for _ in range(STEPS):
        starts = torch.randint(len(data) - 32, (4,), generator=generator).tolist()
        x = torch.stack([data[i : i + 32] for i in starts])
        y = torch.stack([data[i + 1 : i + 33] for i in starts])
        loss = F.cross_entropy(linear(embedding(x)).view(4 * 32, -1), y.view(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_the_first_losses_are_the_notebooks_bit_for_bit() -> None:
    text = corpus.load("le-chat-curieux").text
    dataset = prepare(corpus.normalize(text))
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **NOTEBOOK.model)
    steps = (e for e in Trainer(dataset, model, NOTEBOOK.training).run() if isinstance(e, StepEvent))
    assert [next(steps).loss for _ in range(STEPS)] == notebook_losses(text)
