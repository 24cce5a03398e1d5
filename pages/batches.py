"""The numbers become small exercises."""

import streamlit as st

from minigpt_core.data import draw_starts, get_batch, split, windows
from ui import resources, state
from ui.batches import draws, sections, sizes
from ui.components.show_code import show_code
from ui.words import glossary
from ui.words.i18n import _

PART_WORDS = {"train": "train_split", "val": "validation_split"}

chosen = state.chosen_text()
dataset = resources.dataset(chosen.id, chosen.lower)
run = state.current_run()
state.keep_choices("batches", ["batches_part"])

with st.sidebar:
    drawn = sizes.choose(run)
    part = st.radio(
        _("Draw from"),
        draws.PARTS,
        format_func=lambda part: glossary.word(PART_WORDS[part]),
        key="batches_part",
        help=glossary.help("validation_split"),
        persist_state="session",
    )
    seed = sections.choose_seed()

sections.head(drawn, run, part)
sections.check(chosen, dataset, part, drawn.block)
batch = draws.draw(dataset, part, drawn.block, drawn.rows, seed)
row = sections.where(chosen, dataset, batch, part)
sections.batch(dataset.tokenizer, batch, row)
sections.one_row(chosen, dataset.tokenizer, batch, row)
sections.as_tensors(batch)
show_code("batches", get_batch, draw_starts, windows, split)
