"""Which puzzle: a generated text whose lines are questions with one right answer."""

import streamlit as st

from ui import kept_choices, resources, state
from ui.runs.wording import text_title
from ui.words.i18n import N_, _
from ui.words.tokens import escape_markdown

TASK, SHOWN_HEAD, TEXT_BEFORE = "puzzle.task", "puzzle.shown", "puzzle.text_before"
TASKS = {"reversed-words": N_("Reverse a word"), "balanced-brackets": N_("Close the brackets")}
INTRODUCTIONS = {
    "reversed-words": N_(
        "To write a word backwards, one must look at its letters again. Whoever sees only the last character cannot."
    ),
    "balanced-brackets": N_(
        "To close brackets, one must look for the one that is still open. Whoever sees only the last character cannot."
    ),
}


def introduction(task: str) -> str:
    """Why this puzzle needs attention."""
    return _(INTRODUCTIONS[task])


def choose_task() -> str:
    """Which generated text: its id."""
    state.keep_choices("puzzle", [TASK, SHOWN_HEAD])
    kept_choices.keep(TASK, "reversed-words", kept_choices.one_of(TASKS))
    task = st.segmented_control(
        _("Puzzle"),
        list(TASKS),
        format_func=lambda task: _(TASKS[task]),
        required=True,
        key=state.page_key(TASK),
        persist_state="session",
        label_visibility="collapsed",
    )
    return task or "reversed-words"


def offer_the_way_back() -> None:
    """A button to the text that was chosen before a GPT was trained from here."""
    before: resources.ChosenText | None = state.page_state(TEXT_BEFORE, None)
    if before is None or state.text_id() == before.id:
        return
    st.button(
        _("Back to the text chosen before: “{title}”").format(title=quoted_title(before)),
        icon=":material/undo:",
        key="puzzle_back",
        on_click=_choose_again,
        args=(before,),
    )


def quoted_title(text: resources.ChosenText) -> str:
    """What a text is called, in Markdown."""
    return escape_markdown(text_title(text.title))


def _choose_again(before: resources.ChosenText) -> None:
    state.choose_text(before.id)
    state.choose_letters(before.lower)
