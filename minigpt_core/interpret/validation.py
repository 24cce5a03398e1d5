"""Whether the validation part of a text can say how well a model does on text that it never saw."""

import numpy as np
from torch import Tensor

from minigpt_core.data import Dataset
from minigpt_core.errors import TextError
from minigpt_core.interpret.memorization import AT_ONCE, those_in, window_hashes

SHORT = 500  # characters: a loss over fewer moves by 0.1 and more with every sentence
COPIED = 15  # characters of a stretch that does not stand in two places by chance
MOSTLY = 0.5  # our stories have 0.05, Shakespeare's plays 0.2, Molière's 0.4: their people's names come again
LOOKED_AT = 20_000  # characters of the validation part, in pieces evenly spread over it
PIECE = 1000


def validation_warning(dataset: Dataset) -> TextError | None:
    """Why the figures of the validation part mean little, to be shown beside them (it is returned, not raised).

    It has fewer than `SHORT` characters, or more than half of it stands word for word in the training part. None if
    neither holds, or if there is no validation part. Takes 0.1 s for a million characters: keep it.
    """
    length = len(dataset.val)
    share = copied_share(dataset.train, dataset.val)
    if share > MOSTLY:
        return TextError(
            "{percent}% of the validation part ({length} characters) stands word for word in the training part: the "
            "validation loss says little about text that the model never saw.",
            percent=round(100 * share), length=length,
        )  # fmt: skip
    if 0 < length < SHORT:
        return TextError(
            "The validation part has {length} of the {enough} characters that it should have at least: the validation "
            "loss is a rough estimate.",
            length=length, enough=SHORT,
        )  # fmt: skip
    return None


def copied_share(train: Tensor, val: Tensor) -> float:
    """Which share of `val`, (N_val,) ids, lies in stretches of `COPIED` characters that stand in `train`, (N_train,).

    Looks at `LOOKED_AT` characters at most, and takes equal hashes for equal stretches.
    """
    looked_at = np.concatenate([piece.numpy() for piece in _pieces(val)]).astype(np.uint32)
    wanted = window_hashes(looked_at, COPIED)
    found = np.zeros(len(wanted), dtype=np.bool_)
    for first in range(0, len(train), AT_ONCE):
        part = train[first : first + AT_ONCE + COPIED - 1].numpy().astype(np.uint32)
        found |= those_in(wanted, window_hashes(part, COPIED))
    covered = np.convolve(found, np.ones(COPIED, dtype=np.bool_)) if len(found) else found
    return float(covered.sum() / max(len(looked_at), 1))


def _pieces(val: Tensor) -> list[Tensor]:
    """The whole, or pieces of it, evenly spread."""
    if len(val) <= LOOKED_AT:
        return [val]
    count = LOOKED_AT // PIECE
    step = (len(val) - PIECE) // (count - 1)
    return [val[i * step : i * step + PIECE] for i in range(count)]
