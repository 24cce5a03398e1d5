"""Renaming a run, deleting it and bringing it back: the same field and buttons wherever they stand.

`page` is the name of the page; the keys of its widgets begin with it.
"""

import streamlit as st

from minigpt_core.errors import RunNotFound
from minigpt_core.store.runs import LIVE, MAX_NAME, Run
from ui import resources, state
from ui.limited_text import limited_text
from ui.runs.automatic_name import is_named
from ui.runs.wording import run_title
from ui.words.i18n import _
from ui.words.tokens import escape_markdown


def name_field(run: Run, page: str, *, mine: bool) -> None:
    """The name, to be written anew; emptied, it becomes again what the run is called by itself."""
    name = f"{page}.name.{run.id}"
    state.set_page_state(name, run.name if is_named(run) and not run.prepared else run_title(run))
    limited_text(
        st.text_input, _("Its name"), MAX_NAME, key=state.page_key(name), disabled=not mine, on_change=rename,
        args=(run.id, name),
    )  # fmt: skip


def rename(run_id: str, name: str) -> None:
    """Give a run the name that stands in the state `name` of the page."""
    resources.store().rename(run_id, state.page_state(name, ""), state.workspace())


def delete_button(run: Run, page: str, *, mine: bool) -> None:
    """Into the bin."""
    st.button(
        _("Delete"), icon=":material/delete:", key=f"{page}_delete_{run.id}", on_click=delete, args=(run.id, page),
        disabled=not mine or run.status in LIVE,
        help=_("Put it into the bin. One click brings it back. A run that goes on must be stopped first."),
    )  # fmt: skip


def delete(run_id: str, page: str) -> None:
    """Put a run into the bin; the page offers to undo it."""
    resources.store().delete(run_id, state.workspace())
    state.set_page_state(_deleted(page), run_id)
    if state.run_id() == run_id:
        state.follow_run(None)


def undo(page: str, *, follow: bool = False) -> None:
    """The way back from the last deletion on this page, if there was one; `follow`: the run is then shown again."""
    gone = state.page_state(_deleted(page), None)
    if gone is None:
        return
    try:
        run = resources.store().run(gone)
    except RunNotFound:  # the bin has been emptied
        state.set_page_state(_deleted(page), None)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = escape_markdown(run_title(run))
        st.markdown(_("Deleted: {name}").format(name=name), width="content")
        st.button(
            _("Undo"),
            icon=":material/undo:",
            key=f"{page}_undo",
            on_click=undelete,
            args=(gone, page, follow),
        )


def undelete(run_id: str, page: str, follow: bool) -> None:
    """Out of the bin."""
    resources.store().undelete(run_id, state.workspace())
    state.set_page_state(_deleted(page), None)
    if follow:
        state.follow_run(run_id)


def _deleted(page: str) -> str:
    return f"{page}.deleted"
