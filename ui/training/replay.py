"""A kept run played again on the Training page: nothing is trained, stored or steered."""

import streamlit as st

from minigpt_core.errors import RunNotFound
from minigpt_core.store.runs import LIVE, Run
from ui import resources, state
from ui.runs.wording import run_title
from ui.style import REFERENCE
from ui.words.i18n import _, translate
from ui.words.tokens import escape, escape_markdown


def requested_run() -> Run | None:
    """The run that is to be played again, if the address or a button has asked for one that is there."""
    name = state.replayed()
    if name is None:
        return None
    try:
        return resources.run(name)
    except RunNotFound as error:
        state.play_again(None)
        st.warning(escape_markdown(translate(error)), icon=":material/info:")
        return None


def head(run: Run) -> None:
    """What is seen, and the way back to the trainings."""
    words = _(
        "Replay of “{name}”: it was trained before, nothing is trained now. Losses and samples appear when they did."
    ).format(name=run_title(run))
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="training_line_0", wrap=False
    ):
        st.html(
            f"<div class='mg-line' style='--k:{REFERENCE}'><bdi>{escape(words)}</bdi></div>",
            width="stretch",
        )
        st.button(
            _("End the replay"), icon=":material/close:", key="training_replay_end", on_click=state.play_again,
            args=(None,),
        )  # fmt: skip


def button(run: Run) -> None:
    """Plays a run again that has made steps and stands still."""
    if run.step and run.status not in LIVE:
        st.button(
            _("Play"), icon=":material/replay:", key=f"training_replay_{run.id}", type="tertiary",
            on_click=state.play_again, args=(run.id,), width="content",
            help=_("Replay: watch it again as if it were trained now"),
        )  # fmt: skip
