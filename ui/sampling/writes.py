"""What a model writes, and where the chosen character of it comes from."""

import streamlit as st

from ui import resources
from ui.sampling import controls
from ui.sampling.asked import Asked
from ui.sampling.next_character import next_character
from ui.sampling.typewriter import place, typewriter
from ui.sampling.words import always_likeliest
from ui.words import tokens
from ui.words.i18n import _

HEIGHT = 308  # pixels


def show(asked: Asked) -> None:
    """The text on the left; on the right, where the chosen character comes from."""
    recipe = asked.recipe
    writer = resources.draw(recipe).writer
    gibberish = controls.expectation(asked.author, writer.tokenizer.vocab_size, asked.drawing.settings)
    _result(asked, gibberish, same_again(recipe.seed, writer.looks_at))


def same_again(seed: int, looks_at: int) -> str:
    """Why the text does not change by itself."""
    if looks_at == 1:
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
def _result(asked: Asked, gibberish: str, same_again: str) -> None:
    """Pointing at a character reruns only this."""
    draw, length = resources.draw(asked.recipe), asked.drawing.length
    with st.container(key="sampling_columns"):
        left, right = st.columns([6, 5], gap="medium")
    with left:
        typewriter(asked.recipe, draw, length, height=HEIGHT)
        st.html(tokens.probability_legend())
        st.markdown(f"**{_('Is this gibberish normal?')}** {gibberish}")
        if not always_likeliest(asked.drawing.settings):
            st.caption(same_again)
    with right:
        next_character(draw, place(draw, length), length)
