"""One run below the table: its name and note, what can be done with it, and its exports."""

import io
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from minigpt_core.errors import StoreError, UserError
from minigpt_core.export.archive import export_run, import_run
from minigpt_core.export.metrics import export_csv, export_tensorboard
from minigpt_core.export.notebook import export_notebook
from minigpt_core.export.script import LONGEST_EMBEDDED, export_script
from minigpt_core.store.runs import MAX_NOTE, Run
from ui import resources, state
from ui.compare import table
from ui.journey import PAGES
from ui.problems import spoken_errors
from ui.runs.rename_delete import delete_button, name_field, undo
from ui.runs.wording import run_error, run_title
from ui.server import uploads
from ui.training import settings
from ui.training.run_state import RESUMABLE
from ui.words.i18n import N_, _, language, spoken
from ui.words.tokens import escape_markdown

TRAINING = PAGES["training"].script
ZIP = "application/zip"

Files = dict[str, bytes]


def show(run: Run) -> None:
    """Everything about one run."""
    mine = state.owns(run) and not run.prepared
    st.subheader(escape_markdown(run_title(run)), anchor=False)
    if error := run_error(run):
        st.caption(escape_markdown(error))
    left, right = st.columns(2, gap="medium")
    with left:
        name_field(run, "compare", run_title(run) if run.prepared else run.name, mine=mine)
    with right:
        _note(run, mine)
    undo("compare")  # where Delete was pressed: the next run's buttons move down
    _buttons(run, mine)


def _note(run: Run, mine: bool) -> None:
    note = f"compare.note.{run.id}"
    state.set_page_state(note, run.note)
    st.text_input(
        _("Note"), key=state.page_key(note), max_chars=MAX_NOTE, disabled=not mine, on_change=_write_note,
        args=(run.id, note), placeholder=_("What did you want to find out?"),
    )  # fmt: skip


def _write_note(run_id: str, note: str) -> None:
    with spoken_errors():
        resources.store().note(run_id, state.page_state(note, ""), state.workspace())


def _buttons(run: Run, mine: bool) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="compare_actions"):
        if mine and run.status in RESUMABLE:
            st.button(
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
            downloads(run)
        delete_button(run, "compare", mine=mine)


def go_on(run_id: str) -> None:
    """Put a run that was left back into the queue."""
    with spoken_errors():
        resources.store().owned_run(run_id, state.workspace())
        resources.jobs().resume(run_id)


def duplicate(run_id: str) -> None:
    """Set Training up like this run."""
    settings.back_to(run_id)
    state.set_page_state("training.filled", True)
    state.follow_run(run_id)


# Exports


def downloads(run: Run) -> None:
    """A button for each form that a run can be taken along in. The file is made when it is asked for."""
    try:
        length = len(resources.store().text(run.text_id).text)
    except StoreError:
        length = None
    code, decimal_comma = language(), spoken().decimal_mark == ","
    offers: list[tuple[str, str, str, str, Callable[[], bytes], str]] = [
        ("notebook", _("Notebook"), _("three cells: prepare, train, generate"), "ipynb",
         lambda: _one_file(f"{slug(run)}.ipynb", *export_notebook(resources.store(), run, code)), "application/json"),
        ("script", _("Python script"), _("the same as one file that needs nothing but torch"), "py",
         lambda: _one_file(f"{slug(run)}.py", *export_script(resources.store(), run, code)), "text/x-python"),
        ("csv", _("Table (CSV)"), _("every loss, for a spreadsheet"), "csv",
         lambda: export_csv(resources.store(), run, decimal_comma=decimal_comma).encode(), "text/csv"),
        ("zip", _("Everything (ZIP)"), _("with the weights, to be opened on another machine"), "zip",
         lambda: export_run(resources.store(), run), ZIP),
    ]  # fmt: skip
    for key, label, about, ending, make, mime in offers:
        beside = key in ("notebook", "script") and (length or 0) > LONGEST_EMBEDDED  # its text goes with it
        _offer(key, label, about, f"{slug(run)}.{'zip' if beside else ending}", make, ZIP if beside else mime,
               length is None and key != "csv")  # fmt: skip
    if find_spec("tensorboard") is not None:
        _offer("tensorboard", "TensorBoard", _("event files, in a ZIP"), f"{slug(run)}-tensorboard.zip",
               lambda: _tensorboard(run), ZIP, False)  # fmt: skip
    else:
        st.caption(
            _("TensorBoard’s files are offered once its package is installed: `pip install tensorboard`.")
        )
    if length is None:
        st.caption(_("The text of this run is gone: only its losses can be taken along."))


def _offer(
    key: str, label: str, about: str, file: str, make: Callable[[], bytes], mime: str, off: bool
) -> None:
    st.download_button(
        f"**{label}** · {about}", make, file_name=file, mime=mime, key=f"compare_export_{key}", disabled=off,
        on_click="ignore", type="tertiary", icon=":material/download:",
    )  # fmt: skip


def _one_file(name: str, content: str, files: Files) -> bytes:
    """The program alone, or in a ZIP with the files that must lie beside it."""
    return zipped({name: content.encode()} | files) if files else content.encode()


def _tensorboard(run: Run) -> bytes:
    with TemporaryDirectory() as folder:
        export_tensorboard(resources.store(), run, Path(folder))
        return zipped({path.name: path.read_bytes() for path in Path(folder).iterdir()})


def zipped(files: Files) -> bytes:
    """Files as a ZIP."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def slug(run: Run) -> str:
    """A file's name that every system takes, made from the run's name."""
    letters = unicodedata.normalize("NFKD", run_title(run).lower())  # é is e and an accent
    plain = "".join(
        c if c.isascii() and c.isalnum() else "-" for c in letters if not unicodedata.combining(c)
    )
    return "-".join(filter(None, plain.split("-")))[:60] or run.id[:8]


# From elsewhere

UPLOADED = N_("Opened: {name}. It stands in the table.")
MAX_UPLOAD_MB = 500  # as server.maxUploadSize
OPENED = "compare.opened"  # the run that the last file became, and how many files have been opened


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
        opened["run"] = import_run(resources.store(), file, workspace).id
    except UserError:
        opened["files"] -= 1  # the field stays, and the sentence below it
        raise
    finally:
        uploads.forget(file)
    table.choose_from_here([opened["run"], *table.chosen(runs)], opened["run"])
    st.rerun()
