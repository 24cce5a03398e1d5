"""What every single character of a text adds to a model's loss.

Letters in the shape comments: N characters in the text, B windows at once, T characters of each, V in the vocabulary.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from minigpt_core.sampling import diverged_error

CHARACTERS_AT_ONCE = 2048  # of a text: enough for speed, little memory


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenLosses:
    """What a model thought of each character of a text but the first, which nothing comes before. N characters."""

    losses: Tensor
    """(N - 1,) float64: -log of the probability that the character had, in nats."""

    likeliest: Tensor
    """(N - 1, k) ids of the characters that were expected most, falling."""

    probabilities: Tensor
    """(N - 1, k) float64: how likely these were."""

    loss: float
    """What the model's own loss function makes of the text, in nats per character: the mean of `losses`."""


@torch.no_grad()
def token_losses(model: nn.Module, ids: Tensor, block_size: int, top: int = 5) -> TokenLosses:
    """How much each character of a text costs a model, which reads it as training measures its loss.

    The text is read in stretches of `block_size` characters that do not overlap (the last one may be shorter), so the
    first characters of a stretch are guessed from little.

    Args:
        ids: (N,) at least two.
        block_size: T, at most the model's.
        top: k, how many of the likeliest characters are reported.

    Raises:
        UserError: the scores are not numbers (the training diverged).
    """
    assert ids.ndim == 1 and len(ids) > 1
    was_training = model.training
    model.eval()
    device = next((weight.device for weight in model.parameters()), ids.device)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    loss_sum = 0.0
    for x, y in chunks(ids, block_size):
        logits, loss = model(x.to(device), y.to(device))  # (B, T, V), ()
        loss_sum += float(loss) * y.numel()
        logs = logits.flatten(0, 1).cpu().double().log_softmax(-1)  # (B*T, V)
        best = logs.topk(min(top, logs.size(-1)))
        losses = -logs.gather(1, y.reshape(-1, 1))[:, 0]  # (B*T,)
        parts.append((losses, best.indices, best.values.exp()))
    model.train(was_training)
    losses, likeliest, probabilities = (torch.cat(part) for part in zip(*parts, strict=True))
    if torch.isnan(losses).any():
        raise diverged_error()
    return TokenLosses(
        losses=losses, likeliest=likeliest, probabilities=probabilities, loss=loss_sum / (len(ids) - 1)
    )


def chunks(ids: Tensor, block_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows x and, one character later, y of the (N,) ids: (B, T) each, then what is left, (1, rest)."""
    whole = (len(ids) - 1) // block_size * block_size  # characters in whole windows
    x, y = ids[:whole].view(-1, block_size), ids[1 : whole + 1].view(-1, block_size)  # (W, T) each
    rows = max(1, CHARACTERS_AT_ONCE // block_size)
    if whole:
        yield from zip(x.split(rows), y.split(rows), strict=True)
    if whole < len(ids) - 1:
        yield ids[None, whole:-1], ids[None, whole + 1 :]
