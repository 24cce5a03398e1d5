"""A data folder made of a backup (see `backup.py`). A backup may come from anybody: all of it is unpacked into a folder
of its own and checked there, and only then takes its place."""

import os
import re
import secrets
import shutil
import sqlite3
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from minigpt_core.store.backup import DATABASE, Backup, BackupError, Contents, Progress, no_backup, opened
from minigpt_core.store.explained import explained
from minigpt_core.store.locks import is_held
from minigpt_core.store.schema import MIGRATIONS, schema_version

EARLIER = "before-restore-"
UNPACKED = ".restore-"
LOCKS = "locks"
SPARE_BYTES = 50_000_000  # of a disk are left free
TEXT_ID, RUN_ID = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9A-Za-z]{1,100}")


def restore_backup(
    file: Path, home: Path, *, replace: bool = False
) -> Generator[Progress, None, tuple[Contents, Path | None]]:
    """Make a data folder of a backup.

    Args:
        replace: whether `home` may hold something already. It is kept, in a folder inside.

    Returns:
        What was restored, and where that is which was there before.

    Raises:
        BackupError: the backup is damaged; the folder is in use, or holds something that may not be replaced; the
            disk is too small. Nothing has changed then.
        StoreError: the folder cannot be written.
    """
    with opened(file) as backup, explained(home):
        check_place(home, replace)
        check_room(backup.contents, home, file)
        home.mkdir(parents=True, exist_ok=True)
        unpacked = home / f"{UNPACKED}{secrets.token_hex(4)}"
        try:
            yield from unpack(backup, unpacked)
            check_database(unpacked / DATABASE, file)
            check_place(home, replace)  # time has passed
            earlier = take_place(unpacked, home)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
    return backup.contents, earlier


def check_place(home: Path, replace: bool) -> None:
    """Raise `BackupError` if somebody is at work in a folder, or if it holds something that may not be replaced."""
    if any(is_held(lock) for lock in (home / LOCKS).glob("*.lock")):
        raise BackupError(
            "A server or a training is at work in {path}. Stop it, then restore the backup.", path=home
        )
    if used(home) and not replace:
        raise BackupError(
            "{path} is in use already. With --replace the backup takes its place, and what is there now is kept in a "
            "folder inside it; or set MINIGPT_HOME to another folder.",
            path=home,
        )


def used(home: Path) -> list[Path]:
    """What a folder holds, but for locks and what earlier restores have left."""
    if not home.exists():
        return []
    return [
        path
        for path in home.iterdir()
        if path.name != LOCKS and not path.name.startswith((EARLIER, UNPACKED))
    ]


def check_room(contents: Contents, home: Path, file: Path) -> None:
    """Raise `BackupError` if the disk is too small for what a backup says that it holds."""
    place = next(path for path in (home, *home.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free - SPARE_BYTES
    if contents.bytes > free:
        raise BackupError(
            "{file} needs {needed} MB, and the disk that holds {path} has {free} MB left. Free some space, or set "
            "MINIGPT_HOME to a folder on another disk.",
            file=file, path=home, needed=-(-contents.bytes // 1_000_000), free=max(0, free // 1_000_000),
        )  # fmt: skip


def unpack(backup: Backup, place: Path) -> Iterator[Progress]:
    """Write every file below a new folder, and compare each with the list."""
    done = 0
    for name, entry in backup.contents.files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o600 if entry.private else 0o666
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            for part in backup.parts(name):
                file.write(part)
        done += entry.bytes
        yield Progress(done=done, total=backup.contents.bytes)


def check_database(path: Path, file: Path) -> None:
    """Raise `BackupError` for a database that is damaged, newer than this program, or no run store."""
    try:
        with closing(sqlite3.connect(f"file:{path.as_posix()}?immutable=1", uri=True)) as db:
            if schema_version(db) > len(MIGRATIONS):
                raise BackupError(
                    "{file} was written by a newer version of this program. Update the program, then restore it.",
                    file=file,
                )
            sound = db.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            active = db.execute("SELECT 1 FROM sqlite_schema WHERE type IN ('trigger', 'view')").fetchone()
            texts = [*db.execute("SELECT id FROM texts"), *db.execute("SELECT text_id FROM runs")]
            runs = db.execute("SELECT id FROM runs").fetchall()
    except sqlite3.Error as error:
        raise no_backup(file) from error
    named = all(TEXT_ID.fullmatch(str(text)) for (text,) in texts)  # they become parts of paths
    if not sound or active or not named or not all(RUN_ID.fullmatch(str(run)) for (run,) in runs):
        raise no_backup(file)


def take_place(unpacked: Path, home: Path) -> Path | None:
    """Put what is unpacked where the folder's content was; returns where that is now. All of it, or nothing."""
    before = used(home)
    earlier = home / f"{EARLIER}{time.strftime('%Y-%m-%d-%H%M%S')}" if before else None
    moves = [(path, earlier / path.name) for path in before] if earlier else []
    moves += [(path, home / path.name) for path in unpacked.iterdir()]
    if earlier:
        earlier.mkdir()
    done = list[tuple[Path, Path]]()
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except OSError:
        for source, target in reversed(done):
            target.rename(source)
        if earlier:
            earlier.rmdir()
        raise
    return earlier
