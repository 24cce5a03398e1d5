"""The model writes: choose who and how, and look at where each character comes from."""

import streamlit as st

from ui import resources
from ui.components.show_code import show_code
from ui.sampling import controls, views
from ui.sampling.asked import Asked
from ui.sampling.drawing import begin
from ui.sampling.words import exchanged_words, start_words, unknown_words
from ui.words import tokens
from ui.words.i18n import _

st.title(_("Sampling"))
view = views.choose()
with st.sidebar:
    author = controls.choose_author()
    drawing = controls.choose_drawing(view.name)
controls.introduce(author)
prompt = controls.choose_prompt(author.text, with_buttons=view.name == "write") if view.prompted else ""
asked = Asked(author, drawing, prompt)
if view.prompted:
    beginning = begin(resources.writer(asked.recipe), asked.prompt)
    if beginning.exchanged:
        st.caption(exchanged_words(beginning.exchanged))
    if beginning.unknown:
        st.markdown(f":orange[:material/warning:] {tokens.escape_markdown(unknown_words(beginning.unknown))}")
    if not beginning.prompt:
        words = start_words(resources.writer(asked.recipe).tokenizer.decode(beginning.ids))
        st.caption(tokens.escape_markdown(words))
view.show(asked)
show_code(view.text, *view.code)
