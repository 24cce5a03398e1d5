"""Where one character comes from, column by column: a component that calculates in the browser, so that every control
moves it at once."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from minigpt_core.generation.language_model import (
    EncodedPrompt,
    LanguageModel,
    encode_prompt,
    next_logits,
    random_numbers,
)
from minigpt_core.generation.request import MAX_LENGTH
from ui import facts, resources, state
from ui.components.mounting import component
from ui.sampling.generation_settings import CONTROLS, change
from ui.sampling.inputs import Inputs
from ui.words import glossary, tokens
from ui.words.i18n import _, language, number
from ui.words.tokens import cell

HERE = Path(__file__).parent
MOST_CHARACTERS = 0x110000  # of any vocabulary
SETTINGS = ("temperature", "top_k", "top_p")  # those that have a column


def show(inputs: Inputs) -> None:
    """The pipeline, its controls in the columns where they act."""
    lm = resources.language_model(inputs.request)
    st.html(introduction(lm))
    mount = component("pipeline", HERE, "<div class='mg-pipe' role='group'></div>")
    mount(
        data=data(inputs, lm, encode_prompt(lm, inputs.prompt)),
        key=state.SAMPLING_PIPELINE,
        height="content",
        on_settings_change=_take_settings,
        on_chosen_change=_note_choice,
    )


def introduction(lm: LanguageModel) -> str:
    """What the model does before the first column."""
    if lm.context_used == 1:
        seen = _("The model looks at the last character")
    elif lm.context_used < lm.loss_window:  # counted characters
        seen = _("The model looks at the last {n} characters").format(n=number(lm.context_used))
    else:
        seen = _("The model looks at the text (at most {n} characters)").format(n=number(lm.context_used))
    words = tokens.escape(
        _("{seen} and gives every character a {score}. The rest is arithmetic, and one random number.")
    )
    sentence = words.format(seen=tokens.escape(seen), score=glossary.term("logit", _("score")))
    return f"<div>{sentence}</div>"


def data(inputs: Inputs, lm: LanguageModel, prompt: EncodedPrompt) -> dict[str, Any]:
    """Everything that the component needs: scores once, words, and one random number for each character to come."""
    request = inputs.request
    query = request.to_query() | {"lang": language()}
    for name in ("prompt", "temperature", "top_k", "top_p", "seed"):  # the scores do not depend on them
        del query[name]
    seen = prompt.ids[-lm.block_size :]
    return {
        "url": f"api/scores?{urlencode(query)}",
        "ids": seen,
        "block_size": lm.block_size,
        "prompt": [cell(character) for character in prompt.text],
        "cells": [cell(character) for character in lm.tokenizer.characters],
        "logits": next_logits(lm, seen),
        "us": random_numbers(request.seed, MAX_LENGTH),
        "settings": {name: getattr(request, name) for name in SETTINGS},
        "locale": language(),
        "labels": labels(),
    }


def labels() -> dict[str, Any]:
    """All words of the component, in the reader's language."""
    return {
        "title": _("Where the next character comes from. Right arrow: draw one; left arrow: back one."),
        "heads": [
            _("1 · Scores (logits)"),
            _("2 · Divided by temperature"),
            _("3 · Still allowed?"),
            _("4 · Probability (softmax)"),
            _("5 · One random number"),
        ],
        "temperature": glossary.word("temperature").capitalize(),
        "top_k": "top-k",
        "top_p": "top-p",
        "speed": _("Characters per second"),
        "back": _("◀ Back"),
        "draw": _("Draw one"),
        "play": _("▶ Keep drawing"),
        "pause": _("❚❚ Pause"),
        "choose": _("Or click the character that you would choose."),
        "choose_this": _("Go on with “{character}”"),
        "others": _("{n} others"),
        "cut": _("{n} left out"),
        "not_k": _("✗ top-k"),
        "not_p": _("✗ top-p"),
        "likeliest": _("the likeliest"),
        "landed": _("The random number lands on “{character}” ({share})."),
        "no_draw": _("Temperature 0: no draw. “{character}” is the likeliest."),
        "full": _("The text has become long enough. Go back, or change the prompt."),
        "failed": _("The program cannot be reached. Try again in a moment."),
    }


def _note_choice() -> None:
    """A character was chosen by hand, not drawn."""
    told = st.session_state[state.SAMPLING_PIPELINE].chosen
    if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < MOST_CHARACTERS:
        facts.note("by_hand", character=told)


def _take_settings() -> None:
    """Keep what the component's controls say, where the whole page finds it: in the address."""
    told = st.session_state[state.SAMPLING_PIPELINE].settings
    if not isinstance(told, dict):  # it comes from a browser: anything is possible
        return
    for name in SETTINGS:
        value, (low, high, *_more) = told.get(name), CONTROLS[name]
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            change(**{name: type(low)(value)})
