"""The named values: results that a lesson can set beside a guess, measured where the lesson is done."""

import math
from collections.abc import Callable

from minigpt_core.data import prepare
from minigpt_core.lessons.checks import Evidence, loss_of, own_runs
from minigpt_core.ngrams import baselines
from minigpt_core.texts import corpus

VALUES: dict[str, Callable[..., float | None]] = {}
"""All values by their names; None as long as there is none."""


def _value(function: Callable[..., float | None]) -> Callable[..., float | None]:
    VALUES[function.__name__] = function
    return function


@_value
def run_loss(evidence: Evidence, model: str = "", text: str = "", steps: int = 0) -> float | None:
    """The last loss, on text it never saw, of the newest training of one's own with this model and text that has made
    so many steps."""
    found = (one for one in own_runs(evidence, model, text) if one.step >= steps)
    losses = (loss_of(evidence.runs, one) for one in found)
    return next((loss for loss in losses if loss is not None and math.isfinite(loss)), None)


@_value
def characters(evidence: Evidence, text: str) -> float | None:
    """How many distinct characters a bundled text has in small letters."""
    return float(len({*corpus.normalize(corpus.load(text).text)}))


@_value
def chance(evidence: Evidence, text: str) -> float | None:
    """What a blind guess costs on a bundled text in small letters: ln V."""
    return math.log(len({*corpus.normalize(corpus.load(text).text)}))


@_value
def counted_pairs(evidence: Evidence, text: str) -> float | None:
    """The loss of counted pairs on the part of a bundled text that they were not counted on."""
    return baselines(prepare(corpus.normalize(corpus.load(text).text))).bigram_val
