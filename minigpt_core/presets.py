"""Named configurations, each with its source."""

from dataclasses import dataclass, field
from typing import Any

from minigpt_core.errors import ConfigError
from minigpt_core.training import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A model and a way to train it."""

    name: str
    source: str
    """Where the numbers come from."""

    corpus: str
    """The bundled text it is meant for."""

    model: dict[str, Any] = field(default_factory=dict)
    """Fields of `ModelConfig`; `vocab_size` comes from the text."""

    training: TrainConfig = TrainConfig()


NOTEBOOK = Preset(
    name="notebook",
    source="The notebook's second cell: 64 numbers a character, 500 steps, 4 windows of 32 characters a batch. "
    "It names no learning rate: see benchmarks/learning_rate.py.",
    corpus="le-chat-curieux",
    model={"n_embd": 64, "block_size": 32},
    training=TrainConfig(steps=500, batch_size=4),
)

PRESETS = {preset.name: preset for preset in (NOTEBOOK,)}


def find_preset(name: str) -> Preset:
    """The preset called `name`. Raises `ConfigError` with the names there are."""
    if name not in PRESETS:
        raise ConfigError(
            "There is no preset called {name}. The presets are: {known}.", name=name, known=", ".join(PRESETS)
        )
    return PRESETS[name]
