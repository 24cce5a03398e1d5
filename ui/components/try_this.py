"""Three things to try on a page, with what to look for: `words/<language>/<page>_try.md`."""

import re

import streamlit as st

from ui import set_up, state
from ui.components.kept import kept_fold
from ui.words.i18n import _, page_text
from ui.words.tokens import escape_markdown

LABEL = re.compile(r"\[\[(.+?)\]\]")  # [[Draw again]]: what a button or a field is called, in English


def try_this(page_name: str) -> None:
    """A folded section. It is filled when somebody opens it, which reruns nothing else."""
    if not set_up.hidden("try") and not state.projected():
        st.fragment(_section)(page_name)


def _section(page_name: str) -> None:
    folded = kept_fold(_("Three things to try"), f"{page_name}_try", icon=":material/science:")
    if folded.open:
        with folded:
            st.markdown(things(page_name))


def things(page_name: str) -> str:
    """The Markdown, with the names of buttons and fields as they stand on the page."""
    return LABEL.sub(lambda found: f"**{escape_markdown(_(found[1]))}**", page_text(f"{page_name}_try"))
