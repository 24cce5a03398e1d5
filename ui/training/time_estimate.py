"""How long the next run will take, while none of one's own is under way."""

from ui.runs import time_needed
from ui.training.next_run import Plan
from ui.training.run_state import RunState


def draw(now: RunState, planned: Plan) -> None:
    """The time of the planned run, if it can be made."""
    model, config = planned.model, planned.training
    if model is None or config is None or not now.mine or (now.live and now.here):
        return
    time_needed.show(model, config)
