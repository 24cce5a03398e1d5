"""The run store's database: its tables, and how it is opened."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from minigpt_core.errors import RunNotFound, StoreError
from minigpt_core.store.explained import BUSY_SECONDS, busy, explained, is_busy

RUNS_AND_METRICS = (
    """CREATE TABLE texts (
        id TEXT NOT NULL,            -- sha256 of the UTF-8 text
        workspace TEXT NOT NULL,
        title TEXT NOT NULL,
        characters INTEGER NOT NULL,
        created REAL NOT NULL,
        PRIMARY KEY (id, workspace)
    ) WITHOUT ROWID""",
    """CREATE TABLE runs (
        key INTEGER PRIMARY KEY AUTOINCREMENT,  -- short name of the run in the tables below; never used twice
        id TEXT NOT NULL UNIQUE,
        workspace TEXT NOT NULL,
        name TEXT NOT NULL,
        note TEXT NOT NULL,
        status TEXT NOT NULL,
        created REAL NOT NULL,
        started REAL,
        finished REAL,
        preset TEXT,
        text_id TEXT NOT NULL,
        text_title TEXT NOT NULL,
        characters TEXT NOT NULL,
        lower INTEGER NOT NULL,
        model TEXT NOT NULL,         -- JSON
        training TEXT NOT NULL,      -- JSON
        step INTEGER NOT NULL DEFAULT 0,
        seconds REAL NOT NULL DEFAULT 0,
        steps_per_second REAL,
        threads INTEGER,
        device TEXT NOT NULL,
        parent TEXT,
        owner TEXT,                  -- no longer used
        error TEXT,
        deleted REAL,
        best_step INTEGER,
        best_val_loss REAL
    )""",
    """CREATE TABLE steps (
        run INTEGER, step INTEGER, loss REAL, learning_rate REAL, grad_norm REAL,
        PRIMARY KEY (run, step)
    ) WITHOUT ROWID""",
    """CREATE TABLE buckets (
        run INTEGER, size INTEGER, start INTEGER, counted INTEGER,
        min_step INTEGER, min_loss REAL, max_step INTEGER, max_loss REAL, mean_loss REAL,
        PRIMARY KEY (run, size, start)
    ) WITHOUT ROWID""",
    """CREATE TABLE evaluations (
        run INTEGER, step INTEGER, train_loss REAL, val_loss REAL, val_accuracy REAL,
        PRIMARY KEY (run, step)
    ) WITHOUT ROWID""",
    "CREATE TABLE samples (run INTEGER, step INTEGER, text TEXT, PRIMARY KEY (run, step)) WITHOUT ROWID",
    """CREATE TABLE changes (
        run INTEGER, step INTEGER, position INTEGER, name TEXT, value REAL, time REAL,
        PRIMARY KEY (run, step, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE checkpoints (
        run INTEGER, step INTEGER, bytes INTEGER, created REAL,
        PRIMARY KEY (run, step)
    ) WITHOUT ROWID""",
)

PREPARED = "prepared"
"""The workspace of the runs that come with the program; also how their ids begin (see `prepared.py`)."""

PREPARED_VERSIONS = (  # which of the runs that come with the program are in the store
    "CREATE TABLE prepared (id TEXT PRIMARY KEY, version TEXT NOT NULL) WITHOUT ROWID",
)

REMARKS = ("ALTER TABLE runs ADD COLUMN remark TEXT",)  # JSON: what was not done as asked, though it went on

OWN_TEXTS = (  # those that a person brought along, apart from the ones that only a run needs
    """CREATE TABLE own_texts (
        id TEXT NOT NULL,
        workspace TEXT NOT NULL,
        kept REAL NOT NULL,          -- when it came into the list
        PRIMARY KEY (id, workspace)
    ) WITHOUT ROWID""",
)

SETTINGS_IN_FORCE = (
    "ALTER TABLE runs ADD COLUMN in_force TEXT",  # JSON: the settings that were changed while the run went
    """UPDATE runs SET in_force = (
        SELECT json_group_object(name, value) FROM (
            SELECT name, value, max(step * 1000000 + position) FROM changes WHERE run = runs.key GROUP BY name
        )
    )""",
)

VALIDATION_ERRORS = ("ALTER TABLE evaluations ADD COLUMN val_error REAL",)  # standard error of val_loss

PRECISION = (
    "ALTER TABLE runs ADD COLUMN precision TEXT",  # in which it calculates, once it has begun
    """UPDATE runs SET precision = coalesce(json_extract(training, '$.precision'), 'float32')
        WHERE started IS NOT NULL""",
)

FACTS_AND_LESSONS = (
    """CREATE TABLE facts (             -- what was done in a workspace, each thing once (see `facts.py`)
        workspace TEXT NOT NULL,
        name TEXT NOT NULL,
        details TEXT NOT NULL,       -- JSON
        first REAL NOT NULL,         -- when it was done for the first time
        PRIMARY KEY (workspace, name, details)
    ) WITHOUT ROWID""",
    """CREATE TABLE lessons (           -- how far a workspace has come in each lesson
        workspace TEXT NOT NULL,
        lesson TEXT NOT NULL,
        step INTEGER NOT NULL,       -- where it was left, counted from 1
        done TEXT NOT NULL,          -- JSON: the steps whose condition was met
        guesses TEXT NOT NULL,       -- JSON: {step: guess}
        changed REAL NOT NULL,
        PRIMARY KEY (workspace, lesson)
    ) WITHOUT ROWID""",
)

TURNS = (  # what a server that comes back goes on with
    "ALTER TABLE runs ADD COLUMN turn INTEGER",  # when it was given to a server, as a rank; NULL: no server has it
    "ALTER TABLE runs ADD COLUMN held INTEGER NOT NULL DEFAULT 0",  # whether it waits in order to be held
    "ALTER TABLE runs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0",  # of servers, since its last checkpoint
)

CLASS = (
    """CREATE TABLE pupils (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        workspace TEXT NOT NULL UNIQUE,
        invented TEXT NOT NULL UNIQUE,
        nickname TEXT NOT NULL DEFAULT '',
        joined REAL NOT NULL,
        chose_text INTEGER NOT NULL DEFAULT 0,
        sampled INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE TABLE class_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",  # JSON
)

NODES = ("ALTER TABLE runs ADD COLUMN node TEXT",)  # the machine of a cluster that trains it; NULL: this one

MIGRATIONS = (
    RUNS_AND_METRICS, PREPARED_VERSIONS, REMARKS, OWN_TEXTS, SETTINGS_IN_FORCE, VALIDATION_ERRORS, PRECISION,
    FACTS_AND_LESSONS, TURNS, CLASS, NODES,
)  # fmt: skip
"""What leads from each schema version to the next; the number of those done is the file's `user_version`."""

RUN_TABLES = ("steps", "buckets", "evaluations", "samples", "changes", "checkpoints")


class Kept(threading.local):
    """The connections that a thread leaves open, by file; None: it closes each after use."""

    open: dict[Path, sqlite3.Connection] | None = None


_kept = Kept()


@contextmanager
def connections_kept() -> Iterator[None]:
    """Whatever this thread reads or writes meanwhile goes over one connection a file: opening one costs more than most
    of what is read. Nothing is held between two pieces of work."""
    if _kept.open is not None:
        yield
        return
    _kept.open = {}
    try:
        yield
    finally:
        connections, _kept.open = _kept.open.values(), None
        for connection in connections:
            connection.close()


class Database:
    """Opens `runs.sqlite3` for one short piece of work at a time, from any thread and any process.

    Args:
        home: the folder it lies in.
        patient: whether a write waits for as long as another program keeps the database; otherwise it fails after
            `BUSY_SECONDS`.
    """

    def __init__(self, home: Path, patient: bool = False) -> None:
        self.home, self._patient = home, patient
        self.path = home / "runs.sqlite3"
        self._together = threading.local()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one moment of the store."""
        if (shared := getattr(self._together, "connection", None)) is not None:
            yield shared
            return
        with explained(self.path), self._connection() as connection:
            connection.execute("BEGIN DEFERRED")
            with transaction(connection):
                yield connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that this thread reads meanwhile is of one moment, over one connection: opening one costs more than most
        of what is read."""
        with self.reading() as connection:
            self._together.connection = connection
            try:
                yield
            finally:
                del self._together.connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a write transaction: all of it is kept, or nothing."""
        with explained(self.path), self._connection() as connection:
            begin_writing(connection, self._patient)
            with transaction(connection):
                yield connection

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Hold an idle connection. Without one, every write is the last to leave and has to merge the log."""
        with self._connection():
            yield

    def scrub(self) -> None:
        """Leave nothing in the file or its log of what was deleted: both are written anew, once nobody reads them."""
        with explained(self.path), self._connection() as connection:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("VACUUM")
            deadline = time.monotonic() + BUSY_SECONDS
            while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > deadline:
                    raise busy(self.path)
                time.sleep(0.05)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        kept = _kept.open
        idle = kept.pop(self.path, None) if kept is not None else None  # what is in use is nobody else's
        connection = idle or self._open()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if kept is None or kept is not _kept.open or self.path in kept:
            connection.close()
        else:
            kept[self.path] = connection

    def _open(self) -> sqlite3.Connection:
        self.home.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = NORMAL")
            if schema_version(connection) != len(MIGRATIONS):
                self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (self.home / "locks").mkdir(exist_ok=True)
        # SQLite does not wait its turn when the journal mode changes, so this lock does
        with FileLock(self.home / "locks" / "schema.lock", timeout=BUSY_SECONDS, preserve_lock_file=True):
            connection.execute("PRAGMA journal_mode = WAL")
            begin_writing(connection, self._patient)
            with transaction(connection):
                done = schema_version(connection)
                if done > len(MIGRATIONS):
                    raise StoreError(
                        "The run store {path} was written by a newer version of this program (store version "
                        "{found}, this program knows {known}). Update the program, or set MINIGPT_HOME to "
                        "another folder.",
                        path=self.path, found=done, known=len(MIGRATIONS),
                    )  # fmt: skip
                for statement in (s for migration in MIGRATIONS[done:] for s in migration):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def schema_version(connection: sqlite3.Connection) -> int:
    """How many of the `MIGRATIONS` this file has been through."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def begin_writing(connection: sqlite3.Connection, patient: bool) -> None:
    """Begin a transaction in turn: writers queue at its begin, so that none fails in the middle of its work."""
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if not (patient and is_busy(error)):
                raise


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """COMMIT at the end of what was begun, or ROLLBACK after an error."""
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def find(connection: sqlite3.Connection, run_id: str) -> sqlite3.Row:
    """The row of a run. Raises `RunNotFound`."""
    row: sqlite3.Row | None = connection.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise RunNotFound("There is no run {id}, or not any more. Choose another one.", id=run_id)
    return row


def refuse_prepared(run_id: str) -> None:
    """Raise `StoreError` for a run that came with the program: everybody has the same, so nobody changes it."""
    if run_id.startswith(PREPARED):
        raise StoreError(
            "This run was prepared and came with the program: it can be looked at, but not changed. Train a run of "
            "your own with the same settings."
        )


def update(connection: sqlite3.Connection, key: int, columns: dict[str, Any]) -> None:
    """Set columns of one run."""
    if columns:
        gaps = ", ".join(f"{name} = ?" for name in columns)
        connection.execute(f"UPDATE runs SET {gaps} WHERE key = ?", (*columns.values(), key))


def storable(text: str) -> str:
    """The text with U+FFFD in place of code points that UTF-8 cannot write (lone surrogates)."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
