"""The text whose next character the Time machine asks for."""

import streamlit as st

from ui import resources, state
from ui.inside.input_text import unknown_note
from ui.inside.inspected_model import InspectedModel
from ui.limited_text import limited_text
from ui.words.i18n import _
from ui.words.tokens import escape_markdown

CONTEXT = "timeline.context"


def context_field(inspected: InspectedModel) -> str:
    """The text whose next character is asked for; of the model's own text to begin with."""
    chosen, usual = state.after(), beginning(resources.store().text(inspected.run.text_id).text)
    state.set_page_state(CONTEXT, usual if chosen is None else chosen)
    typed = limited_text(
        st.text_input, _("What comes after …"), state.LONGEST_AFTER, key=state.page_key(CONTEXT),
        on_change=_take_context, args=(usual,),
        help=_("The bars show how likely each next character is after this text."),
    )  # fmt: skip
    text, unknown = inspected.split_unknown(typed)
    if unknown:
        st.caption(escape_markdown(unknown_note(unknown)))
    return text


def _take_context(usual: str) -> None:
    typed = state.page_state(CONTEXT, usual)
    state.choose_after(None if typed == usual else typed)


def beginning(text: str) -> str:
    """The first two words of a text, without what comes after them."""
    return " ".join(text[:80].split("\n", 1)[0].split(" ")[:2]) or text[:1]
