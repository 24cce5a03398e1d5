"""The three cells of the notebook, one line each, and the pages that show what they do."""

import streamlit as st

from ui.journey import PAGES
from ui.words.i18n import N_, _, number

CELLS = (
    (
        N_("**Read.** List the distinct characters, turn the text into numbers, cut it into batches."),
        ("vocabulary", "batches"),
    ),
    (
        N_(
            "**Learn.** Look at a batch, measure the surprise (the loss), adjust all parameters a little; 500 times."
        ),
        ("training",),
    ),
    (
        N_("**Write.** Ask what comes after the prompt, draw a character, append it, ask again."),
        ("sampling",),
    ),
)


def cells() -> None:
    """What the three cells of the notebook do, one line each."""
    st.header(_("The three cells of the notebook that this grew out of"))
    for n, (words, pages) in enumerate(CELLS, start=1):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"cell_{n}"):
            st.markdown(rf"{number(n)}\. {_(words)}", width="content")
            for page in pages:
                st.page_link(PAGES[page].script, label=_(PAGES[page].title), icon=":material/arrow_forward:")
