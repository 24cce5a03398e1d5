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

    corpus: str | None = None
    """The bundled text it is meant for; None for your own text."""

    lower: bool = True
    """Whether the text is lower-cased."""

    model: dict[str, Any] = field(default_factory=dict)
    """Fields of `ModelConfig`; `vocab_size` comes from the text."""

    training: TrainConfig = TrainConfig()


NOTEBOOK = Preset(
    name="notebook",
    source="The notebook's second cell: 64 numbers a character, 500 steps, 4 windows of 32 characters a batch. "
    "It names no learning rate: see benchmarks/learning_rate.py.",
    corpus="le-chat-curieux",
    model={"n_embd": 64, "block_size": 32},
    training=TrainConfig(
        steps=500, batch_size=4, eval_windows=256
    ),  # so small a model can afford to look at more text
)

LECTURE_BIGRAM = Preset(
    name="lecture-bigram",
    source="Andrej Karpathy, “Let's build GPT”, the bigram model (github.com/karpathy/ng-video-lecture, bigram.py): "
    "3,000 steps of 32 windows of 8 characters at a learning rate of 1e-2. On Tiny Shakespeare the validation "
    "loss comes to 2.49; counting the pairs gives 2.48. The lecture's table of pairs stands here as the product of "
    "the embedding and the output layer, and the rate falls, so that the last steps do not blur what was learned.",
    lower=False,
    model={"n_embd": 64, "block_size": 8},
    training=TrainConfig(steps=3000, batch_size=32, learning_rate=1e-2, schedule="linear"),
)

NANOGPT_CPU = Preset(
    name="nanogpt-cpu",
    source="nanoGPT's README, “I only have a macbook” (github.com/karpathy/nanoGPT), with the learning rates of its "
    "config/train_shakespeare_char.py: 0.80 million parameters, 2,000 steps. On Tiny Shakespeare it publishes a "
    "validation loss of 1.88.",
    lower=False,
    model={
        "n_layer": 4, "n_head": 4, "n_embd": 128, "block_size": 64, "positions": "learned", "mlp": "gelu",
        "residual": True, "norm": "layernorm", "bias": False, "tie_weights": True,
    },
    training=TrainConfig(
        steps=2000, batch_size=12, learning_rate=1e-3, schedule="cosine", warmup_steps=100, min_lr_share=0.1,
        beta2=0.99, weight_decay=0.1, grad_clip=1.0, eval_interval=250, sample_length=100,
    ),
)  # fmt: skip

MODERN_SMALL = Preset(
    name="modern-small",
    source="The modern parts together, as in github.com/KellerJordan/modded-nanogpt and github.com/karpathy/nanochat, "
    "in a size for a processor: measure it with benchmarks/presets.py.",
    lower=False,
    model={
        "n_layer": 2, "n_head": 4, "n_embd": 64, "block_size": 48, "positions": "rotary", "mlp": "relu2",
        "residual": True, "norm": "rmsnorm", "bias": False, "qk_norm": True, "zero_init": True,
    },
    training=TrainConfig(
        steps=800, batch_size=16, optimizer="muon", learning_rate=1e-2, schedule="linear", warmup_steps=20,
        min_lr_share=0.0, beta2=0.95, grad_clip=1.0, sample_length=100,
    ),
)  # fmt: skip

SMALL_GPT = Preset(
    name="small-gpt",
    source="The modern parts of github.com/KellerJordan/modded-nanogpt and github.com/karpathy/nanochat with a little "
    "dropout, in a size that learns the story in about half a minute of one processor thread. On the validation "
    "part of Le Chat Curieux it comes to 1.12 (measured with seed 1337 and all windows); counting what follows two "
    "characters gives 1.58, what follows one 2.20.",
    corpus="le-chat-curieux",
    model={
        "n_layer": 2, "n_head": 4, "n_embd": 64, "block_size": 64, "positions": "rotary", "mlp": "relu2",
        "residual": True, "norm": "rmsnorm", "dropout": 0.1, "bias": False, "qk_norm": True, "zero_init": True,
    },
    training=TrainConfig(
        steps=1000, batch_size=8, optimizer="muon", learning_rate=1e-2, schedule="linear", warmup_steps=20,
        min_lr_share=0.0, beta2=0.95, weight_decay=0.1, grad_clip=1.0,
    ),
)  # fmt: skip

PRESETS = {preset.name: preset for preset in (NOTEBOOK, SMALL_GPT, LECTURE_BIGRAM, NANOGPT_CPU, MODERN_SMALL)}


def find_preset(name: str) -> Preset:
    """The preset called `name`. Raises `ConfigError` with the names there are."""
    if name not in PRESETS:
        raise ConfigError(
            "There is no preset called {name}. The presets are: {known}.", name=name, known=", ".join(PRESETS)
        )
    return PRESETS[name]
