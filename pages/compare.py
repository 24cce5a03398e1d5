"""All runs side by side: what did each change buy?"""

import streamlit as st

from minigpt_core.export.script import picked
from minigpt_core.store.new_run import settings_changed
from ui import resources, state
from ui.compare import archive_upload, compare_board, headline, interrupted, run_details, sweep, table
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.runs import deleted
from ui.runs.doubts import doubt
from ui.runs.rename_delete import undo
from ui.words.i18n import _, translate
from ui.words.tokens import escape_markdown

runs = state.visible_runs()
chosen = table.chosen(runs)
st.title(_("Compare"), anchor=False)
interrupted.go_on_with([run for run in runs if run.status == "interrupted" and state.owns(run)])
st.markdown(headline.sentence(runs, [run for run in runs if run.id in chosen]))
if len({(run.text_id, run.training.val_fraction) for run in runs if run.id in chosen}) == 1:
    doubt(next(run for run in runs if run.id in chosen))
if runs:
    compare_board.show(runs)
for reason in resources.store().unreadable(state.workspace()):
    st.caption(escape_markdown(translate(reason)))
if focused := table.focus(runs):
    run_details.show(focused)
    sweep.folded(focused)
else:
    undo("compare")
archive_upload.folded(runs)
deleted.section()
try_this("compare")
show_code("compare", settings_changed, picked)
