"""How a training went, judged by its evaluations: the same number and the same verdict on every page."""

import math
from functools import lru_cache

from minigpt_core.interpret.diagnosis import WORSE_THAN_CHANCE
from minigpt_core.store.runs import LIVE, Run
from minigpt_core.training import MetricsEvent
from ui import resources
from ui.words.i18n import _, number

LARGEST_SHOWN = 1e9
LEARNT_SOMETHING = 0.95  # times ln V: below it, a model does better than pure chance


def last_evaluation(run: Run, step: int | None = None) -> MetricsEvent | None:
    """The newest evaluation of a run, or the newest one until `step`. Its losses are what the pages show."""
    if step is not None:
        until = [one for one in resources.store().evaluations(run.id) if one.step <= step]
        return until[-1] if until else None
    found = resources.store().evaluations(run.id, 2)
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


def ending(run: Run) -> tuple[float | None, bool]:
    """The newest loss on unseen text, and whether the run is `spoiled`; for lists of many runs."""
    return _ending(run) if run.status in LIVE else _ended(run.id, run.step, run.status)


@lru_cache(maxsize=4096)
def _ended(run_id: str, step: int, status: str) -> tuple[float | None, bool]:
    """Kept by what it depends on: a hundred runs need not be looked at again for every click."""
    return _ending(resources.store().run(run_id))


def _ending(run: Run) -> tuple[float | None, bool]:
    last = last_evaluation(run)
    return last.val_loss if last else None, spoiled(run)


def loss_number(loss: float | None) -> str:
    """A loss with two decimals, and without any where they would drown in its size."""
    if loss is not None and loss > LARGEST_SHOWN:
        return _("over {n}").format(n=number(LARGEST_SHOWN, 0))
    return number(loss, 2 if loss is None or loss < 1000 else 0)
