"""What a lesson is: steps, each on a page, with a few words, perhaps a guess, and what is to be done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from minigpt_core.errors import UserError
from minigpt_core.lessons.conditions import Condition, Value

PAGES = (
    "home", "vocabulary", "batches", "model", "training", "sampling", "ladder", "compare", "timeline", "attention",
    "embeddings", "layers", "ablation", "puzzle",
)  # fmt: skip
PARAMETERS = (
    "text", "letters", "run", "author", "checkpoint", "against", "view", "rows", "temperatures", "after", "settings",
    "choices", "prompt", "temperature", "top_k", "top_p", "length", "seed",
    "replay",
)  # fmt: skip
"""What the address of a page may say, and so the `page:` line of a step."""

VIEWS = ("write", "next", "temperature", "models", "surprise", "copied")
"""The questions of the Sampling page."""

ROWS = ("draws",)
"""What its rows can be, besides one for each temperature."""

MOST_WORDS = 60
MOST_STEPS = 20
GuessKind = Literal["number", "choice", "place", "order"]


class LessonError(UserError):
    """Something in a lesson's file is not as it should be; says the file, the line, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a pupil guesses before the result is seen."""

    kind: GuessKind
    words: str
    options: tuple[str, ...] = ()
    """For "choice" and "order": what there is to choose from; for "place": the characters of the text."""

    answer: Value | float | tuple[int, ...] | None = None
    """A number (for "choice" and "place" which one, counted from 1), a named value, or the right order as places in
    `options`; None: nobody knows it better."""

    near: float = 0.0
    """So far from a number's answer, a guess still counts as right."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a lesson. Its words are text with the marks `**bold**`, `*italic*`, `code` and `[[a button]]`."""

    title: str
    line: int
    """Where it begins in its file."""

    words: str
    page: str
    address: Mapping[str, str] = field(default_factory=dict)
    """What the page's address says, by name."""

    question: Question | None = None
    condition: Condition | None = None
    """What must be done; None: reading is enough."""

    hint: str = ""
    point: str = ""
    """The key of the control that the hint points at."""

    veil: tuple[str, ...] = ()
    """Keys of what stands on the page and would give the guess away: not seen until it is made. `VALIDATION` is the
    loss on text it never saw, in the chart of the Training page."""

    veil_here: tuple[str, ...] = ()
    """The same, in this step alone: an earlier one has something to show there."""

    reveal: str = ""
    show: str = ""
    """A picture of the panel's own, one of `SHOWN`."""

    say: str = ""
    """For the teacher."""

    minutes: float = 1.0


SHOWN = ("fingerprint",)
VALIDATION = "validation"


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A lesson in one language."""

    name: str
    """What stands in the address: `?lesson=name`."""

    language: str
    title: str
    about: str
    """One sentence: what one will have done."""

    idea: str = ""
    """The wrong idea that it meets, as people say it."""

    steps: tuple[Step, ...] = ()
    own: bool = False
    """It was found in the data folder, and did not come with the program."""

    @property
    def minutes(self) -> int:
        """About how long it takes."""
        return max(round(sum(step.minutes for step in self.steps)), 1)
