"""When the lesson is over: keep everything as one .zip, or remove everything for good."""

import tempfile
from contextlib import suppress
from pathlib import Path

import streamlit as st

from minigpt_core.data_home import data_home
from minigpt_core.errors import StoreError
from minigpt_core.export.class_archive import write_class
from minigpt_core.jobs import calculators
from minigpt_core.jobs.manager import JobError
from minigpt_core.store import wiping
from ui import byte_cache, orders, people, resources, state, text_access
from ui.classroom import hand
from ui.problems import spoken_errors
from ui.training import prediction
from ui.words.i18n import _, n_, number
from ui.words.tokens import escape

ARCHIVE = "api/class/archive.zip"
REMOVED = "afterwards.removed"  # how many runs


def section() -> None:
    """What is there, a way to keep it, and a way to be rid of it."""
    pupils = len(people.roll().everybody())
    if (removed := state.page_state(REMOVED, None)) is not None:
        words = n_(
            "Everything was removed, with {n} training.",
            "Everything was removed, with {n} trainings.",
            removed,
        )
        st.success(words.format(n=number(removed)), icon=":material/check:")
        st.caption(
            _(
                "A page that is still open on a pupil's screen says so, and offers to begin anew under another name."
            )
        )
    st.markdown(
        _("This machine keeps nothing of any pupil.") if not pupils else
        n_("This machine keeps what {n} pupil has made: texts, trainings, samples and a name.",
           "This machine keeps what {n} pupils have made: texts, trainings, samples and a name each.", pupils)
        .format(n=number(pupils))
    )  # fmt: skip
    keep = _("Keep everything as one .zip")
    st.html(f"<a class='mg-link' href='{ARCHIVE}' download>{escape(keep)}</a>")
    key = (
        "wipe_ask" if removed is None else "wipe_ask_again"
    )  # another one, so that the first does not stay open
    with st.popover(_("Remove everything"), icon=":material/delete_forever:", key=key):
        st.markdown(
            _(
                "All trainings are stopped. Texts, trainings, samples, names and weights of all pupils are removed for "
                "good, also from the free space of the database. Your own stay. This cannot be undone."
            )
        )
        st.button(_("Remove everything of the class"), key="wipe", on_click=wipe)


def wipe() -> None:
    """Remove the class, and let everybody's tab begin anew."""
    with spoken_errors():
        state.teacher_only()
        state.set_page_state(REMOVED, None)
        orders.board().give(frozen=True)
        try:
            for run in hand.pupils_runs():
                with suppress(JobError, StoreError):  # it has just ended by itself
                    state.steer(run.id).stop(run.id)
            removed = wiping.wipe(data_home(), [state.workspace()])
        finally:
            orders.board().give(frozen=False)
        orders.board().remove(pupil.workspace for pupil, _seen in people.roll().everybody())
        people.forget()
        text_access.forget()
        calculators.begin_anew()
        byte_cache.forget_all()
        prediction.book.cache_clear()
        wiped = orders.board().now.wiped + 1
        orders.board().give(held=None, look={}, language="", gift={}, wiped=wiped)
        state.set_page_state(REMOVED, removed)


def archive() -> Path:
    """Everything of the class in a new file; who asks for it removes it afterwards."""
    names = {pupil.workspace: f"{pupil.number:02} {pupil.name}" for pupil, _seen in people.roll().everybody()}
    path = Path(tempfile.mkdtemp(prefix="minigpt-")) / "class.zip"
    write_class(path, resources.store(), names)
    return path
