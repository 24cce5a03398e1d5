"""What a model is, how it is trained, how it writes: three configurations, checked when they are made.

They are plain data: they import no torch, and go to JSON and back (`to_dict`, `from_dict`).
"""

import dataclasses
import math
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Self

from minigpt_core.errors import ConfigError

CHOICES = {  # the words that a setting can be
    "positions": ("none", "learned", "rotary"),
    "mlp": ("none", "gelu", "relu2"),
    "norm": ("none", "layernorm", "rmsnorm"),
    "optimizer": ("adamw", "sgd", "muon"),
    "schedule": ("constant", "cosine", "linear"),
    "device": ("auto", "cpu", "cuda", "mps"),
    "precision": ("float32", "bfloat16"),
    "windows": ("random", "epochs"),
}
RANGES = {  # the smallest and the largest number that a setting can be
    "vocab_size": (1, 200_000),
    "block_size": (1, 1024),
    "n_embd": (1, 1024),
    "n_layer": (0, 48),
    "n_head": (1, 64),
    "dropout": (0, 0.9),
    "steps": (1, 10_000_000),
    "batch_size": (1, 1024),
    "accumulation": (1, 1024),
    "weight_decay": (0, 10),
    "grad_clip": (0, 1000),
    "eval_interval": (0, 10_000_000),
    "eval_windows": (0, 1_000_000),
    "patience": (0, 10_000),
    "sample_length": (0, 2000),
    "val_fraction": (0, 0.5),
    "seed": (0, 2**32 - 1),
    "pace": (0, 100_000),
    "beta1": (0, 0.9999),
    "beta2": (0, 0.9999),
    "momentum": (0, 0.9999),
    "warmup_steps": (0, 10_000_000),
    "min_lr_share": (0, 1),
}
EVALUATIONS_PER_RUN = 20
FIRST_EVALUATION = 250  # step of a long run; the next ones at twice as many, until its interval has passed
STEERABLE = ("learning_rate", "pace", "eval_interval")  # may be changed while a run goes
WITHOUT_LAYERS = ("vocab_size", "block_size", "n_embd", "n_layer", "positions")  # all else stands in layers


@dataclass(frozen=True, kw_only=True)
class Fields:
    """What goes to JSON and back."""

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-able values."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """The inverse of `to_dict`. Raises `ConfigError` for a field that does not exist."""
        return cls(**known_fields(cls, fields))


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Fields):
    """The size of a model and the parts it has. Checked when the configuration is made; the defaults are TinyGPT."""

    vocab_size: int
    """V: how many distinct characters the model knows, at least 1."""

    block_size: int = 32
    """T: how many characters of context the model is given, 1 to 1024."""

    n_embd: int = 64
    """C: how many numbers describe one character, 1 to 1024."""

    n_layer: int = 0
    """How many layers (attention, and an MLP if there is one) lie on top of each other, 0 to 48."""

    n_head: int = 1
    """nh: attention heads in a layer, 1 to 64; each one looks at C / nh of the numbers."""

    positions: str = "none"
    """How the model knows where a character stands: `none`, `learned` (a row for each place, added to the
    character's row) or `rotary` (queries and keys are turned by an angle that grows with the place)."""

    mlp: str = "none"
    """What each layer computes at every place after looking around: `none`, or a two-layer network with the
    activation `gelu` or `relu2`."""

    residual: bool = False
    """Whether a part of a layer adds its result to what came in, instead of replacing it."""

    norm: str = "none"
    """What brings the numbers to one scale before each part and at the end: `none`, `layernorm` or `rmsnorm`."""

    dropout: float = 0.0
    """Share of the numbers that are set to 0 at random while training, 0 to 0.9."""

    bias: bool = True
    """Whether linear layers and LayerNorm add a constant."""

    tie_weights: bool = False
    """Whether the output layer uses the rows of the embedding as its weights, without a constant, as GPT-2 does."""

    qk_norm: bool = False
    """Whether queries and keys are brought to length sqrt(hs), so that no attention score can grow without bound."""

    zero_init: bool = False
    """Whether every part of a layer, and an output layer of its own, begins by adding nothing."""

    token_shift: bool = False
    """Whether each character's row comes with a learned share of the row of the character before it."""

    def __post_init__(self) -> None:
        check_fields(self)
        check_combination(self)

    @property
    def is_tinygpt(self) -> bool:
        """Whether it is the notebook's model: neither layers nor positions."""
        return self.n_layer == 0 and self.positions == "none"

    @property
    def head_size(self) -> int:
        """hs: how many numbers each head works with."""
        return self.n_embd // self.n_head


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Fields):
    """How a model is trained. Every number is checked when the configuration is made."""

    steps: int = 500
    """How many times the weights are adjusted, 1 to 10,000,000."""

    batch_size: int = 4
    """B: how many windows of text one step looks at, 1 to 1024."""

    optimizer: str = "adamw"
    """`adamw` (https://arxiv.org/abs/1711.05101), `sgd` or `muon`. AdamW gives every weight its own step size, so
    the rows of rare characters, which seldom get a gradient, learn about as fast as those of common ones. Muon
    moves each matrix inside the layers as a whole, evenly in all directions; the rest goes to AdamW."""

    learning_rate: float = 3e-3
    """How far one step moves the weights, 0 to 1000. See `benchmarks/learning_rate.py` for the choice."""

    weight_decay: float = 0.0
    """How strongly every step pulls the weights towards 0, 0 to 10."""

    grad_clip: float = 0.0
    """Longest gradient allowed (its norm), 0 to 1000; 0 leaves gradients as they are."""

    eval_interval: int = 0
    """Steps between two evaluations, 0 to 10,000,000; 0 makes it a twentieth of the run, and a long one is evaluated
    earlier, too."""

    eval_windows: int = 64
    """Windows of each split that an evaluation reads, 0 to 1,000,000; 0 reads the whole split."""

    patience: int = 0
    """Evaluations in a row without a better validation loss after which the run ends early, 0 to 10,000; 0 always
    makes all steps."""

    sample_length: int = 200
    """Characters of text written at each evaluation, 0 to 2000."""

    val_fraction: float = 0.1
    """Share of the text, at its end, that is kept for validation, 0 to 0.5."""

    seed: int = 1337
    """Where all random numbers of the run come from, 0 to 2**32 - 1."""

    pace: float = 0.0
    """Steps per second, 0 to 100,000; 0 goes as fast as the machine can."""

    beta1: float = 0.9
    """How slowly AdamW's mean of the gradients forgets, 0 to 0.9999."""

    beta2: float = 0.999
    """How slowly AdamW's mean of their squares forgets, 0 to 0.9999."""

    momentum: float = 0.95
    """How slowly Muon's mean of the gradients forgets, 0 to 0.9999. A short run does better with less."""

    schedule: str = "constant"
    """How the learning rate goes on after the warm-up: `constant`, or falling as half a `cosine` wave or `linear`."""

    warmup_steps: int = 0
    """Steps in which the learning rate rises to its full height, 0 to 10,000,000."""

    min_lr_share: float = 0.1
    """Share of the learning rate that a falling schedule comes down to at the last step, 0 to 1."""

    accumulation: int = 1
    """Parts in which a batch goes through the model, one after the other, 1 to 1024: the gradient is that of the whole
    batch, and memory is taken for one part."""

    windows: str = "random"
    """Which windows of the text the batches hold: `random`, each drawn from everywhere in the text; or `epochs`,
    windows that lie side by side, shuffled, so that every character is learned from once before any comes again."""

    device: str = "auto"
    """`cpu`, `cuda`, `mps`, or `auto`: an accelerator where there is one and the model is large enough for it."""

    precision: str = "float32"
    """`float32`, or `bfloat16`: the linear layers multiply with fewer digits, in training and evaluation, which takes a
    third less time for models of 100 numbers a character and more. It stays `float32` where a processor lacks
    instructions for it."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def evaluation_interval(self) -> int:
        """Steps between two evaluations, once 0 has been replaced by a twentieth of the run."""
        return self.eval_interval or max(1, self.steps // EVALUATIONS_PER_RUN)

    @property
    def early_evaluations(self) -> tuple[int, ...]:
        """Steps of a long run at which it is evaluated although its interval has not passed: what is known of it would
        be that of step 0 for minutes. None where somebody chose the interval, or where evaluations decide about its
        end."""
        if self.eval_interval or self.patience:
            return ()
        doubled = (FIRST_EVALUATION << n for n in range(20))
        return tuple(takewhile(lambda step: 2 * step <= self.evaluation_interval, doubled))

    def evaluations_until(self, step: int) -> int:
        """How many evaluations there are from step 1 to this one."""
        return step // self.evaluation_interval + sum(early <= step for early in self.early_evaluations)


@dataclass(frozen=True, kw_only=True)
class SampleSettings:
    """How a distribution is bent before one character is drawn from it."""

    temperature: float = 1.0
    """The logits are divided by it, 0 to 100: below 1 bolder, above 1 more adventurous, 0 always the likeliest."""

    top_k: int = 0
    """Only the k likeliest characters can be drawn; 0 allows all."""

    top_p: float = 1.0
    """Only the likeliest characters that together reach this probability can be drawn, above 0 to 1."""

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0, 100)
        check_range("top_k", self.top_k, 0, 1_000_000)
        if not 0 < self.top_p <= 1:
            raise ConfigError(
                "top_p = {value} cannot be used: choose a number above 0 and at most 1.", value=self.top_p
            )


def check_combination(config: ModelConfig) -> None:
    """Raise `ConfigError` if parts are asked for that cannot work together."""
    if config.n_layer == 0:
        check_nothing_needs_layers(config)
    if config.n_embd % config.n_head:
        raise ConfigError(
            "n_embd = {n_embd} cannot be shared out evenly among n_head = {n_head} heads. Choose n_embd as a "
            "multiple of n_head, such as {nearest}.",
            n_embd=config.n_embd,
            n_head=config.n_head,
            nearest=config.n_head * math.ceil(config.n_embd / config.n_head),
        )
    if config.positions == "rotary" and config.head_size % 2:
        raise ConfigError(
            "positions = rotary turns pairs of numbers, and every head has {head_size} (n_embd / n_head). Choose "
            "n_embd and n_head so that this is an even number.",
            head_size=config.head_size,
        )
    if config.zero_init and not config.residual:
        raise ConfigError(
            "zero_init needs residual connections: without them a layer that begins at zero lets nothing "
            "through. Switch residual on, or zero_init off."
        )


def check_nothing_needs_layers(config: ModelConfig) -> None:
    """Raise `ConfigError` for a part that stands in a layer, or needs one, when there are none."""
    for name, usual in usual_fields(ModelConfig).items():
        value = getattr(config, name)
        if value == usual or (name in WITHOUT_LAYERS and value != "rotary"):
            continue
        raise ConfigError(
            "{name} = {value} needs at least one layer, and n_layer is 0. Set n_layer to 1 or more, or {name} to "
            "{usual}.",
            name=name,
            value=value,
            usual=usual,
        )


def check_fit(model_config: ModelConfig, config: TrainConfig) -> None:
    """Raise `ConfigError` if this model cannot be trained like this."""
    if config.optimizer == "muon" and model_config.n_layer == 0:
        raise ConfigError(
            "optimizer = muon is made for the matrices inside layers, and this model has none. Choose adamw, or "
            "set n_layer to 1 or more."
        )


def check_setting(name: str, value: Any) -> None:
    """Raise `ConfigError` if the setting `name` of a model or a training can never have this value."""
    if name in CHOICES:
        check_choice(name, value, CHOICES[name])
    elif name == "learning_rate":
        check_learning_rate(value)
    elif name in RANGES:
        check_range(name, value, *RANGES[name])


def check_fields(config: "ModelConfig | TrainConfig") -> None:
    """Raise `ConfigError` for the first field whose value it can never have."""
    for name, value in vars(config).items():
        check_setting(name, value)


def check_learning_rate(value: float) -> None:
    """Raise `ConfigError` unless 0 < value <= 1000."""
    if not 0 < value <= 1000:
        raise ConfigError(
            "learning_rate = {value} cannot be used: choose a number above 0 and at most 1000.", value=value
        )


def check_change(name: str, value: float) -> None:
    """Raise `ConfigError` if `name` cannot be changed while a run goes, or not to this value."""
    if name not in STEERABLE:
        raise ConfigError(
            "{name} cannot be changed while a run goes: stop it and start a new one.", name=name
        )
    if name == "eval_interval":
        check_range(name, value, 1, 10_000_000)  # while it goes, 0 has been replaced
    else:
        check_setting(name, value)


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raise `ConfigError` unless `value` is one of `known`."""
    if value not in known:
        raise ConfigError(
            "{name} = {value} cannot be used: choose one of {known}.",
            name=name,
            value=value,
            known=", ".join(known),
        )


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


def parse(name: str, value: str, kind: Any) -> Any:
    """A setting's value from text, as the type that its field has. Raises `ConfigError`."""
    if kind is bool:
        check_choice(name, value, ("true", "false"))
        return value == "true"
    try:
        return kind(value)
    except ValueError:
        raise ConfigError(
            "{name} = {value} is not a number of the right kind.", name=name, value=value
        ) from None


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


def usual_fields(cls: type[Any]) -> dict[str, Any]:
    """The fields of the dataclass `cls` that have a default, and that."""
    return {
        field.name: field.default
        for field in dataclasses.fields(cls)
        if field.default is not dataclasses.MISSING
    }


SETTING_TYPES: dict[str, type] = {
    name: type(usual) for name, usual in (usual_fields(ModelConfig) | usual_fields(TrainConfig)).items()
}
"""Of every setting that has a usual value: what its text is read as."""
