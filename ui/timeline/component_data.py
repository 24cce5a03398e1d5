"""What the Time machine's component is sent of each checkpoint of a run.

S stands for the number of checkpoints, N for the characters in a picture.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigpt_core.interpret.checkpoint_history import Snapshot, evaluated_loss, milestones
from minigpt_core.store.runs import Run
from ui import resources
from ui.components.binary import base64_of
from ui.runs.health import loss_number
from ui.timeline import cache
from ui.words import tokens
from ui.words.i18n import _, number

MOST_PAIRS = 26  # characters on each side of a table that can still be read
CURVE_POINTS = 60
SHORT = 90  # characters of a sample in one line
LONG = 320


def sent(run: Run, known: Sequence[Snapshot], ids: tuple[int, ...]) -> dict[str, Any]:
    """Everything that the component draws, once for all moments."""
    steps = tuple(moment.step for moment in known)
    return {
        "steps": steps,
        "total": run.training.steps,
        "moments": [figures(moment) for moment in known],
        "curve": curve(run, known),
        "chance": math.log(run.model.vocab_size),
        "bars": bars(run, steps, ids),
        "picture": pairs(run, steps) if run.model.is_tinygpt else rows(run, steps),
        "milestones": milestone_lines(known),
    }


def figures(moment: Snapshot) -> dict[str, Any]:
    """A moment's losses in words, and its sample."""
    loss = moment.loss
    words = _("loss {loss}").format(loss=loss_number(loss)) if loss is not None else ""
    return {
        "step": moment.step,
        "evaluated": moment.evaluation.step if moment.evaluation else moment.step,
        "loss": loss,
        "figure": loss_number(loss),
        "words": words,
        "sample": readable(moment.sample, LONG),
    }


def curve(run: Run, known: Sequence[Snapshot]) -> list[list[float]]:
    """Evaluations as [step, loss]: evenly spread ones, and those of all moments."""
    spread = resources.store().evaluations(run.id, CURVE_POINTS)
    found = [*spread, *(moment.evaluation for moment in known if moment.evaluation)]
    losses = {event.step: evaluated_loss(event) for event in found}
    return [[step, round(loss, 4)] for step, loss in sorted(losses.items()) if math.isfinite(loss)]


def bars(run: Run, steps: tuple[int, ...], ids: tuple[int, ...]) -> dict[str, Any]:
    """How likely the next characters are at every moment; those that are likely at some moment, the last first."""
    following = cache.next_characters_at(run.id, steps, ids)
    faces = [tokens.face(run.characters[i]) for i in following.ids]
    return {"faces": faces, "shares": [[float(f"{p:.3g}") for p in row] for row in following.shares.tolist()]}


def pairs(run: Run, steps: tuple[int, ...]) -> dict[str, Any]:
    """P(next | current) at every moment, and as counted, for the most frequent characters. Square roots, 0 to 255."""
    counted = resources.counted_pairs(run.id)
    ids = counted.most_frequent(MOST_PAIRS)
    learned = [resources.learned_pairs(run.id, step, MOST_PAIRS) for step in steps]
    tables = np.stack([table for table, _distance in learned])  # (S, N, N)
    characters = [run.characters[i] for i in ids]
    return {
        "kind": "pairs",
        "faces": [tokens.face(character) for character in characters],
        "names": [tokens.name(character) for character in characters],
        "learned": shades(tables),
        "counted": shades(counted.shares(ids)),
        "distances": [number(distance, 2) for _table, distance in learned],
    }


def shades(table: NDArray[np.float64]) -> str:
    """Probabilities as bytes in base64: the square root, so that small ones can be told apart."""
    return base64_of((np.sqrt(np.clip(np.nan_to_num(table), 0, 1)) * 255).round(), "u1")


def rows(run: Run, steps: tuple[int, ...]) -> dict[str, Any]:
    """The map of the characters' rows at every moment."""
    history = resources.embedding_history(run.id, steps)
    characters = [run.characters[i] for i in history.character_ids]
    return {
        "kind": "map",
        "faces": [tokens.face(character) for character in characters],
        "kinds": [tokens.kind(character) for character in characters],
        "points": base64_of(history.characters.flat, "<f4"),
        "kept": history.characters.flat_explained,
    }


def milestone_lines(known: Sequence[Snapshot]) -> list[dict[str, Any]]:
    """Some moments of clearly different losses, from gibberish to the best: which moment, its loss as a number and in
    words, and a line of text."""
    shown = milestones([moment.loss if moment.sample else None for moment in known])
    return [
        {
            "at": at,
            "loss": known[at].loss,
            "words": loss_number(known[at].loss),
            "sample": readable(known[at].sample, SHORT).replace("\n", ""),
        }
        for at in shown
    ]


def readable(text: str, most: int) -> str:
    """The begin of a text, with signs for what cannot be seen; lines stay lines, and empty ones can be counted."""
    if text and not text.strip():
        return tokens.blank()
    return re.sub("\n+", lambda ends: tokens.face("\n") * len(ends[0]) + "\n", tokens.visible(text[:most]))
