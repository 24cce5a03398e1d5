"""The top of the page: the idea in a sentence, and the two numbers that matter."""

import streamlit as st

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import shortest_text
from ui.journey import STATIONS
from ui.words import glossary
from ui.words.i18n import _, n_, number
from ui.words.tokens import escape

BLOCK_SIZE = ModelConfig(vocab_size=2).block_size
VAL_FRACTION = TrainConfig().val_fraction


def headline(n_characters: int, vocab_size: int) -> None:
    """The title with one sentence, and how many characters there are."""
    left, right = st.columns([8, 5], vertical_alignment="bottom")
    with left:
        st.title(_("Vocabulary"))
        sentence = escape(
            _("The model reads no letters, it reads numbers: each character has one, its {id}.")
        )
        st.html(f"<div>{sentence.format(id=glossary.term('id'))}</div>")
    with right, st.container(key="vocabulary_figures"):
        st.html(
            "<div class='mg-figures mg-right'>"
            + _figure(_("characters"), number(n_characters))
            + _figure(_("distinct characters"), number(vocab_size))
            + _figure(_("ids"), _("0 to {last}").format(last=number(vocab_size - 1)))
            + "</div>"
        )


def _figure(label: str, value: str) -> str:
    return f"<div><div class='mg-label'>{escape(label)}</div><div class='mg-n'>{escape(value)}</div></div>"


def too_short(n_characters: int) -> None:
    """Say now, and not at the start of a training, that the text has no room for the usual block."""
    if n_characters >= shortest():
        return
    words = n_(
        "This text has {n} character. At least {needed} are needed, because the model reads {block_size} at a time "
        "and a part of the text is kept aside. Choose a longer text, or lower the block size (context length) there:",
        "This text has {n} characters. At least {needed} are needed, because the model reads {block_size} at a time "
        "and a part of the text is kept aside. Choose a longer text, or lower the block size (context length) there:",
        n_characters,
    )
    values = {"n": number(n_characters), "needed": number(shortest()), "block_size": number(BLOCK_SIZE)}
    with st.container(gap="xxsmall", key="vocabulary_too_short"):
        st.warning(words.format(**values), icon=":material/info:")
        with st.container(horizontal=True):
            for station in STATIONS:
                if station.name in ("batches", "training"):
                    st.page_link(station.script, label=_(station.title), icon=station.icon)


def shortest() -> int:
    """The length of the shortest text whose training part has room for one window of the usual size."""
    return shortest_text(BLOCK_SIZE, VAL_FRACTION)
