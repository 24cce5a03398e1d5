"""Which trainings can be travelled through: those that were kept at several moments."""

import streamlit as st

from minigpt_core.store.runs import LIVE, Run
from minigpt_core.texts import corpus
from ui import resources, state
from ui.runs.health import sound
from ui.runs.wording import run_title
from ui.words.i18n import _, spoken
from ui.words.tokens import escape_markdown

FEW = 3  # moments: with fewer there is no way to travel


def default_run() -> Run | None:
    """The newest sound run of one's own with several moments; else the prepared one of the language with the most."""
    runs, store = state.visible_runs(), resources.store()
    kept = {run.id: len(store.checkpoints(run.id)) for run in runs}
    story = corpus.load(spoken().story).title
    own = (run for run in runs if not run.prepared and kept[run.id] >= FEW and sound(run))
    ready = [run for run in runs if run.prepared and run.text_title == story]
    return next(own, max(ready, key=lambda run: kept[run.id], default=None))


def other_run_with_history(run: Run) -> Run | None:
    """Another training with several moments: the prepared one on the same text that has the most, else the usual."""
    ready = [other for other in state.visible_runs() if other.prepared and other.text_id == run.text_id]
    kept = {other.id: len(resources.store().checkpoints(other.id)) for other in ready}
    most = max(ready, key=lambda other: kept[other.id], default=None)
    return most if most and kept[most.id] >= FEW else default_run()


def one_checkpoint_notice(run: Run) -> None:
    """Why there is no way to travel, and a training that has one."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if run.status in LIVE:
            words = _(
                "Only one moment of this training was kept so far: there is nothing to travel through yet."
            )
        else:
            words = _("Only one moment of this training was kept, so there is nothing to travel through.")
        st.markdown(words, width="content")
        if other := other_run_with_history(run):
            st.button(
                _("Travel through {name}").format(name=escape_markdown(run_title(other))),
                icon=":material/history:", key="timeline_other", on_click=state.look_at, args=(other.id,),
            )  # fmt: skip
