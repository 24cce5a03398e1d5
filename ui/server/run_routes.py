"""Read-only addresses that the live chart asks: a run's state as JSON, and plotly's own JavaScript.

They are answered from the event loop, once for all who watch a run: see `live_answers.py`. Whoever has a run's
unguessable id may watch it.
"""

import math
from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from minigpt_core.store.live_state import EVALUATIONS, points
from minigpt_core.store.live_state import replay as whole_run
from minigpt_core.store.runs import Run
from ui import resources
from ui.components.pair_table import MOST_CHARACTERS, shares
from ui.runs.live_state import live_state
from ui.server.live_answers import Json, hand_on

DETAILS = 300  # steps in the small charts


async def run_state(request: Request) -> Response:
    """What the live chart draws. 404 for an unknown run, 304 if nothing has changed, 503 if the store fails."""
    return await hand_on(request, live_state)


async def run_details(request: Request) -> Response:
    """What the small charts draw, with the same answers."""
    return await hand_on(request, details)


async def run_pairs(request: Request) -> Response:
    """What the table of learned pairs draws, with the same answers."""
    return await hand_on(request, learned_pairs)


async def run_replay(request: Request) -> Response:
    """What the live chart plays again, with the same answers."""
    return await hand_on(request, replay)


def plotly_js(request: Request) -> Response:
    """The bundle that the plotly package ships."""
    bundle = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return FileResponse(bundle, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


ROUTES = [
    Route("/api/plotly.js", plotly_js),
    Route("/api/runs/{run_id}", run_state),
    Route("/api/runs/{run_id}/details", run_details),
    Route("/api/runs/{run_id}/pairs", run_pairs),
    Route("/api/runs/{run_id}/replay", run_replay),
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


def replay(run: Run) -> Json:
    """A whole run, to be played again."""
    return whole_run(resources.store(), run.id)


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
