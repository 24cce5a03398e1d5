"""Below the cockpit: what one can look at more closely. Only what is open is computed."""

from collections.abc import Callable

import streamlit as st

from ui import kept_choices, state
from ui.training import curves, diagnosis, microscope, pairs, prediction, runs
from ui.training.run_state import RunState
from ui.words.i18n import N_, _

TABS: dict[str, tuple[str, str, Callable[[RunState], None]]] = {
    "runs": (N_("My runs"), ":material/list:", runs.section),
    "diagnosis": (N_("How did it go?"), ":material/stethoscope:", diagnosis.section),
    "microscope": (N_("Under the microscope"), ":material/biotech:", microscope.section),
    "pairs": (N_("What it has learned"), ":material/grid_on:", pairs.section),
    "prediction": (N_("Guess first"), ":material/psychology_alt:", prediction.section),
    "curves": (N_("More curves"), ":material/ssid_chart:", curves.section),
}


def draw(now: RunState) -> None:
    """The choice, and what is chosen."""
    name = "training.tab"
    kept_choices.keep(name, "runs", kept_choices.one_of(TABS))
    chosen = st.segmented_control(
        _("Look closer"),
        list(TABS),
        key=state.page_key(name),
        format_func=lambda option: f"{TABS[option][1]} {_(TABS[option][0])}",
        label_visibility="collapsed",
        required=True,
    )
    TABS[chosen or "runs"][2](now)
