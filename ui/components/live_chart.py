"""The training cockpit: counters, live loss chart and samples in one component that draws itself.

It polls `api/runs/<id>` (see `run_routes.py`) and never reruns the script, except once when the run's status changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigpt_core.ngrams import Baselines
from minigpt_core.store.runs import LIVE, Run
from ui import resources
from ui.components.mounting import component
from ui.components.spoken import curve_words
from ui.runs.health import LARGEST_SHOWN, over_largest, status_colour
from ui.runs.wording import STATUSES
from ui.style import PROBLEM, REFERENCE, TRAIN, VALIDATION
from ui.words.i18n import _, language, n_, number, plotly_separators
from ui.words.tokens import blank

HERE = Path(__file__).parent
HTML = "<div class='mg-live'></div>"
POLL_MS = 250


@dataclass(frozen=True)
class Reference:
    """A dotted line at a loss that a simple method reaches."""

    value: float
    """Nats per character."""

    label: str


def references(baselines: Baselines, vocab_size: int, looks_back: bool = False) -> list[Reference]:
    """What to compare a model with, in words; the most important lines first, as not every label may have room.

    Args:
        looks_back: it sees more than one character, so it can be compared with counts of triples, too.
    """
    floor = _("the lowest that seeing one character allows on the text it learns from: {loss}")
    lines = [
        Reference(baselines.uniform, _("pure chance: ln({n})\u00a0=\u00a0{loss}").format(
            n=number(vocab_size), loss=number(baselines.uniform, 2))),
        Reference(baselines.one_character_minimum, floor.format(loss=number(baselines.one_character_minimum, 2))),
    ]  # fmt: skip
    if looks_back and baselines.trigram_val is not None:
        label = _("counting triples, on text it never saw: {loss}")
        value = baselines.trigram_val
        lines.append(Reference(value, label.format(loss=number(value, 2))))
    frequencies = _("knowing only how frequent each character of the text it learns from is: {loss}")
    value = baselines.unigram_train
    return [*lines, Reference(value, frequencies.format(loss=number(value, 2)))]


def live_chart(
    run: Run | None,
    *,
    references: Sequence[Reference],
    steps: int,
    stopping: bool = False,
    height: int = 540,
    without_validation: bool = False,
    replayed: bool = False,
    key: str = "live_chart",
) -> str | None:
    """Draw the cockpit of a run, or an empty one before the first.

    Args:
        run: the run to follow.
        references: lines to compare the loss with, the most important ones first.
        steps: how long a run will be, for the empty chart.
        stopping: it was asked to stop, and has not yet.
        height: of everything, in pixels.
        without_validation: nothing is shown that was measured on text it never saw: a lesson asks for a guess.
        replayed: play it again from its first step, from what is stored.

    Returns:
        The new status if this script run was caused by its change, else None.
    """
    data = {
        "url": f"api/runs/{run.id}{'/replay' if replayed else ''}" if run else None,
        "replay": replayed,
        "script": "api/plotly.js",
        "every": POLL_MS,
        "status": run.status if run else None,
        "node": run.node if run else None,
        "stopping": stopping,
        "ended": status_colour(run) if run is not None and run.status not in LIVE else None,
        "step": run.step if run else 0,
        "steps": run.training.steps if run else steps,
        "references": [{"value": line.value, "label": line.label} for line in references],
        "height": height,
        "without_validation": without_validation,
        "locale": language(),
        "separators": plotly_separators(),
        "colours": {"train": TRAIN, "validation": VALIDATION, "reference": REFERENCE, "problem": PROBLEM},
        "largest": LARGEST_SHOWN,
        "labels": labels(run),
    }
    mount = component("live_chart", HERE, HTML)
    result = mount(data=data, key=key, height="content", on_status_change=lambda: None)
    return result.status


def no_sample(run: Run | None) -> str:
    """What stands where samples will."""
    if run is not None and run.training.sample_length == 0:
        return _("This run writes no samples: their length is 0.")
    return _(
        "Here the model writes a few lines while it learns: random characters at first, then more and more like "
        "the text."
    )


def change_words() -> dict[str, dict[str, dict[str, str]]]:
    """How a change on the way is put, on its sign and in full; a few values have words of their own."""
    pace = {
        "0": _("as fast as it goes"),
        "1": n_("{n} step/s", "{n} steps/s", 1).format(n="{value}"),
        "other": n_("{n} step/s", "{n} steps/s", 2).format(n="{value}"),
    }
    return {
        "learning_rate": {
            "short": {"other": _("rate {value}")},
            "long": {"other": _("learning rate {value}")},
        },
        "pace": {"short": pace, "long": pace},
        "eval_interval": {
            "short": {"other": _("measured every {value}")},
            "long": {"other": _("evaluated every {value} steps")},
        },
    }


def labels(run: Run | None) -> dict[str, Any]:
    """All words of the component, in the reader's language."""
    return {
        "step": _("step"),
        "loss": _("loss"),
        "accuracy": _("guessed right"),
        "val_loss": _("loss on unseen text"),
        "bits": _("{n} bits"),
        "over": over_largest(),
        "beyond": _("far beyond pure chance"),
        "blank": blank(),
        "rate": _("speed"),
        "left": _("time left"),
        "per_second": n_("{n} step/s", "{n} steps/s", 2),
        "last_batches": _("last batches"),
        "at_step": _("step {step}"),
        "changes": change_words(),
        "from_step": _("{change} from step {step} on"),
        "steps_axis": _("step"),
        "loss_axis": _("loss (nats per character)"),
        "log": _("log"),
        "log_help": _("Logarithmic axes"),
        "log_x": _("Logarithmic steps: the start of the training gets more room"),
        "log_y": _("Logarithmic loss: equal distances are equal ratios, so small gains can be seen"),
        "raw": _("each batch"),
        "smooth": _("smoothed"),
        "train": _("text it learns from (training)"),
        "val": _("text it never saw (validation)"),
        "now": _("What it writes now, at step {step}"),
        "last": _("What it wrote at step {step}"),
        "earlier": _("at step {step}"),
        "writes": _("What it writes"),
        "no_sample": no_sample(run),
        "no_curve": _(
            "Here the loss is drawn, step by step: how surprised the model is by the next character."
        ),
        "queued": _("Waiting for the machines that train.")
        if resources.jobs().out_of_reach
        else _("Waiting for its turn: number {n} in the queue."),
        "stopping": _("stopping …"),
        "gone": _("This run is no longer there."),
        "unreachable": _("The program cannot be reached; trying again. What was saved is not lost."),
        "spoken": _("Step {step} of {steps}, loss {loss}."),
        "accuracy_help": _(
            "At the newest evaluation, on text it never saw: how often the character it finds most likely is the "
            "right one (top-1 accuracy). Equally likely characters share the point."
        ),
        "loss_help": _(
            "Average surprise (−ln p) at the real next character, in nats; in bits per character: {bits}. It is "
            "smoothed over the newest batches, so it wavers a little; the dots in the chart are measured at "
            "evaluations. At the very start it may lie above pure chance: before it has learned anything, the model is "
            "confidently wrong."
        ),
        "val_help": _(
            "At the newest evaluation, on text it never saw (validation), in nats per character; ± its standard error "
            "over the windows that were read. As perplexity, e to the loss: it hesitates as among "
            "{perplexity} equally likely characters."
        ),
        "chart": _("Chart of the loss at each step"),
        "curve": curve_words(),
        "lines": _("Dotted lines to compare with: {lines}."),
        "hint": _("Double-click to zoom back out"),
        "status": {status: _(word) for status, word in STATUSES.items()},
        "replay": replay_words(),
        "units": {"second": "s", "minute": "min", "hour": "h"},
    }


def replay_words() -> dict[str, Any]:
    """The words of a run that is played again."""
    return {
        "sign": _("Replay"),
        "chart": _("Replay of a kept run"),
        "play": _("Play"),
        "pause": _("Pause"),
        "again": _("From the start"),
        "place": _("Step shown"),
        "speed": _("Speed of the replay"),
        "recorded": _("as fast as it was"),
        "times": _("{n} times as fast"),
        "all_seconds": _("all in {n} s"),
        "all_minutes": _("all in {n} min"),
        "left": _("left of the replay"),
    }
