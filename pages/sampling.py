"""The model writes: choose who, how it draws, and look at where each character comes from."""

import streamlit as st

from minigpt_core.ngrams import NgramModel
from minigpt_core.sampling import generate, next_probabilities, sample_next
from ui import resources, tokens
from ui.i18n import _
from ui.sampling import controls
from ui.sampling.next_character import next_character
from ui.sampling.recipe import Recipe
from ui.sampling.typewriter import place, typewriter
from ui.sampling.words import start_words, unknown_words
from ui.show_code import show_code


@st.fragment
def result(recipe: Recipe, length: int, expectation: str) -> None:
    """The text on the left; on the right, where the chosen character comes from. Pointing reruns only this."""
    draw = resources.draw(recipe)
    left, right = st.columns([6, 5], gap="medium")
    with left:
        typewriter(recipe, draw, length, height=330)
        st.html(tokens.probability_legend())
        st.markdown(f"**{_('Is this gibberish normal?')}** {expectation}")
    with right:
        next_character(draw, place(draw, length), length)


st.title(_("Sampling"))
with st.sidebar:
    author = controls.choose_author()
    drawing = controls.choose_drawing()
controls.introduce(author)
recipe = Recipe(
    run=author.run.id if author.run else "",
    step=author.step,
    text="" if author.run or not author.text else author.text.id,
    lower=author.text.lower if author.text else True,
    prompt=controls.choose_prompt(author.text),
    temperature=drawing.settings.temperature,
    top_k=drawing.settings.top_k,
    top_p=drawing.settings.top_p,
    seed=drawing.seed,
)
draw = resources.draw(recipe)
if draw.unknown:
    st.markdown(f":orange[:material/warning:] {tokens.escape_markdown(unknown_words(draw.unknown))}")
if draw.start:
    st.caption(tokens.escape_markdown(start_words(draw)))
result(
    recipe, drawing.length, controls.expectation(author, draw.writer.tokenizer.vocab_size, recipe.temperature)
)
show_code(
    "sampling", sample_next, next_probabilities, generate, *([] if author.run else [NgramModel.probabilities])
)
