"""A served class in the run store's database: who is in it, and what the teacher has asked for.

A pupil is a workspace with an invented name. What changes often, who is here now, is not kept here.
"""

import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from minigpt_core.data_home import data_home
from minigpt_core.errors import UserError
from minigpt_core.store.schema import Database, storable

Fact = Literal["chose_text", "sampled"]


@dataclass(frozen=True, kw_only=True)
class Pupil:
    """One browser of a class."""

    number: int
    """What the teacher's page calls it: the workspace would let her browser act as this one."""

    workspace: str
    invented: str
    """A name that says nothing of who it is."""

    nickname: str
    """What the pupil wants to be called; "" for the invented name."""

    joined: float
    """Unix seconds."""

    chose_text: bool
    """Has had another text than the first one."""

    sampled: bool
    """Has seen a model write."""

    @property
    def name(self) -> str:
        """What it is called among the class."""
        return self.nickname or self.invented


class ClassStore:
    """The class in the folder `home`. Methods raise `StoreError` as those of `RunStore` do."""

    def __init__(self, home: Path | None = None) -> None:
        self._database = Database((home or data_home()).absolute())

    def pupils(self) -> list[Pupil]:
        """Everybody, in the order in which they came."""
        with self._database.reading() as db:
            return [to_pupil(row) for row in db.execute("SELECT * FROM pupils ORDER BY number").fetchall()]

    def join(self, workspace: str, names: Iterable[str]) -> Pupil:
        """Take somebody in, under the first of these names that nobody has; who is in stays as they are."""
        with self._database.writing() as db:
            row = find(db, workspace)
            taken = {name for pair in db.execute("SELECT invented, nickname FROM pupils") for name in pair}
            if row is None:
                name = next(name for name in names if name not in taken)
                db.execute(
                    "INSERT INTO pupils (workspace, invented, joined) VALUES (?, ?, ?)",
                    (workspace, storable(name), time.time()),
                )
                row = find(db, workspace)
            assert row is not None
            return to_pupil(row)

    def leave(self, workspace: str) -> None:
        """Take somebody off the list; their runs stay."""
        with self._database.writing() as db:
            db.execute("DELETE FROM pupils WHERE workspace = ?", (workspace,))

    def call(self, workspace: str, nickname: str) -> None:
        """Give somebody a nickname, or take it away (""). Raises `UserError` for one that another pupil has."""
        with self._database.writing() as db:
            others = db.execute(
                "SELECT invented, nickname FROM pupils WHERE workspace != ?", (workspace,)
            ).fetchall()
            taken = {name.casefold() for pair in others for name in pair if name}
            if nickname.casefold() in taken:
                raise UserError(
                    "Somebody in the class is called {name} already. Choose another name.", name=nickname
                )
            db.execute("UPDATE pupils SET nickname = ? WHERE workspace = ?", (storable(nickname), workspace))

    def note(self, workspace: str, fact: Fact) -> None:
        """Somebody has come so far."""
        assert fact in ("chose_text", "sampled")
        with self._database.writing() as db:
            db.execute(f"UPDATE pupils SET {fact} = 1 WHERE workspace = ?", (workspace,))

    def state(self, name: str) -> Any:
        """What was kept under this name; None for nothing."""
        with self._database.reading() as db:
            row = db.execute("SELECT value FROM class_state WHERE name = ?", (name,)).fetchone()
        return json.loads(row["value"]) if row else None

    def keep(self, name: str, value: Any) -> None:
        """Keep something under this name, as JSON."""
        with self._database.writing() as db:
            db.execute("INSERT OR REPLACE INTO class_state VALUES (?, ?)", (name, json.dumps(value)))


def find(db: sqlite3.Connection, workspace: str) -> sqlite3.Row | None:
    """The row of a pupil."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM pupils WHERE workspace = ?", (workspace,)).fetchone()
    return row


def to_pupil(row: sqlite3.Row) -> Pupil:
    """A row of the table `pupils`."""
    values = dict(row)
    return Pupil(**values | {fact: bool(values[fact]) for fact in ("chose_text", "sampled")})
