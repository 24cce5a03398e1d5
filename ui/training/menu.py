"""What the presets are called on the page, and where each comes from, in a few words."""

from functools import cache

from minigpt_core import limits
from minigpt_core.configs import ModelConfig
from minigpt_core.data_home import data_home
from minigpt_core.presets import PRESETS
from minigpt_core.weights import parameters_of
from ui import orders_followed, state
from ui.words.i18n import N_, _, n_, number

OWN = "own"  # no preset has this model


OWN_TITLE, OWN_ABOUT = N_("A model of your own"), N_("made under Advanced or on the Model page")


def names(present: str) -> list[str]:
    """What can be chosen, the notebook's model first; a model of one's own only where it is the present one, like
    one that the teacher does not offer."""
    hidden = orders_followed.holding().hidden_presets
    most = None if state.is_teacher() else limits.in_force(data_home())
    return [
        *(name for name in PRESETS if name == present or (name not in hidden and _fits(name, most))),
        *([OWN] if present == OWN else []),
    ]


def _fits(name: str, most: limits.Limits | None) -> bool:
    """Whether the limits of a class leave room for such a model, whatever the text."""
    return most is None or _least_parameters(name) <= most.parameters


@cache
def _least_parameters(name: str) -> int:
    return parameters_of(ModelConfig(vocab_size=2, **PRESETS[name].model))


def title(name: str) -> str:
    """What a preset is called, or a model of one's own; a preset of another version keeps its name in the code."""
    if name == OWN:
        return _(OWN_TITLE)
    return _(PRESETS[name].title) if name in PRESETS else name


def about(name: str, model: ModelConfig | None) -> str:
    """Its size, what it can see, and where it comes from, in one line."""
    parts = []
    if model is not None:
        size = parameters_of(model)
        parts = [n_("{n} parameter", "{n} parameters", size).format(n=number(size)), sees(model)]
    parts.append(_(PRESETS[name].about if name in PRESETS else OWN_ABOUT))
    return " · ".join(parts)


def sees(model: ModelConfig) -> str:
    """How much of the text before it a guess can use."""
    if model.n_layer:
        words = n_("sees {n} character", "sees up to {n} characters", model.block_size)
        return words.format(n=number(model.block_size))
    if model.positions == "none":
        return _("sees one character")
    return _("sees one character and its place")
