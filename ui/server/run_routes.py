"""Read-only addresses that the live chart asks: a run's state as JSON, and plotly's own JavaScript.

Plain functions: they run in a pool of threads and never hold up the pages. Whoever has a run's unguessable id may
watch it.
"""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from minigpt_core.errors import RunNotFound, UserError
from minigpt_core.store.runs import Run
from ui import resources
from ui.components.pair_table import MOST_CHARACTERS, shares
from ui.runs.live_state import EVALUATIONS, live_state, points
from ui.words.i18n import translate

DETAILS = 300  # steps in the small charts

Json = dict[str, Any]


def run_state(request: Request) -> Response:
    """What the live chart draws. 404 for an unknown run, 304 if nothing has changed, 503 if the store fails."""
    return answer(request, live_state)


def run_details(request: Request) -> Response:
    """What the small charts draw, with the same answers."""
    return answer(request, details)


def run_pairs(request: Request) -> Response:
    """What the table of learned pairs draws, with the same answers."""
    return answer(request, learned_pairs)


def answer(request: Request, of: Callable[[Run], Json]) -> Response:
    """What `of` says about the run in the address."""
    try:
        body = encoded(of(resources.run(request.path_params["run_id"])))
    except RunNotFound:
        return Response(encoded({"error": "unknown run"}), 404, media_type="application/json")
    except UserError as error:
        return Response(encoded({"error": translate(error)}), 503, media_type="application/json")
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def plotly_js(request: Request) -> Response:
    """The bundle that the plotly package ships."""
    bundle = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return FileResponse(bundle, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


ROUTES = [
    Route("/api/plotly.js", plotly_js),
    Route("/api/runs/{run_id}", run_state),
    Route("/api/runs/{run_id}/details", run_details),
    Route("/api/runs/{run_id}/pairs", run_pairs),
]


def learned_pairs(run: Run) -> Json:
    """A TinyGPT's table after its newest checkpoint, and its distance from counting after each one."""
    steps = [info.step for info in resources.store().checkpoints(run.id)]
    if run.model.n_layer or not steps:
        return {"status": run.status, "step": None, "table": None, "distances": points([])}
    learned = [resources.learned_pairs(run.id, step, MOST_CHARACTERS) for step in steps]
    apart = [(step, distance) for step, (_table, distance) in zip(steps, learned, strict=True)]
    return {
        "status": run.status,
        "step": steps[-1],
        "table": shares(learned[-1][0]),
        "distances": points([pair for pair in apart if math.isfinite(pair[1])]),
    }


def details(run: Run) -> Json:
    """The curves that are no loss: gradient norm and learning rate by step, accuracy and losses by evaluation."""
    store = resources.store()
    steps = [s for s in store.steps(run.id, DETAILS) if math.isfinite(s.grad_norm)]
    evaluations = [e for e in store.evaluations(run.id, EVALUATIONS) if math.isfinite(e.train_loss)]
    return {
        "status": run.status,
        "steps": run.training.steps,
        "gradient": points([(s.step, s.grad_norm) for s in steps]),
        "rate": {"x": [s.step for s in steps], "y": [float(f"{s.learning_rate:.4g}") for s in steps]},
        "train": points([(e.step, e.train_loss) for e in evaluations]),
        "val": points([(e.step, e.val_loss) for e in evaluations if e.val_loss is not None]),
        "accuracy": points([(e.step, e.val_accuracy) for e in evaluations if e.val_accuracy is not None]),
    }


def encoded(state: Json) -> bytes:
    """Compact JSON in UTF-8. NaN would break the browser's parser, so it is a mistake here."""
    return json.dumps(state, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )
