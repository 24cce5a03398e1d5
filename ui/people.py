"""Who is in a served class: pupils appear by themselves under invented names, and are here as long as a page of theirs
asks for news (`ui/components/class_news.js`). Who is here is in memory alone; the store keeps the list.
"""

import random
import re
import threading
import time
import tomllib
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from minigpt_core.data_home import data_home
from minigpt_core.errors import StoreError, UserError
from minigpt_core.store.classes import ClassStore, Fact, Pupil
from ui.words.languages import LANGUAGES

MOST = 200  # pupils on the list: nobody fills it, or the disk, with made-up cookies
LONGEST_NAME = 24  # characters
MARKS = 2  # accents upon one letter
AWAY_SECONDS = 10.0  # a page asks for news every two seconds, unless nobody sees it


@dataclass(frozen=True)
class Seen:
    """A pupil's last sign of life."""

    at: float
    """Seconds of the monotonic clock."""

    page: str = ""
    """The name of the page in `ui/journey.py`."""


class Roll:
    """The list of a class, kept in memory as it stands in the store."""

    def __init__(self, store: ClassStore) -> None:
        self._store, self._lock = store, threading.Lock()
        self._pupils = {pupil.workspace: pupil for pupil in store.pupils()}
        self._seen: dict[str, Seen] = {}

    def arrive(self, workspace: str, page: str, language: str) -> Pupil | None:
        """Somebody opens a page; None: the list is full, and they work without a name.

        Raises:
            StoreError: they are new, and that cannot be kept.
        """
        if workspace not in self._pupils:
            if len(self._pupils) >= MOST:
                return None
            with self._lock:
                self._pupils[workspace] = self._store.join(workspace, invented_names(language, workspace))
        self._seen[workspace] = Seen(time.monotonic(), page)
        return self._pupils.get(workspace)

    def sign_of_life(self, workspace: str) -> None:
        """Somebody's page asks for news. Who is not on the list leaves no trace."""
        if workspace in self._pupils:
            before = self._seen.get(workspace)
            self._seen[workspace] = Seen(time.monotonic(), before.page if before else "")

    def leave(self, workspace: str) -> None:
        """Take somebody off the list."""
        if self._pupils.pop(workspace, None):
            self._seen.pop(workspace, None)
            self._store.leave(workspace)

    def call(self, workspace: str, nickname: str) -> None:
        """Somebody wants to be called so; "" brings back the invented name. Raises `UserError`."""
        if workspace in self._pupils:
            name = clean_name(nickname)
            self._store.call(workspace, name)
            self._pupils[workspace] = replace(self._pupils[workspace], nickname=name)

    def note(self, workspace: str, fact: Fact) -> None:
        """Somebody has come so far: written once."""
        pupil = self._pupils.get(workspace)
        if pupil is not None and not getattr(pupil, fact):
            changed = {fact: True}
            self._pupils[workspace] = replace(pupil, **changed)  # type: ignore[arg-type]
            with suppress(StoreError):  # it is known until the next start, then
                self._store.note(workspace, fact)

    def find(self, workspace: str) -> Pupil | None:
        """The pupil of a workspace."""
        return self._pupils.get(workspace)

    def everybody(self) -> list[tuple[Pupil, Seen | None]]:
        """All in the order in which they came, with their last sign of life since the start of the server."""
        return [(pupil, self._seen.get(pupil.workspace)) for pupil in list(self._pupils.values())]


def roll() -> Roll:
    """The list of the class that is served. Raises `StoreError`."""
    return _roll_of(data_home())


@lru_cache(maxsize=4)
def _roll_of(home: Path) -> Roll:
    return Roll(ClassStore(home))


def forget() -> None:
    """Read the list anew: somebody else has changed the store."""
    _roll_of.cache_clear()


def is_here(seen: Seen | None) -> bool:
    """Whether somebody looks at a page now."""
    return seen is not None and time.monotonic() - seen.at < AWAY_SECONDS


def invented_names(language: str, workspace: str) -> Iterator[str]:
    """All names of a language, in an order that belongs to the workspace."""
    pattern, adjectives, animals = word_lists(language)
    pairs = [(adjective, animal) for adjective in adjectives for animal in animals]
    random.Random(workspace).shuffle(pairs)
    for adjective, animal in pairs:
        yield pattern.format(adjective=adjective, animal=animal)


@cache
def word_lists(language: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """How names are made in a language: the pattern, adjectives, animals."""
    said = tomllib.loads(LANGUAGES[language].file("names.toml").read_text(encoding="utf-8"))
    return said["pattern"], tuple(said["adjectives"]), tuple(said["animals"])


def clean_name(typed: str) -> str:
    """A nickname in one line, without what would hide in it or run out of it. Raises `UserError` if it is too long."""
    spaced = " ".join(unicodedata.normalize("NFC", typed).split())
    kept = "".join(character for character in spaced if unicodedata.category(character)[0] != "C")
    name = re.sub(r".", _Accents(), kept)
    if len(name) > LONGEST_NAME:
        raise UserError(
            "A nickname may have at most {limit} characters; this one has {length}. Shorten it.",
            limit=LONGEST_NAME, length=len(name),
        )  # fmt: skip
    return name


class _Accents:
    """Leaves at most `MARKS` accents upon a letter: piles of them would cover the lines above."""

    def __init__(self) -> None:
        self._marks = 0

    def __call__(self, found: re.Match[str]) -> str:
        self._marks = self._marks + 1 if unicodedata.category(found[0]).startswith("M") else 0
        return found[0] if self._marks <= MARKS else ""
