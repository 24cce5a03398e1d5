"""The teacher's page: what all do, who is there, what the wall shows, how to join."""

import streamlit as st

from ui.classroom import hand, joining, preview, wall
from ui.classroom.pupil_board import board
from ui.words.i18n import _

st.title(_("My class"), anchor=False)
hand.row()
everybody, projected, join = st.tabs([_("Who is here"), _("The wall"), _("Joining")], key="classroom_tabs")
with everybody:
    board()
with projected:
    wall.section()
with join:
    joining.section()
preview.dialog()
