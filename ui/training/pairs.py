"""The whole of a TinyGPT as a picture: its table of pairs beside the counted one."""

import streamlit as st

from ui.components.pair_table import pair_table
from ui.training.run_state import RunState
from ui.words.i18n import _, number
from ui.words.tokens import escape


def section(now: RunState) -> None:
    """The two tables of the shown run; a sentence where there is none to show."""
    run = now.run
    if run is None:
        _note(
            _(
                "TinyGPT is nothing but a table: how likely each character is after each one. Train one to see it."
            )
        )
    elif run.model.n_layer:
        _note(
            _(
                "What this GPT expects depends on many characters, not on one: it cannot be written down as a table. "
                "Train a TinyGPT to see one, or look inside this model on the pages of the menu “Look inside”."
            )
        )
    else:
        pair_table(run, key="training_pairs")
        if run.training.eval_windows:
            _note(
                _(
                    "The distance is measured on the whole text it learns from. The losses of the evaluations come "
                    "from {n} windows of it, so the gap that the verdict names differs a little."
                ).format(n=number(run.training.eval_windows))
            )


def _note(text: str) -> None:
    st.html(f"<p class='mg-note'>{escape(text)}</p>")
