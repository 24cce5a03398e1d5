"""A run as a file to take along: each form of it, made when it is asked for."""

import io
import unicodedata
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from minigpt_core.errors import StoreError
from minigpt_core.export.archive import export_run, weights_size
from minigpt_core.export.homework import export_homework, why_not
from minigpt_core.export.metrics import export_csv, export_tensorboard
from minigpt_core.export.notebook import export_notebook
from minigpt_core.export.script import LONGEST_EMBEDDED, export_script
from minigpt_core.store.runs import Run
from ui import resources
from ui.compare.archive_upload import MAX_UPLOAD_MB
from ui.runs.weights import usual_step
from ui.runs.wording import run_title
from ui.words.i18n import _, file_size, language, spoken, translate
from ui.words.tokens import escape_markdown

ZIP = "application/zip"

Files = dict[str, bytes]


def offer(run: Run) -> None:
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
    _homework(run, gone=length is None)
    if find_spec("tensorboard") is not None:
        _offer("tensorboard", "TensorBoard", _("event files, in a ZIP"), f"{slug(run)}-tensorboard.zip",
               lambda: _tensorboard(run), ZIP, False)  # fmt: skip
    else:
        st.caption(
            _("TensorBoard’s files are offered once its package is installed: `pip install tensorboard`.")
        )
    if said := too_large_for_a_page(weights_size(resources.store(), run)):
        st.caption(said)
    if length is None:
        st.caption(_("The text of this run is gone: only its losses can be taken along."))


def _homework(run: Run, *, gone: bool) -> None:
    """The page to take home; for a model that is too large, why there is none."""
    reason = why_not(run.model)
    kept = not gone and reason is None and bool(resources.store().checkpoints(run.id))
    _offer("homework", _("Homework page (HTML)"), _("plays with the model in any browser, without a network"),
           f"{slug(run)}.html", lambda: _homework_page(run), "text/html", not kept)  # fmt: skip
    if reason is not None:
        st.caption(escape_markdown(translate(reason)))


def _homework_page(run: Run) -> bytes:
    page = export_homework(
        resources.store(), run, language(), usual_step(run), title=run_title(run), prompt=prompt_for(run)
    )
    return page.encode()


def prompt_for(run: Run) -> str:
    """The beginning of the text that it learned from, up to its second word."""
    words = resources.store().text(run.text_id).text[:60].split()[:2]
    return f"{' '.join(words)} " if words else ""


def too_large_for_a_page(size: int) -> str:
    """What to know of an archive of so many bytes that no page opens, in Markdown; "" for one that can be opened."""
    limit = MAX_UPLOAD_MB * 1_000_000
    if size <= limit:
        return ""
    words = _(
        "The ZIP takes about {size}. A page opens at most {limit}: on the other machine it is opened with "
        "`python -m minigpt_core import`, and the name of the file."
    )
    return words.format(size=file_size(size), limit=file_size(limit))


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
