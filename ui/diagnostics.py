"""What helps to find out what is wrong: versions, the data folder, the newest log lines."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from minigpt_core.devices import thread_count
from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run
from ui import resources, state, workspace
from ui.words.i18n import _, file_size, translate

PACKAGES = ("torch", "streamlit", "plotly", "safetensors", "babel")
LOG_LINES = 12
LOG_BYTES = 8000  # from the end of the file


def report(run: Run | None) -> str:
    """Everything in one piece of plain text, to be copied."""
    parts = [versions(), data_folder(), log_lines(run), *state.troubles()]
    return workspace.without_places("\n\n".join(part for part in parts if part))


def versions() -> str:
    """One line for the system, one for each package."""
    system = (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPU"
    )
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{system}, torch threads {thread_count()}\n{packages}"


def data_folder() -> str:
    """Where the runs are and how much room they take. Visitors of a served app are not told the place."""
    try:
        size = file_size(resources.store().size())
    except (OSError, UserError) as error:
        size = translate(error) if isinstance(error, UserError) else str(error)
    place = "" if workspace.serving() else f"{resources.store().home}, "
    return _("data folder: {place}{size}").format(place=place, size=size)


def log_lines(run: Run | None) -> str:
    """The last lines that the training process of this run has left, if it is this browser's run."""
    if run is None or not state.owns(run):
        return ""
    path = resources.store().folder(run.id) / "worker.log"
    return f"worker.log ({run.id}):\n{tail(path)}" if path.exists() else ""


def tail(path: Path) -> str:
    """The last lines of a file of any length."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_BYTES))
        text = file.read().decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-LOG_LINES:])
