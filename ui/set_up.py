"""What a link has set up for a class: which pages and controls are not there, whose link it was, and the way out.

`/training?hide=ladder,compare,advanced&by=Ms+Martin`. It holds for the whole workspace, so that no typed address leads
around it, until somebody leaves it.
"""

import time
from dataclasses import dataclass

from minigpt_core.errors import StoreError
from ui import facts, state

FACT, KEPT = "set_up", "set_up.kept"
CONTROLS = (
    "preset",
    "advanced",
    "temperature",
    "top_k",
    "top_p",
    "length",
    "seed",
    "language",
    "try",
    "code",
)
"""What can be hidden besides pages and the settings of a training."""


@dataclass(frozen=True)
class SetUp:
    """What is hidden, and who wanted it so."""

    hide: frozenset[str] = frozenset()
    by: str = ""

    def __bool__(self) -> bool:
        return bool(self.hide)


def take() -> SetUp:
    """What holds now: what the address says if it says something new, else what was kept. Once in every script run."""
    asked = state.take_set_up()
    kept = _kept()
    if asked is not None:
        wanted = SetUp(frozenset(asked[0].split(",")), asked[1])
        if wanted != kept:
            facts.note(FACT, hide=sorted(wanted.hide), by=wanted.by, at=time.time())
        kept = wanted
    state.set_page_state(KEPT, kept)
    return kept


def _kept() -> SetUp:
    try:
        known = facts.store().facts(state.workspace(), FACT)
    except StoreError:  # the sidebar says what is wrong with the store
        known = []
    return SetUp(frozenset(known[-1]["hide"]), str(known[-1]["by"])) if known else SetUp()


def current() -> SetUp:
    """What holds in this tab."""
    found: SetUp = state.page_state(KEPT, SetUp())
    return found


def hidden(name: str) -> bool:
    """Whether this page or control is not there."""
    return name in current().hide


def leave() -> None:
    """Show everything again."""
    facts.note(FACT, hide=[], by="", at=time.time())
    state.set_page_state(KEPT, SetUp())
