"""Read-only addresses that the live chart asks: a run's state as JSON, and plotly's own JavaScript.

Plain functions: they run in a pool of threads and never hold up the pages. Whoever has a run's unguessable id may
watch it.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from minigpt_core.errors import RunNotFound, UserError
from minigpt_core.store.curves import smoothed_losses
from minigpt_core.store.runs import Run
from minigpt_core.training import MetricsEvent, SampleEvent
from ui import resources
from ui.components.pair_table import MOST_CHARACTERS, shares
from ui.words.tokens import face

RAW_POINTS, MEANS, EVALUATIONS, SAMPLES, CHANGES = (
    320,
    160,
    60,
    11,
    20,
)  # at most; keeps an answer under 15 KB
DETAILS = 300  # steps in the small charts
SAMPLE_CHARACTERS = 240

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
        return Response(encoded({"error": str(error)}), 503, media_type="application/json")
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


def live_state(run: Run) -> Json:
    """Everything about a run that changes while it trains. Losses in nats per character."""
    store = resources.store()
    curve = store.curve(run.id, points=RAW_POINTS, means=MEANS)
    evaluations = store.evaluations(run.id, EVALUATIONS)
    train = [(e.step, e.train_loss) for e in evaluations if math.isfinite(e.train_loss)]
    val = [(e.step, e.val_loss) for e in evaluations if e.val_loss is not None]
    smooth = smoothed_losses(curve, run.training.steps)
    return {
        "status": run.status,
        "step": run.step,
        "steps": run.training.steps,
        "rate": run.steps_per_second if run.status == "running" else None,
        "seconds_left": seconds_left(run),
        "queue_position": resources.jobs().position(run.id) if run.status == "queued" else None,
        "stopping": run.status in ("running", "paused") and resources.jobs().is_stopping(run.id),
        "loss": smooth[-1][1] if smooth else None,
        "accuracy": last_accuracy(evaluations),
        "accuracy_step": evaluations[-1].step if evaluations else None,
        "raw": points(list(zip(curve.steps, curve.losses, strict=True))),
        "smooth": points(smooth),
        "train": points(train),
        "val": points(val),
        "changes": [
            {"step": c.step, "name": c.name, "value": c.value} for c in store.changes(run.id)[-CHANGES:]
        ],
        "samples": [
            {"step": s.step, "text": readable(s.text)} for s in milestones(store.samples(run.id, SAMPLES))
        ],
    }


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


def seconds_left(run: Run) -> float | None:
    """At the present speed; None if the run is not moving."""
    if run.status != "running" or not run.steps_per_second:
        return None
    return (run.training.steps - run.step) / run.steps_per_second


def last_accuracy(evaluations: Sequence[MetricsEvent]) -> float | None:
    """The share of next characters guessed right, at the newest evaluation."""
    return evaluations[-1].val_accuracy if evaluations else None


def milestones(samples: Sequence[SampleEvent]) -> list[SampleEvent]:
    """The first sample, two from early on (most is learnt then), and the newest."""
    last = len(samples) - 1
    return [samples[i] for i in sorted({0, round(last * 0.1), round(last * 0.4), last})] if samples else []


def readable(text: str) -> str:
    """A sample's beginning, with signs for what cannot be seen; lines stay lines."""
    return "".join(c if c in " \n" else face(c) for c in text[:SAMPLE_CHARACTERS])


def points(pairs: Sequence[tuple[float, float]]) -> Json:
    """Pairs as plotly wants them, in few digits."""
    return {"x": [short(x, 1) for x, _y in pairs], "y": [short(y, 4) for _x, y in pairs]}


def short(value: float, digits: int) -> float | int:
    """The rounded number, without a decimal point where none is needed."""
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded


def encoded(state: Json) -> bytes:
    """Compact JSON in UTF-8. NaN would break the browser's parser, so it is a mistake here."""
    return json.dumps(state, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )
