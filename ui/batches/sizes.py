"""How large the drawn batch is: as in the current run, until somebody moves a slider."""

from typing import NamedTuple

import streamlit as st

from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.runs import Run
from ui import kept_choices, state
from ui.words import glossary
from ui.words.i18n import _

BLOCK_SIZES = (4, 8, 16, 32, 64, 128, 256)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
BLOCK, BATCH, TAKEN_FROM = "batches.block_size", "batches.batch_size", "batches.taken_from"


class Sizes(NamedTuple):
    """Of a batch."""

    block: int
    """Characters of a row."""

    rows: int


LARGEST = Sizes(BLOCK_SIZES[-1], BATCH_SIZES[-1])


def of_run(run: Run | None) -> Sizes:
    """What a run draws at each step; without one, what a first training draws."""
    if run is None:
        return Sizes(NOTEBOOK.model["block_size"], NOTEBOOK.training.batch_size)
    return Sizes(run.model.block_size, run.training.batch_size)


def choose(run: Run | None) -> Sizes:
    """The two sliders. They start at the sizes of the run, as far as those can be drawn, and again at those of the next
    run that is followed."""
    own = of_run(run)
    start = Sizes(min(own.block, LARGEST.block), min(own.rows, LARGEST.rows))
    if state.page_state(TAKEN_FROM, own) != own:
        state.set_page_state(BLOCK, start.block)
        state.set_page_state(BATCH, start.rows)
        state.set_page_state(TAKEN_FROM, own)
    block = _slider(
        _("Block size (context length)"), {*BLOCK_SIZES, start.block}, BLOCK, start.block, "block"
    )
    rows = _slider(_("Batch size (rows)"), {*BATCH_SIZES, start.rows}, BATCH, start.rows, "batch")
    return Sizes(block, rows)


def _slider(label: str, sizes: set[int], kept: str, usual: int, term: str) -> int:
    kept_choices.keep(kept, usual, kept_choices.one_of(sizes))
    return int(
        st.select_slider(
            label,
            sorted(sizes),
            key=state.page_key(kept),
            help=glossary.help(term),
            persist_state="session",
        )
    )
