"""How to read a picture: what it shows, how it was computed, and what one must not conclude from it."""

import streamlit as st

from ui.words.i18n import _


def heading(title: str, key: str, *, shows: str, computed: str, beware: str) -> None:
    """The question that a picture answers, and beside it the way to read it.

    Args:
        key: unique on the page.
        shows: what the picture shows.
        computed: how it was computed.
        beware: what one must not conclude from it.
    """
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
    ):
        st.header(title, width="content")
        how_to_read(key, shows=shows, computed=computed, beware=beware)


def how_to_read(key: str, *, shows: str, computed: str, beware: str) -> None:
    """The three answers behind one small button."""
    with st.popover(
        _("How to read this"), icon=":material/info:", type="tertiary", key=f"guide_{key}", width="content"
    ):
        st.markdown(f"**{_('What it shows')}** · {shows}")
        st.markdown(f"**{_('How it was computed')}** · {computed}")
        st.markdown(f"**{_('What not to conclude')}** · {beware}")
