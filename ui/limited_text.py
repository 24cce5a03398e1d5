"""Fields for at most so many characters.

Streamlit's `max_chars` ignores a longer text that is pasted, without a word. Here its beginning stays, and a sentence
says so.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui import state
from ui.words.i18n import _, number


def limited_text(
    field: Callable[..., str | None],
    label: str,
    most: int,
    *,
    key: str,
    on_change: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
    **options: Any,
) -> str:
    """`st.text_input` or `st.text_area` as `field`, outside a form.

    Args:
        most: characters.
    """

    def cut() -> None:
        state.set_widget(key, shortened(state.widget_value(key) or "", most))
        if on_change:
            on_change(*args)

    return field(label, key=key, on_change=cut, **options) or ""


def shortened(text: str, most: int) -> str:
    """The first `most` characters; a sentence says it where there are more."""
    if len(text) > most:
        st.toast(
            _("Only the first {n} characters fit: the rest was cut.").format(n=number(most)),
            icon=":material/content_cut:",
        )
    return text[:most]
