"""What a person sees when something fails: a sentence, never a traceback."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from minigpt_core.errors import UserError
from ui import state
from ui.words.i18n import _, translate
from ui.words.tokens import escape_markdown


def show(error: BaseException) -> bool:
    """Say what happened; True: it has been said. For `st.App(on_script_error=…)`, so also for callbacks and fragments.

    What is not a `UserError` is a fault of the program: its report is kept for "Something is wrong?".
    """
    if isinstance(error, UserError):
        st.error(escape_markdown(translate(error)), icon=":material/error:")
        return True
    state.note_trouble("".join(traceback.format_exception(error)))
    st.error(
        _(
            "Something went wrong inside the program; it is not your fault, and nothing that was saved is lost. "
            "Reload the page. If it happens again, open “Something is wrong?” in the sidebar and copy the report."
        ),
        icon=":material/error:",
    )
    return True


@contextmanager
def spoken_errors() -> Iterator[None]:
    """For callbacks: they come to their end, and what goes wrong is said in a sentence above the page."""
    try:
        with uninterrupted():
            yield
    except UserError as error:
        state.notify(translate(error))


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Nothing in here is cut short. Streamlit gives up a script run at the next use of the session once another one has
    been asked for (by a component, say), in the middle of a callback too: then a click would be lost half done."""
    context = get_script_run_ctx()
    if context is None:
        yield
        return
    session = context.session_state
    give_way = session._yield_callback
    object.__setattr__(
        session, "_yield_callback", lambda: None
    )  # its own __setattr__ writes into the session
    try:
        yield
    finally:
        object.__setattr__(session, "_yield_callback", give_way)
