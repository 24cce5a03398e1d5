"""Operating-system locks on files: they end with the process that holds them, however it ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout, lock_descriptor

from minigpt_core.errors import StoreError


class AtWork(StoreError):
    """Somebody else holds a lock."""


@contextmanager
def hold(path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock at `path`. Raises `AtWork` if somebody else still has it after `timeout` seconds.

    The file stays where it is afterwards: a lock is about an open file, and a new file would be another lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # not thread-local: it may be let go by another thread than the one that took it
    lock = FileLock(path, timeout=timeout, thread_local=False, preserve_lock_file=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise AtWork(
            "Another process is already at work on this ({name}). Stop it there, or wait for it to end.",
            name=path.stem,
        ) from error
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether anybody, in this process or another one, holds the lock at `path`."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _can_take(descriptor)
    finally:
        os.close(descriptor)  # ends our own hold of some microseconds


if sys.platform == "win32":

    def _can_take(descriptor: int) -> bool:
        return lock_descriptor(descriptor, blocking=False)

else:
    import fcntl

    def _can_take(descriptor: int) -> bool:
        try:
            # shared: two who look at the same time don't see each other
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
