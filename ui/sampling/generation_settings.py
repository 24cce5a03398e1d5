"""How characters are drawn on the Sampling page, and how many: the controls in the sidebar."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from minigpt_core.configs import SampleSettings
from minigpt_core.generation.request import MAX_LENGTH, MAX_SEED, USUAL_SEED, USUAL_TEMPERATURE
from ui import set_up, state
from ui.sampling.settings_explained import settings_words
from ui.words import glossary
from ui.words.i18n import _, decimal_point_note
from ui.words.tokens import escape_markdown


class Control(NamedTuple):
    """The range of a setting. All of them are whole numbers, or none is."""

    low: float
    high: float
    usual: float
    by: float
    """How far one click on its arrows leads."""


CONTROLS = {
    "temperature": Control(0.0, 2.0, USUAL_TEMPERATURE, 0.05),
    "top_k": Control(0, 1000, 0, 1),
    "top_p": Control(0.05, 1.0, 1.0, 0.05),
    "length": Control(10, MAX_LENGTH, 300, 50),
    "seed": Control(0, MAX_SEED, USUAL_SEED, 1),
}
"""By their names in the address, where each stands that is not as usual."""

FOLDED = ("top_k", "top_p")  # until somebody asks for them


@dataclass(frozen=True)
class GenerationSettings:
    """How characters are drawn, and how many."""

    settings: SampleSettings
    length: int
    seed: int


def choose_generation(names: Collection[str], foremost: DeltaGenerator | None = None) -> GenerationSettings:
    """Temperature and its meaning in words, then the rest: of `CONTROLS`, those in `names`. The others keep their
    values.

    Args:
        foremost: where the temperature stands, if not with the others.
    """
    values = {name: state.setting(name, *control[:3]) for name, control in CONTROLS.items()}
    settings = SampleSettings(
        temperature=values["temperature"], top_k=int(values["top_k"]), top_p=values["top_p"]
    )
    names = [name for name in names if not set_up.hidden(name)]
    if "temperature" in names:
        with foremost or st.container(gap=None):
            _widget("temperature", values)
        st.caption(escape_markdown(settings_words(settings)))
    _side_by_side([name for name in ("length", "seed") if name in names], values)
    if deeper := [name for name in FOLDED if name in names]:
        chosen = any(values[name] != CONTROLS[name].usual for name in deeper)
        with st.expander(_("Go deeper: top-k, top-p"), expanded=chosen, key="sampling_deeper"):
            _side_by_side(deeper, values)
    return GenerationSettings(settings, int(values["length"]), int(values["seed"]))


def _side_by_side(names: Sequence[str], values: dict[str, float]) -> None:
    for name, column in zip(names, st.columns(2, gap="small") if names else (), strict=False):
        with column:
            _widget(name, values)


def another_seed() -> None:
    """Draw with the next seed."""
    low, high, usual, by = CONTROLS["seed"]
    change(seed=(state.setting("seed", low, high, usual) + by) % high)


def change(**values: float) -> None:
    """Choose other values. Call it in a callback."""
    for name, value in values.items():
        state.choose_setting(name, value, CONTROLS[name].usual)


def _widget(name: str, values: dict[str, float]) -> None:
    low, high, usual, by = CONTROLS[name]
    state.set_widget(name, values[name])
    kind = st.slider if name == "temperature" else st.number_input
    help = _("How many characters to write.") if name == "length" else glossary.help(name)
    if name == "top_p":
        help = f"{help} {decimal_point_note()}".strip()
    kind(_label(name), low, high, step=by, key=name, on_change=_take, args=(name,), help=help)


def _label(name: str) -> str:
    if name == "length":
        return _("Length")
    return name.replace("_", "-") if name in ("top_k", "top_p") else glossary.word(name).capitalize()


def _take(name: str) -> None:
    change(**{name: state.widget_value(name)})
