"""The numbers become small exercises."""

import streamlit as st

from minigpt_core.data import draw_batch, draw_starts, get_batch, split, windows
from ui import facts, kept_choices, problems, resources, state
from ui.batches import batch, header, sizes
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.words import glossary
from ui.words.i18n import _

PART = "batches.part"
PART_WORDS = {"train": "train_split", "val": "validation_split"}

chosen = state.chosen_text()
dataset = resources.dataset(chosen.id, chosen.lower)
run = state.current_run()
state.keep_choices("batches", [PART])
kept_choices.keep(PART, "train", kept_choices.one_of(PART_WORDS))

with st.sidebar:
    size = sizes.choose(run)
    part = st.container(key="batches_part").radio(
        _("Draw from"),
        list(PART_WORDS),
        format_func=lambda part: glossary.word(PART_WORDS[part]),
        key=state.page_key(PART),
        help=glossary.help("validation_split"),
        persist_state="session",
    )
    seed = header.choose_seed()

why_not = batch.problem(dataset, part, size.block)
header.head(size, run, part, possible=why_not is None)
if why_not is not None:
    batch.impossible(chosen, dataset, size.block, why_not)
drawn = draw_batch(dataset, part, size.block, size.rows, seed)
facts.note("batch", part=part, block=size.block, rows=size.rows, seed=seed)
row = batch.where(chosen, dataset, drawn, part)
problems.doubt(resources.validation_warning(chosen.id, chosen.lower))
batch.whole(dataset.tokenizer, drawn, row)
batch.one_row(chosen, dataset.tokenizer, drawn, row)
batch.as_tensors(drawn)
try_this("batches")
show_code("batches", get_batch, draw_starts, windows, split)
