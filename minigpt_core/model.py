"""The models, one file to read from top to bottom.

Letters in the shape comments: B sequences in a batch, T characters in a sequence (at most
`block_size`), C channels (`n_embd`), V characters in the vocabulary (`vocab_size`).
"""

import dataclasses
from dataclasses import asdict, dataclass
from typing import Any, Self

from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The size of a model. Every number is checked when the configuration is made."""

    vocab_size: int
    """V: how many distinct characters the model knows, at least 1."""

    block_size: int = 32
    """T: how many characters of context the model is given, 1 to 1024."""

    n_embd: int = 64
    """C: how many numbers describe one character, 1 to 1024."""

    def __post_init__(self) -> None:
        check_range("vocab_size", self.vocab_size, 1, 200_000)
        check_range("block_size", self.block_size, 1, 1024)
        check_range("n_embd", self.n_embd, 1, 1024)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-able values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """The inverse of `to_dict`. Raises `ConfigError` for a field that does not exist."""
        return cls(**known_fields(cls, fields))


class TinyGPT(nn.Module):
    """The notebook's model: one row of numbers for each character, and one linear layer on top.

    It has no memory. What it predicts after a character depends on that character alone, so the best
    it can become is a table of counted character pairs (a bigram table).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.n_embd)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Predict the next character at every position.

        Args:
            idx: (B, T) character ids.
            targets: (B, T) the ids that really come next, or None while generating.

        Returns:
            logits: (B, T, V), one score for every character that could come next.
            loss: mean cross-entropy in nats per character, or None without targets.
        """
        x = self.token_embedding(idx)  # (B, T, C)
        logits = self.lm_head(x)  # (B, T, V)
        if targets is None:
            return logits, None
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))  # (B*T, V), (B*T,)
        return logits, loss


def build_model(config: ModelConfig) -> nn.Module:
    """The model that a configuration describes, with freshly drawn weights."""
    return TinyGPT(config)


def count_parameters(model: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(p.numel() for p in model.parameters())


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise `ConfigError` unless low <= value <= high (NaN is refused too)."""
    if not low <= value <= high:
        raise ConfigError(
            "{name} = {value} cannot be used: choose a number from {low} to {high}.",
            name=name,
            value=value,
            low=low,
            high=high,
        )


def known_fields(cls: type[Any], fields: dict[str, Any]) -> dict[str, Any]:
    """`fields`, if every name in it is a field of the dataclass `cls`; else raises `ConfigError`."""
    known = [field.name for field in dataclasses.fields(cls)]
    for name in fields:
        if name not in known:
            raise ConfigError(
                "There is no setting called {name}. The settings are: {known}.",
                name=name,
                known=", ".join(known),
            )
    return fields
