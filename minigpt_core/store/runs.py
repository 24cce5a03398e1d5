"""The run store: what was trained, how it went, and its weights. The seam between workers and pages.

Workers write metrics and checkpoints, people's commands write names and notes, pages and the command line
read. Everything lives in one folder (see `data_home`) and is safe to use from any thread and any process:

    runs.sqlite3                             runs, metrics, samples, changes
    texts/<sha256>.txt                       the texts, as UTF-8
    runs/<run id>/step-00000500.safetensors  weights, with a .json beside them; worker.log
    locks/run-<run id>.lock                  held by the process that trains the run
    locks/queue-<run id>.lock                held while a server has the run: it waits, is trained or is parked
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any, Literal

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data_home import data_home
from minigpt_core.errors import RunNotFound, RunUnreadable, StoreError
from minigpt_core.sameness import was_steered
from minigpt_core.steering import ChangeEvent
from minigpt_core.store import checkpoint_files, locks
from minigpt_core.store.explained import explained
from minigpt_core.store.metrics import MetricsStore, write_evaluations, write_samples, write_steps
from minigpt_core.store.rewind import rewind
from minigpt_core.store.schema import PREPARED as PREPARED  # others know the store by this file
from minigpt_core.store.schema import RUN_TABLES, Database, find, refuse_prepared, storable, update
from minigpt_core.training import Checkpoint, MetricsEvent, SampleEvent, StepEvent

LOCAL = "local"  # the workspace that everybody at this machine shares
SHIPPED = Path(__file__).parent / "prepared_runs"  # a folder for each of them
MAX_NAME = 120  # characters
MAX_NOTE = 10_000
MAX_CHECKPOINTS = 20
LOCK_SECONDS = 5.0
LOOKED_AT_SECONDS = 1.0  # longer than somebody looks whether a run is held, who has it for that moment
BIN_DAYS = 30
BIN_SECONDS = BIN_DAYS * 24 * 3600
"""A deleted run can be brought back for this long; then a server removes it for good, at its start or within a day."""

LIVE = ("queued", "running", "paused")  # somebody must be at work on it, or else it was interrupted
PARKED = "parked"  # as it stands in the table: paused, and no worker has it; a server keeps its place
GIVEN = (*LIVE, PARKED)  # as it stands in the table: to a server, or to a worker
STATUSES = (*LIVE, "done", "stopped", "diverged", "failed")
MOST_ATTEMPTS = 3  # of servers to go on with a run that comes to no further checkpoint


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training as it stands in the store. Times in unix seconds, losses in nats per character."""

    id: str
    """Unguessable: who has it may watch the run."""

    workspace: str
    """Only from here may the run be changed."""

    name: str
    note: str
    status: str
    """One of `STATUSES`, or "interrupted": somebody should be at work on it, and nobody is."""

    created: float
    started: float | None
    finished: float | None
    preset: str | None
    text_id: str
    text_title: str
    characters: str
    """The vocabulary, in the order of the ids."""

    lower: bool
    """Whether the text was lower-cased."""

    model: ModelConfig
    training: TrainConfig
    """How it was set up."""

    in_force: TrainConfig
    """The same with what was changed while it went: what its next step is made with."""

    step: int
    """How many steps have been made."""

    seconds: float
    """Time spent in training steps."""

    steps_per_second: float | None
    threads: int | None
    device: str
    precision: str | None
    """In which it calculates: what it asks for, or float32 where that was no faster; None before it begins."""

    parent: str | None
    """Id of the run that this one was made from."""

    error: str | None
    """Why it failed: a `UserError` as JSON."""

    remark: str | None
    """What could not be done as asked, though it went on, such as a device that failed: a `UserError` as JSON."""

    deleted: float | None
    """When it was put into the bin."""

    best_step: int | None
    best_val_loss: float | None
    node: str | None = None
    """The machine of a cluster that trains it, or has trained it last; None: the server's own."""

    attempts: int = 0
    """How many servers have gone on with it by themselves since its last checkpoint."""

    @property
    def given_up(self) -> bool:
        """No server goes on with it by itself any more: it has been tried `MOST_ATTEMPTS` times and got no further."""
        return self.attempts >= MOST_ATTEMPTS

    @property
    def prepared(self) -> bool:
        """Whether it came with the program (see `prepared.py`): it can be looked at, never changed."""
        return self.workspace == PREPARED


@dataclass(frozen=True, kw_only=True)
class StoredText:
    """A text that was chosen, pasted or uploaded."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run that was trained elsewhere, with all that was measured."""

    text: str
    """What it learned from, as the model reads it."""

    columns: dict[str, Any]
    """Of the table `runs`."""

    steps: Sequence[StepEvent]
    evaluations: Sequence[MetricsEvent]
    samples: Sequence[SampleEvent]
    checkpoints: dict[int, int]
    """The steps whose weights are there: how many bytes they take."""

    version: str
    """Changes with anything of this."""


@dataclass(frozen=True, kw_only=True)
class BinContents:
    """What has been deleted and can still be brought back."""

    runs: int
    bytes: int
    """Of their weights and logs: what the disk gets back. Their losses leave room in the database for others."""


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """A checkpoint that can be loaded."""

    step: int
    val_loss: float | None
    bytes: int
    created: float


def new_run_id() -> str:
    """96 random bits, in letters and digits that fit into an address and a command line."""
    return secrets.token_hex(12)


def text_id_of(text: str) -> str:
    """The id under which a text is kept: the SHA-256 of its UTF-8 form."""
    return hashlib.sha256(storable(text).encode()).hexdigest()


def no_text() -> StoreError:
    """What to say of a text that is not kept. Its id, 64 digits, tells nobody which one was meant."""
    return StoreError("This text is not here, or not any more. Choose or paste a text.")


class RunStore(MetricsStore):
    """The runs in the folder `home`. Making one touches nothing: folders appear with the first use.

    Every method raises `StoreError`, with a sentence for the user, if the disk is full, the folder cannot be
    written, or the database is locked or damaged; what was stored before is still there then. Methods that
    take a run's id raise `RunNotFound` if there is none.

    Args:
        home: the folder; by default `data_home()`.
        patient: whether a write waits for as long as another program keeps the database, as a training does.
    """

    def __init__(self, home: Path | None = None, *, patient: bool = False) -> None:
        self.home = (home or data_home()).absolute()
        super().__init__(Database(self.home, patient))

    # Texts

    def save_text(self, text: str, title: str, workspace: str = LOCAL) -> str:
        """Keep a text and return its id. The same text is stored once."""
        data, text_id = storable(text).encode(), text_id_of(text)
        path = self._text_path(text_id)
        with explained(path.parent):
            if not path.exists() or path.read_bytes() != data:
                checkpoint_files.write_whole(path, data)
        with self._database.writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?, ?)",
                (text_id, workspace, storable(title), len(text), time.time()),
            )
            if not path.exists():  # removed as unused since
                with explained(path.parent):
                    checkpoint_files.write_whole(path, data)
        return text_id

    def text(self, text_id: str) -> StoredText:
        """A text that was saved. Raises `StoreError` if it never was, or is damaged."""
        title = self.text_title(text_id)
        path = self._text_path(text_id)
        with explained(path):
            data = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(data).hexdigest() != text_id:
            raise StoreError(
                "The saved text “{title}” is missing or damaged. Paste or upload it again.", title=title
            )
        return StoredText(id=text_id, title=title, text=data.decode())

    def has_text(self, text_id: str) -> bool:
        """Whether a text with this id was saved, by anybody."""
        with self._database.reading() as db:
            known = db.execute("SELECT 1 FROM texts WHERE id = ?", (text_id,)).fetchone()
        return known is not None and self._text_path(text_id).exists()

    def text_owners(self, text_id: str) -> set[str]:
        """The workspaces that have saved a text, or keep it in their list."""
        query = (
            "SELECT workspace FROM texts WHERE id = ?1 UNION SELECT workspace FROM own_texts WHERE id = ?1"
        )
        with self._database.reading() as db:
            rows = db.execute(query, (text_id,)).fetchall()
        return {row["workspace"] for row in rows}

    def text_title(self, text_id: str, workspace: str = LOCAL) -> str:
        """What a saved text is called: as in this workspace, else the newest of its titles."""
        query = "SELECT title FROM texts WHERE id = ? ORDER BY workspace = ? DESC, created DESC"
        with self._database.reading() as db:
            row = db.execute(query, (text_id, workspace)).fetchone()
        if row is None:
            raise no_text()
        return str(row["title"])

    def keep_text(self, text_id: str, workspace: str = LOCAL) -> None:
        """Put a saved text into a workspace's list of own texts, unless it stands there; with a number if another one
        there has its title. Raises `StoreError` for an unknown id."""
        others = self.own_texts(workspace)
        if text_id in others:
            return
        title, now = self.text_title(text_id, workspace), time.time()
        called = numbered(title, others.values())
        with self._database.writing() as db:
            db.execute("INSERT OR IGNORE INTO own_texts VALUES (?, ?, ?)", (text_id, workspace, now))
            if called != title:
                db.execute(
                    "INSERT OR REPLACE INTO texts SELECT id, ?, ?, characters, ? FROM texts WHERE id = ? LIMIT 1",
                    (workspace, called, now, text_id),
                )

    def drop_text(self, text_id: str, workspace: str = LOCAL) -> None:
        """Take it out of that list. The text stays: runs may need it, and `keep_text` brings it back."""
        with self._database.writing() as db:
            db.execute("DELETE FROM own_texts WHERE id = ? AND workspace = ?", (text_id, workspace))

    def own_texts(self, workspace: str = LOCAL) -> dict[str, str]:
        """The ids and titles of a workspace's own texts, the newest first."""
        query = "SELECT id FROM own_texts WHERE workspace = ? ORDER BY kept DESC"
        with self._database.reading() as db:
            ids = [row["id"] for row in db.execute(query, (workspace,)).fetchall()]
        return {text_id: self.text_title(text_id, workspace) for text_id in ids if self.has_text(text_id)}

    # Runs

    def create_run(
        self,
        *,
        text_id: str,
        text_title: str,
        characters: str,
        lower: bool,
        model: ModelConfig,
        training: TrainConfig,
        workspace: str = LOCAL,
        name: str = "",
        note: str = "",
        status: str = "queued",
        preset: str | None = None,
        parent: str | None = None,
        threads: int | None = None,
        device: str = "cpu",
        precision: str | None = None,
        run_id: str | None = None,
    ) -> Run:
        """A new run. Who trains it at once makes the id (`new_run_id`) and takes its lock before.

        If another run of the workspace has its name, it gets a number.
        """
        assert status in STATUSES
        run_id = run_id or new_run_id()
        refuse_prepared(run_id)
        columns = {
            "id": run_id, "workspace": workspace, "note": checked_note(note),
            "status": status, "created": time.time(), "preset": preset,
            "text_id": text_id, "text_title": storable(text_title), "characters": characters, "lower": lower,
            "model": json.dumps(model.to_dict()), "training": json.dumps(training.to_dict()),
            "parent": parent, "threads": threads, "device": device,
            "precision": precision,
        }  # fmt: skip
        with self._database.writing() as db:
            insert_run(db, columns | {"name": free_name(db, checked_name(name), workspace, run_id)})
        return self.run(run_id)

    def prepared_versions(self) -> dict[str, str]:
        """Which prepared runs are here: their ids and versions."""
        with self._database.reading() as db:
            rows = db.execute("SELECT id, version FROM prepared").fetchall()
        return {row["id"]: row["version"] for row in rows}

    def replace_prepared(self, runs: Sequence[FinishedRun]) -> None:
        """Put these in the place of the prepared runs that are here; listed in this order."""
        with self._database.writing() as db:
            for row in db.execute("SELECT key FROM runs WHERE workspace = ?", (PREPARED,)).fetchall():
                remove_run(db, row["key"])
            db.execute("DELETE FROM prepared")
            for run in reversed(runs):  # lists show the newest first
                key = insert_run(db, run.columns)
                write_steps(db, key, run.steps)
                write_evaluations(db, key, run.evaluations)
                write_samples(db, key, run.samples)
                db.executemany(
                    "INSERT INTO checkpoints VALUES (?, ?, ?, ?)",
                    [(key, step, size, run.columns["created"]) for step, size in run.checkpoints.items()],
                )
                db.execute("INSERT INTO prepared VALUES (?, ?)", (run.columns["id"], run.version))

    def run(self, run_id: str) -> Run:
        """The run as it is now, also one in the bin."""
        return self._settle(self._row(run_id))

    def kept_its_settings(self, run: Run) -> bool:
        """Whether every step of a run was made with the settings it began with: only then are its losses theirs."""
        return not was_steered(run.training, run.step, self.changes(run.id))

    def runs(self, workspace: str | None = None, *, deleted: bool = False) -> list[Run]:
        """All runs of a workspace (or of all) that can be read, the newest first; either those in the bin or the
        others."""
        found = self._runs_or_reasons(workspace, deleted)
        return [run for run in found if isinstance(run, Run)]

    def live_runs(self, workspace: str | None = None) -> list[Run]:
        """The runs of a workspace (or of all) that somebody is at work on, or that wait for it, the newest first."""
        with self._database.reading() as db:
            rows = db.execute(
                f"SELECT * FROM runs WHERE (?1 IS NULL OR workspace = ?1) AND deleted IS NULL AND status IN {GIVEN}"
                " ORDER BY key DESC",
                (workspace,),
            ).fetchall()
        found = [self._settle_or_reason(row) for row in rows]
        return [run for run in found if isinstance(run, Run) and run.status in LIVE]

    def newest_of_each(self) -> dict[str, Run]:
        """For each workspace the run that somebody is at work on, or that waits for it, else the newest."""
        with self._database.reading() as db:
            rows = db.execute(
                f"""SELECT *, max(key + (status IN {LIVE}) * 1000000000) FROM runs
                WHERE deleted IS NULL AND workspace != ? GROUP BY workspace""",
                (PREPARED,),
            ).fetchall()
        found = (self._settle_or_reason(row) for row in rows)
        return {run.workspace: run for run in found if isinstance(run, Run)}

    def unreadable(self, workspace: str | None = None) -> list[RunUnreadable]:
        """Why some runs are not among `runs`, a sentence for each."""
        found = self._runs_or_reasons(workspace, deleted=False)
        return [reason for reason in found if isinstance(reason, RunUnreadable)]

    def _runs_or_reasons(self, workspace: str | None, deleted: bool) -> list[Run | RunUnreadable]:
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT * FROM runs WHERE (?1 IS NULL OR workspace = ?1) AND (deleted IS NOT NULL) = ?2"
                " ORDER BY key DESC",
                (workspace, deleted),
            ).fetchall()
        return [self._settle_or_reason(row) for row in rows]

    def find_run(self, text: str, workspace: str = LOCAL) -> Run:
        """The run (also a prepared one) whose id begins with `text`, or the newest of the workspace for "last"."""
        begin, also = ("", workspace) if text == "last" else (text, PREPARED)
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT * FROM runs WHERE workspace IN (?, ?) AND deleted IS NULL AND substr(id, 1, ?) = ?"
                " ORDER BY key DESC",
                (workspace, also, len(begin), begin),
            ).fetchall()
        if not rows:
            raise RunNotFound("No run begins with {id}. Choose one from the list of runs.", id=text)
        if len(rows) > 1 and text != "last":
            raise RunNotFound("{count} runs begin with {id}. Give more of the id.", count=len(rows), id=text)
        for row in rows[:-1]:
            if isinstance(run := self._settle_or_reason(row), Run):
                return run
        return self._settle(rows[-1])

    def owned_run(self, run_id: str, workspace: str) -> Run:
        """The run, if it may be changed from this workspace; else raises `StoreError`."""
        refuse_prepared(run_id)
        run = self.run(run_id)
        check_workspace(run.workspace, workspace)
        return run

    def rename(self, run_id: str, name: str, workspace: str = LOCAL) -> None:
        """Give a run another name, with a number if another run of the workspace has it."""
        self._edit(run_id, workspace, name=checked_name(name))

    def note(self, run_id: str, note: str, workspace: str = LOCAL) -> None:
        """Write down what is worth knowing about a run."""
        self._edit(run_id, workspace, note=checked_note(note))

    def delete(self, run_id: str, workspace: str = LOCAL) -> None:
        """Put a run into the bin."""
        self._edit(run_id, workspace, deleted=time.time())

    def undelete(self, run_id: str, workspace: str = LOCAL) -> None:
        """Take a run out of the bin. If its name was given to another one meanwhile, it gets a number."""
        self._edit(run_id, workspace, deleted=None)

    def kept_by(self, workspace: str) -> tuple[int, int]:
        """How many runs a workspace keeps, without those in the bin; and the bytes of all their weights, with those."""
        query = """SELECT count(DISTINCT CASE WHEN deleted IS NULL THEN id END) AS runs, coalesce(sum(bytes), 0) AS size
            FROM runs LEFT JOIN checkpoints ON run = key WHERE workspace = ?"""
        with self._database.reading() as db:
            row = db.execute(query, (workspace,)).fetchone()
        return row["runs"], row["size"]

    def bin_contents(self, workspace: str | None = None) -> BinContents:
        """What removing all deleted runs of a workspace (or of all) would free."""
        ids = [row["id"] for row in self._in_bin(workspace, time.time())]
        return BinContents(runs=len(ids), bytes=sum(size_of(self.folder(run_id)) for run_id in ids))

    def purge_deleted(self, older_than: float, workspace: str | None = None) -> int:
        """Remove for good what has been in the bin for `older_than` seconds, run by run: others write in between.

        Texts go too that nobody needs any more and that were saved before `BIN_SECONDS`.

        Returns:
            How many runs it was.
        """
        gone = 0
        for row in self._in_bin(workspace, time.time() - older_than):
            with self._database.writing() as db:
                again = db.execute("SELECT deleted FROM runs WHERE key = ?", (row["key"],)).fetchone()
                if again is None or again["deleted"] is None or self.is_locked(row["id"]):
                    continue  # brought back meanwhile, or somebody is at work on it
                remove_run(db, row["key"])
            shutil.rmtree(self.folder(row["id"]), ignore_errors=True)
            gone += 1
        self._remove_unused_texts(time.time() - BIN_SECONDS)
        return gone

    def _in_bin(self, workspace: str | None, before: float) -> list[sqlite3.Row]:
        query = (
            "SELECT key, id FROM runs WHERE deleted <= ?1 AND (?2 IS NULL OR workspace = ?2) ORDER BY deleted"
        )
        with self._database.reading() as db:
            return db.execute(query, (before, workspace)).fetchall()

    def _remove_unused_texts(self, before: float) -> None:
        """Remove the texts that no run has learned from and nobody keeps among their own, saved before a time."""
        with self._database.writing() as db:
            rows = db.execute(
                """SELECT id FROM texts GROUP BY id HAVING max(created) < ? AND id NOT IN (SELECT text_id FROM runs)
                AND id NOT IN (SELECT id FROM own_texts)""",
                (before,),
            ).fetchall()
            for row in rows:
                db.execute("DELETE FROM texts WHERE id = ?", (row["id"],))
                with suppress(OSError):
                    self._text_path(row["id"]).unlink(missing_ok=True)

    def remove(self, run_id: str) -> None:
        """Remove a run for good, with its weights; nothing happens if there is none."""
        refuse_prepared(run_id)
        with self._database.writing() as db:
            row = db.execute("SELECT key FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is not None:
                remove_run(db, row["key"])
        shutil.rmtree(self.folder(run_id), ignore_errors=True)

    def set_status(self, run_id: str, status: str, error: str | None = None, **changed: Any) -> None:
        """What the run is doing now; `changed` may name its `threads`, `device`, `node`, `precision` and `remark`.

        A worker takes the run's lock before it says "running", and lets go after it has said how it ended.
        """
        assert status in (*STATUSES, PARKED)
        assert changed.keys() <= {"threads", "device", "node", "precision", "remark"}
        refuse_prepared(run_id)
        now = time.time()
        columns = {"status": status, "error": error, "finished": None if status in GIVEN else now}
        if status not in GIVEN:
            columns["turn"] = None
        with self._database.writing() as db:
            row = find(db, run_id)
            if status in ("running", "paused") and row["started"] is None:
                columns["started"] = now
            if columns["finished"] is not None:  # a clock may jump back
                columns["finished"] = max(now, row["started"] or now)
            update(db, row["key"], columns | changed)

    # What a server has, and the one that comes after it goes on with

    def give(self, run_id: str, status: str = "queued", *, held: bool = False) -> None:
        """A server has the run from now on, behind those that it has already: it waits for a worker.

        Args:
            status: "queued", or "parked" if it waits for its owner.
            held: its first step waits for its owner, too.
        """
        with self._database.writing() as db:
            self._give(db, run_id, {"status": status, "held": held, "attempts": 0})

    def give_again(self, run_id: str, status: str) -> None:
        """The same, made by a server that found the run left behind."""
        with self._database.writing() as db:
            attempts = find(db, run_id)["attempts"] + (status != PARKED)
            self._give(db, run_id, {"status": status, "attempts": attempts})

    def _give(self, db: sqlite3.Connection, run_id: str, columns: dict[str, Any]) -> None:
        refuse_prepared(run_id)
        last = db.execute("SELECT max(turn) FROM runs").fetchone()[0] or 0
        waits = {"error": None, "finished": None, "node": None, "turn": last + 1}
        update(db, find(db, run_id)["key"], columns | waits)

    def hold(self, run_id: str, held: bool) -> None:
        """Whether the run, which waits, is to wait for its owner before its first step."""
        with self._database.writing() as db:
            update(db, find(db, run_id)["key"], {"held": held})

    def take_back(self, run_id: str) -> None:
        """No server goes on with the run by itself: whoever has it asks for that."""
        with self._database.writing() as db:
            update(db, find(db, run_id)["key"], {"turn": None})

    def left_behind(self) -> dict[str, str]:
        """The runs that a server had that is no longer there, in the order in which they were given to it: "parked" if
        their owner held them, else "queued". What got no further in `MOST_ATTEMPTS` attempts is not among them."""
        query = f"""SELECT * FROM runs WHERE turn IS NOT NULL AND deleted IS NULL AND status IN {GIVEN}
            AND attempts < {MOST_ATTEMPTS} ORDER BY turn"""
        with self._database.reading() as db:
            rows = db.execute(query).fetchall()
        return {
            row["id"]: PARKED if is_held(row) else "queued"
            for row in rows
            if isinstance(run := self._settle_or_reason(row), Run) and run.status == "interrupted"
        }

    def rewind(
        self, run_id: str, checkpoint: Checkpoint | None, requested: Mapping[str, float] | None = None
    ) -> list[ChangeEvent]:
        """Make the record of a run end at a checkpoint, or at its beginning, because it goes on from there now.

        One transaction; who takes the run up calls it, and holds the run's lock.

        Args:
            requested: settings that come into force there, before those that were recorded last.

        Returns:
            The settings in force there, for the trainer.
        """
        refuse_prepared(run_id)
        with self._database.writing() as db:
            changes = rewind(db, find(db, run_id), checkpoint, requested or {})
        with explained(self.folder(run_id)):
            kept = (info.step for info in self.checkpoints(run_id))
            checkpoint_files.remove_others(self.folder(run_id), kept)
        return changes

    def keep_requested(self, run_id: str, settings: Mapping[str, float]) -> None:
        """Settings that come into force where a run goes on, unless it has made its last step.

        Raises `StoreError` while somebody is at work on it.
        """
        with self.lock(run_id, timeout=LOOKED_AT_SECONDS), self._database.writing() as db:
            row = find(db, run_id)
            if settings and row["status"] != "done":
                changed = json.loads(row["in_force"] or "{}") | dict(settings)
                update(db, row["key"], {"in_force": json.dumps(changed)})

    # Checkpoints

    def save_checkpoint(self, run_id: str, checkpoint: Checkpoint) -> None:
        """Write a checkpoint. Announced once its files are whole; `MAX_CHECKPOINTS` of a run are kept."""
        refuse_prepared(run_id)
        row, folder = self._row(run_id), self.folder(run_id)
        with explained(folder):
            size = checkpoint_files.write_checkpoint(folder, checkpoint, about(row))
        with self._database.writing() as db:
            kept = write_checkpoint_row(db, find(db, run_id)["key"], checkpoint.step, size)
        with explained(folder):
            checkpoint_files.remove_others(folder, kept)

    def checkpoints(self, run_id: str) -> list[CheckpointInfo]:
        """The checkpoints that can be loaded, in the order of their steps."""
        query = """SELECT step, bytes, created, val_loss FROM checkpoints
            LEFT JOIN evaluations USING (run, step) WHERE run = ? ORDER BY step"""
        return [CheckpointInfo(**dict(row)) for row in self._rows(query, run_id)]

    def load_checkpoint(
        self, run_id: str, step: int | Literal["best", "last"] = "last", *, model_only: bool = False
    ) -> Checkpoint:
        """A checkpoint to go on from, or with `model_only` just its weights (`model.*`).

        Args:
            step: the step it was taken after; "best" is the one with the lowest validation loss, the last
                one if none was measured.

        Raises:
            StoreError: there is no such checkpoint, or its file is missing or damaged.
        """
        number = choose_checkpoint(self.checkpoints(run_id), step)
        return checkpoint_files.read_checkpoint(self.folder(run_id), number, "model." if model_only else "")

    # Locks and folders

    @contextmanager
    def lock(self, run_id: str, timeout: float = LOCK_SECONDS) -> Iterator[None]:
        """Hold a run while training it. Raises `StoreError` if another one has it for all of `timeout`."""
        refuse_prepared(run_id)
        with ExitStack() as stack:
            with explained(self._database.path):
                stack.enter_context(self._database.kept_open())
            stack.enter_context(self._hold(self._lock_path("run", run_id), timeout))
            yield

    def is_locked(self, run_id: str) -> bool:
        """Whether a process is training this run."""
        return self._is_held(self._lock_path("run", run_id))

    def queue_lock(self, run_id: str) -> AbstractContextManager[None]:
        """Hold this while a run waits for its turn: it counts as interrupted once nobody does. Raises `AtWork`."""
        refuse_prepared(run_id)
        return self._hold(self._lock_path("queue", run_id), LOOKED_AT_SECONDS)

    def folder(self, run_id: str) -> Path:
        """Where a run's weights and log are; those of a prepared one stay where they came."""
        check_id(run_id)
        return SHIPPED / run_id if run_id.startswith(PREPARED) else self.home / "runs" / run_id

    def size(self) -> int:
        """Bytes of everything in the data folder."""
        return size_of(self.home)

    def _text_path(self, text_id: str) -> Path:
        return self.home / "texts" / f"{text_id}.txt"

    def _lock_path(self, kind: Literal["run", "queue"], name: str) -> Path:
        check_id(name)
        return self.home / "locks" / f"{kind}-{name}.lock"

    @contextmanager
    def _hold(self, path: Path, timeout: float) -> Iterator[None]:
        with ExitStack() as stack:
            with explained(path):
                stack.enter_context(locks.hold(path, timeout))
            yield

    def _is_held(self, path: Path) -> bool:
        with explained(path):
            return locks.is_held(path)

    def _row(self, run_id: str) -> sqlite3.Row:
        with self._database.reading() as db:
            return find(db, run_id)

    def _edit(self, run_id: str, workspace: str, **columns: object) -> None:
        refuse_prepared(run_id)
        with self._database.writing() as db:
            row = find(db, run_id)
            check_workspace(row["workspace"], workspace)
            if "name" in columns or columns.get("deleted", row) is None:  # it comes to others
                columns["name"] = free_name(db, str(columns.get("name", row["name"])), workspace, run_id)
            update(db, row["key"], columns)

    def _settle(self, row: sqlite3.Row) -> Run:
        """The run of a row. It was interrupted if somebody should be at work on it, and nobody is."""
        while row["status"] in GIVEN and not self._attended(row):
            again = self._row(row["id"])
            if again["status"] == row["status"]:
                return to_run(again, "interrupted")
            row = again  # it ended, or began, between the two looks
        return to_run(row, "paused" if row["status"] == PARKED else row["status"])

    def _settle_or_reason(self, row: sqlite3.Row) -> Run | RunUnreadable:
        try:
            return self._settle(row)
        except RunUnreadable as reason:
            return reason

    def _attended(self, row: sqlite3.Row) -> bool:
        if row["status"] in ("queued", PARKED):
            return self._is_held(self._lock_path("queue", row["id"]))
        return self.is_locked(row["id"])


def is_held(row: sqlite3.Row) -> bool:
    """Whether a run that is given to somebody waits for its owner."""
    return row["status"] in ("paused", PARKED) or (row["status"] == "queued" and bool(row["held"]))


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder and below."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:  # thinned out meanwhile
                pass
    return total


def to_run(row: sqlite3.Row, status: str) -> Run:
    """A row of the table `runs` as a `Run`. Raises `RunUnreadable` for settings that do not exist here."""
    values = {field.name: row[field.name] for field in fields(Run)}
    try:
        values |= parsed_settings(row["model"], row["training"], row["in_force"] or "{}")
    except (ValueError, TypeError) as error:
        raise RunUnreadable(
            "The run {name} cannot be shown: another version of this program has written it, with settings that "
            "this one does not know. It is kept as it is.",
            name=row["name"] or row["id"],
        ) from error
    return Run(**values | {"status": status, "lower": bool(row["lower"])})


@lru_cache(maxsize=1024)
def parsed_settings(model: str, training: str, in_force: str) -> dict[str, ModelConfig | TrainConfig]:
    """The settings of a row, each kept as JSON: lists of runs are read for every click, and these change rarely."""
    at_first = TrainConfig.from_dict(json.loads(training))
    return {
        "model": ModelConfig.from_dict(json.loads(model)),
        "training": at_first,
        "in_force": changed(at_first, json.loads(in_force)),
    }


def changed(training: TrainConfig, settings: dict[str, float]) -> TrainConfig:
    """A training with some of its settings changed."""
    usual = training.to_dict()
    return replace(training, **{name: type(usual[name])(value) for name, value in settings.items()})


def insert_run(db: sqlite3.Connection, columns: dict[str, Any]) -> int:
    """Add a row to the table `runs` and return its key."""
    gaps = ", ".join("?" * len(columns))
    cursor = db.execute(f"INSERT INTO runs ({', '.join(columns)}) VALUES ({gaps})", tuple(columns.values()))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def remove_run(db: sqlite3.Connection, key: int) -> None:
    """Remove a run and all that was measured from every table."""
    for table in RUN_TABLES:
        db.execute(f"DELETE FROM {table} WHERE run = ?", (key,))
    db.execute("DELETE FROM runs WHERE key = ?", (key,))


def about(row: sqlite3.Row) -> dict[str, Any]:
    """What the JSON beside a run's weights says, so that they can be used without this program."""
    return {
        "run": row["id"],
        "text": row["text_title"],
        "model": json.loads(row["model"]),
        "training": json.loads(row["training"]),
        "characters": row["characters"],
        "lower": bool(row["lower"]),
    }


def write_checkpoint_row(db: sqlite3.Connection, key: int, step: int, size: int) -> list[int]:
    """Announce a checkpoint, give up older ones if there are too many, and return the steps that stay."""
    db.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)", (key, step, size, time.time()))
    update(db, key, {"attempts": 0})
    rows = db.execute(
        """SELECT step FROM checkpoints LEFT JOIN evaluations USING (run, step)
        WHERE run = ? ORDER BY val_loss IS NULL, val_loss, step""",
        (key,),
    ).fetchall()
    steps = [row["step"] for row in rows]  # the best one first
    dropped = checkpoint_files.steps_to_drop(steps, {step, steps[0]}, MAX_CHECKPOINTS)
    db.executemany("DELETE FROM checkpoints WHERE run = ? AND step = ?", [(key, step) for step in dropped])
    return [step for step in steps if step not in dropped]


def choose_checkpoint(infos: list[CheckpointInfo], step: int | Literal["best", "last"]) -> int:
    """The step of the checkpoint that is meant. Raises `StoreError` if there is none."""
    if not infos:
        raise StoreError(
            "This run has no saved weights yet. Wait for its first checkpoint, or choose another run."
        )
    measured = [(info.val_loss, info.step) for info in infos if info.val_loss is not None]
    if step == "best" and measured:
        return min(measured)[1]
    if step == "best" or step == "last":
        return infos[-1].step
    if all(step != info.step for info in infos):
        known = ", ".join(str(info.step) for info in infos)
        raise StoreError(
            "This run has no checkpoint after step {step}. Choose one of these: {known}.",
            step=step, known=known,
        )  # fmt: skip
    return step


def check_id(text: str) -> None:
    """Raise `RunNotFound` for what cannot be an id, so that it never becomes part of a path."""
    if not (text.isascii() and text.isalnum() and len(text) <= 100):
        raise RunNotFound("There is no run {id}, or not any more. Choose another one.", id=text)


CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]+")


def checked_name(name: str) -> str:
    """A run's name in one line, without spaces around it. Raises `StoreError` if it is too long."""
    name = " ".join(CONTROLS.sub(" ", storable(name)).split())
    if len(name) > MAX_NAME:
        raise StoreError(
            "A name may have at most {limit} characters; this one has {length}. Shorten it, or write a note.",
            limit=MAX_NAME, length=len(name),
        )  # fmt: skip
    return name


def free_name(db: sqlite3.Connection, name: str, workspace: str, run_id: str) -> str:
    """This name, with a number if another run of the workspace has it; "" stays "": it is called by what it is."""
    query = "SELECT name FROM runs WHERE workspace = ? AND deleted IS NULL AND id != ?"
    return numbered(name, {row["name"] for row in db.execute(query, (workspace, run_id))}) if name else ""


def numbered(name: str, taken: Collection[str]) -> str:
    """The name, with the next free number if it is among those that are taken: "TinyGPT (2)"."""
    if name not in taken:
        return name
    bare, endings = re.sub(r" \(\d+\)$", "", name), (f" ({n})" for n in count(2))
    names = (bare[: MAX_NAME - len(ending)] + ending for ending in endings)
    return next(name for name in names if name not in taken)


def checked_note(note: str) -> str:
    """A run's note. Raises `StoreError` if it is too long."""
    if len(note) > MAX_NOTE:
        raise StoreError(
            "A note may have at most {limit} characters; this one has {length}. Shorten it.",
            limit=MAX_NOTE, length=len(note),
        )  # fmt: skip
    return storable(note)


def check_workspace(of_run: str, here: str) -> None:
    """Raise `StoreError` unless the run belongs to this workspace."""
    if of_run != here:
        raise StoreError("This run belongs to somebody else: it can be watched here, but not changed.")
