"""What was done in a workspace, and how far its lessons have come: small facts that only ever become more.

A fact is a name with details, `page` with `{"page": "sampling", "view": "next"}`: that it happened, not how often. So
a lesson counts what was done before it began, and nothing is written twice. What is done while a lesson is on is kept
with its name, once for each lesson: so another one can leave out what was done for that one.
"""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from minigpt_core.data_home import data_home
from minigpt_core.store.schema import Database, storable

MOST_FACTS = 5_000  # of a workspace; what comes after them is not kept
LONGEST = 500  # characters of one fact's details
LESSON = "lesson"  # among the details: the one that was on

Details = dict[str, Any]
Guess = float | list[int]
"""A number, the place of a choice or of a character (counted from 1), or places in an order."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a workspace has come in one lesson. Steps are counted from 1."""

    step: int = 1
    """Where it was left."""

    done: frozenset[int] = frozenset()
    """The steps whose condition was met."""

    guesses: Mapping[int, Guess] = field(default_factory=dict)
    """By the step at which they were made."""

    changed: float = 0.0
    """When, in unix seconds."""


class FactStore:
    """The facts and the progress that stand beside the runs.

    Args:
        home: the folder of the run store; None: the usual one.
    """

    def __init__(self, home: Path | None = None) -> None:
        self._database = Database(home or data_home())

    def note(self, workspace: str, name: str, **details: Any) -> None:
        """Keep that this was done, unless it is known. Raises `StoreError` if it cannot be written."""
        written = storable(json.dumps(details, sort_keys=True, ensure_ascii=False))
        if len(written) > LONGEST:
            return
        with self._database.writing() as db:
            db.execute(
                """INSERT OR IGNORE INTO facts SELECT ?1, ?2, ?3, ?4
                WHERE (SELECT count(*) FROM facts WHERE workspace = ?1) < ?5""",
                (workspace, name, written, time.time(), MOST_FACTS),
            )

    def keep_newest(self, workspace: str, name: str, **details: Any) -> None:
        """Keep that this was done last, and forget what was before. Raises `StoreError` if it cannot be written."""
        written = storable(json.dumps(details, sort_keys=True, ensure_ascii=False))
        with self._database.writing() as db:
            db.execute("DELETE FROM facts WHERE workspace = ? AND name = ?", (workspace, name))
            db.execute("INSERT INTO facts VALUES (?, ?, ?, ?)", (workspace, name, written, time.time()))

    def facts(
        self, workspace: str, name: str, lesson: str | None = None, *, alone: bool = False
    ) -> list[Details]:
        """The details of all facts of this name, each once, the oldest first.

        Args:
            lesson: without those of which it is known that they were done while another lesson was on.
            alone: without those, too, that were done while none was on.
        """
        query = "SELECT details FROM facts WHERE workspace = ? AND name = ? ORDER BY first"
        with self._database.reading() as db:
            kept = [json.loads(row["details"]) for row in db.execute(query, (workspace, name)).fetchall()]
        found: dict[str, Details] = {}
        for details in kept:
            during = details.pop(LESSON, None)
            if lesson is None or during == lesson or (during is None and not alone):
                found.setdefault(json.dumps(details, sort_keys=True), details)
        return [*found.values()]

    def progress(self, workspace: str) -> dict[str, Progress]:
        """How far each lesson has come that was begun, the one that was changed last first."""
        query = "SELECT * FROM lessons WHERE workspace = ? ORDER BY changed DESC"
        with self._database.reading() as db:
            rows = db.execute(query, (workspace,)).fetchall()
        return {
            row["lesson"]: Progress(
                step=row["step"],
                done=frozenset(json.loads(row["done"])),
                guesses={int(step): guess for step, guess in json.loads(row["guesses"]).items()},
                changed=row["changed"],
            )
            for row in rows
        }

    def guesses(self, lesson: str, step: int, workspaces: Collection[str]) -> list[Guess]:
        """What was guessed at a step of a lesson in these workspaces, in no order that tells whose it is."""
        with self._database.reading() as db:
            rows = db.execute("SELECT workspace, guesses FROM lessons WHERE lesson = ?", (lesson,)).fetchall()
        known = (
            json.loads(row["guesses"]).get(str(step)) for row in rows if row["workspace"] in {*workspaces}
        )
        return [guess for guess in known if guess is not None]

    def newest_lessons(self) -> dict[str, tuple[str, int]]:
        """For each workspace the lesson that was changed last, and the step it is at."""
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT workspace, lesson, step, max(changed) FROM lessons GROUP BY workspace"
            ).fetchall()
        return {row["workspace"]: (row["lesson"], row["step"]) for row in rows}

    def keep_step(self, workspace: str, lesson: str, step: int) -> None:
        """The lesson is at this step now."""
        self._change(workspace, lesson, step=step)

    def keep_done(self, workspace: str, lesson: str, step: int) -> None:
        """The condition of this step was met: that stays, whatever happens to what met it."""
        self._change(workspace, lesson, done={step})

    def keep_guess(self, workspace: str, lesson: str, step: int, guess: Guess) -> None:
        """A guess was made at this step; a later one takes its place."""
        self._change(workspace, lesson, guesses={step: guess})

    def forget(self, workspace: str, lesson: str) -> None:
        """Begin this lesson anew. What was done stays known."""
        with self._database.writing() as db:
            db.execute("DELETE FROM lessons WHERE workspace = ? AND lesson = ?", (workspace, lesson))

    def _change(
        self,
        workspace: str,
        lesson: str,
        step: int | None = None,
        done: set[int] | frozenset[int] = frozenset(),
        guesses: Mapping[int, Guess] | None = None,
    ) -> None:
        """Read and write in one transaction: two tabs may be at the same lesson."""
        with self._database.writing() as db:
            row = db.execute(
                "SELECT * FROM lessons WHERE workspace = ? AND lesson = ?", (workspace, lesson)
            ).fetchone()
            known = {"step": row["step"], "done": row["done"], "guesses": row["guesses"]} if row else {}
            before = Progress(
                step=known.get("step", 1),
                done=frozenset(json.loads(known.get("done", "[]"))),
                guesses=json.loads(known.get("guesses", "{}")),
            )
            after = replace(
                before,
                step=step or before.step,
                done=before.done | done,
                guesses=before.guesses | {str(n): guess for n, guess in (guesses or {}).items()},  # type: ignore[operator]
            )
            db.execute(
                "INSERT OR REPLACE INTO lessons VALUES (?, ?, ?, ?, ?, ?)",
                (
                    workspace, lesson, after.step, json.dumps(sorted(after.done)), json.dumps(dict(after.guesses)),
                    time.time(),
                ),
            )  # fmt: skip
