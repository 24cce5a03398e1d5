"""One training step taken apart: the batch, the predictions, the loss of every character, the gradients, the update.

The step that is shown is the very step that the run made or will make: a copy of the run's trainer is brought to
that point (a resumed trainer goes on bit for bit) and makes it here, while its numbers are written down.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigpt_core import optimizers
from minigpt_core.data import Dataset
from minigpt_core.memory_budget import check_memory
from minigpt_core.precision import autocast
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import Trainer


@dataclass(frozen=True)
class WeightUpdate:
    """One weight before and after a step."""

    before: float
    gradient: float | None
    """None where the loss does not depend on it."""

    after: float
    mean_gradient: float | None = None
    """Of all steps so far, where AdamW follows it; else None."""

    @property
    def with_gradient(self) -> bool:
        """Whether it moved to where the loss grows: momentum, weight decay or its neighbours pushed it."""
        return self.gradient is not None and self.gradient * (self.after - self.before) > 0


@dataclass(frozen=True, kw_only=True, eq=False)
class StepUnderMicroscope:
    """Everything that happened in one step. B windows in the batch, T characters in each, V in the vocabulary."""

    step: int
    """How many steps had been made before it."""

    x: Tensor
    """(B, T) ids that the model was shown."""

    y: Tensor
    """(B, T) ids that it should have guessed."""

    logits: Tensor
    """(B, T, V) its scores, as the run calculates them: with bfloat16, layers have rounded them. What is made of them
    here is made in 32 bits, as the loss that the run measured; scores in 32 bits would have another loss."""

    loss: float
    """Mean of `losses`, in nats per character."""

    learning_rate: float
    grad_norm: float
    """Length of all gradients together, before they are clipped."""

    before: dict[str, Tensor]
    """The weights by name, before the update."""

    gradients: dict[str, Tensor]
    """In which direction, and how steeply, the loss grows with each weight (clipped, if the run clips)."""

    after: dict[str, Tensor]
    """The weights after the update."""

    mean_gradients: dict[str, Tensor]
    """What AdamW's update follows: the running mean of the gradients, this one included; empty for other optimizers."""

    loss_again: float
    """The loss of the same batch with the new weights, without dropout, in the precision of `loss`."""

    @property
    def losses(self) -> Tensor:
        """(B, T) −ln of the probability that the model gave to the right character."""
        return F.cross_entropy(self.logits.flatten(0, 1), self.y.flatten(), reduction="none").view_as(self.y)

    @property
    def probabilities(self) -> Tensor:
        """(B, T, V) what the model expected."""
        return self.logits.softmax(-1)

    def likeliest(self, row: int, place: int, most: int) -> list[tuple[int, float, float]]:
        """The characters that were expected most at one place: (id, score, probability), the likeliest first.

        The right one is always among them, last if it was expected less than the others.
        """
        scores, p = self.logits[row, place], self.probabilities[row, place]  # (V,)
        best = p.topk(min(most, len(p))).indices.tolist()
        right = int(self.y[row, place])
        if right not in best:
            best[-1] = right
        return [(i, scores[i].item(), p[i].item()) for i in best]

    def character_rows(self, rows: int, columns: int, most: int) -> dict[int, list[float]]:
        """The first numbers of the embedding of each character in a corner of the batch, before the update."""
        table = self.before["token_embedding.weight"]
        return {int(i): table[i, :most].tolist() for i in self.x[:rows, :columns].unique()}

    def gradient_lengths(self, group_of: Callable[[str], str]) -> dict[str, tuple[int, float]]:
        """For each group of weights how many they are, and the length of their gradients together.

        Args:
            group_of: the group that a weight belongs to, by its name.
        """
        groups: dict[str, list[Tensor]] = {}
        for name, gradient in self.gradients.items():
            groups.setdefault(group_of(name), []).append(gradient.flatten())
        return {
            name: (sum(map(len, parts)), float(torch.cat(parts).norm())) for name, parts in groups.items()
        }

    def weight_update(self, name: str, index: tuple[int, ...]) -> WeightUpdate:
        """What the step did to one weight."""
        gradient = self.gradients.get(name)
        return WeightUpdate(
            before=float(self.before[name][index]),
            gradient=None if gradient is None else float(gradient[index]),
            after=float(self.after[name][index]),
            mean_gradient=float(self.mean_gradients[name][index]) if name in self.mean_gradients else None,
        )

    def steepest(self, count: int) -> list[tuple[str, tuple[int, ...]]]:
        """The weights with the longest gradient, as (name, index), the longest first."""
        names = list(self.gradients)
        slopes = torch.cat([self.gradients[name].abs().flatten() for name in names])
        ends = torch.tensor([self.gradients[name].numel() for name in names]).cumsum(0)
        found = []
        for place in slopes.topk(min(count, len(slopes))).indices:
            which = int(torch.searchsorted(ends, place, right=True))
            weight = self.gradients[names[which]]
            index = np.unravel_index(int(place - (ends[which] - weight.numel())), weight.shape)
            found.append((names[which], tuple(int(i) for i in index)))  # torch's own imports sympy: a second
        return found


def examine_step(trainer: Trainer) -> StepUnderMicroscope:
    """Let a trainer make its next step, and write down what happens in it.

    Args:
        trainer: a trainer of one's own; it stands one step further afterwards.
    """
    step, before = trainer.step, copies(trainer.model)
    with seen_by(trainer.model) as calls:
        event = trainer.make_step()
    (x, y), logits = calls[0]
    gradients = {
        name: weight.grad.detach().clone()
        for name, weight in trainer.model.named_parameters()
        if weight.grad is not None
    }
    means = optimizers.mean_gradients(trainer._optimizers)
    trainer.model.eval()
    with torch.no_grad(), autocast(trainer.precision, trainer.device):
        again = trainer.model(x, y)[1].item()
    trainer.model.train()
    return StepUnderMicroscope(
        step=step, x=x, y=y, logits=logits, loss=event.loss, learning_rate=event.learning_rate,
        grad_norm=event.grad_norm, before=before, gradients=gradients, after=copies(trainer.model),
        mean_gradients={n: means[w].clone() for n, w in trainer.model.named_parameters() if w in means},
        loss_again=again,
    )  # fmt: skip


@contextmanager
def seen_by(model: nn.Module) -> Iterator[list[tuple[Any, Tensor]]]:
    """What goes into a model and the logits that come out, call by call, for as long as the block lasts.

    The logits are given the 32 bits in which their loss is calculated, also where the layers have had 16.
    """
    calls: list[tuple[Any, Tensor]] = []
    hook = model.register_forward_hook(
        lambda _, idx, out: calls.append((idx, out[0].detach().float().clone()))
    )
    try:
        yield calls
    finally:
        hook.remove()


def copies(model: nn.Module) -> dict[str, Tensor]:
    """The weights of a model by name, as they are now."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def trainer_at(store: RunStore, run: Run, dataset: Dataset, step: int) -> Trainer:
    """A trainer of one's own that stands where the run stood after `step` steps, bit for bit on as many threads.

    It starts from the last checkpoint before that, and makes the steps in between again.

    Raises:
        StoreError: that checkpoint cannot be read. ConfigError: the step needs more memory than there is.
    """
    check_memory(run.model, run.training)
    start = start_before(store, run, step)
    checkpoint = store.load_checkpoint(run.id, start) if start is not None else None
    changes = store.changes(run.id, since_step=start or 0)
    config = replace(run.training, pace=0.0)
    trainer = Trainer(
        dataset, run.model, config, checkpoint=checkpoint, changes=changes, precision=run.precision
    )
    while trainer.step < step:
        trainer.make_step()
    return trainer


def start_before(store: RunStore, run: Run, step: int) -> int | None:
    """The last checkpoint at `step` or before it; None if the run has to be followed from its beginning.

    A prepared run is shipped with weights alone, from which no training can go on.
    """
    if run.prepared:
        return None
    return max((info.step for info in store.checkpoints(run.id) if info.step <= step), default=None)
