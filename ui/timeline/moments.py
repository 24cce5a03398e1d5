"""What the Time machine shows of each checkpoint of a run. S stands for the number of moments, V for the vocabulary,
N for the characters in a picture."""

import base64
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigpt_core.store.runs import Run
from minigpt_core.training import MetricsEvent, SampleEvent
from ui import resources
from ui.embeddings.maps import moments
from ui.runs.health import loss_number
from ui.words import tokens
from ui.words.i18n import _, number

MOST_PAIRS = 26  # characters on each side of a table that can still be read
MOST_BARS = 12
CURVE_POINTS = 60
MILESTONES = 7
SHORT = 90  # characters of a sample in one line
LONG = 320


@dataclass(frozen=True)
class Moment:
    """A checkpoint with what was measured and written nearest to it."""

    step: int
    evaluation: MetricsEvent | None
    sample: str


def of_run(run: Run) -> list[Moment]:
    """The checkpoints of a run, with the evaluation and the sample of that step or the newest before it."""
    store = resources.store()
    evaluations, samples = store.evaluations(run.id), store.samples(run.id)
    steps = moments([info.step for info in store.checkpoints(run.id)])
    return [Moment(step, newest(evaluations, step), written(samples, step)) for step in steps]


def newest(evaluations: Sequence[MetricsEvent], step: int) -> MetricsEvent | None:
    """The newest evaluation until a step."""
    return next((event for event in reversed(evaluations) if event.step <= step), None)


def written(samples: Sequence[SampleEvent], step: int) -> str:
    """The newest sample until a step."""
    return next((event.text for event in reversed(samples) if event.step <= step), "")


def sent(run: Run, known: Sequence[Moment], ids: tuple[int, ...]) -> dict[str, Any]:
    """Everything that the component draws, once for all moments."""
    steps = tuple(moment.step for moment in known)
    return {
        "steps": steps,
        "total": run.training.steps,
        "moments": [figures(moment) for moment in known],
        "curve": curve(run),
        "chance": math.log(run.model.vocab_size),
        "bars": bars(run, steps, ids),
        "picture": pairs(run, steps) if is_table(run) else rows(run, steps),
        "milestones": milestones(known),
    }


def is_table(run: Run) -> bool:
    """Whether the whole model is a table of pairs: TinyGPT."""
    return run.model.is_tinygpt


def figures(moment: Moment) -> dict[str, Any]:
    """A moment's losses in words, and its sample."""
    loss = loss_of(moment)
    words = _("loss {loss}").format(loss=loss_number(loss)) if loss is not None else ""
    return {"step": moment.step, "loss": loss, "words": words, "sample": readable(moment.sample, LONG)}


def loss_of(moment: Moment) -> float | None:
    """On text it never saw, else on the text it learns from."""
    evaluation = moment.evaluation
    if evaluation is None:
        return None
    found = evaluation.train_loss if evaluation.val_loss is None else evaluation.val_loss
    return found if math.isfinite(found) else None


def curve(run: Run) -> list[list[float]]:
    """The evaluations as [step, loss]."""
    found = resources.store().evaluations(run.id, CURVE_POINTS)
    pairs_ = [(e.step, e.train_loss if e.val_loss is None else e.val_loss) for e in found]
    return [[step, round(loss, 4)] for step, loss in pairs_ if math.isfinite(loss)]


def bars(run: Run, steps: tuple[int, ...], ids: tuple[int, ...]) -> dict[str, Any]:
    """How likely the next characters are at every moment; those that are likely at some moment, the last first."""
    shares = resources.next_over_time(run.id, steps, ids)  # (S, V)
    likely = (shares[-1] + 0.3 * shares.max(0).values).topk(min(MOST_BARS, shares.shape[1])).indices
    order = likely[shares[-1, likely].argsort(descending=True)]
    faces = [tokens.face(run.characters[i]) for i in order.tolist()]
    return {"faces": faces, "shares": [[round(p, 4) for p in row] for row in shares[:, order].tolist()]}


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
    values = (np.sqrt(np.clip(np.nan_to_num(table), 0, 1)) * 255).round().astype(np.uint8)
    return base64.b64encode(values.tobytes()).decode()


def rows(run: Run, steps: tuple[int, ...]) -> dict[str, Any]:
    """The map of the characters' rows at every moment."""
    found, maps, _places = resources.embeddings(run.id, steps)
    characters = [run.characters[i] for i in found.ids]
    return {
        "kind": "map",
        "faces": [tokens.face(character) for character in characters],
        "kinds": [tokens.kind(character) for character in characters],
        "points": maps.flat,
        "kept": maps.flat_kept,
    }


def milestones(known: Sequence[Moment]) -> list[dict[str, Any]]:
    """Some moments of clearly different losses, from gibberish to the best: which moment, its loss as a number and in
    words, and a line of text."""
    found: list[tuple[int, float]] = []
    losses = [(at, loss_of(moment)) for at, moment in enumerate(known) if moment.sample]
    numbers = [(at, loss) for at, loss in losses if loss is not None]
    if not numbers:
        return []
    apart = (max(loss for _at, loss in numbers) - min(loss for _at, loss in numbers)) / (MILESTONES - 1)
    for at, loss in numbers:
        if not found or loss < found[-1][1] - 0.7 * apart:
            found.append((at, loss))
    best = min(numbers, key=lambda pair: pair[1])
    if best not in found:  # too close to the last of them for both to stand there
        found = [*found[: max(1, len(found) - 1)], best]
    return [
        {
            "at": at,
            "loss": loss,
            "words": loss_number(loss),
            "sample": readable(known[at].sample, SHORT).replace("\n", ""),
        }
        for at, loss in found
    ]


def readable(text: str, most: int) -> str:
    """The begin of a text, with signs for what cannot be seen; lines stay lines, and empty ones can be counted."""
    shown = "".join(c if c in " \n" else tokens.face(c) for c in text[:most])
    return re.sub("\n+", lambda ends: tokens.face("\n") * len(ends[0]) + "\n", shown)
