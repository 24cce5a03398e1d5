"""The teacher's page: what all do, who is there, what the wall shows, how to join, what stays."""

import streamlit as st

from ui.classroom import afterwards, hand, joining, limits, preview, wall
from ui.classroom.pupil_board import board
from ui.words.i18n import _

st.title(_("Class"), anchor=False)
hand.row()
everybody, projected, join, allowed, end = st.tabs(
    [_("Who is here"), _("The wall"), _("Joining"), _("Limits"), _("Afterwards")],
    key="classroom_tabs",
    on_change="rerun",
)  # what a tab says is about the moment when it is opened
with everybody:
    board()
with projected:
    wall.section()
with join:
    joining.section()
with allowed:
    limits.section()
with end:
    afterwards.section()
preview.dialog()
