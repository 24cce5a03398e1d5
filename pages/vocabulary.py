"""The text becomes numbers."""

from collections.abc import Callable

import streamlit as st

from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer
from ui import problems, resources, state
from ui.components.kept import kept_tabs
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.lessons import current as lessons
from ui.vocabulary import (
    headline,
    own_sentence,
    printed_tensor,
    small_letters,
    text_choice,
    text_window,
    vocabulary_table,
)
from ui.words.i18n import _

with st.sidebar:
    text_choice.chooser()

chosen = state.chosen_text()
words = resources.tokenizer(chosen.id, chosen.lower)
counts = resources.counts(chosen.id, chosen.lower)
encoded = resources.encoded_text(chosen.id, chosen.lower)

headline.headline(len(encoded.ids), words.vocab_size)
headline.too_short(len(encoded.ids))
problems.doubt(resources.validation_warning(chosen.id, chosen.lower))
text_window.window(chosen, words, counts, in_short=lessons.beside())


@st.fragment
def questions() -> None:
    """What one may ask of a vocabulary. Another question reruns nothing else."""
    tabs = kept_tabs(
        "vocabulary_questions",
        {
            "numbers": _("Which number does each character get?"),
            "tensor": _("What does the model receive?"),
            "own": _("Try it yourself"),
            "letters": _("What do small letters change?"),
        },
    )
    answers: list[Callable[[], None]] = [
        lambda: vocabulary_table.section(words, counts),
        lambda: printed_tensor.section(encoded, text_window.place(chosen)),
        lambda: own_sentence.section(words, counts, chosen.lower),
        lambda: small_letters.section(chosen.id),
    ]
    for tab, answer in zip(tabs, answers, strict=True):
        if tab.open:
            with tab:
                answer()


questions()
try_this("vocabulary")
show_code(
    "vocabulary",
    CharTokenizer.from_text,
    CharTokenizer.encode,
    CharTokenizer.decode,
    CharTokenizer.split_unknown,
    corpus.normalize,
)
