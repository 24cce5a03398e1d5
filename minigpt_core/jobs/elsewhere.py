"""A run that the command line trains, steered from a page: what is asked of it lies in a file in its folder, which the
process that trains it looks at ten times a second. The messages are those that a worker hears (see `worker.py`)."""

import json
import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from minigpt_core.configs import check_change
from minigpt_core.errors import UserError
from minigpt_core.jobs.launchers import Message
from minigpt_core.store.runs import LIVE, RunStore

FILE = "asked.jsonl"
LOOK_SECONDS = 0.1
ANSWER_SECONDS = 0.6
UNDERSTOOD = ("pause", "resume", "step", "stop", "change")


def reaches(store: RunStore, run_id: str) -> bool:
    """Whether a process outside this server trains a run and hears what is asked of it."""
    return (store.folder(run_id) / FILE).exists() and store.is_locked(run_id)


def forget(store: RunStore, run_id: str) -> None:
    """A worker trains the run now: what a killed process has left behind is no way to it."""
    (store.folder(run_id) / FILE).unlink(missing_ok=True)


def ask(store: RunStore, run_id: str, messages: list[Message]) -> bool:
    """Pass something on to the process that trains a run outside; False if there is none."""
    if not reaches(store, run_id):
        return False
    lines = "".join(json.dumps(message) + "\n" for message in messages)
    try:
        file = os.open(store.folder(run_id) / FILE, os.O_WRONLY | os.O_APPEND)
    except FileNotFoundError:  # it has just ended
        return False
    try:
        os.write(file, lines.encode())
    finally:
        os.close(file)
    return True


def wait(store: RunStore, run_id: str, states: set[str], patience: float = ANSWER_SECONDS) -> bool:
    """Wait a moment until such a run is in one of these states, or has ended; False if it has not come to that."""
    deadline = time.monotonic() + patience
    while (status := store.run(run_id).status) in LIVE and status not in states:
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS / 2)
    return True


@contextmanager
def hearing(folder: Path, inbox: queue.SimpleQueue[Message]) -> Iterator[None]:
    """Put what is asked of a run into the inbox, for as long as the block lasts. Who calls it holds the run's lock."""
    path, over = folder / FILE, threading.Event()
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    thread = threading.Thread(target=_listen, args=(path, inbox, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        over.set()
        thread.join()


def _listen(path: Path, inbox: queue.SimpleQueue[Message], over: threading.Event) -> None:
    read = 0
    while not over.wait(LOOK_SECONDS):
        with suppress(OSError):
            if path.stat().st_size == read:
                continue
            with path.open("rb") as file:
                file.seek(read)
                whole = file.read().rpartition(b"\n")[0]  # the last line may still be written
            read += len(whole) + (whole != b"")
            for line in whole.splitlines():
                if (message := understood(line)) is not None:
                    inbox.put(message)


def understood(line: bytes) -> Message | None:
    """The message in a line; None for anything that could not be done."""
    try:
        message = json.loads(line)
        if message["do"] not in UNDERSTOOD:
            return None
        for name, value in message.get("settings", {}).items():
            check_change(name, value)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UserError):
        return None
    found: Message = {"id": 0, "settings": {}} | message
    return found
