"""The guesses of a class: collected without names while the teacher holds the answer back, shown to all together.

What the teacher has asked for is kept with the class, the guesses with each pupil's progress: both outlast a restart.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from minigpt_core.errors import StoreError
from minigpt_core.lessons import catalogue
from minigpt_core.lessons.lesson import LessonError, Question
from minigpt_core.store.classes import ClassStore
from minigpt_core.store.facts import FactStore, Guess
from ui import people, state, teacher
from ui.lessons.markup import plain
from ui.problems import spoken_errors
from ui.words.i18n import _, language, n_, number, using
from ui.words.tokens import escape, face

KEPT_AS = "guesses"
BARS = 6  # of numbers, or of orders, at most


@dataclass(frozen=True, kw_only=True)
class Poll:
    """The step whose guesses the teacher collects."""

    lesson: str = ""
    step: int = 0
    language: str = "en"
    shown: bool = False
    """The guesses and the answer may be seen by all."""


@dataclass(frozen=True)
class Bar:
    """One answer, and how many gave it."""

    label: str
    count: int
    right: bool


def current_poll() -> Poll:
    """What the teacher collects now; an empty lesson for nothing."""
    if not teacher.secret():
        return Poll()
    try:
        return Poll(**(ClassStore().state(KEPT_AS) or {}))
    except StoreError:  # the sidebar says so
        return Poll()


def is_held(lesson: str, step: int) -> bool:
    """Whether pupils have to wait for the answer of this step; the teacher never has to."""
    now = current_poll()
    return (now.lesson, now.step) == (lesson, step) and not now.shown and not state.is_teacher()


def is_shown(lesson: str, step: int) -> bool:
    """Whether the guesses of this step may be seen by all."""
    now = current_poll()
    return (now.lesson, now.step) == (lesson, step) and now.shown


def collected(lesson: str, step: int) -> list[Guess]:
    """All guesses of the class at a step, sorted, so that nobody is known by their place. Raises `StoreError`."""
    known = FactStore().guesses(lesson, step, [pupil.workspace for pupil, _seen in people.roll().everybody()])
    return sorted(known, key=repr)


def bars(question: Question, guesses: Sequence[Guess], answer: object) -> list[Bar]:
    """How many guessed what: an option each, else numbers and orders by how many said them, the rest together."""
    if question.kind in ("choice", "place"):
        counts = Counter(int(guess) for guess in guesses if isinstance(guess, int | float))
        options = [
            plain(option) if question.kind == "choice" else face(option) for option in question.options
        ]
        found = [Bar(name, counts[n], n == answer) for n, name in enumerate(options, start=1)]
        return found if question.kind == "choice" else [bar for bar in found if bar.count or bar.right]
    if question.kind == "order":
        orders = Counter(tuple(guess) for guess in guesses if isinstance(guess, list))
        said = [
            Bar(
                " → ".join(plain(question.options[n - 1]) for n in order),
                count,
                list(order) == _listed(answer),
            )
            for order, count in orders.most_common(BARS)
        ]
        return said
    return _number_bars([float(g) for g in guesses if isinstance(g, int | float)], answer, question.near)


def _listed(answer: object) -> list[int]:
    return list(answer) if isinstance(answer, list | tuple) else []


def _number_bars(values: list[float], answer: object, near: float) -> list[Bar]:
    """Each number by itself where they are few, else stretches of the same width."""
    counts = Counter(values)
    right = float(answer) if isinstance(answer, int | float) else None
    if len(counts) <= BARS:
        return [
            Bar(_said(value), counts[value], right is not None and abs(value - right) <= near)
            for value in sorted(counts)
        ]
    low, high = (
        sorted(values)[len(values) // 20],
        sorted(values)[-1 - len(values) // 20],
    )  # without the strays
    width = (high - low) / BARS or 1.0
    places = Counter(min(max(int((value - low) / width), 0), BARS - 1) for value in values)
    return [
        Bar(
            f"{_said(low + n * width)} – {_said(low + (n + 1) * width)}", places[n],
            right is not None and low + n * width <= right < low + (n + 1) * width,
        )
        for n in range(BARS)
    ]  # fmt: skip


def _said(value: float) -> str:
    return number(value, None if value == int(value) else 2)


def picture(found: Sequence[Bar]) -> str:
    """The bars as HTML: counts are written, the right answer has a tick."""
    most = max((bar.count for bar in found), default=0) or 1
    rows = "".join(
        f"<span class='{'mg-right-one' if bar.right else ''}'>{'✓ ' if bar.right else ''}{escape(bar.label)}</span>"
        f"<i style='width:{100 * bar.count / most:.0f}%;--k:{'#009E73' if bar.right else '#7A7A7A'}'></i>"
        f"<b>{escape(number(bar.count))}</b>"
        for bar in found
    )
    return f"<div class='mg-class-guesses'>{rows}</div>"


def on_wall() -> dict[str, Any] | None:
    """What the wall shows: the question, how many have guessed, and once it is shown to all, the bars."""
    now = current_poll()
    if not now.lesson:
        return None
    try:
        question = catalogue.find_lesson(now.lesson, now.language).steps[now.step - 1].question
        guesses = collected(now.lesson, now.step)
    except (LessonError, StoreError, IndexError):
        return None
    if question is None:
        return None
    answer = question.answer if isinstance(question.answer, int | float | tuple) else None
    with using(now.language):
        found = bars(question, guesses, answer) if now.shown else []
    return {"question": plain(question.words), "n": len(guesses), "bars": [asdict(bar) for bar in found]}


# For the teacher


def controls(lesson: str, step: int, question: Question, answer: object) -> None:
    """Collect, show, end: below the step, on the teacher's page alone."""
    now = current_poll()
    here = (now.lesson, now.step) == (lesson, step)
    try:
        guesses = collected(lesson, step)
    except StoreError:
        return
    said = n_("{n} guess of the class", "{n} guesses of the class", len(guesses)).format(
        n=number(len(guesses))
    )
    st.html(f"<div class='mg-todo'>{escape(said)}</div>")
    if here and now.shown:
        st.html(picture(bars(question, guesses, answer)))
    with st.container(horizontal=True, gap="xsmall"):
        if not here:
            st.button(
                _("Hold the answer back"), key="guesses_hold", on_click=ask, args=(lesson, step, False),
                help=_("Pupils guess, and wait. You show all guesses, and the answer, together."),
            )  # fmt: skip
        elif not now.shown:
            st.button(
                _("Show all guesses"),
                key="guesses_show",
                type="primary",
                on_click=ask,
                args=(lesson, step, True),
            )
        if here:
            st.button(_("End"), key="guesses_end", on_click=ask, args=("", 0, False))


def ask(lesson: str, step: int, shown: bool) -> None:
    """For a callback."""
    with spoken_errors():
        state.teacher_only()
        ClassStore().keep(KEPT_AS, asdict(Poll(lesson=lesson, step=step, language=language(), shown=shown)))


def wait(lesson: str, step: int) -> None:
    """A pupil's place while the answer is held; the page is told when it no longer is. For a fragment."""
    if not is_held(lesson, step):
        st.rerun()
    st.html(
        f"<div class='mg-todo'>"
        f"{escape(_('Guessed. Your teacher shows all guesses, and the answer, together.'))}</div>"
    )
