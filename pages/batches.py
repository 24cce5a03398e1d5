"""The numbers become small exercises."""

import streamlit as st

from minigpt_core.data import draw_starts, get_batch, split, windows
from minigpt_core.presets import NOTEBOOK
from ui import glossary, resources, state
from ui.batches import draws, sections
from ui.i18n import _
from ui.show_code import show_code

BLOCK_SIZES = (4, 8, 16, 32, 64, 128, 256)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
PART_WORDS = {"train": "train_split", "val": "validation_split"}

chosen = state.chosen_text()
dataset = resources.dataset(chosen.id, chosen.lower)
state.keep_choices("batches", ["batches_part"])

with st.sidebar:
    block_size = st.select_slider(
        _("Block size (characters)"),
        BLOCK_SIZES,
        NOTEBOOK.model["block_size"],
        key="batches_block_size",
        help=glossary.help("block"),
        persist_state="session",
    )
    batch_size = st.select_slider(
        _("Batch size (rows)"),
        BATCH_SIZES,
        NOTEBOOK.training.batch_size,
        key="batches_batch_size",
        help=glossary.help("batch"),
        persist_state="session",
    )
    part = st.radio(
        _("Draw from"),
        draws.PARTS,
        format_func=lambda part: glossary.word(PART_WORDS[part]),
        key="batches_part",
        help=glossary.help("validation_split"),
        persist_state="session",
    )
    seed = sections.choose_seed()

sections.head(block_size, batch_size, part)
sections.check(chosen, dataset, part, block_size)
batch = draws.draw(dataset, part, block_size, batch_size, seed)
row = sections.where(chosen, dataset, batch, part)
sections.batch(dataset.tokenizer, batch, row)
sections.one_row(chosen, dataset.tokenizer, batch, row)
sections.as_tensors(batch)
show_code("batches", get_batch, draw_starts, windows, split)
