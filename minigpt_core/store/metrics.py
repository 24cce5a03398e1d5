"""What a run measured: losses, evaluations, samples and changed settings, as tables of the run store."""

import itertools
import json
import math
import sqlite3
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from minigpt_core.steering import ChangeEvent
from minigpt_core.store.curves import Curve, read_curve, update_buckets
from minigpt_core.store.schema import Database, find, refuse_prepared, storable, update
from minigpt_core.training import MetricsEvent, SampleEvent, StepEvent

PROGRESS = {"step", "seconds", "steps_per_second", "best_step", "best_val_loss"}


class MetricsStore:
    """The half of the run store that workers write many times a second, and pages read as often."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def together(self) -> AbstractContextManager[None]:
        """All that is read inside, by this thread, is of one moment."""
        return self._database.together()

    def append(
        self,
        run_id: str,
        *,
        steps: Sequence[StepEvent] = (),
        evaluations: Sequence[MetricsEvent] = (),
        samples: Sequence[SampleEvent] = (),
        changes: Sequence[ChangeEvent] = (),
        **progress: float | None,
    ) -> None:
        """Write a batch in one transaction; `changes` become the settings in force.

        Args:
            progress: `step`, `seconds`, `steps_per_second`, `best_step`, `best_val_loss` of the run by now.
        """
        assert progress.keys() <= PROGRESS
        refuse_prepared(run_id)
        with self._database.writing() as db:
            row = find(db, run_id)
            key = row["key"]
            write_steps(db, key, steps)
            write_evaluations(db, key, evaluations)
            write_samples(db, key, samples)
            write_changes(db, key, changes)
            columns: dict[str, Any] = {name: finite(value) for name, value in progress.items()}
            if changes:
                columns["in_force"] = with_changes(row["in_force"], changes)
            update(db, key, columns)

    def curve(self, run_id: str, points: int = 400, means: int = 200) -> Curve:
        """The loss of a run of any length as at most `points` points and `means` bucket means."""
        with self._database.reading() as db:
            return read_curve(db, find(db, run_id)["key"], points, means)

    def steps_since(self, run_id: str, step: int = -1, limit: int = 1000) -> list[StepEvent]:
        """At most `limit` steps after `step`, in order. A number that was not finite comes back as NaN."""
        query = "SELECT * FROM steps WHERE run = ? AND step > ? ORDER BY step LIMIT ?"
        return [to_step(row) for row in self._rows(query, run_id, step, limit)]

    def steps(self, run_id: str, most: int) -> list[StepEvent]:
        """At most `most` evenly spread steps, with the first and the last: for curves of what is no loss."""
        return [to_step(row) for row in self._spread("steps", run_id, most)]

    def evaluations(self, run_id: str, most: int | None = None) -> list[MetricsEvent]:
        """The evaluations, in order: every one, or at most `most` evenly spread ones with the first and the last."""
        return [
            MetricsEvent(
                step=row["step"],
                train_loss=or_nan(row["train_loss"]),
                val_loss=row["val_loss"],
                val_accuracy=row["val_accuracy"],
                val_error=row["val_error"],
            )
            for row in self._spread("evaluations", run_id, most)
        ]

    def samples(self, run_id: str, most: int | None = None) -> list[SampleEvent]:
        """What the model wrote at each evaluation, in order; `most` as in `evaluations`."""
        rows = self._spread("samples", run_id, most)
        return [SampleEvent(step=row["step"], text=row["text"]) for row in rows]

    def changes(self, run_id: str, since_step: int = 0) -> list[ChangeEvent]:
        """The settings that were changed at `since_step` or later, in the order of the changes."""
        query = "SELECT * FROM changes WHERE run = ? AND step >= ? ORDER BY step, position"
        rows = self._rows(query, run_id, since_step)
        return [ChangeEvent(step=row["step"], name=row["name"], value=row["value"]) for row in rows]

    def _spread(self, table: str, run_id: str, most: int | None) -> list[sqlite3.Row]:
        """The rows of a table with one row a step, or `most` of them: quick however many there are."""
        in_order = f"SELECT * FROM {table} WHERE run = ? AND step >= ? ORDER BY step LIMIT ?"
        with self._database.reading() as db:
            key = find(db, run_id)["key"]
            rows = db.execute(in_order, (key, 0, -1 if most is None else most + 1)).fetchall()
            if most is None or len(rows) <= most:
                return rows
            first = rows[0]["step"]
            last = db.execute(f"SELECT max(step) FROM {table} WHERE run = ?", (key,)).fetchone()[0]
            wanted = [first + (last - first) * i // (most - 1) for i in range(most)]
            found = [db.execute(in_order, (key, step, 1)).fetchone() for step in wanted]
        return list({row["step"]: row for row in found}.values())

    def _rows(self, query: str, run_id: str, *values: object) -> list[sqlite3.Row]:
        """The rows of a run; the first gap in `query` is for the run."""
        with self._database.reading() as db:
            return db.execute(query, (find(db, run_id)["key"], *values)).fetchall()


def to_step(row: sqlite3.Row) -> StepEvent:
    """A row of the table of steps."""
    return StepEvent(
        step=row["step"],
        loss=or_nan(row["loss"]),
        learning_rate=row["learning_rate"],
        grad_norm=or_nan(row["grad_norm"]),
    )


def write_steps(db: sqlite3.Connection, key: int, steps: Sequence[StepEvent]) -> None:
    """Write steps, and the buckets that they fall into."""
    if not steps:
        return
    newest = db.execute("SELECT max(step) FROM steps WHERE run = ?", (key,)).fetchone()[0]
    db.executemany(
        "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?)",
        [(key, s.step, finite(s.loss), s.learning_rate, finite(s.grad_norm)) for s in steps],
    )
    numbers = [step.step for step in steps]
    update_buckets(db, key, min(numbers), max(numbers), -1 if newest is None else newest)


def write_evaluations(db: sqlite3.Connection, key: int, evaluations: Sequence[MetricsEvent]) -> None:
    """Write evaluations, in the place of those at the same steps."""
    db.executemany(
        "INSERT OR REPLACE INTO evaluations VALUES (?, ?, ?, ?, ?, ?)",
        [
            (key, e.step, finite(e.train_loss), finite(e.val_loss), e.val_accuracy, finite(e.val_error))
            for e in evaluations
        ],
    )


def write_samples(db: sqlite3.Connection, key: int, samples: Sequence[SampleEvent]) -> None:
    """Write samples, in the place of those at the same steps."""
    db.executemany(
        "INSERT OR REPLACE INTO samples VALUES (?, ?, ?)",
        [(key, sample.step, storable(sample.text)) for sample in samples],
    )


def write_changes(db: sqlite3.Connection, key: int, changes: Sequence[ChangeEvent]) -> None:
    """Write changes, each after the others at its step."""
    there = "SELECT count(*) FROM changes WHERE run = ? AND step = ?"
    steps = {change.step for change in changes}
    positions = {step: itertools.count(db.execute(there, (key, step)).fetchone()[0]) for step in steps}
    db.executemany(
        "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)",
        [(key, c.step, next(positions[c.step]), c.name, c.value, time.time()) for c in changes],
    )


def with_changes(in_force: str | None, changes: Sequence[ChangeEvent]) -> str:
    """The column `in_force` after changes."""
    changed: dict[str, float] = json.loads(in_force or "{}")
    return json.dumps(changed | {change.name: change.value for change in changes})


def finite(value: float | None) -> float | None:
    """The number, or None for NaN and infinity, which have no place in a database or in JSON."""
    return value if value is not None and math.isfinite(value) else None


def or_nan(value: float | None) -> float:
    """The inverse of `finite`, as far as there is one."""
    return math.nan if value is None else value
