"""What pages note that was done here, a line where it is done: what lessons look at (`minigpt_core/store/facts.py`)."""

import hashlib
from contextlib import suppress
from typing import Any

from minigpt_core.errors import StoreError
from minigpt_core.store.facts import LESSON, FactStore
from ui import state

NOTED = "facts.noted"


def store() -> FactStore:
    """The facts of this machine. Costs nothing to make."""
    return FactStore()


def note(name: str, **details: Any) -> None:
    """Keep that this was done from this browser, and in which lesson. A tab writes it once; where nothing can be
    written, pages go on."""
    if lesson := state.lesson():
        details[LESSON] = lesson
    noted: set[str] = state.page_state(NOTED, set())
    known = f"{state.workspace()} {name} {sorted(details.items())!r}"
    if known in noted:
        return
    with suppress(StoreError):
        store().note(state.workspace(), name, **details)
        noted.add(known)


def short(text: str) -> str:
    """Tells texts apart without keeping them."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
