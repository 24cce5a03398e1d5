"""What a Python prompt answers, as it is printed.

The colours of `st.code` come from a highlighter of 1.5 MB that takes a browser most of a second to start: it is for
source code, which stands where somebody opens it.
"""

import re

import streamlit as st

from ui.words.tokens import escape

_QUESTION = re.compile(r"^(&gt;&gt;&gt;.*)$", re.MULTILINE)


def printed(answers: str) -> None:
    """Lines as they are, those that begin with `>>>` marked as typed by a person."""
    body = _QUESTION.sub(r"<b>\1</b>", escape(answers))
    st.html(f"<pre class='mg-printed' tabindex='0' translate='no'>{body}</pre>")
