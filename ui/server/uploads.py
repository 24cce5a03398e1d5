"""Files that somebody has uploaded."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from minigpt_core.store.explained import explained


@contextmanager
def on_disk(file: UploadedFile) -> Iterator[Path]:
    """The file in a folder of its own for as long as the block lasts. Its memory is given back at once.

    Raises `StoreError` if there is no room for it.
    """
    with ExitStack() as until_then:
        with explained(Path(gettempdir())):
            path = Path(until_then.enter_context(TemporaryDirectory())) / "upload"
            with path.open("wb") as copy:
                shutil.copyfileobj(file, copy)
        forget(file)
        yield path


def forget(file: UploadedFile) -> None:
    """Give its memory back: Streamlit keeps what was uploaded for as long as the session lasts."""
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=file.file_id)
