"""The Compare page from top to bottom."""

import streamlit as st

from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run
from ui import problems, resources, state
from ui.compare import board, details, sweep, table
from ui.runs import deleted
from ui.runs.rename_delete import undo
from ui.words.i18n import _, n_, number, translate
from ui.words.tokens import escape_markdown


def page() -> None:
    """What came out best, chart and table, then the run that was clicked."""
    runs = state.visible_runs()
    chosen = table.chosen(runs)
    st.title(_("Compare"), anchor=False)
    _interrupted([run for run in runs if run.status == "interrupted" and state.owns(run)])
    st.markdown(sentence(runs, [run for run in runs if run.id in chosen]))
    if runs:
        board.show(runs)
    for reason in resources.store().unreadable(state.workspace()):
        st.caption(escape_markdown(translate(reason)))
    if focused := table.focus(runs):
        details.show(focused)
        several = st.expander(
            _("Try several values of one setting"), key="compare_sweep_box", icon=":material/tune:",
            on_change="rerun",
        )  # fmt: skip
        if several.open:
            with several:
                sweep.section(focused)
    else:
        undo("compare")
    with st.expander(_("Open a run from a file"), key="compare_open_box", icon=":material/folder_open:"):
        try:
            details.open_archive(runs)
        except UserError as error:
            problems.show(error)
    deleted.section()


def sentence(runs: list[Run], shown: list[Run]) -> str:
    """What to see, in Markdown; before the first run of one's own, what to do."""
    verdict = table.verdict(shown)
    if any(not run.prepared for run in runs):
        return verdict
    if not runs:
        return _("There is no run to compare yet: train one on the Training page.")
    own = _("These runs came with the program. **Train your own**, and it will stand beside them.")
    return f"{verdict} {own}"


def _interrupted(left: list[Run]) -> None:
    """Runs whose process ended before its time, after a restart perhaps: one click goes on with all of them."""
    if not left:
        return
    words = n_(
        "{n} run was interrupted: its process ended before its time. Nothing that was saved is lost.",
        "{n} runs were interrupted: their process ended before its time. Nothing that was saved is lost.",
        len(left),
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="compare_interrupted"):
        st.markdown(words.format(n=number(len(left))), width="content")
        st.button(
            _("Go on"), icon=":material/play_arrow:", type="primary", key="compare_resume_all",
            on_click=_resume, args=([run.id for run in left],),
        )  # fmt: skip


def _resume(run_ids: list[str]) -> None:
    for run_id in reversed(run_ids):  # the oldest first
        details.go_on(run_id)
