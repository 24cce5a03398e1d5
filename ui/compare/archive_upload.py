"""A run that was exported as a ZIP, here or on another machine, becomes one of this workspace."""

from collections.abc import Sequence

import streamlit as st

from minigpt_core.errors import UserError
from minigpt_core.export.unpacking import unpack
from minigpt_core.store.runs import Run
from ui import problems, resources, state
from ui.compare import table
from ui.runs.wording import run_title
from ui.server import uploads
from ui.words.i18n import N_, _
from ui.words.tokens import escape_markdown

UPLOADED = N_("Opened: {name}. It stands in the table.")
MAX_UPLOAD_MB = 500  # as server.maxUploadSize
OPENED = "compare.opened"  # the run that the last file became, and how many files have been opened


def folded(runs: Sequence[Run]) -> None:
    """The field for the file, folded; what was wrong with the last file stands inside."""
    with st.expander(_("Open a run from a file"), key="compare_open_box", icon=":material/folder_open:"):
        try:
            open_archive(runs)
        except UserError as error:
            problems.show(error)


def open_archive(runs: Sequence[Run]) -> None:
    """A run that was exported as a ZIP becomes one of this workspace.

    Args:
        runs: what the table shows.
    """
    said = st.container()  # above the field: what is below it may be out of sight
    opened = state.page_state(OPENED, {"run": "", "files": 0})
    file = st.file_uploader(
        _("A run exported as ZIP, from this machine or another"), type="zip", key=f"compare_archive_{opened['files']}",
        max_upload_size=MAX_UPLOAD_MB,
    )  # fmt: skip
    if file is None:
        for run in (run for run in runs if run.id == opened["run"]):
            said.success(_(UPLOADED).format(name=escape_markdown(run_title(run))))
        return
    workspace = state.workspace()
    opened["files"] += (
        1  # the next field is empty; at once: a click may cut this run short at any use of the session
    )
    try:
        with st.spinner(_("Opening the run …"), show_time=True), uploads.on_disk(file) as archive:
            opened["run"] = unpack(resources.store(), archive, workspace).id
    except UserError:
        opened["files"] -= 1  # the field stays, and the sentence below it
        raise
    table.choose_from_here([opened["run"], *table.chosen(runs)], opened["run"])
    st.rerun()
