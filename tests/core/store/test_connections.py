"""A thread that reads much keeps its connection open between two pieces of work, and nothing else changes."""

import sqlite3
from pathlib import Path

import pytest

from minigpt_core.store.schema import Database, connections_kept


@pytest.fixture
def database(tmp_path: Path) -> Database:
    found = Database(tmp_path)
    with found.writing() as db:
        db.execute("CREATE TABLE notes (words TEXT)")
    return found


def add(database: Database, words: str) -> None:
    with database.writing() as db:
        db.execute("INSERT INTO notes VALUES (?)", (words,))


def notes(database: Database) -> list[str]:
    with database.reading() as db:
        return [row["words"] for row in db.execute("SELECT words FROM notes").fetchall()]


def test_one_connection_is_used_again_and_closed_at_the_end(database: Database) -> None:
    with connections_kept():
        with database.reading() as first:
            pass
        with Database(database.home).reading() as second:
            pass
        assert first is second
        assert not first.in_transaction
    with pytest.raises(sqlite3.ProgrammingError):
        first.execute("SELECT 1")


def test_what_others_have_written_is_seen(database: Database) -> None:
    with connections_kept():
        assert notes(database) == []
        with database.writing() as db:
            db.execute("INSERT INTO notes VALUES ('one')")
            assert notes(database) == []  # another connection, while this one is in use
        assert notes(database) == ["one"]


def test_one_that_failed_is_not_used_again(database: Database) -> None:
    with connections_kept():
        with pytest.raises(ZeroDivisionError), database.writing() as broken:
            broken.execute("INSERT INTO notes VALUES ('lost')")
            raise ZeroDivisionError
        with pytest.raises(sqlite3.ProgrammingError):
            broken.execute("SELECT 1")
        add(database, "kept")
        assert notes(database) == ["kept"]


def test_outside_each_use_closes_its_own(database: Database) -> None:
    with database.reading() as connection:
        pass
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
