"""How a training went, judged by its evaluations: the same number and the same verdict on every page."""

import math
from functools import lru_cache
from typing import NamedTuple

from minigpt_core.interpret.diagnosis import VISIBLE, WORSE_THAN_CHANCE
from minigpt_core.interpret.learning_stage import untrained_loss
from minigpt_core.store.runs import LIVE, Run
from minigpt_core.training import MetricsEvent
from ui import resources
from ui.runs.wording import STATUS_COLOURS
from ui.style import PROBLEM, REFERENCE
from ui.words.i18n import _, number

LARGEST_SHOWN = 1e6  # nats per character: pure chance costs 3 to 9, so more digits tell nobody anything
LEARNT_SOMETHING = 0.95  # times ln V: below it, a model does better than pure chance
SAME = 0.05  # a smaller difference could as well come from another seed: four seeds of one rung lay up to 0.045 apart
ROUNDING = 1e-9


def last_evaluation(run: Run, step: int | None = None) -> MetricsEvent | None:
    """The newest evaluation of a run, or the newest one until `step`. Its losses are what the pages show."""
    if run.status in LIVE:
        return _last_evaluation(run.id, step)
    return _last_of_ended(run.id, step, *_until_it_goes_on(run))


def kept_its_settings(run: Run) -> bool:
    """Whether every step of a run was made with the settings it began with: only then are its losses theirs."""
    if run.status in LIVE:
        return resources.store().kept_its_settings(run)
    return _ended_kept_its_settings(run.id, *_until_it_goes_on(run))


def _until_it_goes_on(run: Run) -> tuple[object, ...]:
    """What changes when a run that has ended goes on: what is kept by it is true until then, and lists of runs are
    drawn anew for every click."""
    return run.step, run.status, run.created, run.finished


@lru_cache(maxsize=4096)
def _last_of_ended(run_id: str, step: int | None, *_as_it_ended: object) -> MetricsEvent | None:
    return _last_evaluation(run_id, step)


@lru_cache(maxsize=4096)
def _ended_kept_its_settings(run_id: str, *_as_it_ended: object) -> bool:
    store = resources.store()
    return store.kept_its_settings(store.run(run_id))


def _last_evaluation(run_id: str, step: int | None) -> MetricsEvent | None:
    if step is None:
        found = resources.store().evaluations(run_id, 2)
    else:
        found = [one for one in resources.store().evaluations(run_id) if one.step <= step]
    return found[-1] if found else None


def broken(train_loss: float, vocab_size: int) -> bool:
    """Whether a loss, in nats per character, is no number or clearly above ln(vocab_size), that of pure chance."""
    return not train_loss <= WORSE_THAN_CHANCE * math.log(vocab_size)


def spoiled(run: Run) -> bool:
    """Whether the training broke its model: it diverged, or ended worse than pure chance, whatever its status."""
    if run.status == "diverged":
        return True
    last = last_evaluation(run)
    return last is not None and last.step > 0 and broken(last.train_loss, run.model.vocab_size)


def sound(run: Run) -> bool:
    """Whether there is something to look at in its newest weights: they were not broken, and know more than chance."""
    last = last_evaluation(run)
    if spoiled(run) or last is None:
        return not spoiled(run)
    return last.train_loss < LEARNT_SOMETHING * math.log(run.model.vocab_size)


class Ending(NamedTuple):
    """How a run stands."""

    val_loss: float | None
    """The newest loss on unseen text."""

    step: int | None
    """At which it was measured."""

    spoiled: bool
    colour: str


def ending(run: Run) -> Ending:
    """How it stands; for lists of many runs."""
    return _ending(run) if run.status in LIVE else _ended(run.id, run.step, run.status)


@lru_cache(maxsize=4096)
def _ended(run_id: str, step: int, status: str) -> Ending:
    """Kept by what it depends on: a hundred runs need not be looked at again for every click."""
    return _ending(resources.store().run(run_id))


def _ending(run: Run) -> Ending:
    last = last_evaluation(run)
    val_loss, step = (last.val_loss, last.step) if last else (None, None)
    return Ending(val_loss, step, spoiled(run), status_colour(run))


def status_colour(run: Run) -> str:
    """Of its status. Green is for what has learned something, not for every run that made its steps."""
    if spoiled(run):
        return PROBLEM
    return REFERENCE if run.status == "done" and not sound(run) else STATUS_COLOURS[run.status]


def changed(first: float, last: float, error: float | None = None) -> int:
    """-1 if a loss fell, 1 if it rose, 0 if that cannot be told.

    It cannot within the two decimals that are shown, and within its standard error: evaluations read the same
    windows, so the change is surer than each loss, but other text of the same length may say otherwise.
    """
    return 0 if abs(last - first) < max(VISIBLE, error or 0) else 1 if last > first else -1


def is_difference(change: float) -> bool:
    """Whether the losses of two trainings lie further apart than another seed might put them, where nobody has measured
    what seeds do. Measured with the Ladder's settings on Le Chat Curieux."""
    return abs(change) > SAME - ROUNDING


def above_chance(run: Run) -> str:
    """Why the loss at step 0 lies above that of pure chance, in a sentence; "" where it does not."""
    first, chance = last_evaluation(run, 0), math.log(run.model.vocab_size)
    if first is None or not chance + VISIBLE < first.train_loss < math.inf:
        return ""
    values = {"loss": number(first.train_loss, 2), "chance": number(chance, 2)}
    expected = untrained_loss(run.model)
    if expected is None:
        return _(
            "At step 0 the loss is {loss}, more than pure chance ({chance}): random weights give every character "
            "another score, so the model is confidently wrong. That is normal."
        ).format(**values)
    return _(
        "At step 0 the loss is {loss}, more than pure chance ({chance}): random weights give every character another "
        "score, so the model is confidently wrong, which costs about {more} here. That is normal."
    ).format(**values, more=number(expected - chance, 2))


def over_largest() -> str:
    """What stands for a loss beyond all that can be meant."""
    return _("over {n}").format(n=number(LARGEST_SHOWN, 0))


def loss_number(loss: float | None) -> str:
    """A loss with two decimals, and without any where they would drown in its size."""
    if loss is not None and loss > LARGEST_SHOWN:
        return over_largest()
    return number(loss, 2 if loss is None or loss < 1000 else 0)
