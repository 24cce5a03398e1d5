"""The model taken apart: switch off a part and see what is missed; or edit TinyGPT's table by hand."""

import streamlit as st

from minigpt_core.interpret.ablation import AblatedModel, ablation_table, switch_off
from minigpt_core.interpret.edited_table import TableModel, edited, learned_table
from ui.ablation import sections, tiny
from ui.components.show_code import show_code
from ui.inside.inspected_model import choose_model, previewed_run
from ui.words.i18n import _

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title(_("Take it apart"), width="content")
    beside = st.container(width="content")
sections.head()
inspected = choose_model(needs_layers=False, instead=previewed_run())
if inspected:
    with beside:
        sections.other_kind(inspected)
if inspected and sections.is_table(inspected):
    tiny.table_page(inspected)
    show_code("ablation_table", learned_table, edited, TableModel)
elif inspected:
    sections.taken_apart(inspected)
    show_code("ablation", switch_off, AblatedModel, ablation_table)
