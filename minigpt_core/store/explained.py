"""What SQLite and the file system raise, as sentences for the user: the one place where that happens."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from minigpt_core.errors import StoreError

BUSY_SECONDS = 10
FULL = (errno.ENOSPC, errno.EDQUOT)  # what the system says of a disk, or of what somebody may use of it
ALMOST_NOTHING = 1 << 20  # bytes; with less free space than this, a failed write means a full disk


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the database and the file system raise into a `StoreError` about `path`."""
    try:
        yield
    except Timeout as error:
        raise busy(path) from error
    except OSError as error:
        raise explain_os_error(error, path) from error
    except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError | sqlite3.InternalError):
            raise
        raise explain_sqlite_error(error, path) from error


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else keeps the write lock."""
    return primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's code without its details, which stand in the higher bytes."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def explain_sqlite_error(error: sqlite3.Error, path: Path) -> StoreError:
    """The sentence for an error of SQLite."""
    if is_busy(error):
        return busy(path)
    match primary_code(error):
        case sqlite3.SQLITE_FULL:
            return disk_full(path)
        case sqlite3.SQLITE_IOERR if shutil.disk_usage(path.parent).free < ALMOST_NOTHING:
            return disk_full(path)
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_IOERR if none_can_be_opened():
            return too_many_open()
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return read_only(path)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreError(
                "The run store {path} is damaged and cannot be read. Move this file to another place: a new "
                "store is made at the next start. Saved weights stay in the folders beside it.",
                path=path,
            )
    return unusable(path, error)


def explain_os_error(error: OSError, path: Path) -> StoreError:
    """The sentence for an error of the file system, about the file that it names, else about `path`."""
    at = error.filename or path
    if error.errno in FULL:
        return disk_full(path)
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return too_many_open()
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return read_only(at)
    if isinstance(error, FileExistsError | NotADirectoryError):
        return StoreError(
            "The data folder cannot be used: at {path} there is a file where a folder should be. Move that "
            "file away, or set MINIGPT_HOME to another folder.",
            path=at,
        )
    return unusable(at, error)


def none_can_be_opened() -> bool:
    """Whether the system lets this program open no file at all: SQLite does not tell this from a missing permission."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False


def too_many_open() -> StoreError:
    """The limit of the system for one program is reached."""
    return StoreError(
        "The program has as many files and connections open as the system allows. Close some of its tabs, or raise the "
        "limit (ulimit -n 4096) and start it again. Nothing that was saved is lost."
    )


def busy(path: Path) -> StoreError:
    """Somebody else keeps the write lock."""
    return StoreError(
        "The run store {path} is busy: another program has kept it for more than {seconds} seconds. Wait or "
        "close that program, then try again.",
        path=path, seconds=BUSY_SECONDS,
    )  # fmt: skip


def disk_full(path: Path) -> StoreError:
    """No space left."""
    return StoreError(
        "The disk that holds {path} is full. What was saved before is still there, but nothing can be added. "
        "Free some space, then try again.",
        path=path,
    )


def read_only(path: Path | str) -> StoreError:
    """No permission to write, or to read."""
    return StoreError(
        "There is no permission to write to {path}. Allow it, or set MINIGPT_HOME to another folder.",
        path=path,
    )


def unusable(path: Path | str, error: Exception) -> StoreError:
    """Anything else, with the system's own words."""
    return StoreError(
        "{path} cannot be read or written ({reason}). Check the disk, or set MINIGPT_HOME to another folder.",
        path=path, reason=error,
    )  # fmt: skip
