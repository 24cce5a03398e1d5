"""Speaker notes in a window of their own: they follow the lesson that moved last in this workspace."""

from pathlib import Path

import streamlit as st

from minigpt_core.errors import StoreError
from minigpt_core.lessons import catalogue
from minigpt_core.lessons.lesson import LessonError, Question, Step
from ui import facts, state
from ui.journey import SPEAKERS
from ui.lessons import current
from ui.lessons.current import Current
from ui.lessons.markup import inline, paragraphs, plain
from ui.words.i18n import _, language, n_, number
from ui.words.tokens import escape, face

REFRESH_SECONDS = 1.5  # a speaker looks down at the notes a moment after the click


def link() -> None:
    """What opens them, in a tab of their own."""
    st.link_button(
        _("Notes"), f"{SPEAKERS[0].name}?lang={language()}", icon=":material/speaker_notes:", type="tertiary",
        help=_("Speaker notes in a second window: they follow this lesson"),
    )  # fmt: skip


def follow() -> None:
    """The notes, drawn again as the lesson moves on."""
    st.html(Path(__file__).with_name("speaker.css"))  # leaves out the menu
    st.title(_("Speaker notes"), anchor=False)
    st.fragment(_draw, run_every=REFRESH_SECONDS)()


def newest() -> Current | None:
    """The lesson that moved last in this workspace, at its step."""
    try:
        begun = facts.store().progress(state.workspace())
    except StoreError:
        return None
    for name, progress in begun.items():
        try:
            lesson = catalogue.find_lesson(name, language())
        except LessonError:  # it was there once
            continue
        return Current(lesson, min(max(progress.step, 1), len(lesson.steps)), progress)
    return None


def _draw() -> None:
    now = newest()
    if now is None:
        st.markdown(
            _("No lesson has begun here. Begin one in the other window: the notes appear by themselves.")
        )
        return
    st.html(notes_html(now))


def notes_html(now: Current) -> str:
    """All that is told to the speaker about a step; all text is a lesson's own, escaped."""
    step = now.step
    parts = [_head(now), f"<h2>{escape(plain(step.title))}</h2>"]
    say = paragraphs(step.say) if step.say else f"<p>{escape(_('Nothing in particular to say.'))}</p>"
    parts.append(_part(_("To say"), say))
    if step.question:
        parts.append(
            _part(_("The guess"), f"<p>{inline(step.question.words)}</p>{_answer(now, step.question)}")
        )
    if step.reveal:
        parts.append(_part(_("Shown after it"), paragraphs(step.reveal)))
    parts.append(_part(_("What pupils read"), paragraphs(step.words)))
    parts.append(_part(_("Next"), _next(now)))
    return f"<div class='mg-lesson mg-notes'>{''.join(parts)}</div>"


def _part(title: str, html: str) -> str:
    return f"<section><div class='mg-label'>{escape(title)}</div>{html}</section>"


def _head(now: Current) -> str:
    """Lesson, step, minutes of the step and of what is left."""
    place = _("step {n} of {all}").format(n=number(now.number), all=number(len(now.lesson.steps)))
    left = sum(step.minutes for step in now.lesson.steps[now.number - 1 :])
    words = [now.lesson.title, place, _minutes(now.step.minutes)]
    if not now.last:
        words.append(_("to the end of the lesson: {minutes}").format(minutes=_minutes(left)))
    return f"<p><b>{escape(' · '.join(words))}</b></p>"


def _minutes(minutes: float) -> str:
    return n_("about {n} minute", "about {n} minutes", round(minutes)).format(n=number(round(minutes)))


def _answer(now: Current, question: Question) -> str:
    """What is right, as far as anybody knows by now."""
    known = answer_words(question, current.answer_of(now))
    words = known or _("It comes out of what is done at this step.")
    return f"<p><b>{escape(_('Right is:'))}</b> {words}</p>"


def answer_words(question: Question, answer: object) -> str:
    """The answer as a pupil would give it: HTML; "" if there is none yet."""
    if question.kind == "order" and isinstance(answer, list | tuple):
        return " → ".join(inline(question.options[int(place) - 1]) for place in answer)
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return ""
    if question.kind in ("choice", "place"):
        if not 1 <= int(answer) <= len(question.options):
            return ""
        option = question.options[int(answer) - 1]
        return inline(option) if question.kind == "choice" else f"“{escape(face(option))}” ({number(answer)})"
    return escape(number(answer, None if answer == int(answer) else 2))


def _next(now: Current) -> str:
    if now.last:
        return f"<p>{escape(_('The lesson ends here.'))}</p>"
    following: Step = now.lesson.steps[now.number]
    where = escape(_(current.station_title(following)))
    return f"<p><b>{escape(plain(following.title))}</b> ({where}, {escape(_minutes(following.minutes))})</p>"
