"""What a person sees when something fails: a sentence, never a traceback."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

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


def doubt(warning: UserError | None) -> None:
    """What makes the figures beside it mean less (`resources.validation_warning`), as a note; None: nothing does."""
    if warning is not None:
        st.caption(f":material/warning: {escape_markdown(translate(warning))}")


@contextmanager
def spoken_errors() -> Iterator[None]:
    """For callbacks: they come to their end, and what goes wrong is said in a sentence above the page."""
    try:
        with state.uninterrupted():
            yield
    except UserError as error:
        state.notify(translate(error))
