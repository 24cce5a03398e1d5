"""The teacher's page: who is there, and how to join."""

import streamlit as st

from ui.classroom import joining
from ui.classroom.pupil_board import board
from ui.words.i18n import _

st.title(_("My class"), anchor=False)
everybody, join = st.tabs([_("Who is here"), _("Joining")], key="classroom_tabs")
with everybody:
    board()
with join:
    joining.section()
