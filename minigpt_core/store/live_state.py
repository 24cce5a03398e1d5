"""Everything about a run that changes while it trains: what the live chart draws and other pages tell of it.

Composed by the worker that trains it, and by the server where none does.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

from minigpt_core.store.curves import smoothed_losses
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts.signs import visible
from minigpt_core.training import MetricsEvent, SampleEvent

# At most: an answer stays below 15 KB.
RAW_POINTS, MEANS, EVALUATIONS, SAMPLES, CHANGES = 320, 160, 60, 11, 20
SAMPLE_CHARACTERS = 240
REPLAYED_POINTS, REPLAYED_MEANS = 640, 320


def live_state(
    store: RunStore, run_id: str, position: int | None = None, stopping: bool = False
) -> dict[str, Any]:
    """Everything about a run that changes while it trains. Losses in nats per character.

    Args:
        position: its place in the queue.
        stopping: Stop was asked for and has not happened yet.

    Raises:
        RunNotFound: there is none. StoreError: it cannot be read.
    """
    with store.together():
        return _live_state(store, store.run(run_id), position, stopping)


def replay(store: RunStore, run_id: str) -> dict[str, Any]:
    """All that `live_state` has told of a run on its way, at once: a page plays it again without asking anybody.

    `seconds` is what its steps took, 0 if nobody knows (a run that came with the program). The curve is thinned out as
    the live one is, for the whole run. Raises like `live_state`.
    """
    with store.together():
        run, curve = store.run(run_id), store.curve(run_id, points=REPLAYED_POINTS, means=REPLAYED_MEANS)
        evaluations = store.evaluations(run_id, EVALUATIONS)
        return {
            "status": run.status,
            "step": run.step,
            "steps": run.training.steps,
            "seconds": run.seconds,
            "raw": points(list(zip(curve.steps, curve.losses, strict=True))),
            "smooth": points(smoothed_losses(curve, run.training.steps)),
            "evaluations": [
                {
                    "step": e.step,
                    "train": short(e.train_loss, 4) if math.isfinite(e.train_loss) else None,
                    "val": None
                    if e.val_loss is None or not math.isfinite(e.val_loss)
                    else short(e.val_loss, 4),
                    "error": e.val_error,
                    "accuracy": e.val_accuracy,
                }
                for e in evaluations
            ],
            "changes": _changes(store, run_id),
            "samples": [
                {"step": s.step, "text": visible(s.text[:SAMPLE_CHARACTERS])}
                for s in store.samples(run_id, EVALUATIONS)
            ],
        }


def _changes(store: RunStore, run_id: str) -> list[dict[str, Any]]:
    return [{"step": c.step, "name": c.name, "value": c.value} for c in store.changes(run_id)[-CHANGES:]]


def encoded(state: dict[str, Any]) -> bytes:
    """Compact JSON in UTF-8. NaN would break the browser's parser, so it is a mistake here."""
    return json.dumps(state, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def _live_state(store: RunStore, run: Run, position: int | None, stopping: bool) -> dict[str, Any]:
    curve = store.curve(run.id, points=RAW_POINTS, means=MEANS)
    evaluations = store.evaluations(run.id, EVALUATIONS)
    train = [(e.step, e.train_loss) for e in evaluations if math.isfinite(e.train_loss)]
    val = [(e.step, e.val_loss) for e in evaluations if e.val_loss is not None]
    smooth = smoothed_losses(curve, run.training.steps)
    return {
        "status": run.status,
        "node": run.node,
        "step": run.step,
        "steps": run.training.steps,
        "rate": run.steps_per_second if run.status == "running" else None,
        "seconds_left": seconds_left(run),
        "queue_position": position if run.status == "queued" else None,
        "stopping": run.status in ("running", "paused") and stopping,
        "loss": smooth[-1][1] if smooth else None,
        **last_validation(evaluations),
        "raw": points(list(zip(curve.steps, curve.losses, strict=True))),
        "smooth": points(smooth),
        "train": points(train),
        "val": points(val),
        "changes": _changes(store, run.id),
        "samples": [
            {"step": s.step, "text": visible(s.text[:SAMPLE_CHARACTERS])}
            for s in milestones(store.samples(run.id, SAMPLES))
        ],
    }


def seconds_left(run: Run) -> float | None:
    """At the present speed; None if the run is not moving."""
    if run.status != "running" or not run.steps_per_second:
        return None
    return (run.training.steps - run.step) / run.steps_per_second


def last_validation(evaluations: Sequence[MetricsEvent]) -> dict[str, Any]:
    """What the newest evaluation measured on text that is not learned from; the share of characters guessed right."""
    last = evaluations[-1] if evaluations else None
    return {
        "val_loss": last.val_loss if last else None,
        "val_error": last.val_error if last else None,
        "accuracy": last.val_accuracy if last else None,
        "evaluated": last.step if last else None,
    }


def milestones(samples: Sequence[SampleEvent]) -> list[SampleEvent]:
    """The first sample, two from early on (most is learned then), and the newest."""
    last = len(samples) - 1
    return [samples[i] for i in sorted({0, round(last * 0.1), round(last * 0.4), last})] if samples else []


def points(pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Pairs as plotly wants them, in few digits."""
    return {"x": [short(x, 1) for x, _y in pairs], "y": [short(y, 4) for _x, y in pairs]}


def short(value: float, digits: int) -> float | int:
    """The rounded number, without a decimal point where none is needed."""
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded
