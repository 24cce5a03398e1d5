"""The model read layer by layer: what it would guess after each of them, and how much each part adds."""

import streamlit as st

from minigpt_core.interpret.activations import activation_norms, run_with_cache, run_with_hook
from minigpt_core.interpret.lens import logit_lens
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.inside.input_text import text_field
from ui.inside.inspected_model import choose_model
from ui.layers import component_norms, lens_table, stopping_early
from ui.words.i18n import _

st.title(_("Layer by layer"))
st.markdown(
    _(
        "Each layer adds something to what the ones before have found. Stop the model after each one: what would it "
        "say?"
    )
)
inspected = choose_model(needs_layers=True)
given = text_field(inspected) if inspected else None
if inspected and given:
    lens_table.section(inspected, given)
    left, right = st.columns(2, gap="medium")
    with left:
        stopping_early.section(inspected)
    with right:
        component_norms.section(inspected, given)
try_this("layers")
show_code("layers", run_with_cache, run_with_hook, logit_lens, activation_norms)
