"""Where one character comes from, column by column: a component that calculates in the browser, so that every control
moves it at once."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st
import torch

from ui import resources, state
from ui.sampling.asked import Asked
from ui.sampling.drawing import Beginning, Writer, begin
from ui.sampling.recipe import MAX_LENGTH
from ui.server.streams import cell, plain_scores
from ui.words import glossary, tokens
from ui.words.i18n import _, language, number

HERE = Path(__file__).parent
SETTINGS = {
    "temperature": (0.0, 2.0),
    "top_k": (0, 1000),
    "top_p": (0.05, 1.0),
}  # as the widgets beside the page


def show(asked: Asked) -> None:
    """The pipeline, its controls in the columns where they act."""
    recipe = asked.recipe
    writer = resources.writer(recipe)
    beginning = begin(writer, recipe.prompt)
    st.html(introduction(writer))
    component = resources.component("pipeline", HERE, "<div class='mg-pipe' role='group'></div>")
    component(
        data=data(asked, writer, beginning),
        key=state.SAMPLING_PIPELINE,
        height="content",
        on_settings_change=_take_settings,
    )


def introduction(writer: Writer) -> str:
    """What the model does before the first column."""
    if writer.looks_at == 1:
        seen = _("The model looks at the last character")
    elif writer.looks_at < writer.stretch:  # counted characters
        seen = _("The model looks at the last {n} characters").format(n=number(writer.looks_at))
    else:
        seen = _("The model looks at the text (at most {n} characters)").format(n=number(writer.looks_at))
    words = tokens.escape(
        _("{seen} and gives every character a {score}. The rest is arithmetic, and one random number.")
    )
    sentence = words.format(seen=tokens.escape(seen), score=glossary.term("logit", _("score")))
    return f"<div>{sentence}</div>"


def data(asked: Asked, writer: Writer, beginning: Beginning) -> dict[str, Any]:
    """Everything that the component needs: scores once, words, and one random number for each character to come."""
    recipe = asked.recipe
    query = recipe.to_query() | {"lang": language()}
    for name in ("prompt", "temperature", "top_k", "top_p", "seed"):  # the scores do not depend on them
        del query[name]
    seen = beginning.ids[-writer.block_size :]
    generator = torch.Generator().manual_seed(recipe.seed)
    itos = writer.tokenizer.itos
    return {
        "url": f"api/scores?{urlencode(query)}",
        "ids": seen.tolist(),
        "block_size": writer.block_size,
        "prompt": [cell(character) for character in beginning.prompt],
        "cells": [cell(itos[i]) for i in range(writer.tokenizer.vocab_size)],
        "logits": plain_scores(writer, seen),
        "us": torch.rand(MAX_LENGTH, generator=generator, dtype=torch.float64).tolist(),
        "settings": {name: getattr(recipe, name) for name in SETTINGS},
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


def _take_settings() -> None:
    """Keep what the component's controls say, where the whole page finds it: in the address."""
    told = st.session_state[state.SAMPLING_PIPELINE].settings
    if not isinstance(told, dict):  # it comes from a browser: anything is possible
        return
    for name, (low, high) in SETTINGS.items():
        value = told.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            state.set_drawing(**{name: type(low)(value)})
