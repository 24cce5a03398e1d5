"""What this is, and the one button to press next."""

import streamlit as st

from minigpt_core.store.runs import Run
from ui.home.next_step import BEGIN, WRITE, NextStep
from ui.inside.inspected_model import run_to_inspect
from ui.journey import PAGES, lets_write
from ui.runs.start_button import start_button
from ui.training import transport
from ui.words.i18n import _


def head(step: NextStep, run: Run | None) -> None:
    """What this is, and the one button to press."""
    words, button = st.columns([7, 3], vertical_alignment="center", gap="medium")
    with words:
        st.title(_("Watch a mini-GPT learn to write"))
        st.markdown(
            _("It reads a text and guesses **each next character**: at random first, then better and better.")
        )
    with button.container(horizontal_alignment="center", gap="xxsmall"):
        pressed = (start_button if step is BEGIN else st.button)(
            _(step.words), icon=step.icon, type="primary", key="home_begin", width="stretch",
            on_click=transport.begin_from_elsewhere if step is BEGIN else None,
        )  # fmt: skip
        if pressed and step is not BEGIN:
            st.switch_page(
                PAGES[step.page].script, query_params=lets_write(run.id) if run and step is WRITE else None
            )
        st.caption(_("Don’t worry, you can’t break it."), text_alignment="center")
        if step is BEGIN:
            _offer_prepared()
        st.page_link(
            PAGES["lessons"].script, label=_("or be led, in lessons of five minutes"), icon=":material/route:",
            width="content",
        )  # fmt: skip


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
