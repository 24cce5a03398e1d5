"""From a link to an understanding: the lessons, and how far one has come in them; and sheets to be printed."""

import streamlit as st

from ui.lessons import class_link, lesson_list, sheets
from ui.words.i18n import _

st.title(_("Lessons"), anchor=False)
if sheet := sheets.chosen():
    sheets.show(sheet)
    st.stop()
st.markdown(
    _(
        "About five minutes each: you guess, you do something, and you see what came of it. A lesson stands beside its "
        "pages; leave it at any time and go on another day."
    )
)
lesson_list.section()
sheets.offer()
class_link.section()
