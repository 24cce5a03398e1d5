"""From TinyGPT to a real GPT, one idea at a time; and which settings can matter on which rung."""

from dataclasses import dataclass, field
from typing import Any

from minigpt_core.configs import CHOICES, WITHOUT_LAYERS, ModelConfig, TrainConfig, usual_fields
from minigpt_core.errors import N_, ConfigError
from minigpt_core.sameness import settings_without_effect


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One idea: what it changes in the configuration of the rung below."""

    name: str
    title: str
    """English, as are the next two: to be translated where they are shown."""

    idea: str
    """What it is, in one sentence."""

    why: str
    """Why it helps, or need not: true whichever way a measurement goes."""

    work: float
    """How long its training takes, as a share of that of the last of `RUNGS`: processor time on one thread with the
    Ladder page's sizes, 1,000 steps and their evaluations. With 38 and with 80 characters they agreed within a tenth
    (TinyGPT: 15 %)."""

    model: dict[str, Any] = field(default_factory=dict)
    """The fields of `ModelConfig` that change. One of them brings more along: with a norm, a model also begins with
    smaller weights (`GPT.init_weights`), so what LayerNorm gains is the gain of both."""

    training: dict[str, Any] = field(default_factory=dict)
    """The fields of `TrainConfig` that change."""


RUNGS = (
    Rung(
        name="tinygpt",
        title="TinyGPT",
        idea=N_("It sees one character and looks up what usually comes next: a table of pairs."),
        why=N_("Seeing one character, it can at best learn which characters tend to follow which."),
        work=0.04,
    ),
    Rung(
        name="one-head",
        title=N_("+ one head"),
        idea=N_("Attention: every character looks back and takes over what it finds in earlier ones."),
        why=N_(
            "A character can look back now, but what it finds there takes the place of what it knew itself: the next "
            "rung mends that."
        ),
        work=0.1,
        model={"n_layer": 1},
    ),
    Rung(
        name="residual",
        title=N_("+ residual"),
        idea=N_("Each part adds to what came in instead of replacing it, so nothing gets lost on the way."),
        why=N_("What a character knew itself stays, and what each part finds comes on top."),
        work=0.105,
        model={"residual": True},
    ),
    Rung(
        name="positions",
        title=N_("+ positions"),
        idea=N_("Each place gets a row of numbers too, so the model knows where a character stands."),
        why=N_("Without them, attention sees which characters came before, but not in which order."),
        work=0.11,
        model={"positions": "learned"},
    ),
    Rung(
        name="heads",
        title=N_("+ heads"),
        idea=N_("Several heads look for several things at once."),
        why=N_("Four heads share the same numbers: four different looks back, each a quarter as wide."),
        work=0.12,
        model={"n_head": 4},
    ),
    Rung(
        name="mlp",
        title="+ MLP",
        idea=N_("After looking around, a small network works on what was found."),
        why=N_("Attention only mixes what is there already; this network can make something new of it."),
        work=0.19,
        model={"mlp": "gelu"},
    ),
    Rung(
        name="layers",
        title=N_("+ layers"),
        idea=N_("More layers (Transformer blocks): each one builds on what the one before has found out."),
        why=N_(
            "Four times the layers take four times as long, and learn more from each step: on a short story that shows "
            "most while a training is short."
        ),
        work=0.65,
        model={"n_layer": 4},
    ),
    Rung(
        name="layernorm",
        title="+ LayerNorm",
        idea=N_(
            "Before each part the numbers are brought to one scale: so training can begin with smaller weights, and "
            "does."
        ),
        why=N_(
            "Two things in one: LayerNorm, and the smaller initial weights that it makes possible; without it, "
            "numbers fade on their way through such weights. It is made for models much deeper than this one: four "
            "layers learn without it, and its calm start costs steps that a short training does not earn back."
        ),
        work=0.69,
        model={"norm": "layernorm"},
    ),
    Rung(
        name="dropout",
        title="+ dropout",
        idea=N_("While training, some numbers are blanked at random, so that it cannot just memorise."),
        why=N_(
            "Blanking numbers makes learning harder on purpose: it pays once a model begins to memorise its text, in "
            "long trainings or on short texts."
        ),
        work=1.0,
        model={"dropout": 0.1},
    ),
)
"""The last of them is a GPT in the style of GPT-2."""

MODERN = (
    Rung(
        name="rmsnorm",
        title="RMSNorm",
        idea=N_("A simpler norm: divide by the typical size, and leave the mean alone."),
        why=N_("It does the job of LayerNorm with less arithmetic."),
        work=1.05,
        model={"norm": "rmsnorm"},
    ),
    Rung(
        name="rotary",
        title=N_("Rotary positions"),
        idea=N_("Attention sees how far apart two characters are, instead of where each one stands."),
        why=N_("Two characters at the same distance look the same to it, wherever they stand in the text."),
        work=1.07,
        model={"positions": "rotary"},
    ),
    Rung(
        name="relu2",
        title="ReLU²",
        idea=N_("A cheaper activation in the small network: below zero nothing, above it the square."),
        why=N_("Weak signals are cut off, and strong ones stand out more."),
        work=1.0,
        model={"mlp": "relu2"},
    ),
    Rung(
        name="qk-norm",
        title=N_("QK norm"),
        idea=N_("Queries and keys get a fixed length, so that no attention score runs away."),
        why=N_("It guards against attention that runs away, which is a danger of large steps most of all."),
        work=1.12,
        model={"qk_norm": True},
    ),
    Rung(
        name="zero-init",
        title=N_("Zero start"),
        idea=N_("Every part begins by adding nothing, so training starts from a calm model."),
        why=N_("No part disturbs the others before it has learned something."),
        work=1.0,
        model={"zero_init": True},
    ),
    Rung(
        name="muon",
        title="Muon",
        idea=N_("An optimizer that moves a whole matrix evenly in all directions: it needs fewer steps."),
        why=N_("The model stays as it is: only the way to its numbers is another one."),
        work=1.22,
        training={"optimizer": "muon"},
    ),
    Rung(
        name="token-shift",
        title=N_("Token shift"),
        idea=N_(
            "Each character brings along a share of the one before it, so no head has to look for that one."
        ),
        why=N_(
            "The character just before says most about the next one: now every layer knows it from the start."
        ),
        work=1.01,
        model={"token_shift": True},
    ),
)
"""What has been found since. The first stands on the last of `RUNGS`; each can also be tried alone: see `ALONE`."""

CLASSIC = Rung(
    name="classic",
    title=N_("Classic GPT"),
    idea=N_(
        "The GPT that the nine rungs lead to, in the style of GPT-2: each idea below is added to it alone."
    ),
    why=N_("It stands here to compare the others with."),
    work=1.0,
)
TOGETHER = Rung(
    name="together",
    title=N_("All together"),
    idea=N_("All seven at once: what a small GPT looks like today."),
    why=N_("What single ideas bring need not add up."),
    work=1.48,
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
    """The lowest rung that has just these parts, whatever the sizes; None for a mixture that is no rung.

    Without `training`, rungs that differ in the optimizer only count as one: the lower of them.
    """
    optimizers: set[str] = {*CHOICES["optimizer"]}
    if training:
        optimizers = {"muon"} if training.optimizer == "muon" else optimizers - {"muon"}
    for rung in (*RUNGS, *MODERN):
        model, changed = settings_up_to(rung.name)
        like = ModelConfig(vocab_size=1, **model)
        if parts(config) == parts(like) and changed.get("optimizer", "adamw") in optimizers:
            return rung
    return None


def parts(config: ModelConfig) -> dict[str, Any]:
    """What tells the rungs apart: sizes count as none, one or several."""
    changed = {name for rung in (*RUNGS, *MODERN) for name in rung.model}
    return {name: _kind(getattr(config, name)) for name in sorted(changed)}


def _kind(value: Any) -> Any:
    """A setting's value; of a number only whether it is none, one or several, or a share."""
    if isinstance(value, float):
        return value > 0
    return min(value, 2) if isinstance(value, int) and not isinstance(value, bool) else value


NEEDS_LAYERS = {
    "positions": N_("Queries and keys belong to attention, and there is no attention without layers."),
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
    "token_shift": N_("Without layers, the share of the character before would only be added to the scores."),
    "zero_init": N_("This makes the layers begin by adding nothing, and there are no layers yet."),
}


WHY_WITHOUT_EFFECT = {
    "beta1": N_("Plain gradient descent keeps no running averages."),
    "beta2": N_("Plain gradient descent keeps no running averages."),
    "momentum": N_("This is a setting of Muon, and Muon is not the optimizer here."),
    "min_lr_share": N_("A constant learning rate does not fall."),
}
"""Why a setting of the training changes no loss, where `settings_without_effect` says that it doesn't. How a run is
watched and evaluated needs no reason: nobody changes that for the sake of a loss."""


def why_layers_are_needed(name: str) -> str:
    """Why a setting of the model can do nothing while there are no layers: an English sentence."""
    return NEEDS_LAYERS.get(name, N_("This stands in the layers, and there are no layers yet."))


def settings_that_cannot_matter(config: ModelConfig, training: TrainConfig | None = None) -> dict[str, str]:
    """Settings of the model (and of the training, if there is one) whose change cannot help here, changes no loss, or
    is refused; each with an English reason."""
    reasons: dict[str, str] = {}
    if config.n_layer == 0:
        reasons |= {
            name: why_layers_are_needed(name)
            for name in usual_fields(ModelConfig)
            if name not in WITHOUT_LAYERS
        }
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
    without_effect = settings_without_effect(training) if training else ()
    return reasons | {name: WHY_WITHOUT_EFFECT[name] for name in WHY_WITHOUT_EFFECT if name in without_effect}
