"""What a model writes, and where the chosen character of it comes from."""

import streamlit as st

from ui import resources, tokens
from ui.i18n import _
from ui.sampling import controls
from ui.sampling.asked import Asked
from ui.sampling.next_character import next_character
from ui.sampling.typewriter import place, typewriter

HEIGHT = 330  # pixels


def show(asked: Asked) -> None:
    """The text on the left; on the right, where the chosen character comes from."""
    recipe = asked.recipe
    vocab_size = resources.draw(recipe).writer.tokenizer.vocab_size
    _result(asked, controls.expectation(asked.author, vocab_size, recipe.temperature))


@st.fragment
def _result(asked: Asked, expectation: str) -> None:
    """Pointing at a character reruns only this."""
    draw, length = resources.draw(asked.recipe), asked.drawing.length
    left, right = st.columns([6, 5], gap="medium")
    with left:
        typewriter(asked.recipe, draw, length, height=HEIGHT)
        st.html(tokens.probability_legend())
        st.markdown(f"**{_('Is this gibberish normal?')}** {expectation}")
    with right:
        next_character(draw, place(draw, length), length)
