"""One draw of a batch, and the row of seeds that "draw again" and "back" walk along."""

from dataclasses import dataclass

from torch import Generator, Tensor

from minigpt_core.data import Dataset, draw_starts, windows
from minigpt_core.presets import NOTEBOOK
from ui import state

SEEDS = "batches.seeds"
LARGEST_SEED = 2**32 - 1
PARTS = ("train", "val")


@dataclass(frozen=True, eq=False)
class Draw:
    """B windows of one part of a text. Letters as in `minigpt_core.data`."""

    x: Tensor
    """(B, T) ids."""

    y: Tensor
    """(B, T) ids, shifted by one."""

    places: list[int]
    """Where each window begins, counted from 0 at the begin of the whole text."""

    @property
    def batch_size(self) -> int:
        """B."""
        return self.x.shape[0]

    @property
    def block_size(self) -> int:
        """T."""
        return self.x.shape[1]


def draw(dataset: Dataset, part: str, block_size: int, batch_size: int, seed: int) -> Draw:
    """What `get_batch` draws with this seed, and where it fell.

    Args:
        part: "train" or "val", the part of the text to draw from.

    Raises:
        TextError: that part is too short for one window.
    """
    data, begin = (dataset.train, 0) if part == "train" else (dataset.val, len(dataset.train))
    starts = draw_starts(data, block_size, batch_size, Generator().manual_seed(seed))  # (B,)
    x, y = windows(data, starts, block_size)
    return Draw(x, y, [begin + start for start in starts.tolist()])


def seeds() -> list[int]:
    """The seeds of all draws so far; the last one is on the screen. The first is that of a training."""
    return list(state.page_state(SEEDS, [NOTEBOOK.training.seed]))


def use_seed(seed: int) -> None:
    """Draw with this seed."""
    state.set_page_state(SEEDS, [*seeds(), seed])


def draw_again() -> None:
    """Draw with a new seed: the next number."""
    use_seed((seeds()[-1] + 1) % (LARGEST_SEED + 1))


def draw_back() -> None:
    """Go back to the draw before this one: the same seed gives the same windows."""
    state.set_page_state(SEEDS, seeds()[:-1] or seeds())
