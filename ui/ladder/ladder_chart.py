"""All rungs in one chart: a component that redraws in place, so that a chart that is followed does not flicker."""

import math
from collections.abc import Sequence
from pathlib import Path

from minigpt_core.ngrams import Baselines
from ui.components.live_chart import Reference
from ui.components.mounting import component
from ui.ladder import rung_sentences
from ui.ladder.plan import Ladder
from ui.style import REFERENCE
from ui.words.i18n import _, number, plotly_separators

HERE = Path(__file__).parent
HTML = "<div class='mg-ladder-chart'></div>"
LABEL_PX = 16  # height of a label at the end of a line
BELOW_PX = 26  # how far below the axis a label may stand
MARGIN_PX = {"top": 26, "bottom": 38}

# A colour for each rung, the neighbours far apart, also for colour-blind people; 3 to 1 at least against the paper.
ON_LIGHT = ("#0072B2", "#C2185B", "#56309A", "#1B1B1B", "#7B4A12", "#009E73", "#D55E00", "#8E7CC3", "#00695C")
ON_DARK = ("#56B4E9", "#D65DB1", "#9D86F5", "#F4F4F4", "#C05A2B", "#2BC49B", "#E8813A", "#C9C9FF", "#E6B93C")


def references(baselines: Baselines) -> list[Reference]:
    """What needs no training at all, on unseen text; in rung_sentences."""
    known = (
        (baselines.uniform, _("pure chance {loss}")),
        (baselines.bigram_val, _("counted pairs {loss}")),
        (baselines.trigram_val, _("counted triples {loss}")),
    )
    return [Reference(loss, label.format(loss=number(loss, 2))) for loss, label in known if loss is not None]


def draw(ladder: Ladder, lines: Sequence[Reference], height: int) -> None:
    """The validation loss of every rung over its steps."""
    curves = {
        step.number: [(e.step, e.val_loss) for e in step.evaluations if e.val_loss is not None]
        for step in ladder.steps
    }
    shown = [step for step in ladder.steps if curves[step.number]]
    losses = [loss for curve in curves.values() for _step, loss in curve]
    low, high = loss_range(losses, lines)
    inner = height - MARGIN_PX["top"] - MARGIN_PX["bottom"]
    ends = [line.value for line in lines] + [curves[step.number][-1][1] for step in shown]
    at = [(high - loss) / (high - low) * inner for loss in ends]
    shifts = [here - place for here, place in zip(at, spread(at, LABEL_PX, inner + BELOW_PX), strict=True)]
    mount = component("ladder_chart", HERE, HTML)
    mount(
        data={
            "script": "api/plotly.js",
            "height": height,
            "margin": MARGIN_PX,
            "separators": plotly_separators(),
            "palette": {"light": ON_LIGHT, "dark": ON_DARK},
            "grey": REFERENCE,
            "labels": {
                "x": _("step"),
                "y": _("loss on unseen text (validation), nats per character"),
                "empty": _("Each rung will draw its line here."),
                "chart": aloud(ladder),
            },
            "steps": ladder.steps[0].training.steps,
            "range": [low, high],
            "references": [
                {"value": line.value, "label": line.label, "shift": shift}
                for line, shift in zip(lines, shifts, strict=False)
            ],
            "lines": [
                {
                    "colour": step.number - 1,
                    "name": f"{step.number} {rung_sentences.title(step.rung)}",
                    "x": [at for at, _loss in curves[step.number]],
                    "y": [loss for _at, loss in curves[step.number]],
                    "shift": shift,
                    "live": step.live,
                }
                for step, shift in zip(shown, shifts[len(lines) :], strict=True)
            ],
        },
        key="ladder_chart",
        height="content",
    )


def aloud(ladder: Ladder) -> str:
    """What the chart shows, for those who hear the page."""
    ends = [f"{rung_sentences.title(step.rung)} {number(step.loss, 2)}" for step in ladder.done]
    title = _("Chart of the loss on unseen text over the training steps, one line a rung.")
    return " ".join([title, ", ".join(ends)])


def loss_range(losses: Sequence[float], lines: Sequence[Reference]) -> tuple[float, float]:
    """What the axis shows: all reference lines, all losses, and a little room; a diverging run leaves at the top."""
    top = max(line.value for line in lines)
    low = min([*losses, *(line.value for line in lines)])
    high = max(top, min(max(losses, default=top), 1.25 * top))
    span = high - low or 1.0  # one loss, of a text with one pair
    return low - 0.05 * span, high + 0.04 * span


def spread(wanted: Sequence[float], gap: float, height: float) -> list[float]:
    """Places for labels, in pixels from above: near where they are wanted, `gap` apart, and inside `height`."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    places = list(wanted)
    free_from = -math.inf
    for i in order:
        places[i] = free_from = max(wanted[i], free_from + gap)
    free_to = height + gap
    for i in reversed(order):
        places[i] = free_to = min(places[i], free_to - gap)
    return places
