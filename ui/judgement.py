"""How a training went, judged by its evaluations: the same number and the same verdict on every page."""

import math

from minigpt_core.diagnosis import WORSE_THAN_CHANCE
from minigpt_core.runs import Run
from minigpt_core.training import MetricsEvent
from ui import resources
from ui.i18n import _, number

LARGEST_SHOWN = 1e9


def last_evaluation(run: Run, step: int | None = None) -> MetricsEvent | None:
    """The newest evaluation of a run, or the newest one until `step`. Its losses are what the pages show."""
    if step is None:
        found = resources.store().evaluations(run.id, 2)
    else:
        found = [
            evaluation for evaluation in resources.store().evaluations(run.id) if evaluation.step <= step
        ]
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


def loss_number(loss: float | None) -> str:
    """A loss with two decimals, and without any where they would drown in its size."""
    if loss is not None and loss > LARGEST_SHOWN:
        return _("over {n}").format(n=number(LARGEST_SHOWN, 0))
    return number(loss, 2 if loss is None or loss < 1000 else 0)
