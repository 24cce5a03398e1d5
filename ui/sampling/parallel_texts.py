"""Several texts side by side while they are being written: a component that reads one stream for all of them."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from minigpt_core.generation.language_model import encode_prompt
from minigpt_core.generation.request import GenerationRequest
from ui import resources
from ui.components.mounting import component
from ui.sampling.inputs import note_written
from ui.style import PROBABILITY_SCALE
from ui.words import tokens
from ui.words.i18n import _, language
from ui.words.tokens import cell

HERE = Path(__file__).parent
SHORT, SHORTER = 120, 72  # characters of each text in a comparison of many


@dataclass(frozen=True)
class Row:
    """One of the texts."""

    title: str
    request: GenerationRequest
    note: str = ""


def parallel_texts(
    key: str,
    rows: Sequence[Row],
    *,
    length: int,
    entropy: bool,
    compare: bool,
    side: str = "200px",
) -> None:
    """The texts as they are being written.

    Args:
        entropy: show how open the first choice was.
        compare: show where each text parts from the one above it.
        side: how wide the column with the titles is, in CSS.
    """
    models = [resources.language_model(row.request) for row in rows]
    for row in rows:
        note_written(row.request)
    query = {
        "recipes": json.dumps([row.request.to_query() for row in rows]),
        "length": str(length),
        "lang": language(),
    }
    lanes = [
        {
            "title": row.title,
            "note": row.note,
            "prompt": [cell(character) for character in encode_prompt(lm, row.request.prompt).text],
        }
        for row, lm in zip(rows, models, strict=True)
    ]
    data = {
        "url": f"api/lanes?{urlencode(query)}",
        "lanes": lanes,
        "length": length,
        "entropy": entropy,
        "compare": compare,
        "compact": length <= SHORT,
        "chance": math.log(max(models[0].tokenizer.vocab_size, 2)),
        "side": side,
        "scale": PROBABILITY_SCALE,
        "locale": language(),
        "labels": labels(),
    }
    mount = component("parallel_texts", HERE, "<div class='mg-lanes'></div>")
    mount(data=data, key=key, height="content")
    st.html(tokens.probability_legend())


def labels() -> dict[str, Any]:
    """All words of the component, in the reader's language."""
    return {
        "count": _("{n} of {all} characters"),
        "stop": _("■ Stop"),
        "again": _("↻ Write again"),
        "done": _("Finished: {n} characters."),
        "failed": _("The program cannot be reached. Try again in a moment."),
        "explain": _("Each character is coloured by the probability it was drawn with."),
        "open": _("{nats} nats: like {n} equal choices"),
        "parts": _("parts at character {n}"),
        "same": _("like the row above"),
    }
