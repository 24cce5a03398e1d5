"""What stands on the wall: composed once a second for all who look at it, and only of what may be seen there."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from minigpt_core.errors import StoreError, UserError
from minigpt_core.store.classes import Pupil
from minigpt_core.store.curves import smoothed_losses
from minigpt_core.store.live_state import points
from minigpt_core.store.runs import LIVE, Run
from ui import people, resources
from ui.classroom import approvals
from ui.classroom.approvals import Wall
from ui.lessons import class_guesses
from ui.runs.health import ending, is_difference
from ui.training import prediction
from ui.words import i18n
from ui.words.languages import LANGUAGES

POINTS = 60  # of a curve
SAMPLES, BEST = 3, 3
BINS, BIN = 9, 0.1  # of the histogram of guesses, and how wide each is, in nats per character


def told() -> dict[str, Any]:
    """Curves of everybody, what simple methods reach, and the samples that were allowed."""
    wall, newest = approvals.allowed(), resources.store().newest_of_each()
    shown = [
        (pupil, run) for pupil, _seen in people.roll().everybody() if (run := newest.get(pupil.workspace))
    ]
    if wall.alone is not None:
        shown = [(pupil, run) for pupil, run in shown if pupil.number == wall.alone]
    text = Counter((run.text_id, run.lower) for _pupil, run in shown).most_common(1)
    common = text[0][0] if text else None
    curves = [about(pupil, run, wall, (run.text_id, run.lower) != common) for pupil, run in shown]
    samples = [
        sample(pupil, wall) for pupil, _seen in people.roll().everybody() if str(pupil.number) in wall.samples
    ]
    if wall.alone is not None:
        samples = [one for one in samples if one["number"] == wall.alone]
    return {
        "alone": wall.alone is not None,
        "curves": curves,
        "best": best(curves),
        "references": references(shown, common),
        "doubt": doubt(shown, common),
        "samples": chosen(samples),
        "asked": class_guesses.on_wall(),
        "guesses": misses([pupil.workspace for pupil, _seen in people.roll().everybody()]),
    }


def best(curves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lowest losses on the common text, each with its `rank`: whom another seed could turn round share one."""
    measured = sorted(
        (c for c in curves if c["loss"] is not None and not c["other"]), key=lambda c: c["loss"]
    )

    def rank(loss: float) -> int:
        return 1 + sum(one["loss"] < loss and is_difference(loss - one["loss"]) for one in measured)

    return [{**one, "rank": rank(one["loss"])} for one in measured[:BEST]]


def about(pupil: Pupil, run: Run, wall: Wall, other: bool) -> dict[str, Any]:
    """A pupil's curve. `other`: it learns from another text than most, so its losses mean something else."""
    return {
        "number": pupil.number,
        "name": approvals.name_on_wall(pupil, wall),
        "loss": ending(run).val_loss,
        "live": run.status in LIVE,
        "other": other,
        **curve(run.id, run.step, run.training.steps),
    }


@lru_cache(maxsize=256)
def curve(run_id: str, step: int, steps: int) -> dict[str, Any]:
    """The smoothed losses of a run until a step."""
    return points(smoothed_losses(resources.store().curve(run_id, points=4, means=POINTS), steps))


def run_on(text: tuple[str, bool] | None, shown: list[tuple[Pupil, Run]]) -> Run | None:
    """One of the runs on a text, in small letters or not."""
    return next((run for _pupil, run in shown if (run.text_id, run.lower) == text), None)


def references(shown: list[tuple[Pupil, Run]], common: tuple[str, bool] | None) -> dict[str, float]:
    """What is reached on the text that most learn from, without any training: nats per character."""
    run = run_on(common, shown)
    if run is None:
        return {}
    try:
        known = resources.baselines(run.text_id, run.lower, run.training.val_fraction)
    except UserError:  # the text is gone
        return {}
    return {"uniform": known.uniform, "unigram": known.unigram_train, "bigram": known.bigram_train}


def doubt(shown: list[tuple[Pupil, Run]], common: tuple[str, bool] | None) -> dict[str, str]:
    """Why losses on that text mean little, if they do, by the locale of who reads it."""
    run = run_on(common, shown)
    if run is None:
        return {}
    try:
        found = resources.validation_warning(run.text_id, run.lower, run.training.val_fraction)
    except UserError:  # the text is gone
        return {}
    said: dict[str, str] = {}
    for code, reader in LANGUAGES.items():
        with i18n.using(code):
            said |= {reader.locale: i18n.translate(found)} if found else {}
    return said


def sample(pupil: Pupil, wall: Wall) -> dict[str, Any]:
    """What a pupil's model wrote, as it was allowed."""
    kept = wall.samples[str(pupil.number)]
    shown = {name: kept[name] for name in ("step", "loss", "text")}
    return {"number": pupil.number, "name": approvals.name_on_wall(pupil, wall), **shown}


def misses(workspaces: Sequence[str]) -> list[int]:
    """How far guesses lay from results: how many in each of `BINS` steps of `BIN` nats, the right ones in the middle
    and those that were too low before them. Who guessed what is nobody's business."""
    counts = [0] * BINS
    for workspace in workspaces:
        for guess in prediction.book(workspace).guesses:
            if guess.run_id and (result := _result(guess.run_id)) is not None:
                place = round((guess.loss - result) / BIN) + BINS // 2
                counts[min(max(place, 0), BINS - 1)] += 1
    return counts


def _result(run_id: str) -> float | None:
    try:
        found = prediction.outcome(resources.run(run_id))
    except StoreError:  # it was removed
        return None
    return found.loss if found else None


def chosen(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The best, then the ones that have come farthest."""
    measured = [one for one in samples if one["loss"] is not None]
    best = min(measured, key=lambda one: one["loss"], default=None)
    others = sorted((one for one in samples if one is not best), key=lambda one: -one["step"])
    return [{**one, "best": one is best} for one in [*([best] if best else []), *others][:SAMPLES]]
