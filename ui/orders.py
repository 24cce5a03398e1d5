"""What the teacher has asked of the whole class: what holds now, in memory and in the store, with a version that pages
ask for (`ui/components/class_news.py`). How a pupil's page follows it stands in `orders_followed.py`."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from minigpt_core.data_home import data_home
from minigpt_core.errors import UserError
from minigpt_core.store.classes import ClassStore
from ui import teacher

KEPT_AS = "orders"


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What holds now. Every change has a higher version."""

    version: int = 0

    held: list[str] | None = None
    """The runs that were paused for all to listen; None: nothing is held."""

    frozen: bool = False
    """No new training begins."""

    language: str = ""
    """Everybody's language; "" for each their own."""

    look: dict[str, str] = field(default_factory=dict)
    """Where everybody looks: "page", its name in `ui/journey.py`, perhaps "run", "lesson" with its "step", and
    "stay"; {} where each likes."""

    looks: int = 0
    """Counts them: each is followed once, then everybody may go on from there, unless they are to stay."""

    gift: dict[str, str] = field(default_factory=dict)
    """What everybody has been given: "text", "letters", "settings", each as in the address; perhaps "locked"."""

    gifts: int = 0

    hidden_presets: list[str] = field(default_factory=list)
    """Their names: pupils are not offered them."""

    wiped: int = 0
    """Counts how often everything was removed: what a tab still remembers from before goes too."""


class Board:
    """The orders of one data folder."""

    def __init__(self, store: ClassStore) -> None:
        self._store = store
        self.now = Orders(**(store.state(KEPT_AS) or {}))
        self._followed: dict[tuple[str, str], int] = {}
        self._removed: set[str] = set()

    def give(self, **changed: Any) -> None:
        """Let something else hold from now on. Raises `StoreError`: then it does not."""
        after = replace(self.now, **changed, version=self.now.version + 1)
        self._store.keep(KEPT_AS, asdict(after))
        self.now = after

    def followed(self, workspace: str, kind: str, number: int) -> bool:
        """Whether a browser has followed this already; from now on it has."""
        before = self._followed.get((workspace, kind))
        self._followed[workspace, kind] = number
        return before == number

    def remove(self, workspaces: Iterable[str]) -> None:
        """The class is over for these browsers: they are told so, until they begin anew."""
        self._removed |= set(workspaces)

    def is_removed(self, workspace: str) -> bool:
        """Whether everything of this browser was removed with its class."""
        return workspace in self._removed

    def begin_anew(self, workspace: str) -> None:
        """Who comes again is somebody new."""
        self._removed.discard(workspace)


def board() -> Board:
    """The orders of the class that is served. Raises `StoreError`."""
    return _board_of(data_home())


@lru_cache(maxsize=4)
def _board_of(home: Path) -> Board:
    return Board(ClassStore(home))


def now() -> Orders:
    """What holds now; nothing where no class is served."""
    return board().now if teacher.secret() else Orders()


def refuse_start() -> None:
    """Raise `UserError` while no training may begin or go on."""
    holds = now()
    if holds.held is not None:
        raise UserError("Your teacher has paused all trainings. They go on when your teacher says so.")
    if holds.frozen:
        raise UserError("Your teacher lets no new training begin at the moment.")
