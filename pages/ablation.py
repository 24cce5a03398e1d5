"""The model taken apart: switch off a part and see what is missed; or edit TinyGPT's table by hand."""

import streamlit as st

from minigpt_core.interpret.ablation import AblatedModel, ablation_hook, ablation_table
from minigpt_core.interpret.bigram_table import BigramTable, edited_row
from ui.ablation import gpt_view, other_model, table_editor
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.inside.inspected_model import choose_model
from ui.lessons import current as lessons
from ui.words.i18n import _

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title(_("Take it apart"), width="content")
    beside = st.container(width="content")
other_model.introduction()
inspected = choose_model(needs_layers=False)
if inspected:
    with beside:
        other_model.other_model_button(inspected)
if inspected and other_model.is_table(inspected):
    table_editor.table_page(inspected)
    try_this("ablation_table")
    show_code("ablation_table", BigramTable, edited_row)
elif inspected:
    gpt_view.taken_apart(inspected, told="ablation_ranking" not in lessons.veiled())
    try_this("ablation")
    show_code("ablation", ablation_hook, AblatedModel, ablation_table)
