"""What is chosen on the Ladder page: which ideas, how many steps, which rungs."""

import streamlit as st

from ui import kept_choices, state
from ui.ladder import plan
from ui.ladder.plan import Ladder, Step
from ui.words.i18n import N_, _

BUDGET, GROUP, FOUND = "ladder.budget", "ladder.group", "ladder.found"
GROUPS = {"up": N_("From TinyGPT to a GPT"), "alone": N_("Newer ideas, each alone")}
ABOUT_GROUPS = {
    "up": N_("each rung has one idea more than the one before"),
    "alone": N_("a GPT with one newer idea at a time, then all"),
}


def choose_group() -> None:
    """Which ideas? Until somebody chooses, those of the newest run on the chosen text."""
    state.keep_choices("ladder", [BUDGET, GROUP])
    keep()
    st.radio(
        _("Which ideas?"),
        list(GROUPS),
        format_func=lambda name: _(GROUPS[name]),
        captions=[_(words_) for words_ in ABOUT_GROUPS.values()],
        key=state.page_key(GROUP),
        persist_state="session",
    )


def keep() -> None:
    """Where a reload finds the choices. The fragment with the rungs asks for it too: it is drawn without the rest."""
    usual_group, usual_budget = state.page_state(FOUND, None) or plan.latest(state.chosen_text())
    state.set_page_state(FOUND, (usual_group, usual_budget))
    kept_choices.keep(BUDGET, usual_budget, kept_choices.one_of(plan.BUDGETS))
    kept_choices.keep(GROUP, usual_group, kept_choices.one_of(GROUPS))
    for rungs in plan.GROUPS.values():
        for rung in rungs:
            kept_choices.keep(f"ladder.rung.{rung.name}", True, kept_choices.one_of([True, False]))


def is_chosen(step: Step) -> bool:
    """Whether a rung has its tick."""
    return bool(state.page_state(f"ladder.rung.{step.rung.name}", True))


def budget() -> int:
    """How many steps every rung is given."""
    return int(state.page_state(BUDGET, plan.USUAL_BUDGET))


def group() -> str:
    """Which ideas the page is about: one of `plan.GROUPS`."""
    return str(state.page_state(GROUP, "up"))


def look() -> Ladder:
    """The ladder that the page shows, as it stands now."""
    return plan.look(state.chosen_text(), budget(), group())
