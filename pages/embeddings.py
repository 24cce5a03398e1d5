"""The learned rows of characters and places as a map that moves through the training."""

import streamlit as st

from minigpt_core.interpret.embedding_map import cosine_matrix, moving_map, pca
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.embeddings import embedding_map
from ui.inside.inspected_model import choose_model
from ui.words.i18n import _, number

with st.container(
    horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="embeddings_head"
):
    st.title(_("Embeddings"), anchor=False, width="content")
    embedding_map.how_to_read()
inspected = choose_model(needs_layers=False, pick_step=False)
if inspected:
    sentence = _(
        "Each character is a row of **{n} numbers** (embedding dimension). Training moves the rows: where that helps, "
        "what is used alike comes to lie side by side."
    )
    st.markdown(sentence.format(n=number(inspected.config.n_embd)))
    embedding_map.draw(inspected)
try_this("embeddings")
show_code("embeddings", pca, moving_map, cosine_matrix)
