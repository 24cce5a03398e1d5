"""Named configurations, each with its source."""

from dataclasses import dataclass, field, replace
from typing import Any

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import N_, ConfigError


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A model and a way to train it."""

    name: str
    """What the command line and the store call it."""

    title: str
    """What people call it: English, to be translated where it is shown, like `about`."""

    about: str
    """What it is for, or whose it is, in a few words."""

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
    title="TinyGPT",
    about=N_("the notebook’s model"),
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
    title=N_("Lecture’s bigram"),
    about=N_("Karpathy’s lecture “Let’s build GPT”, its table of pairs as a product of two"),
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
    title=N_("nanoGPT for a CPU"),
    about=N_("nanoGPT’s README, “I only have a macbook”"),
    source="nanoGPT's README, “I only have a macbook”, with its config/train_shakespeare_char.py "
    "(github.com/karpathy/nanoGPT): 0.80 million parameters, 2,000 steps. Its code and ours end at 1.904 over the "
    "whole validation part of Tiny Shakespeare (means of 6 and 11 seeds, 1.891 to 1.920); the 1.88 it publishes is a "
    "mean of 240 windows.",
    lower=False,
    model={
        "n_layer": 4, "n_head": 4, "n_embd": 128, "block_size": 64, "positions": "learned", "mlp": "gelu",
        "residual": True, "norm": "layernorm", "bias": False, "tie_weights": True,
    },
    training=TrainConfig(
        steps=2000, batch_size=12, learning_rate=1e-3, schedule="cosine", warmup_steps=100, min_lr_share=0.1,
        beta2=0.99, weight_decay=0.1, grad_clip=1.0, eval_interval=250, sample_length=100, precision="bfloat16",
    ),
)  # fmt: skip

NANOGPT_GPU = Preset(
    name="nanogpt-gpu",
    title=N_("nanoGPT for a GPU"),
    about=N_("nanoGPT’s README, “I have a GPU”: for a graphics card, hours on a processor"),
    source="nanoGPT's config/train_shakespeare_char.py (github.com/karpathy/nanoGPT): 10.7 million parameters, 5,000 "
    "steps, which its README says take about three minutes on an A100 and come to a validation loss of 1.47. Never "
    "trained here: there was no such card.",
    lower=False,
    model=NANOGPT_CPU.model | {"n_layer": 6, "n_head": 6, "n_embd": 384, "block_size": 256, "dropout": 0.2},
    training=replace(NANOGPT_CPU.training, steps=5000, batch_size=64),
)

MODERN = {
    "positions": "rotary", "mlp": "relu2", "residual": True, "norm": "rmsnorm", "bias": False, "qk_norm": True,
    "zero_init": True,
}  # fmt: skip
"""The parts of github.com/KellerJordan/modded-nanogpt and github.com/karpathy/nanochat."""

MODERN_TRAINING = TrainConfig(
    optimizer="muon", learning_rate=1e-2, schedule="linear", warmup_steps=20, min_lr_share=0.0, beta2=0.95,
    weight_decay=0.1, grad_clip=1.0, sample_length=100,
)  # fmt: skip

CHAT_CURIEUX_GPT = Preset(
    name="chat-curieux-gpt",
    title=N_("Small GPT"),
    about=N_("for short stories"),
    source="The parts of github.com/KellerJordan/modded-nanogpt and github.com/karpathy/nanochat, in a size that "
    "learns a short story in a few minutes on one processor core. On the validation part of Le Chat Curieux it comes "
    "to 1.47, and so on that of The Curious Cat (seed 1337); counting what follows two characters gives 1.82 and "
    "1.75, what follows one 2.27 and 2.25. It ends early on a text where five evaluations in a row bring nothing.",
    corpus="le-chat-curieux",
    model=MODERN | {"n_layer": 2, "n_head": 4, "n_embd": 80, "block_size": 128, "dropout": 0.1},
    training=replace(MODERN_TRAINING, steps=1200, batch_size=8, patience=5, sample_length=200),
)

FAST_SHAKESPEARE = Preset(
    name="fast-shakespeare",
    title=N_("Fast GPT"),
    about=N_("for longer texts, about ten seconds on a quick computer"),
    source="The parts of github.com/KellerJordan/modded-nanogpt and github.com/karpathy/nanochat; learning rate and "
    "momentum are the best of a few tried for so short a run. On Tiny Shakespeare it comes to a validation loss of "
    "1.88, a little below nanogpt-cpu, in a fourteenth of the processor time that a textbook's loop needs for that.",
    lower=False,
    model=MODERN | {"n_layer": 2, "n_head": 3, "n_embd": 96, "block_size": 48, "token_shift": True},
    training=replace(
        MODERN_TRAINING, steps=312, batch_size=16, learning_rate=5e-3, warmup_steps=5, momentum=0.9, weight_decay=0.0,
        precision="bfloat16",
    ),
)  # fmt: skip

BEST_IN_TWO_MINUTES = Preset(
    name="best-in-two-minutes",
    title=N_("Two-minute GPT"),
    about=N_("for longer texts, about two minutes on a quick computer"),
    source="The parts of fast-shakespeare in a larger size. On Tiny Shakespeare it comes to a validation loss of "
    "1.56, in float32 in a little less processor time than a textbook's loop needs for nanogpt-cpu.",
    lower=False,
    model=MODERN | {"n_layer": 3, "n_head": 4, "n_embd": 128, "block_size": 128, "token_shift": True},
    training=replace(
        MODERN_TRAINING, steps=1380, batch_size=8, learning_rate=5e-3, momentum=0.8, beta2=0.99, precision="bfloat16",
        windows="epochs",
    ),
)  # fmt: skip

SHAKESPEARE_TEN_MINUTES = Preset(
    name="shakespeare-ten-minutes",
    title=N_("Ten-minute GPT"),
    about=N_("for longer texts, about ten minutes on a quick computer"),
    source="As fast-shakespeare, in a size for ten minutes of two processor cores. On Tiny Shakespeare it comes to a "
    "validation loss of 1.49 (measured on one thread); nanoGPT's recipe for a graphics card publishes 1.47.",
    lower=False,
    model=MODERN | {"n_layer": 5, "n_head": 5, "n_embd": 160, "block_size": 128, "dropout": 0.1},
    training=replace(
        MODERN_TRAINING,
        steps=3200,
        batch_size=16,
        learning_rate=4e-3,
        eval_interval=200,
        precision="bfloat16",
    ),
)

TOY_MODEL = MODERN | {"n_layer": 2, "n_head": 4, "n_embd": 64, "block_size": 32}
TOY_TRAINING = replace(MODERN_TRAINING, steps=600, batch_size=32, weight_decay=0.0)

TOY_ADDITIONS = Preset(
    name="toy-additions",
    title=N_("GPT: additions"),
    about=N_("for the text “Additions”"),
    source="The parts of chat-curieux-gpt, for sums of two numbers.",
    corpus="additions",
    model=TOY_MODEL,
    training=replace(TOY_TRAINING, steps=1000, weight_decay=0.1),
)

TOY_REVERSED_WORDS = Preset(
    name="toy-reversed-words",
    title=N_("GPT: reversed words"),
    about=N_("for the text “Reversed words”"),
    source="The parts of chat-curieux-gpt, for reversing short words. Of 296 words that it never saw, it reverses "
    "every one without a mistake (seed 1337).",
    corpus="reversed-words",
    model=TOY_MODEL,
    training=TOY_TRAINING,
)

TOY_BRACKETS = Preset(
    name="toy-brackets",
    title=N_("GPT: brackets"),
    about=N_("for the text “Balanced brackets”"),
    source="The parts of chat-curieux-gpt, for closing brackets in the right order.",
    corpus="balanced-brackets",
    model=TOY_MODEL,
    training=replace(TOY_TRAINING, steps=1000),
)

PRESETS = {
    preset.name: preset
    for preset in (
        NOTEBOOK, CHAT_CURIEUX_GPT, FAST_SHAKESPEARE, BEST_IN_TWO_MINUTES, SHAKESPEARE_TEN_MINUTES,
        TOY_REVERSED_WORDS, TOY_BRACKETS, TOY_ADDITIONS, LECTURE_BIGRAM, NANOGPT_CPU, NANOGPT_GPU,
    )
}  # fmt: skip
"""By their names, in the order in which they are offered."""


def find_preset(name: str) -> Preset:
    """The preset called `name`. Raises `ConfigError` with the names there are."""
    if name not in PRESETS:
        raise ConfigError(
            "There is no preset called {name}. The presets are: {known}.", name=name, known=", ".join(PRESETS)
        )
    return PRESETS[name]
