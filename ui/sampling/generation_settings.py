"""How characters are drawn on the Sampling page, and how many: the controls in the sidebar."""

from dataclasses import dataclass

import streamlit as st

from minigpt_core.configs import SampleSettings
from minigpt_core.generation.request import MAX_LENGTH, MAX_SEED, USUAL_SEED, USUAL_TEMPERATURE
from ui import state
from ui.sampling.settings_explained import settings_words
from ui.words import glossary
from ui.words.i18n import _
from ui.words.tokens import escape_markdown


@dataclass(frozen=True)
class GenerationSettings:
    """How characters are drawn, and how many."""

    settings: SampleSettings
    length: int
    seed: int


def choose_generation(view: str) -> GenerationSettings:
    """Temperature and its meaning in words, then the rest. All of it stands in the address.

    What a view does not use, or shows itself, is hidden by the style sheet: a widget that is not drawn would leave the
    address.
    """
    with st.container(key=f"sampling_drawing_{view}"):
        return _widgets()


def _widgets() -> GenerationSettings:
    temperature = st.slider(
        glossary.word("temperature").capitalize(),
        0.0, 2.0, USUAL_TEMPERATURE, 0.05,
        key="temperature", bind="query-params", help=glossary.help("temperature"),
    )  # fmt: skip
    meaning = st.container(key="sampling_temperature_words")  # written when all settings are known
    left, right = st.columns(2, gap="small")
    with left:
        top_k = st.number_input(
            "top-k", 0, 1000, 0, key="top_k", bind="query-params", help=glossary.help("top_k")
        )
        length = st.number_input(
            _("Length"), 10, MAX_LENGTH, 300, 50,
            key="length", bind="query-params", help=_("How many characters to write."),
        )  # fmt: skip
    state.offer_seed(USUAL_SEED)
    with right:
        top_p = st.number_input(
            "top-p", 0.05, 1.0, 1.0, 0.05, key="top_p", bind="query-params", help=glossary.help("top_p")
        )
        seed = st.number_input(
            glossary.word("seed").capitalize(),
            0, MAX_SEED, None,
            key=state.SEED, bind="query-params", help=glossary.help("seed"),
        )  # fmt: skip
    settings = SampleSettings(temperature=temperature, top_k=int(top_k), top_p=float(top_p))
    meaning.caption(escape_markdown(settings_words(settings)))
    return GenerationSettings(settings, int(length), USUAL_SEED if seed is None else int(seed))
