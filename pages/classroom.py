"""The teacher's page: how to join."""

import streamlit as st

from ui.classroom import joining
from ui.words.i18n import _

st.title(_("My class"), anchor=False)
joining.section()
