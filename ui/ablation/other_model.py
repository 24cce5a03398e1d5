"""Which kind of model the page shows, and the way to the other one: a GPT is taken apart, a TinyGPT's table edited."""

import streamlit as st

from minigpt_core.interpret.ablation import components_of
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.inside.inspected_model import (
    InspectedModel,
    best_run,
    can_be_shown,
    shown_by_itself,
)
from ui.runs.health import sound
from ui.runs.names import title_with_facts
from ui.words.i18n import _
from ui.words.tokens import escape_markdown


def introduction() -> None:
    """What the page is about."""
    st.markdown(
        _(
            "What is a part for? Take it away and see what is missing. The trained run stays as it is: you cannot "
            "break anything here."
        )
    )


def is_table(inspected: InspectedModel) -> bool:
    """Whether the model is a table of pairs, without parts that could be switched off."""
    return not components_of(inspected.config)


def other_model_button(inspected: InspectedModel) -> None:
    """The way to the other kind of model: a TinyGPT is edited, a GPT taken apart."""
    table, other = is_table(inspected), run_of_other_kind(inspected)
    if other is None:
        return
    st.button(
        _("Take a GPT apart") if table else _("Edit TinyGPT’s table by hand"),
        icon=":material/account_tree:" if table else ":material/edit:",
        key="ablation_other",
        on_click=state.look_at,
        args=(other.id,),
        help=escape_markdown(title_with_facts(other)),
    )


def run_of_other_kind(inspected: InspectedModel) -> Run | None:
    """The run that the page shows by itself if it is one; else a sound one: if possible on the chosen text, or on that
    of the inspected."""
    wanted, usual = is_table(inspected), usual_run()
    if usual and bool(components_of(usual.model)) == wanted:
        return usual
    others = [
        run
        for run in state.visible_runs()
        if bool(components_of(run.model)) == wanted and can_be_shown(run, False)
    ]
    chosen = resources.fingerprint(state.text_id(), state.lower())
    here = chosen if any(run.text_id == chosen and sound(run) for run in others) else inspected.run.text_id
    return best_run(others, here)


def usual_run() -> Run | None:
    """What the page shows by itself."""
    return shown_by_itself([run for run in state.visible_runs() if can_be_shown(run, False)], False)
