"""The wall for the projector: everybody's curve, and what the teacher has allowed."""

import streamlit as st

from ui.classroom.wall import wall
from ui.words.i18n import _
from ui.words.tokens import escape

st.html(f"<h1 class='mg-hidden'>{escape(_('The wall'))}</h1>")  # who hears it knows where they are
wall()
