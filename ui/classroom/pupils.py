"""What the teacher is told of each pupil: who is here, how far they have come, how their training goes."""

from functools import lru_cache
from typing import Any

from minigpt_core.errors import UserError
from minigpt_core.interpret.diagnosis import diagnose
from minigpt_core.store.classes import Pupil
from minigpt_core.store.facts import FactStore
from minigpt_core.store.runs import LIVE, Run
from ui import people, resources
from ui.people import Seen
from ui.runs.health import ending

SHOWN_FINDINGS = ("diverged", "at_chance", "stuck", "overfitting", "by_heart")


def told() -> dict[str, Any]:
    """Everybody, in the order in which they came. No workspace is in it: it would let its reader be the pupil."""
    newest, lessons = resources.store().newest_of_each(), FactStore().newest_lessons()
    return {
        "pupils": [
            about(pupil, seen, newest.get(pupil.workspace)) | {"lesson": lessons.get(pupil.workspace)}
            for pupil, seen in people.roll().everybody()
        ]
    }


def about(pupil: Pupil, seen: Seen | None, run: Run | None) -> dict[str, Any]:
    """One pupil, in words and numbers."""
    return {
        "number": pupil.number,
        "name": pupil.name,
        "page": seen.page if seen else "",
        "here": people.is_here(seen),
        "chose_text": pupil.chose_text,
        "trained": run is not None and run.step > 0,
        "sampled": pupil.sampled,
        "run": None if run is None else about_run(run),
    }


def about_run(run: Run) -> dict[str, Any]:
    """How the training of a pupil stands."""
    now = ending(run)
    return {
        "id": run.id,
        "status": run.status,
        "step": run.step,
        "steps": run.training.steps,
        "loss": now.val_loss,
        "rough": now.val_loss is not None and is_rough(run.text_id, run.lower, run.training.val_fraction),
        "colour": now.colour,
        "finding": finding(run),
        "place": resources.jobs().position(run.id) if run.status == "queued" else None,
    }


@lru_cache(maxsize=1024)
def is_rough(text_id: str, lower: bool, val_fraction: float) -> bool:
    """Whether losses on the unseen part of a text mean little."""
    try:
        return resources.validation_warning(text_id, lower, val_fraction) is not None
    except UserError:  # the text is gone
        return False


def finding(run: Run) -> str:
    """What a teacher wants to know at once: one of `SHOWN_FINDINGS`, or ""."""
    if run.status == "queued" or run.step == 0:
        return ""
    newest = run.step if run.status not in LIVE else run.training.evaluations_until(run.step)
    return _finding(run.id, run.status, newest)


@lru_cache(maxsize=1024)
def _finding(run_id: str, status: str, newest: int) -> str:
    """Kept until there is another evaluation."""
    try:
        run = resources.store().run(run_id)
        found = diagnose(
            resources.store().evaluations(run_id),
            status=status,
            training=run.in_force,
            baselines=resources.baselines(run.text_id, run.lower, run.training.val_fraction),
            sees_one_character=not run.model.n_layer,
        )
    except UserError:  # its text is gone
        return ""
    return found.kind if found.kind in SHOWN_FINDINGS else ""
