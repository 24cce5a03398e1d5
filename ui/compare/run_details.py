"""One run below the table: its name and note, what can be done with it, and its exports."""

import streamlit as st

from minigpt_core.store.runs import MAX_NOTE, Run
from ui import resources, state
from ui.compare import downloads
from ui.journey import PAGES
from ui.limited_text import limited_text
from ui.runs.rename_delete import delete_button, name_field, undo
from ui.runs.start_button import start_button
from ui.runs.wording import run_error, run_title
from ui.training import settings
from ui.training.run_state import RESUMABLE
from ui.words.i18n import _
from ui.words.tokens import escape_markdown

TRAINING = PAGES["training"].script
ZIP = "application/zip"

Files = dict[str, bytes]


def show(run: Run) -> None:
    """Everything about one run."""
    mine = state.owns(run) and not run.prepared
    st.header(escape_markdown(run_title(run)), anchor=False)
    if error := run_error(run):
        st.caption(escape_markdown(error))
    left, right = st.columns(2, gap="medium")
    with left:
        name_field(run, "compare", mine=mine)
    with right:
        _note(run, mine)
    undo("compare")  # where Delete was pressed: the next run's buttons move down
    _buttons(run, mine)


def _note(run: Run, mine: bool) -> None:
    note = f"compare.note.{run.id}"
    state.set_page_state(note, run.note)
    limited_text(
        st.text_input, _("Note"), MAX_NOTE, key=state.page_key(note), disabled=not mine, on_change=_write_note,
        args=(run.id, note), placeholder=_("What did you want to find out?"),
    )  # fmt: skip


def _write_note(run_id: str, note: str) -> None:
    resources.store().note(run_id, state.page_state(note, ""), state.workspace())


def _buttons(run: Run, mine: bool) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="compare_actions"):
        if mine and run.status in RESUMABLE:
            start_button(
                _("Go on from step {step}").format(step=run.step), icon=":material/play_arrow:", key="compare_go_on",
                on_click=go_on, args=(run.id,),
            )  # fmt: skip
        if st.button(
            _("New run like this"), icon=":material/content_copy:", key="compare_duplicate",
            on_click=duplicate, args=(run.id,),
            help=_("Opens the Training page with the settings and the text of this run: change one thing, and start."),
        ):  # fmt: skip
            st.switch_page(TRAINING)
        st.page_link(
            TRAINING,
            label=_("Look at it on the Training page"),
            icon=":material/show_chart:",
            query_params={"run": run.id},
        )
        with (
            st.popover(_("Download"), icon=":material/download:", key="compare_download"),
            st.container(gap=None),
        ):
            downloads.offer(run)
        delete_button(run, "compare", mine=mine)


def go_on(run_id: str) -> None:
    """Put a run that was left back into the queue."""
    state.let_train()
    state.steer(run_id).resume(run_id)


def duplicate(run_id: str) -> None:
    """Set Training up like this run."""
    settings.back_to(run_id)
    state.follow_run(run_id)
