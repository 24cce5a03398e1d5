"""What is measured over windows of text: the loss of each, how sure their mean is, and how many guesses are right.

Letters in the shape comments: B windows, T characters in each, V characters in the vocabulary, W windows in all.
"""

import math

from torch import Tensor
from torch.nn import functional as F


def loss_per_window(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of each row: (B, T, V) and (B, T) -> (B,) float64."""
    each = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")  # (B*T,)
    return each.view(targets.shape).double().mean(dim=1)


def standard_error(losses: Tensor) -> float:
    """Of the mean of (W,) numbers, from how much they differ among each other; NaN for a single one."""
    return losses.std().item() / math.sqrt(len(losses)) if len(losses) > 1 else math.nan


def guessed_right(logits: Tensor, targets: Tensor) -> Tensor:
    """Whether the best guess is the target: (…, V) and (…,) -> (…,) float32, 1 or 0.

    Characters with exactly the same score share the guess, as in a fair draw among them: a model that gives all of
    them the same is right once in V times, not as often as the character with the lowest id occurs.
    """
    best = logits == logits.amax(-1, keepdim=True)  # (…, V)
    return best.gather(-1, targets[..., None]).squeeze(-1) / best.sum(-1).clamp(min=1)
