"""A run that waits: for how long, from measured speeds, and what to look at meanwhile."""

from minigpt_core.store.runs import Run
from ui import resources


def begins_in(run: Run) -> float | None:
    """About how many seconds until a run in the queue begins; None while nobody knows."""
    return resources.jobs().begins_in(run.id, seconds_left)


def seconds_left(run: Run) -> float | None:
    """How long a run will take from now on: at the speed that it has, else at the one measured for such runs."""
    run, training = resources.store().run(run.id), run.training
    left = training.steps - run.step
    if run.status == "running" and run.steps_per_second:
        return left / run.steps_per_second
    if (speed := resources.jobs().speed(run.model, training, patience=0.0)) is None:
        return None
    pace = run.in_force.pace
    each = max(speed["step"], 1 / pace if pace else 0.0)
    return left * each + left / run.in_force.evaluation_interval * speed["evaluation"]


def meanwhile(run: Run) -> Run | None:
    """A prepared run that can be looked at while this one waits: one with layers, on the same text if there is one."""
    ready = [one for one in resources.visible_runs(run.workspace) if one.prepared and one.model.n_layer]
    return next((one for one in ready if one.text_id == run.text_id), ready[0] if ready else None)
