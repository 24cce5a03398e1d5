"""What of the pupils may stand on the wall: only what the teacher has seen and allowed, word for word as it was seen.

A curve and an invented name say nothing of anybody; a sample, and a nickname, are a pupil's.
"""

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from minigpt_core.store.classes import ClassStore, Pupil

KEPT_AS = "wall"
COVER = "▇"
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+")


@dataclass(kw_only=True)
class Wall:
    """What is allowed."""

    names: bool = True
    """Whether names stand there at all."""

    nicknames: dict[str, str] = field(default_factory=dict)
    """By the pupil's number: another nickname is another question."""

    samples: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By the pupil's number: "run", "step", "loss", "text" as it was allowed."""

    alone: int | None = None
    """The pupil who is projected alone."""


def allowed() -> Wall:
    """What is allowed now. Raises `StoreError`."""
    return Wall(**(ClassStore().state(KEPT_AS) or {}))


def keep(wall: Wall) -> None:
    """Allow this from now on; pupils' pages are told nothing."""
    ClassStore().keep(KEPT_AS, asdict(wall))


def name_on_wall(pupil: Pupil, wall: Wall) -> str:
    """The nickname if it was allowed as it stands, else the invented name; "" where names are hidden."""
    if not wall.names:
        return ""
    allowed_name = wall.nicknames.get(str(pupil.number))
    return pupil.nickname if pupil.nickname and allowed_name == pupil.nickname else pupil.invented


def words_of(text: str) -> list[str]:
    """What can be covered: each word once, in the order in which it comes."""
    return list(dict.fromkeys(found[0] for found in WORD.finditer(text)))


def covered(text: str, words: Collection[str]) -> str:
    """The text with a bar over these words wherever they stand, whatever the size of their letters."""
    hidden = {word.casefold() for word in words}
    return WORD.sub(lambda found: COVER * len(found[0]) if found[0].casefold() in hidden else found[0], text)
