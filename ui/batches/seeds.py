"""The row of seeds that "draw again" and "back" walk along."""

from minigpt_core.presets import NOTEBOOK
from ui import kept_choices, state

SEEDS = "batches.seeds"
LARGEST_SEED = 2**32 - 1


def seeds() -> list[int]:
    """The seeds of all draws so far; the last one is on the screen. The first is that of a training."""
    usual = [NOTEBOOK.training.seed]
    return list(kept_choices.keep(SEEDS, usual, _read, lambda seeds: str(seeds[-1])))


def _read(text: str) -> list[int] | None:
    seed = kept_choices.whole_number(0, LARGEST_SEED)(text)
    return None if seed is None else [NOTEBOOK.training.seed, seed]


def use_seed(seed: int) -> None:
    """Draw with this seed."""
    state.set_page_state(SEEDS, [*seeds(), seed])


def draw_again() -> None:
    """Draw with a new seed: the next number."""
    use_seed((seeds()[-1] + 1) % (LARGEST_SEED + 1))


def draw_back() -> None:
    """Go back to the draw before this one: the same seed gives the same windows."""
    state.set_page_state(SEEDS, seeds()[:-1] or seeds())
