"""Small charts on demand: gradient norm, learning rate, perplexity, accuracy. They poll, like the live chart."""

from pathlib import Path
from typing import Any

import streamlit as st

from ui import style
from ui.components.mounting import component
from ui.components.spoken import curve_words
from ui.training.run_state import RunState
from ui.words.i18n import _, language, plotly_separators
from ui.words.tokens import escape

HERE = Path(__file__).parent
HTML = "<div class='mg-curves'></div>"
POLL_MS = 1000


def section(now: RunState) -> None:
    """Four charts of the shown run; a sentence before the first."""
    if now.run is None or now.run.step == 0:
        waiting = _("The curves begin with the first step of a training.")
        st.html(f"<p class='mg-note'>{escape(waiting)}</p>")
        return
    mount = component("curves", HERE, HTML)
    mount(
        data={
            "url": f"api/runs/{now.run.id}/details",
            "script": "api/plotly.js",
            "every": POLL_MS,
            "status": now.run.status,
            "locale": language(),
            "separators": plotly_separators(),
            "colours": {"train": style.TRAIN, "validation": style.VALIDATION},
            "labels": labels(),
        },
        key="training_curves",
        height="content",
    )


def labels() -> dict[str, Any]:
    """All words of the component, in the reader's language."""
    return {
        "gradient": [
            _("Length of the gradient (gradient norm)"),
            _("How hard the batch pulls on all weights together. Peaks are unusual batches."),
        ],
        "rate": [_("Learning rate"), _("How far a step goes: what was set, times the schedule’s share.")],
        "perplexity": [
            _("Perplexity"),
            _("Among how many equally likely characters it hesitates: e to the loss."),
        ],
        "accuracy": [
            _("Guessed right (top-1 accuracy)"),
            _("Share of unseen text’s characters that it finds likeliest, and that are right."),
        ],
        "train": _("text it learns from"),
        "val": _("text it never saw"),
        "step": _("step"),
        "smoothing": _("Smoothing"),
        "log_y": _("Logarithmic height"),
        "log_x": _("Logarithmic steps"),
        "raw": _("each step"),
        "smoothed": _("smoothed"),
        "chart": _("Chart: {title}. Newest value: {value}."),
        "curve": curve_words(),
    }
