"""The accessibility statement, as it stands in `docs/`: each page's foot leads here."""

from pathlib import Path

import streamlit as st

from ui.words.i18n import _, language

DOCS = Path(__file__).parents[1] / "docs"

st.title(_("Accessibility"), anchor=False)
statement = DOCS / f"accessibility.{language()}.md"
if not statement.exists():  # a language without one of its own
    statement = DOCS / "accessibility.en.md"
with st.container(key="statement"):
    st.markdown(statement.read_text(encoding="utf-8"))
