"""Whose runs a tab shows where the browser takes no cookies: its script stands in `tab_workspace.js`."""

from pathlib import Path

import streamlit as st

from ui import state
from ui.components.mounting import component

HERE = Path(__file__).parent


def keep() -> None:
    """Have the tab remember its workspace, if no cookie does; after a reload it tells which one it had."""
    if not state.without_cookie():
        return
    mount = component("tab_workspace", HERE, "")
    mount(data={"token": state.workspace()}, key=state.TAB_WORKSPACE, on_token_change=_take)


def _take() -> None:
    state.keep_workspace(st.session_state[state.TAB_WORKSPACE].get("token"))
