"""Runs whose process ended before its time, after a restart perhaps: one click goes on with all of them."""

from collections.abc import Sequence

import streamlit as st

from minigpt_core.store.runs import Run
from ui.compare.run_details import go_on
from ui.runs.start_button import start_button
from ui.words.i18n import _, n_, number


def go_on_with(left: Sequence[Run]) -> None:
    """A notice and its button; nothing if no run was left."""
    if not left:
        return
    words = n_(
        "{n} run was interrupted: its process ended before its time. Nothing that was saved is lost.",
        "{n} runs were interrupted: their process ended before its time. Nothing that was saved is lost.",
        len(left),
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="compare_interrupted"):
        st.markdown(words.format(n=number(len(left))), width="content")
        start_button(
            _("Go on"), icon=":material/play_arrow:", type="primary", key="compare_resume_all",
            on_click=_resume, args=([run.id for run in left],),
        )  # fmt: skip


def _resume(run_ids: list[str]) -> None:
    for run_id in reversed(run_ids):  # the oldest first
        go_on(run_id)
