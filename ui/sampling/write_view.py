"""What does it write? The text, and where the chosen character of it comes from."""

import streamlit as st

from ui import resources
from ui.sampling.inputs import Inputs, note_written
from ui.sampling.introduction import expectation
from ui.sampling.next_character import next_character
from ui.sampling.settings_explained import always_likeliest
from ui.sampling.typewriter import place, typewriter
from ui.words import tokens
from ui.words.i18n import _

HEIGHT = 308  # pixels


def show(inputs: Inputs) -> None:
    """The text on the left; on the right, where the chosen character comes from."""
    request = inputs.request
    note_written(request)
    lm = resources.generated_text(request).lm
    gibberish = expectation(inputs.model, lm.tokenizer.vocab_size, inputs.generation.settings)
    _result(inputs, gibberish, same_again(request.seed, lm.context_used))


def same_again(seed: int, context_used: int) -> str:
    """Why the text does not change by itself."""
    if context_used == 1:
        words = _(
            "Seed {seed} always gives the same random numbers, and this model sees one character: whatever the "
            "beginning, it soon writes the same. “Another draw” changes that."
        )
    else:
        words = _(
            "Seed {seed} always gives the same random numbers, so the same beginning gives the same text. “Another "
            "draw” changes that."
        )
    return words.format(seed=seed)


@st.fragment
def _result(inputs: Inputs, gibberish: str, same_again: str) -> None:
    """Pointing at a character reruns only this."""
    generated, length = resources.generated_text(inputs.request), inputs.generation.length
    with st.container(key="sampling_columns"):
        left, right = st.columns([6, 5], gap="medium")
    with left:
        typewriter(inputs.request, generated, length, height=HEIGHT)
        st.html(tokens.probability_legend())
        st.markdown(f"**{_('Is this normal?')}** {gibberish}")
        still = _("It does not learn while it writes: its numbers stay as they are, whatever you type.")
        drawn = not always_likeliest(inputs.generation.settings)
        with st.container(key="sampling_why_same"):
            st.caption(f"{still} {same_again}" if drawn else still)
    with right:
        next_character(generated, place(generated, length), length)
