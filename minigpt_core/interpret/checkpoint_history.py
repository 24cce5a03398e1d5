"""A training looked back on: what a model wrote, how good it was and what it expected at each checkpoint.

Letters in the shape comments: S checkpoints, V characters in the vocabulary.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from minigpt_core.interpret.embedding_history import evenly_spaced
from minigpt_core.store.runs import Run, RunStore, choose_checkpoint
from minigpt_core.training import MetricsEvent, SampleEvent, strip_prefix
from minigpt_core.weights import load_model

MILESTONES = 7  # about so many of a training
MOST_BARS = 12
CLEARLY_BETTER = 0.7  # of the distance between milestones that are spread evenly over the losses


@dataclass(frozen=True)
class Snapshot:
    """A checkpoint with what was measured and written nearest to it."""

    step: int
    evaluation: MetricsEvent | None
    sample: str

    @property
    def loss(self) -> float | None:
        """On text it never saw, else on the text it learns from; None if it is no number or was not measured."""
        return None if self.evaluation is None else finite(evaluated_loss(self.evaluation))


def evaluated_loss(evaluation: MetricsEvent) -> float:
    """On text the model never saw; on the text it learns from, if nothing was kept out."""
    return evaluation.train_loss if evaluation.val_loss is None else evaluation.val_loss


def finite(number: float) -> float | None:
    """The number, unless it is NaN or infinite."""
    return number if math.isfinite(number) else None


def snapshots(store: RunStore, run: Run) -> list[Snapshot]:
    """Some checkpoints of a run, the best among them, with the evaluation and the sample of that step or the newest
    before it."""
    evaluations, samples = store.evaluations(run.id), store.samples(run.id)
    infos = store.checkpoints(run.id)
    steps = evenly_spaced(
        [info.step for info in infos], among=choose_checkpoint(infos, "best") if infos else None
    )
    return [Snapshot(step, newest_until(evaluations, step), sample_until(samples, step)) for step in steps]


def newest_until(evaluations: Sequence[MetricsEvent], step: int) -> MetricsEvent | None:
    """The newest evaluation until a step."""
    return next((event for event in reversed(evaluations) if event.step <= step), None)


def sample_until(samples: Sequence[SampleEvent], step: int) -> str:
    """The newest sample until a step."""
    return next((event.text for event in reversed(samples) if event.step <= step), "")


def milestones(losses: Sequence[float | None], about: int = MILESTONES) -> list[int]:
    """Which moments to show of a training, given the loss of each: clearly different ones, down to the best of all.

    Args:
        losses: the oldest first; None is left out.
    """
    known = [(at, loss) for at, loss in enumerate(losses) if loss is not None]
    if not known:
        return []
    found: list[tuple[int, float]] = []
    apart = (max(loss for _at, loss in known) - min(loss for _at, loss in known)) / (about - 1)
    for at, loss in known:
        if not found or loss < found[-1][1] - CLEARLY_BETTER * apart:
            found.append((at, loss))
    best = min(known, key=lambda pair: pair[1])
    if best not in found:  # too close to the last of them for both to stand there
        found = [*found[: max(1, len(found) - 1)], best]
    return [at for at, _loss in found]


def models_at(store: RunStore, run: Run, steps: Iterable[int]) -> Iterator[nn.Module]:
    """A run's model as it was at each of these checkpoints, in eval mode: one at a time. Raises `StoreError`."""
    for step in steps:
        kept = store.load_checkpoint(run.id, step, model_only=True)
        yield load_model(run.model, strip_prefix(kept.tensors, "model."))


@dataclass(frozen=True, eq=False)
class NextCharacters:
    """How likely the next characters are at each checkpoint, for those that are likely at some moment."""

    ids: list[int]
    """The likeliest of the last moment first."""

    shares: NDArray[np.float32]
    """(S, len(ids)) probabilities."""


@torch.no_grad()
def next_characters(models: Iterable[nn.Module], ids: Sequence[int], most: int = MOST_BARS) -> NextCharacters:
    """What comes after these characters by each of several models, one after the other.

    Args:
        models: the same network at each checkpoint, in eval mode.
        ids: at least one, at most `block_size`.
        most: how many characters are kept.
    """
    idx = torch.tensor([list(ids)])
    shares = torch.stack([model(idx)[0][0, -1].softmax(-1) for model in models])  # (S, V)
    likely = (shares[-1] + 0.3 * shares.max(0).values).topk(min(most, shares.size(1))).indices
    shown = likely[shares[-1, likely].argsort(descending=True)]
    return NextCharacters(shown.tolist(), shares[:, shown].numpy())
