"""A whole class as one .zip: a folder for each pupil with their runs, each an archive that can be opened again."""

import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from minigpt_core.errors import UserError
from minigpt_core.export.archive import write_run
from minigpt_core.store.runs import RunStore

UNSAFE = re.compile(r"[^\w .-]")


def write_class(path: Path, store: RunStore, names: Mapping[str, str]) -> None:
    """Write the runs of these workspaces into a new file; a run that cannot be written is named in missing.txt.

    Args:
        names: what each workspace is called.
    """
    missing = []
    with zipfile.ZipFile(path, "x") as archive:
        for workspace, name in names.items():
            for run in store.runs(workspace):
                place = f"{file_name(name)}/{file_name(run.name)} {run.id[:8]}.zip"
                with tempfile.NamedTemporaryFile() as file:
                    try:
                        write_run(file, store, run)
                    except UserError as error:
                        missing.append(f"{place}: {error}")
                        continue
                    file.flush()
                    archive.write(file.name, place)
        if missing:
            archive.writestr("missing.txt", "\n".join(missing))


def file_name(name: str) -> str:
    """A name as every system accepts it for a file."""
    return UNSAFE.sub("_", name).strip(" .")[:60] or "_"
