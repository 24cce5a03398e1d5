"""What is open when a session begins anew works there too: its script stands in `connection.js`."""

from pathlib import Path

import streamlit as st

from ui import state
from ui.components.mounting import component
from ui.words.i18n import _

HERE = Path(__file__).parent
LONGEST = 80  # characters of a button


def watch() -> None:
    """Have the page drawn anew as soon as a lost connection is back. If a button was pressed that the server may not
    have heard of, it is said above the page."""
    renewed = component("connection", HERE, "")(
        data={}, key="connection", on_renewed_change=lambda: None
    ).renewed
    if isinstance(renewed, str):  # it comes from a browser: anything is possible
        words = _(
            "“{name}” was pressed just before the connection was lost, and may not have been heard. If nothing has "
            "come of it, press it again."
        )
        state.notify(words.format(name=renewed[:LONGEST]))
        st.rerun()
