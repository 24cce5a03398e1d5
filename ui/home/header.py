"""What this is, and the one button to press next."""

import streamlit as st

from minigpt_core.store.runs import Run
from ui import state
from ui.home.next_step import BEGIN, WRITE, NextStep
from ui.inside import train_gpt
from ui.inside.inspected_model import run_to_inspect
from ui.journey import PAGES, lets_write
from ui.problems import spoken_errors
from ui.settings.table import in_labels
from ui.training import next_run, run_state, settings, transport
from ui.words.i18n import _, translate


def head(step: NextStep, run: Run | None) -> None:
    """What this is, and the one button to press."""
    train_gpt.go_to_training()
    words, button = st.columns([7, 3], vertical_alignment="center", gap="medium")
    with words:
        st.title(_("Watch a mini-GPT learn to write"))
        st.markdown(
            _("It reads a text and guesses **each next character**: at random first, then better and better.")
        )
    with button.container(horizontal_alignment="center", gap="xxsmall"):
        pressed = st.button(
            _(step.words), icon=step.icon, type="primary", key="home_begin", width="stretch",
            on_click=begin if step is BEGIN else None,
        )  # fmt: skip
        if pressed and step is not BEGIN:
            st.switch_page(
                PAGES[step.page].script, query_params=lets_write(run.id) if run and step is WRITE else None
            )
        st.caption(_("Don’t worry, you can’t break it."), text_alignment="center")
        if step is BEGIN:
            _offer_prepared()


def begin() -> None:
    """Train with the settings that the Training page would show, and go there."""
    with spoken_errors():
        settings.fill(run_state.current())
        if problem := next_run.plan().problem:
            state.notify(in_labels(translate(problem)))
        elif transport.start() is not None:
            state.set_page_state(train_gpt.STARTED, True)


def assistants() -> None:
    """How this is like the programs that people know, and how it is not."""
    st.caption(
        _(
            "The chat assistants that you may know guess the next piece of text in the same way, with far more numbers "
            "and from far more text; afterwards they were trained to answer people. This one only goes on with a text."
        )
    )


def _offer_prepared() -> None:
    """For who has trained nothing yet: a model that can write already."""
    run = run_to_inspect()
    if run is not None and run.prepared:
        st.page_link(
            PAGES["sampling"].script,
            label=_("or let a prepared model write"),
            icon=":material/edit_note:",
            query_params=lets_write(run.id),
            help=_("A GPT that was trained beforehand and comes with the program."),
            width="content",
        )
