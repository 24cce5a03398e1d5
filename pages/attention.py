"""Who looks where: the attention of a trained model in a text of one's own."""

import streamlit as st

from minigpt_core.interpret.activations import run_attention
from minigpt_core.interpret.heads import describe_heads
from minigpt_core.model import CausalSelfAttention
from ui.attention import attention_map
from ui.attention.text_window import text_window
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.inside.inspected_model import choose_model
from ui.words.i18n import _

row = st.container(horizontal=True, vertical_alignment="center", gap="medium", key="attention_controls")
with row.container(width="content", gap="small"):
    st.title(_("Attention"), anchor=False)
    attention_map.how_to_read()
inspected = choose_model(needs_layers=True, instead=attention_map.no_attention())
if inspected:
    attention_map.draw(inspected, text_window(inspected, row))
try_this("attention")
show_code("attention", CausalSelfAttention, run_attention, describe_heads)
