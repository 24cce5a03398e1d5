"""The questions that the Sampling page answers, one at a time: only the chosen one is calculated."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from minigpt_core.generation.decoder import IncrementalDecoder
from minigpt_core.generation.streaming import stream_batch
from minigpt_core.generation.token_losses import token_losses
from minigpt_core.interpret.memorization import TrainingText
from minigpt_core.sampling import generate, next_probabilities, sample_next, token_at
from ui import state
from ui.sampling import memorization, models_view, pipeline, temperature_view, write_view
from ui.sampling import token_losses as token_losses_view
from ui.sampling.generation_settings import CONTROLS
from ui.sampling.inputs import Inputs
from ui.words.i18n import N_, _

KEY = "sampling.view"


@dataclass(frozen=True)
class View:
    """One of the questions."""

    name: str
    """As in the address."""

    question: str
    """English; translate it where it is shown."""

    show: Callable[[Inputs], None]
    code: tuple[Any, ...]
    """What of the core it uses."""

    text: str = "sampling"
    """Which explanation stands above the code."""

    prompted: bool = True
    """Whether it begins with the prompt."""

    settings: Callable[[], Collection[str]] = lambda: CONTROLS
    """Those of `CONTROLS` that it uses, and does not show itself."""


VIEWS = (
    View("write", N_("What does it write?"), write_view.show, (generate, sample_next, next_probabilities)),
    View(
        "next",
        N_("Why this character?"),
        pipeline.show,
        (next_probabilities, token_at, sample_next),
        settings=lambda: ["seed"],
    ),
    View(
        "temperature",
        N_("What does temperature do?"),
        temperature_view.show,
        (stream_batch, IncrementalDecoder),
        "sampling_rows",
        settings=temperature_view.settings,
    ),
    View("models", N_("Which model?"), models_view.show, (stream_batch, IncrementalDecoder), "sampling_rows"),
    View(
        "surprise",
        N_("What surprises it?"),
        token_losses_view.show,
        (token_losses,),
        "sampling_surprise",
        prompted=False,
        settings=list,
    ),
    View(
        "copied", N_("Invented or copied?"), memorization.show, (TrainingText.memorized,), "sampling_copied"
    ),
)


def choose(head: DeltaGenerator) -> View:
    """The bar with all questions, and the chosen one.

    Args:
        head: the line of the title; at the front of a room they stand there.
    """
    by_name = {view.name: view for view in VIEWS}
    state.keep_choices("sampling.views", [KEY])
    state.set_page_state(KEY, state.view())
    if state.projected():
        head.selectbox(
            _("Question"), list(by_name), format_func=lambda name: _(by_name[name].question),
            key=state.page_key(KEY), label_visibility="collapsed", on_change=_switch, width=430,
        )  # fmt: skip
        return by_name[state.view()]
    with st.container(key="sampling_views"):
        st.segmented_control(
            _("Question"), list(by_name), format_func=lambda name: _(by_name[name].question), required=True,
            key=state.page_key(KEY), label_visibility="collapsed", on_change=_switch,
        )  # fmt: skip
    return by_name[state.view()]


def _switch() -> None:
    state.choose_view(str(state.page_state(KEY, "write")))
