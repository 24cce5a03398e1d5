"""Removing a class for good: its rows in every table, its files, and what SQLite would leave of them in free pages."""

import shutil
import sqlite3
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from minigpt_core.errors import StoreError
from minigpt_core.store.runs import LOCAL, RunStore, remove_run
from minigpt_core.store.schema import PREPARED, Database

PATIENCE_SECONDS = 20.0  # for trainings to end
KEPT_STATES = ("orders",)  # what the teacher has asked for is nobody else's


def wipe(home: Path, keep: Collection[str] = ()) -> int:
    """Remove everything of every workspace, apart from those in `keep`, this machine's own and the prepared runs.

    Nobody may be training; the folder is searched in vain afterwards for anything that they had written.

    Returns:
        How many runs it was.

    Raises:
        StoreError: a training has not ended after `PATIENCE_SECONDS`; or the store cannot be written.
    """
    store, database = RunStore(home), Database(home)
    kept = {LOCAL, PREPARED, *keep}
    with database.reading() as db:
        runs = [
            row for row in db.execute("SELECT key, id, workspace FROM runs") if row["workspace"] not in kept
        ]
    wait_for(store, [run["id"] for run in runs])
    with database.writing() as db:
        for run in runs:
            remove_run(db, run["key"])
        for table in tables_by_workspace(db):
            gaps = ", ".join("?" * len(kept))
            db.execute(f"DELETE FROM {table} WHERE workspace NOT IN ({gaps})", (*kept,))
        gaps = ", ".join("?" * len(KEPT_STATES))
        db.execute(f"DELETE FROM class_state WHERE name NOT IN ({gaps})", KEPT_STATES)
        ids = {row["id"] for row in db.execute("SELECT id FROM runs")}
        texts = {row["id"] for row in db.execute("SELECT id FROM texts")}
    remove_files(home, ids, texts)
    database.scrub()
    return len(runs)


def workspaces(home: Path) -> set[str]:
    """Whose runs, texts or names the store has."""
    database, found = Database(home), set[str]()
    with database.reading() as db:
        for table in tables_by_workspace(db):
            found |= {row["workspace"] for row in db.execute(f"SELECT DISTINCT workspace FROM {table}")}
    return found - {LOCAL, PREPARED}


def tables_by_workspace(db: sqlite3.Connection) -> list[str]:
    """Every table that says whose something is."""
    names = [
        row["name"] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    ]
    return [
        name
        for name in names
        if any(column["name"] == "workspace" for column in db.execute(f"PRAGMA table_info({name})"))
    ]


def wait_for(store: RunStore, run_ids: Collection[str]) -> None:
    """Wait until nobody is at work on these runs."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while at_work := [run_id for run_id in run_ids if store.is_locked(run_id)]:
        if time.monotonic() > deadline:
            raise StoreError(
                "{n} trainings have not ended yet, so nothing was removed. Stop them and try again.",
                n=len(at_work),
            )
        time.sleep(0.1)


def remove_files(home: Path, runs: Collection[str], texts: Collection[str]) -> None:
    """Remove the folders, locks and texts of what is not in the store any more."""
    for folder in (home / "runs").glob("*"):
        if folder.name not in runs:
            shutil.rmtree(folder, ignore_errors=True)
    for text in (home / "texts").glob("*"):
        if text.stem not in texts:
            text.unlink(missing_ok=True)
    for lock in (home / "locks").glob("*-*.lock"):
        if lock.stem.partition("-")[2] not in runs:
            with suppress(OSError):
                lock.unlink()
