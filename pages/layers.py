"""The model read layer by layer: what it would guess after each of them, and how much each part adds."""

import streamlit as st

from minigpt_core.interpret.activations import lengths, logit_lens, run_with_cache, walk
from ui.components.show_code import show_code
from ui.inside.reading import read
from ui.inside.subject import choose
from ui.layers import sections
from ui.words.i18n import _

st.title(_("Layer by layer"))
st.markdown(
    _(
        "Each layer adds something to what the ones before have found. Stop the model after each one: what would it "
        "say?"
    )
)
subject = choose(needs_layers=True)
reading = read(subject) if subject else None
if subject and reading:
    sections.lens_table(subject, reading)
    left, right = st.columns(2, gap="medium")
    with left:
        sections.losses(subject)
    with right:
        sections.sizes(subject, reading)
show_code("layers", run_with_cache, walk, logit_lens, lengths)
