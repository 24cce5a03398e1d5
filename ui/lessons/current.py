"""The lesson that is on in this tab: which step, what is done of it, and where its steps lead."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from minigpt_core.errors import StoreError, UserError
from minigpt_core.lessons import catalogue
from minigpt_core.lessons.catalogue import PATHWAYS
from minigpt_core.lessons.checks import CHECKS, Evidence, ask
from minigpt_core.lessons.conditions import Call, Condition, holds_in_any
from minigpt_core.lessons.lesson import Lesson, LessonError, Question, Step
from minigpt_core.lessons.values import VALUES
from minigpt_core.sameness import HOW_IT_IS_WATCHED
from minigpt_core.store.facts import Guess, Progress
from ui import facts, kept_choices, resources, set_up, state
from ui.journey import PAGES, STATIONS
from ui.lessons import class_guesses
from ui.problems import spoken_errors
from ui.runs.wording import run_title
from ui.settings.address import decode
from ui.training import settings
from ui.words.i18n import _, language, translate

ARRIVED, SINCE, FOLDED = "lessons.arrived", "lessons.since", "lessons.folded"
WAY, ENDED = "lessons.way", "lessons.ended"
THE_LIST = "list"  # a way, too: who has begun a lesson there finds the next one there
FOLDED_PROJECTED = "lessons.folded_projected"


@dataclass(frozen=True)
class Current:
    """A lesson at one of its steps."""

    lesson: Lesson
    number: int
    """Of the step, counted from 1."""

    progress: Progress

    @property
    def step(self) -> Step:
        """The one that is shown."""
        return self.lesson.steps[self.number - 1]

    @property
    def last(self) -> bool:
        """Whether no step comes after it."""
        return self.number == len(self.lesson.steps)

    @property
    def guess(self) -> Guess | None:
        """What was guessed at this step."""
        return self.progress.guesses.get(self.number)

    @property
    def done(self) -> bool:
        """Whether its condition was met, or reading was enough."""
        return self.step.condition is None or self.number in self.progress.done


def previewing() -> bool:
    """Whether files are looked at whenever they are saved, as with `make dev`: lessons are, too."""
    return bool(st.get_option("server.runOnSave"))


def current() -> Current | None:
    """What is on, if anything is. A lesson that nobody has is left, with a sentence."""
    name = state.lesson()
    if name is None:
        return None
    try:
        lesson = catalogue.find_lesson(name, language())
    except LessonError as error:
        if catalogue.lesson_files(name):
            return None  # the panel says what is wrong with it, until it is mended
        state.choose_lesson(None)
        state.notify(translate(error))
        return None
    progress = _progress(name)
    number = state.lesson_step() or progress.step
    return Current(lesson, min(max(number, 1), len(lesson.steps)), progress)


def _progress(name: str) -> Progress:
    try:
        return facts.store().progress(state.workspace()).get(name, Progress())
    except StoreError:  # something is wrong with the store: the sidebar says so
        return Progress()


def arrive(page: str) -> None:
    """Lead to the page of a step that was just begun, as it wants to be seen; may show another page at once.

    A link leads there from Home. On another page, whoever opens it or reloads it stays where they are.

    Args:
        page: the address of the page that would be drawn, "" for Home.
    """
    now = current()
    if now is None:
        state.set_page_state(ARRIVED, None)
        return
    here, before = (now.lesson.name, now.number), state.page_state(ARRIVED, None)
    if before == here:
        return
    state.set_page_state(ARRIVED, here)
    state.set_page_state(SINCE, time.monotonic())
    state.choose_lesson(now.lesson.name, now.number)
    with spoken_errors():
        facts.store().keep_step(state.workspace(), now.lesson.name, now.number)
        last = len(now.lesson.steps)
        if last in (now.number, now.progress.step) and now.lesson.steps[-1].condition is None:  # it was read
            facts.store().keep_done(state.workspace(), now.lesson.name, last)
    if before is None and page and page != "lessons":
        return
    lead_to(now.step, page)


def lead_to(step: Step, page: str) -> None:
    """Show the page of a step with the settings that it names."""
    address = dict(step.address)
    if found := decode(address.get("settings", "")):
        values = settings.of_preset(found[0]) | found[1]
        _stop_in_the_way(values, address.get("text"))
        settings.take_over(values)
        if step.page == "model":  # an earlier drawing would stand there still
            state.set_page_state(state.DRAWN_MODEL, settings.model_fields())
        if step.page == "training" and "run" not in address:
            _leave_prepared()
    elif shown := address.get("run"):
        _take_settings_of(shown)
    if prompt := address.pop("prompt", None):
        state.set_widget(state.PROMPT, prompt)  # its field keeps it in the address by itself
    if step.page == "ablation":  # an earlier step may have left parts switched off
        state.set_page_state(state.SWITCHED_OFF, ())
    if "text" in address:  # its numbers are those in small letters, whatever the switch was left at
        address.setdefault("letters", "lower")
    elsewhere = PAGES[step.page].path.strip("/") != page
    if elsewhere or address:
        st.switch_page(PAGES[step.page].script, query_params=address)


def _leave_prepared() -> None:
    """Where a training of one's own is set up, a prepared one that an earlier step has shown stands there no longer:
    its verdict is about another model."""
    with spoken_errors():
        run = state.current_run()
        if run is not None and run.prepared:
            state.follow_run(None)


def _take_settings_of(run_id: str) -> None:
    """The controls say how the run that a step shows was trained, not what an earlier step has set up."""
    with spoken_errors():
        settings.take_over(settings.of_run(resources.run(run_id)))


def _stop_in_the_way(values: settings.Values, text: str | None) -> None:
    """A run of another kind, or on another text, that is held would keep Start off, and its own settings in the
    controls; so would one that still trains for an earlier step."""
    with spoken_errors():
        run = state.current_run()
        if run is None or run.workspace != state.workspace():
            return
        trains = run.status == "running" and _begun_in_a_lesson(run.id)
        if run.status != "paused" and not trains:
            return
        same_text = text is None or resources.fingerprint(text, True) == run.text_id
        if same_text and settings.changed(settings.of_run(run), values).keys() <= HOW_IT_IS_WATCHED:
            return
        state.steer(run.id).stop(run.id)
        resources.jobs().wait(run.id)
        held = _(
            "“{name}” was paused and is stopped now: this step sets up another training. Resume goes on with it."
        )
        words = _("“{name}” is stopped now: this step sets up another training. Resume goes on with it.")
        state.notify((words if trains else held).format(name=run_title(run)))


def _begun_in_a_lesson(run_id: str) -> bool:
    known = facts.store()
    everywhere, outside = (
        {fact["run"] for fact in known.facts(state.workspace(), "trained", lesson)} for lesson in (None, "")
    )
    return run_id in everywhere - outside


def is_elsewhere(step: Step, page: str) -> bool:
    """Whether another page is shown than the one that a step is about."""
    return PAGES[step.page].path.strip("/") != page


@dataclass(frozen=True)
class Veils:
    """What would give a guess away: not to be seen until it is made."""

    now: tuple[str, ...] = ()
    """The one that is asked at this step."""

    later: tuple[str, ...] = ()
    """One of a later step alone."""

    asked: bool = False
    """Whether this step asks for a guess that is not made yet and has an answer."""


def veils() -> Veils:
    """What is veiled at the step that is on."""
    now = current()
    if now is None:
        return Veils()
    held = class_guesses.is_held(now.lesson.name, now.number)
    asked = now.step.question is not None and (held or not _settled(now, now.number))
    here = (*now.step.veil, *now.step.veil_here) if held or not _settled(now, now.number) else ()
    steps = enumerate(now.lesson.steps[now.number :], start=now.number + 1)
    later = {name: None for number, step in steps if not _settled(now, number) for name in step.veil}
    answered = now.step.question is not None and now.step.question.answer is not None
    return Veils(here, tuple(name for name in later if name not in here), asked and answered)


def _settled(now: Current, number: int) -> bool:
    return number in now.progress.guesses or number in now.progress.done


def veiled() -> tuple[str, ...]:
    """All that is veiled, by its name."""
    found = veils()
    return found.now + found.later


def guess_is_open(now: Current) -> bool:
    """Whether the step asks for a guess that has not been made yet, nor been settled otherwise."""
    return now.step.question is not None and not _settled(now, now.number)


# Going through it. For callbacks


def begin(name: str, step: int | None = None, way: str = THE_LIST) -> None:
    """Begin a lesson, or go on where it was left; the list of lessons leads to its page.

    Args:
        way: the pathway that it was begun on, if any.
    """
    state.choose_lesson(name, step)
    state.set_page_state(WAY, way)
    state.set_page_state(ENDED, None)
    state.set_page_state(ARRIVED, ("", 0))
    state.set_page_state(FOLDED, False)


def begin_again(name: str) -> None:
    """A lesson from its first step, with nothing guessed and nothing ticked; what was done on the pages stays done."""
    with spoken_errors():
        facts.store().forget(state.workspace(), name)
    begin(name, 1)


def move(now: Current, by: int) -> None:
    """To the next step, or back."""
    state.choose_lesson(now.lesson.name, now.number + by)


def again() -> None:
    """To the page of the step, as it was at its beginning."""
    state.set_page_state(ARRIVED, ("", 0))


def leave() -> None:
    """Leave the lesson. It can be taken up again where it was left."""
    state.choose_lesson(None)


def way() -> str:
    """The pathway on which the lesson was begun, or `THE_LIST`; "" for a link, which leads to this lesson alone. A
    reload finds it so, too."""
    return str(kept_choices.keep(WAY, "", kept_choices.one_of([THE_LIST, *(one.name for one in PATHWAYS)])))


def finish(now: Current) -> None:
    """Leave a lesson after its last step, and show the list, which says that it has ended and what comes next."""
    if set_up.hidden("lessons"):
        state.notify(_("“{title}” ends here.").format(title=now.lesson.title))
        return leave()
    state.set_page_state(ENDED, state.lesson())
    leave()
    state.go_to(PAGES["lessons"].script)


def folded() -> bool:
    """Whether only one line of it is shown; a reload finds it so, too. At the front of a room it is, until somebody
    unfolds it there."""
    if state.projected():
        return bool(state.page_state(FOLDED_PROJECTED, True))
    return bool(kept_choices.keep(FOLDED, False, kept_choices.one_of([False, True])))


def beside() -> bool:
    """Whether a lesson takes room beside the page: the page's pictures are smaller then."""
    return state.lesson() is not None and not state.projected() and not folded()


def fold() -> None:
    """Show one line of it, or all again."""
    was = folded()
    state.set_page_state(FOLDED_PROJECTED if state.projected() else FOLDED, not was)


def keep_guess(now: Current, guess: Guess) -> None:
    """A guess was made."""
    with spoken_errors():
        facts.store().keep_guess(state.workspace(), now.lesson.name, now.number, guess)


# What is done


def evidence(now: Current) -> Evidence:
    """Where the checks of the step look."""
    return Evidence(
        resources.store(), facts.store(), state.workspace(), now.progress.guesses, now.lesson.name
    )


def holding(now: Current) -> Callable[[Call], bool]:
    """Whether a check of the step holds now; what cannot be read counts as not done."""
    seen = evidence(now)
    return lambda call: _holds(call, seen)


def conditions(now: Current) -> list[Condition]:
    """What the step asks for, in the reader's language and then in the others: who has changed the language in the
    middle of it goes on with the text and the model that stand on the page."""
    asked = (step.condition for step in (now.step, *_elsewhere_spoken(now)))
    return [condition for condition in asked if condition is not None]


def _elsewhere_spoken(now: Current) -> list[Step]:
    """The same step in the other languages of its lesson."""
    return [other.steps[now.number - 1] for other in catalogue.in_other_languages(now.lesson)]


def look(now: Current) -> bool:
    """Whether the step is done by now; it is kept if so."""
    if now.done:
        return True
    if not holds_in_any(conditions(now), holding(now)):
        return False
    with spoken_errors():
        facts.store().keep_done(state.workspace(), now.lesson.name, now.number)
    return True


def answer_of(now: Current) -> object:
    """What is right, where a question has an answer: a number, an order, or None. What was measured with the text of
    another language counts where there is nothing else."""
    asked = (step.question for step in (now.step, *_elsewhere_spoken(now)))
    found = (_answer(now, question) for question in asked if question is not None)
    return next((answer for answer in found if answer is not None), None)


def _answer(now: Current, question: Question) -> object:
    if not isinstance(question.answer, Call):
        return question.answer
    try:
        found: object = ask(VALUES, question.answer, evidence(now))
    except UserError:
        return None
    return found


def _holds(call: Call, seen: Evidence) -> bool:
    try:
        return bool(ask(CHECKS, call, seen))
    except UserError:
        return False


def station_title(step: Step) -> str:
    """What the page of a step is called; English, to be translated where it is shown."""
    return next(station.title for station in STATIONS if station.name == step.page)
