"""The top of the page: the idea in a sentence, and the two numbers that matter."""

import streamlit as st
from torch import Tensor

from minigpt_core.data import check_length, split
from minigpt_core.errors import UserError
from minigpt_core.model import ModelConfig
from minigpt_core.training import TrainConfig
from ui import glossary
from ui.i18n import _, number, translate
from ui.tokens import escape, escape_markdown


def headline(n_characters: int, vocab_size: int) -> None:
    """The title with one sentence, and how many characters there are."""
    left, right = st.columns([8, 5], vertical_alignment="bottom")
    with left:
        st.title(_("Vocabulary"))
        sentence = escape(
            _("The model reads no letters, it reads numbers: each character has one, its {id}.")
        )
        st.html(f"<div>{sentence.format(id=glossary.term('id'))}</div>")
    with right:
        st.html(
            "<div class='mg-figures mg-right'>"
            + _figure(_("characters"), number(n_characters))
            + _figure(_("distinct characters"), number(vocab_size))
            + _figure(_("ids"), _("0 to {last}").format(last=number(vocab_size - 1)))
            + "</div>"
        )


def _figure(label: str, value: str) -> str:
    return f"<div><div class='mg-label'>{escape(label)}</div><div class='mg-n'>{escape(value)}</div></div>"


def too_short(ids: Tensor) -> None:
    """Say now, and not at the start of a training, that the text has no room for the usual block."""
    block_size = ModelConfig(vocab_size=2).block_size
    try:
        check_length(split(ids, TrainConfig().val_fraction)[0], block_size)
    except UserError as error:
        st.warning(escape_markdown(translate(error)), icon=":material/info:")
