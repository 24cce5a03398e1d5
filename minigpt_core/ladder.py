"""From TinyGPT to a real GPT, one idea at a time; and which settings can matter on which rung."""

from dataclasses import dataclass, field
from typing import Any

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.errors import N_, ConfigError


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One idea: what it changes in the configuration of the rung below."""

    name: str
    idea: str
    """One English sentence, to be translated where it is shown."""

    model: dict[str, Any] = field(default_factory=dict)
    """The fields of `ModelConfig` that change. One of them brings more along: with a norm, a model also begins with
    smaller weights (`GPT.init_weights`), so what LayerNorm gains is the gain of both."""

    training: dict[str, Any] = field(default_factory=dict)
    """The fields of `TrainConfig` that change."""


RUNGS = (
    Rung(
        name="tinygpt",
        idea=N_("It sees one character and looks up what usually comes next: a table of pairs."),
    ),
    Rung(
        name="positions",
        idea=N_("Each place gets a row of numbers too, so the model knows where a character stands."),
        model={"positions": "learned"},
    ),
    Rung(
        name="one-head",
        idea=N_("Attention: every character looks back and takes over what it finds in earlier ones."),
        model={"n_layer": 1},
    ),
    Rung(
        name="heads",
        idea=N_("Several heads look for several things at once."),
        model={"n_head": 4},
    ),
    Rung(
        name="mlp",
        idea=N_("After looking around, a small network thinks about what was found."),
        model={"mlp": "gelu"},
    ),
    Rung(
        name="residual",
        idea=N_("Each part adds to what came in instead of replacing it, so nothing gets lost on the way."),
        model={"residual": True},
    ),
    Rung(
        name="layernorm",
        idea=N_(
            "Before each part the numbers are brought to one scale: so training can begin with smaller weights, and "
            "does."
        ),
        model={"norm": "layernorm"},
    ),
    Rung(
        name="layers",
        idea=N_("More layers: each one builds on what the one before has found out."),
        model={"n_layer": 4},
    ),
    Rung(
        name="dropout",
        idea=N_("While training, some numbers are blanked at random, so that it cannot just memorise."),
        model={"dropout": 0.1},
    ),
)
"""The last of them is a GPT in the style of GPT-2."""

MODERN = (
    Rung(
        name="rmsnorm",
        idea=N_("A simpler norm: divide by the typical size, and leave the mean alone."),
        model={"norm": "rmsnorm"},
    ),
    Rung(
        name="rotary",
        idea=N_("Attention sees how far apart two characters are, instead of where each one stands."),
        model={"positions": "rotary"},
    ),
    Rung(
        name="relu2",
        idea=N_("A cheaper activation in the small network: below zero nothing, above it the square."),
        model={"mlp": "relu2"},
    ),
    Rung(
        name="qk-norm",
        idea=N_("Queries and keys get a fixed length, so that no attention score runs away."),
        model={"qk_norm": True},
    ),
    Rung(
        name="zero-init",
        idea=N_("Every part begins by adding nothing, so training starts from a calm model."),
        model={"zero_init": True},
    ),
    Rung(
        name="muon",
        idea=N_("An optimizer that moves a whole matrix evenly in all directions: it needs fewer steps."),
        training={"optimizer": "muon"},
    ),
)
"""What has been found since. The first stands on the last of `RUNGS`; each can also be tried alone: see `ALONE`."""

CLASSIC = Rung(
    name="classic",
    idea=N_(
        "The GPT that the nine rungs lead to, in the style of GPT-2: each idea below is added to it alone."
    ),
)
TOGETHER = Rung(
    name="together",
    idea=N_("All six at once: what a small GPT looks like today."),
    model={name: value for rung in MODERN for name, value in rung.model.items()},
    training={name: value for rung in MODERN for name, value in rung.training.items()},
)
ALONE = (CLASSIC, *MODERN, TOGETHER)
"""Experiments with one starting point, the last of `RUNGS`: nothing new, each modern idea alone, all of them."""


def find_rung(name: str) -> Rung:
    """The rung called `name`. Raises `ConfigError` with the names there are."""
    for rung in (*RUNGS, *MODERN):
        if rung.name == name:
            return rung
    raise ConfigError(
        "There is no rung called {name}. The rungs are: {known}.",
        name=name,
        known=", ".join(rung.name for rung in (*RUNGS, *MODERN)),
    )


def settings_up_to(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of `ModelConfig` and of `TrainConfig` that all rungs up to this one change."""
    model: dict[str, Any] = {}
    training: dict[str, Any] = {}
    last = find_rung(name)
    for rung in (*RUNGS, *MODERN):
        model |= rung.model
        training |= rung.training
        if rung is last:
            break
    return model, training


def settings_alone(rung: Rung) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of `ModelConfig` and of `TrainConfig` for the last of `RUNGS` with what this one changes."""
    model, training = settings_up_to(RUNGS[-1].name)
    return model | rung.model, training | rung.training


def rung_of(config: ModelConfig, training: TrainConfig | None = None) -> Rung | None:
    """The highest rung that has just these parts, whatever the sizes; None for a mixture that is no rung.

    Without `training` the top rungs, which differ in the optimizer only, count as one: the lower of them.
    """
    optimizers = {"muon"} if training and training.optimizer == "muon" else {"adamw", "sgd"}
    for rung in (*RUNGS, *MODERN):
        model, changed = settings_up_to(rung.name)
        like = ModelConfig(vocab_size=1, **model)
        if parts(config) == parts(like) and changed.get("optimizer", "adamw") in optimizers:
            return rung
    return None


def parts(config: ModelConfig) -> dict[str, Any]:
    """What tells the rungs apart: sizes count as none, one or several."""
    return {
        "layers": min(config.n_layer, 2),
        "heads": min(config.n_head, 2),
        "dropout": config.dropout > 0,
        **{
            name: getattr(config, name)
            for name in ("positions", "mlp", "residual", "norm", "qk_norm", "zero_init")
        },
    }


NEEDS_LAYERS = {
    "n_head": N_("There is no attention without layers: the heads would have nowhere to stand."),
    "mlp": N_("The small network stands in a layer, and there are no layers yet."),
    "residual": N_("A residual connection leads around a part of a layer, and there are no layers yet."),
    "norm": N_("A norm brings what goes into a layer to one scale, and there are no layers yet."),
    "dropout": N_("Dropout blanks numbers inside the layers, and there are no layers yet."),
    "bias": N_("This decides about the constants inside layers, and there are no layers yet."),
    "tie_weights": N_(
        "Without a layer in between, tied weights would give “q, then u” the same score as “u, then q”."
    ),
    "qk_norm": N_("Queries and keys belong to attention, and there is no attention without layers."),
    "zero_init": N_("This makes the layers begin by adding nothing, and there are no layers yet."),
}


def settings_that_cannot_matter(config: ModelConfig, training: TrainConfig | None = None) -> dict[str, str]:
    """Settings of the model (and of the training, if there is one) whose change cannot help here, changes no loss, or
    is refused; each with an English reason."""
    reasons: dict[str, str] = {}
    if config.n_layer == 0:
        reasons |= NEEDS_LAYERS
        if config.positions == "none":
            reasons["block_size"] = N_("TinyGPT sees one character: a longer context cannot help it.")
        else:
            reasons["block_size"] = N_(
                "Without attention no character sees another one: a longer context cannot help."
            )
    elif not config.residual:
        reasons["zero_init"] = N_(
            "Without residual connections, layers that begin at zero let nothing through."
        )
    if training and training.optimizer == "sgd":
        for name in ("beta1", "beta2"):
            reasons[name] = N_("Plain gradient descent keeps no running averages.")
    if training and training.optimizer != "muon":
        reasons["momentum"] = N_("This is a setting of Muon, and Muon is not the optimizer here.")
    if training and training.schedule == "constant":
        reasons["min_lr_share"] = N_("A constant learning rate does not fall.")
    return reasons
