"""What does the model receive? The whole text as one tensor, as PyTorch prints it."""

import streamlit as st

from minigpt_core.data import EncodedText
from ui.components.printed import printed
from ui.words import glossary
from ui.words.i18n import _, file_size, number
from ui.words.tokens import escape

STRETCH = 48  # ids printed in full: three lines


def section(text: EncodedText, start: int) -> None:
    """The tensor on the left; its type, shape and size on the right.

    Args:
        text: the whole one.
        start: where the window of tiles begins; the same stretch is printed in full.
    """
    left, right = st.columns([5, 2], gap="medium")
    with left:
        printed(answers(text, start))
        st.caption(
            _(
                "PyTorch shows only both ends of a long tensor. The second answer is where the tiles above begin."
            )
        )
    with right:
        st.html(_facts(text))
        st.markdown(
            _(
                "An id is a name, not a quantity: 12 is not “more” than 11. "
                "What each id stands for, the model has to learn from the text."
            )
        )


def answers(text: EncodedText, start: int) -> str:
    """What a Python prompt answers."""
    ids = text.ids
    end = min(start + STRETCH, len(ids))
    answered = {
        "ids = tokenizer.encode(text)\n>>> ids": repr(ids),
        f"ids[{start}:{end}]": repr(ids[start:end]),
        "ids.dtype, ids.shape, ids.nbytes": repr((ids.dtype, ids.shape, ids.nbytes)),
    }
    return "\n".join(f">>> {question}\n{answer}" for question, answer in answered.items())


def _facts(text: EncodedText) -> str:
    ids = text.ids
    bytes_each = ids.element_size()
    product = _("{n} characters × {bytes} bytes").format(n=number(len(ids)), bytes=bytes_each)
    facts = [
        (escape(_("Type")), str(ids.dtype), _("whole numbers of {bits} bits").format(bits=8 * bytes_each)),
        (glossary.term("shape"), str(tuple(ids.shape)), _("one row, one number a character")),
        (escape(_("Size")), file_size(ids.nbytes), product),
    ]
    cells = [
        f"<div><div class='mg-label'>{label}</div><div class='mg-n'>{escape(value)}</div>"
        f"<div class='mg-note'>{escape(means)}</div></div>"
        for label, value, means in facts
    ]
    return f"<div class='mg-figures'>{''.join(cells)}</div>"
