"""What a model made of what was typed, in sentences: characters that it does not know, and those it reads instead."""

from collections.abc import Mapping, Sequence

import streamlit as st

from minigpt_core.generation.language_model import EncodedPrompt, LanguageModel
from ui.words.i18n import _, number
from ui.words.tokens import MARKS, escape_markdown, name

NAMED = 8  # unknown characters that a sentence names
PLACES = 4  # of each of them


def say_what_was_read(lm: LanguageModel, prompt: EncodedPrompt) -> None:
    """Where the prompt is not read as it was typed, say so."""
    if prompt.exchanged:
        st.caption(exchanged_words(prompt.exchanged))
    if prompt.unknown:
        st.markdown(f":orange[:material/warning:] {escape_markdown(unknown_words(prompt.unknown))}")
    if not prompt.text:
        st.caption(escape_markdown(start_words(lm.tokenizer.decode(prompt.ids))))


def unknown_words(unknown: Mapping[str, Sequence[int]]) -> str:
    """Which characters of a text were left out, and where they stood. They are a person's: escape the sentence."""
    listed = [
        _("“{character}” (no. {places})").format(character=name(character), places=places_words(places))
        for character, places in list(unknown.items())[:NAMED]
    ]
    listed += ["…"] if len(unknown) > NAMED else []
    words = _("Left out, because this model has never seen them: {characters}")
    return words.format(characters=", ".join(listed))


def exchanged_words(exchanged: Mapping[str, str]) -> str:
    """Which signs of a text were exchanged for those of the model's text: some of `LOOK_ALIKES`. In Markdown."""
    listed = [f"{sign(typed)} → {sign(instead)}" for typed, instead in exchanged.items()]
    return _("Written as in this model’s text: {exchanged}").format(exchanged=", ".join(listed))


def sign(characters: str) -> str:
    """What it is called, since apostrophes look alike, and the sign itself. In Markdown."""
    if characters.isspace():
        return name(characters)
    return f"{_(MARKS[characters])} `{characters}`" if characters in MARKS else f"`{characters}`"


def places_words(places: Sequence[int]) -> str:
    """Where something stands, counted from 1."""
    shown = ", ".join(number(place + 1) for place in places[:PLACES])
    return shown + (", …" if len(places) > PLACES else "")


def start_words(character: str) -> str:
    """What the text begins after when there is no prompt."""
    words = _("Without a prompt, the text begins after: {character}. A model has to see something.")
    return words.format(character=name(character))
