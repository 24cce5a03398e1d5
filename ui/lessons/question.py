"""The guess of a step: its field, and the reveal that sets it beside the result."""

import math
import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

from minigpt_core.lessons.lesson import GuessKind, Question
from minigpt_core.store.facts import Guess
from ui import state
from ui.lessons import current
from ui.lessons.current import Current
from ui.lessons.markup import inline, plain
from ui.words import tokens
from ui.words.i18n import _, number, read_number
from ui.words.tokens import escape, escape_markdown

FIELD = "lessons.guess"
MOST_PLACES = 60  # characters of a text in which a place is chosen
LONGEST_NUMBER = 24  # characters that are typed
DIGITS = re.compile(r"-?\d(?:[\d.,\s]*\d)?")
EMPTY: dict[GuessKind, object] = {"order": [], "number": ""}
EDGE = 6.0  # per cent of the scale, on both sides


def field(now: Current) -> None:
    """The field, as long as the result is not shown."""
    question = now.step.question
    assert question is not None
    key = f"{FIELD}.{now.lesson.name}.{now.number}"
    state.keep_choices(key, [key])
    if not state.page_state(key, EMPTY.get(question.kind)) and now.guess is not None:
        state.set_page_state(key, _shown(question, now.guess))
    arguments: dict[str, Any] = {"key": state.page_key(key), "on_change": _take, "args": (now, key)}
    label = escape_markdown(plain(question.words))
    options = list(range(1, len(question.options) + 1))
    names = [escape_markdown(plain(option)) for option in question.options]
    with st.container(key="lesson_guess"):
        match question.kind:
            case "number":
                st.text_input(label, placeholder=_("your guess"), max_chars=LONGEST_NUMBER, **arguments)
                _understood(now, state.page_state(key, ""))
            case "choice":
                st.radio(label, options, index=None, format_func=lambda n: names[n - 1], **arguments)
            case "place":
                faces = [escape_markdown(tokens.face(c)) for c in question.options[:MOST_PLACES]]
                st.pills(label, options[:MOST_PLACES], format_func=lambda n: faces[n - 1], **arguments)
            case "order":
                st.multiselect(
                    label,
                    options,
                    format_func=lambda n: plain(question.options[n - 1]),  # no Markdown here
                    placeholder=_("in your order"),
                    select_all=False,
                    **arguments,
                )


def _shown(question: Question, guess: Guess) -> object:
    """What the field says for a guess that is kept."""
    if question.kind in ("choice", "place"):
        return int(guess) if isinstance(guess, int | float) else None
    return number(guess) if isinstance(guess, int | float) else guess


def _understood(now: Current, typed: str) -> None:
    """What a number was taken for: a comma and a point are both welcome."""
    if typed and number_in(typed) is None:
        st.caption(_("This is no number: write it in digits, such as {example}.").format(example=number(2.5)))
    elif isinstance(now.guess, int | float):
        st.caption(_("Understood: {n}").format(n=number(now.guess)))


def number_in(typed: str) -> float | None:
    """The number that was typed, also among words: “26 letters”, “about 50?”; None if there is none, or several."""
    found = DIGITS.findall(typed)
    return read_number(found[0]) if len(found) == 1 else read_number(typed)


def _take(now: Current, key: str) -> None:
    question, told = now.step.question, state.page_state(key, None)
    if question is None or told is None or (question.kind == "order" and len(told) < len(question.options)):
        return
    guess = list(told) if question.kind == "order" else number_in(str(told))
    if guess is not None:
        current.keep_guess(now, guess)


def compared(now: Current) -> str:
    """The guess beside the result, as a small picture: HTML."""
    question, guess, answer = now.step.question, now.guess, current.answer_of(now)
    if question is None or (guess is None and answer is None):
        return ""
    if question.kind == "number":
        return _on_a_scale(guess, answer, question.near)
    if question.kind == "order":
        return _two_orders(question.options, guess, answer)
    return _marked(question, guess, answer)


def _on_a_scale(guess: object, answer: object, near: float) -> str:
    """Both numbers on one line, from a little below the lower to a little above the higher one."""
    marks = [
        (word, float(value), colour)
        for word, value, colour in (
            (_("your guess"), guess, "var(--mg-accent)"), (_("result"), answer, "#009E73"),
        )
        if isinstance(value, int | float) and math.isfinite(value)
    ]  # fmt: skip
    if not marks:
        return ""
    low, high = min(value for _w, value, _c in marks), max(value for _w, value, _c in marks)
    span = (high - low) or 1.0
    points = "".join(
        f"<i style='--k:{colour};left:{EDGE + (100 - 2 * EDGE) * (value - low) / span:.1f}%'></i>"
        for _word, value, colour in marks
    )
    words = " · ".join(
        f"{word} {number(value, None if value == int(value) else 2)}" for word, value, _c in marks
    )
    if len(marks) == 2 and near and high - low <= near:
        words += " · " + _("well guessed")
    line = f"<div class='mg-guess-line' aria-hidden='true'>{points}</div>"
    return f"<div class='mg-guess'>{line}<b>{escape(words)}</b></div>"


def _marked(question: Question, guess: object, answer: object) -> str:
    """The options, a tick at the right one and a ring around the guess."""
    items = []
    for place, option in enumerate(question.options, start=1):
        right, mine = place == answer, place == guess
        if question.kind == "place" and not (right or mine):
            continue
        shown = (
            f"“{escape(tokens.face(option))}” ({number(place)})"
            if question.kind == "place"
            else inline(option)
        )
        sign = "✓" if right else "·"
        note = f" <small>{escape(_('your guess'))}</small>" if mine else ""
        items.append(f"<li class='{'mg-right-one' if right else ''}'><b>{sign}</b> {shown}{note}</li>")
    return f"<ul class='mg-guess'>{''.join(items)}</ul>"


def _two_orders(options: Sequence[str], guess: object, answer: object) -> str:
    rows = []
    for title, order in ((_("your guess"), guess), (_("result"), answer)):
        if isinstance(order, list | tuple):
            said = " → ".join(inline(options[int(place) - 1]) for place in order)
            rows.append(f"<li><small>{escape(title)}</small> {said}</li>")
    return f"<ul class='mg-guess'>{''.join(rows)}</ul>"
