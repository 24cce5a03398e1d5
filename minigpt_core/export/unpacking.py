"""An archive is checked and unpacked in a process of its own: whatever is in it, the server's memory and time are safe.

`python -m minigpt_core.export.unpacking HOME ARCHIVE WORKSPACE RUN` makes the run of this id, or prints why not.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from minigpt_core.background import import_path, lower_priority
from minigpt_core.errors import UserError
from minigpt_core.export.archive import import_run
from minigpt_core.export.archive_files import ArchiveError
from minigpt_core.store.runs import LOCAL, Run, RunStore, new_run_id

LONGEST_SECONDS = 600
REFUSED = 3  # exit status: the reason is printed


def unpack(store: RunStore, archive: Path, workspace: str = LOCAL, patience: float = LONGEST_SECONDS) -> Run:
    """What `archive.import_run` does, in another process.

    Raises:
        UserError: what `import_run` raises, as one sentence. ArchiveError: it takes longer than `patience` seconds, or
            more memory than there is. Nothing of it is kept then.
    """
    run_id = new_run_id()
    program = [sys.executable, "-m", "minigpt_core.export.unpacking"]
    with TemporaryDirectory() as scratch:
        environment = os.environ | import_path() | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
        environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch)
        try:
            ended = subprocess.run(
                [*program, str(store.home), str(archive), workspace, run_id],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=patience, env=environment,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            store.remove(run_id)
            raise ArchiveError(
                "Opening this archive takes more than {seconds} seconds: it was given up.", seconds=patience
            ) from error
    if ended.returncode == REFUSED:
        raise UserError.from_json(ended.stdout.decode())
    if ended.returncode:
        store.remove(run_id)
        raise ArchiveError(
            "This archive could not be opened: the process that unpacked it has ended. It may need more memory than "
            "there is."
        )
    return store.run(run_id)


def main() -> None:
    """Unpack one archive, and say what came of it."""
    home, archive, workspace, run_id = sys.argv[1:]
    lower_priority()
    try:
        import_run(RunStore(Path(home), patient=True), Path(archive), workspace, run_id=run_id)
    except UserError as error:
        sys.stdout.write(error.to_json())
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
