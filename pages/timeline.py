"""Go back in time through a training: what did the model know when?"""

import streamlit as st

from minigpt_core.interpret.bigram_table import distance_from_counts
from minigpt_core.interpret.checkpoint_history import snapshots
from minigpt_core.store.runs import RunStore
from ui import resources
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.inside.inspected_model import choose_model
from ui.timeline import time_machine
from ui.timeline.context_field import context_field
from ui.timeline.runs_with_history import default_run, one_checkpoint_notice
from ui.words.i18n import _

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title(_("Time machine"), anchor=False, width="content")
    time_machine.how_to_read()
inspected = choose_model(needs_layers=False, pick_step=False, usual=default_run())
if inspected:
    with st.sidebar:
        context = context_field(inspected)
    history = snapshots(resources.store(), inspected.run)
    if len(history) < 2:
        one_checkpoint_notice(inspected.run)
    else:
        st.markdown(
            _(
                "Move through the training, from the first guess to the last: **what does the model know by then?**"
            )
        )
    time_machine.draw(inspected, history, context)
try_this("timeline")
show_code("timeline", RunStore.load_checkpoint, distance_from_counts)
