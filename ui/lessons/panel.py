"""The panel of the lesson that is on, beside what it talks about: a column at the right where there is room for
one, else a strip at the foot of the page, a third of the screen at most.

It has room of its own and covers nothing; it can be folded to one line.
"""

import json
import time
from contextlib import suppress
from pathlib import Path

import streamlit as st

from minigpt_core.errors import StoreError
from minigpt_core.lessons import catalogue
from minigpt_core.lessons.checks import since, so_far
from minigpt_core.lessons.lesson import VALIDATION, LessonError, Step
from minigpt_core.store.facts import Details
from minigpt_core.weights import fingerprint
from ui import facts, resources, set_up, state
from ui.components.to_top import to_top
from ui.journey import PAGES
from ui.lessons import class_guesses, current, deeds, notes, question, trained_print
from ui.lessons.current import SINCE, Current
from ui.lessons.markup import paragraphs, plain
from ui.words.i18n import _, language, n_, number, translate
from ui.words.tokens import escape, escape_markdown

LOOK_SECONDS = 2.0
PREVIEW_SECONDS = 1.0
EXPLAINED = '[class*="_try "], [class$="_try"], [class*="st-key-guide_"]'
HINT_SECONDS = 45.0  # after so long on a step that is not done


def veil() -> None:
    """Hide what would give away the guess that is asked, before the page draws it."""
    found = current.veils()
    rules = _veil(found.now, _("Hidden until you guess it."))
    rules += _veil(found.later, _("Hidden until a later step."))
    if found.asked:  # "Three things to try" and "How to read this" say what is to be seen
        rules += f"<style>{EXPLAINED} {{display: none}}</style>"
    if rules:
        st.html(rules)


def show(page: str) -> None:
    """The strip, if a lesson is on.

    Args:
        page: the address of the page above it, "" for Home.
    """
    now = current.current()
    if now is None:
        if name := state.lesson():
            _mistake(name)
        return
    if page == PAGES["lessons"].path.strip("/"):
        return
    current.way()  # into the address
    done = current.look(now)
    with st.bottom, st.container(key="lesson_panel", gap="xxsmall"):
        to_top("page", f"{now.lesson.name}.{now.number}")
        folded = current.folded()
        if state.projected():
            st.html(Path(__file__).with_name("projected.css"))
        _head(now, done, folded=folded)
        if folded:
            return
        st.html(Path(__file__).with_name("unfolded.css"))
        with st.container(key="lesson_body"):
            words, work = st.columns([6, 5], gap="medium")
            with words:
                st.html(f"<div class='mg-lesson'>{paragraphs(now.step.words)}</div>")
            with work:
                _work(now, page, done)
        if now.lesson.own and current.previewing():
            _follow(now.lesson.name)


def _mistake(name: str) -> None:
    """What is wrong with the lesson that somebody is writing. Once it is mended, it goes on."""
    with st.bottom, st.container(key="lesson_panel", gap="xxsmall"):
        try:
            catalogue.find_lesson(name, language())
        except LessonError as error:
            st.warning(escape_markdown(translate(error)), icon=":material/edit:")
        st.button(
            _("Leave"), icon=":material/close:", key="lesson_leave", on_click=current.leave, type="tertiary"
        )
        if current.previewing():
            _follow(name)


def _follow(name: str) -> None:
    """Draw the page again when the lesson's file has been saved."""
    before = catalogue.saved(name)

    def look() -> None:
        if catalogue.saved(name) != before:
            st.rerun()

    st.fragment(look, run_every=PREVIEW_SECONDS)()


def _head(now: Current, done: bool, *, folded: bool) -> None:
    """Which lesson, which step, and the ways on, back and out."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="lesson_head"):
        st.html(_title(now, done), width="stretch")
        if now.step.say and not folded and state.may_teach() and not state.projected():
            with st.popover(
                _("For the teacher"), icon=":material/school:", type="tertiary", key="lesson_say"
            ):
                st.html(f"<div class='mg-lesson'>{paragraphs(now.step.say)}</div>")
                notes.link()
        if state.projected() and state.may_teach():  # they are for another screen than this one
            notes.link()
        st.button(
            _("Back"), icon=":material/arrow_back:", key="lesson_back", on_click=current.move, args=(now, -1),
            disabled=now.number == 1, type="tertiary",
        )  # fmt: skip
        if now.last:
            st.button(
                _("End of the lesson"), icon=":material/flag:", key="lesson_next", on_click=current.finish,
                args=(now,), type="primary" if done else "tertiary",
            )  # fmt: skip
        else:
            st.button(
                _("Next step") if done else _("Skip"), icon=":material/arrow_forward:", key="lesson_next",
                on_click=current.move, args=(now, 1), type="primary" if done else "tertiary",
            )  # fmt: skip
        st.button(
            _("Unfold") if folded else _("Fold"), key="lesson_fold", on_click=current.fold, type="tertiary",
            icon=":material/expand_less:" if folded else ":material/expand_more:",
        )  # fmt: skip
        st.button(
            _("Leave"), icon=":material/close:", key="lesson_leave", on_click=current.leave, type="tertiary",
            help=_("It stays where it is: take it up again under “Lessons”."),
        )  # fmt: skip


def _veil(names: tuple[str, ...], said: str) -> str:
    """The rule that hides what would give the guess away, and says so in its place. The names were checked."""
    keys = [name for name in names if name != VALIDATION]
    if not keys:
        return ""
    words = json.dumps(said, ensure_ascii=False).replace("<", "")
    veils = ", ".join(f".st-key-{key}" for key in keys)
    children, before = (", ".join(f".st-key-{key}{part}" for key in keys) for part in (" > *", "::before"))
    inside = ", ".join(f".st-key-{key} *" for key in keys)  # labels say of themselves that they are visible
    return (
        f"<style>{children}, {inside} {{visibility: hidden !important}} "
        f"{before} {{content: {words}; position: absolute; inset: 0; "
        f"display: grid; place-content: center; text-align: center; "
        f"border: 2px dashed var(--mg-border); border-radius: 10px; padding: 0 8px; font-size: 0.9em; "
        f"line-height: 1.15}} "
        f"{veils} {{position: relative}}</style>"
    )


def _title(now: Current, done: bool) -> str:
    """The lesson and the step, and a dot for each step: full where it is done, with a ring where one is."""
    total = len(now.lesson.steps)
    dots = "".join(
        f"<i class='{'mg-full' if _is_done(now, n) else ''} {'mg-here' if n == now.number else ''}'></i>"
        for n in range(1, total + 1)
    )
    place = _("step {n} of {all}").format(n=number(now.number), all=number(total))
    tick = f" <b class='mg-tick' title='{escape(_('done'))}'>✓</b>" if done and now.step.condition else ""
    return (
        f"<div class='mg-lesson-title'>"
        f"<span class='mg-label mg-plain'>{escape(now.lesson.title)} · {escape(place)}</span> "
        f"<span class='mg-steps' aria-hidden='true'>{dots}</span> <b>{escape(plain(now.step.title))}{tick}</b></div>"
    )


def _is_done(now: Current, number_: int) -> bool:
    return number_ in now.progress.done


def _work(now: Current, page: str, done: bool) -> None:
    """The guess, what is to be done, and what came of it."""
    if current.is_elsewhere(now.step, page) and set_up.hidden(now.step.page):
        words = _(
            "Its page “{page}” is not part of what was set up here; “Show everything” stands in the side bar."
        )
        st.caption(words.format(page=_(current.station_title(now.step))))
    elif current.is_elsewhere(now.step, page):
        st.button(
            _("Go to “{page}”").format(page=_(current.station_title(now.step))), icon=":material/arrow_forward:",
            key="lesson_page", on_click=current.again, type="secondary",
        )  # fmt: skip
    revealed = done and (now.step.question is None or now.guess is not None or now.step.condition is not None)
    if now.step.question and not revealed:
        question.field(now)
    if now.step.show == "fingerprint":
        told = not current.guess_is_open(now)
        trained_print.show(told=told) if now.step.page == "training" else _fingerprint(told=told)
    if not done:
        st.fragment(_wait, run_every=LOOK_SECONDS)(now)
    elif now.step.condition is not None:
        st.html(f"<div class='mg-todo mg-tick'>✓ {escape(_('Done.'))}</div>")
    if now.step.question and state.is_teacher():
        class_guesses.controls(now.lesson.name, now.number, now.step.question, current.answer_of(now))
    if now.step.question and now.guess is not None and class_guesses.is_held(now.lesson.name, now.number):
        st.fragment(class_guesses.wait, run_every=LOOK_SECONDS)(now.lesson.name, now.number)
        return
    if now.step.question and not state.is_teacher() and class_guesses.is_shown(now.lesson.name, now.number):
        _of_the_class(now)
    if revealed and (now.step.reveal or now.step.question):
        st.html(
            f"<div class='mg-lesson mg-reveal'>{question.compared(now)}{paragraphs(now.step.reveal)}</div>"
        )


def _of_the_class(now: Current) -> None:
    """What all have guessed, once the teacher shows it."""
    assert now.step.question is not None
    with suppress(StoreError):
        guesses = class_guesses.collected(now.lesson.name, now.number)
        found = class_guesses.bars(now.step.question, guesses, current.answer_of(now))
        st.html(
            f"<div class='mg-label'>{escape(_('What the class has guessed'))}</div>{class_guesses.picture(found)}"
        )


def _wait(now: Current) -> None:
    """What is still to be done. Once it is, the whole page is told."""
    if current.look(now):
        st.rerun()
    found = deeds.deeds(now)
    if len(found) > 1:
        st.html(deeds.picture(found))
    else:
        words = _("Not done yet: the tick will appear here by itself.")
        st.html(f"<div class='mg-todo'>○ {escape(words)}</div>")
    if now.step.hint and hint_is_due(state.page_state(SINCE, time.monotonic()), time.monotonic()):
        st.html(f"<div class='mg-lesson mg-hint'>{paragraphs(now.step.hint)}</div>{ring(now.step)}")


def hint_is_due(since: float, moment: float) -> bool:
    """Whether somebody has been at a step for long enough to want a hint; times in unix seconds."""
    return moment - since >= HINT_SECONDS


def ring(step: Step) -> str:
    """The rule that draws a ring around what the hint points at. The name was checked when the lesson was read."""
    if not step.point:
        return ""
    look = "outline:3px solid var(--mg-accent);outline-offset:3px;border-radius:8px"
    return f"<style>.st-key-{step.point}{{{look}}}</style>"


def _fingerprint(*, told: bool) -> None:
    """A fingerprint of the numbers of the model that wrote last, as they were at first and as they are now.

    Args:
        told: whether it may be said already that they are the same.
    """
    written = [fact for fact in facts.store().facts(state.workspace(), "sampled") if fact["run"]]
    if not written:
        return
    run, step = str(written[-1]["run"]), int(written[-1]["step"])
    now = fingerprint(resources.model(run, step))
    known = [fact for fact in facts.store().facts(state.workspace(), "fingerprint") if _same(fact, run, step)]
    taken = {"run": run, "step": step, "print": now, **so_far(written, run, step)}
    if now not in [fact["print"] for fact in known]:
        facts.note("fingerprint", **taken)
    begun = known[0] if known else taken
    first, texts = str(begun["print"]), since(begun, written, "texts")
    if not told:
        said = n_(
            "Fingerprint of its numbers at first: **{first}**; since then it has written {n} text. It is taken again "
            "once you have guessed.",
            "Fingerprint of its numbers at first: **{first}**; since then it has written {n} texts. It is taken again "
            "once you have guessed.",
            texts,
        )
        st.markdown(said.format(first=first, n=number(texts)))
        return
    said = n_(
        "Fingerprint of its numbers: **{first}** at first, **{now}** now; in between it has written {n} text.",
        "Fingerprint of its numbers: **{first}** at first, **{now}** now; in between it has written {n} texts.",
        texts,
    ).format(first=first, now=now, n=number(texts))
    sign = "=" if first == now else "≠"
    st.markdown(f"{escape_markdown(sign)} {said}")


def _same(fact: Details, run: str, step: int) -> bool:
    return fact["run"] == run and fact["step"] == step
