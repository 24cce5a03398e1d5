"""What makes the validation figures of a run mean less, beside them."""

from contextlib import suppress

from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run
from ui import problems, resources


def doubt(run: Run) -> None:
    """Say it, if its validation part is short or known word for word; nothing if its text is gone."""
    with suppress(UserError):
        problems.doubt(resources.validation_warning(run.text_id, run.lower, run.training.val_fraction))
