"""A button that begins a training or lets one go on: off, and saying why, while the teacher lets nothing begin."""

from typing import Any

import streamlit as st

from minigpt_core.errors import StoreError, UserError
from ui import state
from ui.words.i18n import translate


def start_button(label: str, *, disabled: bool = False, help: str | None = None, **arguments: Any) -> bool:
    """`st.button`."""
    why = why_not()
    return st.button(label, disabled=disabled or bool(why), help=why or help, **arguments)


def why_not() -> str | None:
    """Why no training may begin or go on here; None: it may. What a callback asks of a run asks again."""
    try:
        state.let_train()
    except StoreError:
        return None  # the pages say so
    except UserError as error:
        return translate(error)
    return None
