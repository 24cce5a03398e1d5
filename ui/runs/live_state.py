"""What is told of a run while it trains: by its worker, or read from the store."""

from typing import Any

from minigpt_core.store import live_state as composed
from minigpt_core.store.runs import Run
from ui import resources


def live_state(run: Run) -> dict[str, Any]:
    """Everything about a run that changes while it trains (see `store/live_state.py`), as the store has it."""
    jobs = resources.jobs()
    position, stopping = jobs.position(run.id), jobs.is_stopping(run.id)
    return composed.live_state(resources.store(), run.id, position, stopping)


def by_worker(run_id: str) -> bytes | None:
    """The same, encoded by the worker that trains the run; None where none does, or does not say it."""
    return resources.jobs().live(run_id)
