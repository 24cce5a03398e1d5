"""TinyGPT is a table: what it has learned beside what counting gives, as two heat maps on one scale.

The component asks `api/runs/<id>/pairs` while the training goes on (see `run_routes.py`), and draws itself.
"""

import base64
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigpt_core.store.runs import Run
from ui import resources
from ui.components.mounting import component
from ui.style import PROBABILITY_SCALE
from ui.words import tokens
from ui.words.i18n import _, language

HERE = Path(__file__).parent
HTML = "<div class='mg-learned'></div>"
POLL_MS = 700
MOST_CHARACTERS = 42  # more would be too small to point at


def shares(table: NDArray[np.float64]) -> str:
    """Shares from 0 to 1 as whole numbers of 16 bits, little-endian, row by row, in base64."""
    whole = (np.nan_to_num(table) * 65_535).round().astype("<u2")
    return base64.b64encode(whole.tobytes()).decode()


def pair_table(run: Run, *, key: str) -> None:
    """Draw both tables of a TinyGPT's run, live. Raises `UserError` if its text is gone."""
    counts = resources.counted_pairs(run.id)
    ids, times = counts.most_frequent(MOST_CHARACTERS), counts.row_totals().tolist()
    mount = component("pair_table", HERE, HTML)
    mount(
        data={
            "url": f"api/runs/{run.id}/pairs",
            "status": run.status,
            "every": POLL_MS,
            "locale": language(),
            "faces": [tokens.face(run.characters[i]) for i in ids],
            "counted": shares(counts.shares(ids)),
            "times": [times[i] for i in ids],
            "all": len(run.characters),
            "scale": [f"rgb({r} {g} {b})" for r, g, b in PROBABILITY_SCALE],
            "labels": labels(),
        },
        key=key,
        height="content",
    )


def labels() -> dict[str, Any]:
    """All words of the component, in the reader's language."""
    return {
        "learned": _("Learned, at step {step}"),
        "counted": _("Counted in the text it learns from"),
        "row": _("after this character,"),
        "column": _("how likely is this one?"),
        "pair": _("{next} after {current}: {share}"),
        "cell": _(
            "After “{current}”: “{next}” {learned} learned, {counted} counted ({times} times “{current}”)"
        ),
        "point": _("Point at a field: it says what follows what."),
        "scale": _("0 % … 100 % (the shade follows the root, so that rare pairs can be seen)"),
        "some": _("The {n} most frequent of {all} characters."),
        "distance": _("Distance from counting"),
        "now": _(
            "{n} nats per character: by so much this model’s loss on that text lies above the lowest that it can reach."
        ),
        "waiting": _("The learned table appears with the first evaluation."),
    }
