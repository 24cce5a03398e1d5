"""Table and chart in one component: ticking a run draws its curve at once, and runs that go on are followed without
a rerun."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.compare import table
from ui.compare.run_names import names
from ui.components.mounting import component
from ui.components.spoken import curve_words
from ui.runs.wording import STATUS_COLOURS, STATUSES
from ui.style import REFERENCE
from ui.words.i18n import _, language, number, plotly_separators

HERE = Path(__file__).parent
HTML = "<div class='mg-compare'></div>"
POLL_MS = 700
CHART_HEIGHT = 262


def show(runs: Sequence[Run]) -> None:
    """The chart of the chosen runs, and the table of all."""
    chosen = table.chosen(runs)
    focused = table.focus(runs)
    mount = component("compare_board", HERE, HTML)
    mount(
        data={
            "script": "api/plotly.js",
            "api": "api/runs/",
            "every": POLL_MS,
            "height": CHART_HEIGHT,
            "locale": language(),
            "separators": plotly_separators(),
            "grey": REFERENCE,
            "most": table.MOST_CHOSEN,
            "rows": table.rows(runs),
            "names": names([run for run in runs if run.id in chosen]),
            "chosen": chosen,
            "focus": focused.id if focused else None,
            "revision": state.page_state(table.REVISION, 0),
            "references": references([run for run in runs if run.id in chosen]),
            "statuses": {status: _(word) for status, word in STATUSES.items()},
            "colours": STATUS_COLOURS,
            "labels": labels(),
        },
        key=state.COMPARE_BOARD,
        height="content",
        on_choice_change=_take,
        on_status_change=lambda: None,
    )


def _take() -> None:
    """What was ticked and clicked in the table. It comes from a browser: anything is possible."""
    choice = st.session_state[state.COMPARE_BOARD].choice
    if isinstance(choice, dict) and isinstance(choice.get("chosen"), list):
        wanted = [run_id for run_id in choice["chosen"] if isinstance(run_id, str)]
        focused = choice.get("focus")
        table.choose(wanted, focused if isinstance(focused, str) else None)


def references(shown: Sequence[Run]) -> dict[str, list[dict[str, Any]]]:
    """What needs no training, on the text that the shown runs share, for each of the chart's two views: counts
    measured on the part of the text that its curves are measured on. Nothing if they share none."""
    nothing: dict[str, list[dict[str, Any]]] = {"batches": [], "unseen": []}
    if not shown or len({(run.text_id, run.training.val_fraction) for run in shown}) > 1:
        return nothing
    first = shown[0]
    try:
        known = resources.baselines(first.text_id, first.lower, first.training.val_fraction)
    except UserError:  # the text is gone: the curves can still be seen
        return nothing
    chance = (known.uniform, _("pure chance {loss}"))
    learned = [
        chance,
        (known.one_character_minimum, _("one character at best, training text {loss}")),
        (known.trigram_train, _("counted triples, training text {loss}")),
    ]
    unseen = [
        chance,
        (known.bigram_val, _("counted pairs, on unseen text {loss}")),
        (known.trigram_val, _("counted triples, on unseen text {loss}")),
    ]
    return {"batches": _lines(learned), "unseen": _lines(unseen)}


def _lines(known: Sequence[tuple[float | None, str]]) -> list[dict[str, Any]]:
    return [
        {"value": loss, "label": label.format(loss=number(loss, 2))}
        for loss, label in known
        if loss is not None
    ]


def labels() -> dict[str, str]:
    """All words of the component, in the reader's language."""
    return {
        "run": _("run"),
        "status": _("status"),
        "text": _("text"),
        "model": _("model"),
        "differs": _("what differs from the run below"),
        "best": _("best"),
        "last": _("last"),
        "time": _("computing time"),
        "nothing": _("nothing"),
        "first": "–",
        "more": _("{n} more"),
        "show": _("Show {name} in the chart"),
        "sort": _("Sort by this"),
        "batches": _("loss of each batch"),
        "unseen": _("loss on unseen text"),
        "log_loss": _("logarithmic loss"),
        "log_steps": _("logarithmic steps"),
        "x": _("step"),
        "y_batches": _("loss (nats per character)"),
        "y_unseen": _("loss on unseen text (validation), nats per character"),
        "empty": _("Tick a run in the table: its curve appears here."),
        "chart": _("Chart of the loss over the steps of the chosen runs"),
        "curve": curve_words(),
        "png": _("Save the chart as a picture (PNG)"),
        "svg": _("Save the chart as a drawing that can be enlarged (SVG)"),
        "unreachable": _("The program cannot be reached; trying again."),
        "step": _("{status}, step {step}"),
    }
