"""The prompt of the Sampling page, and the button for another text that goes on from it."""

import streamlit as st

from minigpt_core.generation.prompts import usual_prompt
from minigpt_core.generation.request import MAX_PROMPT
from ui import resources, state
from ui.sampling import typewriter
from ui.sampling.generation_settings import another_seed
from ui.words import glossary
from ui.words.i18n import _, number

TYPED = "sampling.typed"  # characters of the prompt before it was shortened
PROMPT_WIDTH = 430  # pixels: one line with words and buttons at 1280, a line of its own on a phone


def choose_prompt(text: resources.ChosenText | None) -> str:
    """The prompt, and beside it the button for another text from it."""
    state.offer_prompt(usual_prompt(text.text) if text else "")
    with st.container(horizontal=True, vertical_alignment="center"):
        label = _("Write a beginning, it goes on:")
        st.markdown(label, width="content", help=glossary.help("prompt"))
        prompt = st.text_input(
            label,
            value=None,
            key=state.PROMPT,
            bind="query-params",
            on_change=_shorten_prompt,
            label_visibility="collapsed",
            width=PROMPT_WIDTH,
        )
        st.button(
            _("Another draw"),
            icon=":material/casino:",
            key="sampling_another",
            on_click=_another_draw,
            help=_("The same model and settings with the next seed: other random numbers, another text."),
        )
    prompt = prompt or ""
    typed = max(len(prompt), state.page_state(TYPED, 0))
    if len(prompt) >= MAX_PROMPT and typed > MAX_PROMPT:
        words = _("The prompt had {n} characters: its last {limit} are used.")
        words = words.format(n=number(typed), limit=number(MAX_PROMPT))
        st.markdown(f":orange[:material/warning:] {words}")
    return prompt[-MAX_PROMPT:]


def _shorten_prompt() -> None:
    """A long prompt would make an address too long to be opened again."""
    typed = st.session_state[state.PROMPT] or ""
    state.set_page_state(TYPED, len(typed))
    st.session_state[state.PROMPT] = typed[-MAX_PROMPT:]


def _another_draw() -> None:
    another_seed()
    typewriter.watch()
