"""What one pupil may use of this machine, and which presets are offered: the teacher may change both."""

import os
from dataclasses import asdict

import streamlit as st

from minigpt_core import limits
from minigpt_core.data_home import data_home
from minigpt_core.presets import PRESETS
from ui import orders, state
from ui.problems import spoken_errors
from ui.training import menu
from ui.words.i18n import _

ON, OFFERED = "limits_on", "limits_offered"
VARIABLE = "MINIGPT_LIMITS"
UNITS = {"parameters": 1000, "characters": 1000}  # large numbers are given in thousands


def section() -> None:
    """A field for each limit, and the list of presets."""
    now = limits.in_force(data_home())
    st.toggle(_("What one pupil may use is limited"), now is not None, key=ON, on_change=switch)
    if now is not None:
        _fields(now)
    st.caption(_("A change is about trainings that begin from now on, until this server is started again; "
                 "`--limits` says it from the start."))  # fmt: skip
    hidden = orders.board().now.hidden_presets
    st.multiselect(
        _("Presets that pupils may choose"),
        list(PRESETS),
        [name for name in PRESETS if name not in hidden],
        format_func=menu.title,
        key=OFFERED,
        on_change=offer,
        placeholder=_("all of them"),
    )


def _fields(now: limits.Limits) -> None:
    labels = {
        "minutes": _("Processor minutes of a training"),
        "parameters": _("Thousand parameters of a model"),
        "block_size": _("Context length (block size)"),
        "characters": _("Thousand characters of a text"),
        "runs": _("Trainings that are kept"),
        "megabytes": _("Megabytes of weights"),
    }
    columns = st.columns(3)
    for n, (name, value) in enumerate(asdict(now).items()):
        key = f"limits_{name}"
        shown = max(1, round(value / UNITS[name])) if name in UNITS else value
        columns[n % 3].number_input(
            labels[name], type(shown)(1), value=shown, format="%g" if name == "minutes" else "%d",
            key=key, on_change=change, args=(name, key),
        )  # fmt: skip


# What the controls do


def switch() -> None:
    """Limit what a pupil may use, by what suits this machine; or limit nothing."""
    with spoken_errors():
        state.teacher_only()
        os.environ[VARIABLE] = "class" if state.widget_value(ON) else "off"


def change(name: str, key: str) -> None:
    """Another limit for one thing."""
    with spoken_errors():
        state.teacher_only()
        now = limits.in_force(data_home())
        said = ",".join(
            f"{part}={value}" for part, value in (asdict(now) if now else {}).items() if part != name
        )
        wanted = f"{said},{name}={(state.widget_value(key) or 1) * UNITS.get(name, 1)}"
        limits.parsed(wanted, data_home())
        os.environ[VARIABLE] = wanted


def offer() -> None:
    """Offer these presets; none chosen: all."""
    with spoken_errors():
        state.teacher_only()
        chosen = state.widget_value(OFFERED)
        hidden = [name for name in PRESETS if name not in chosen] if chosen else []
        orders.board().give(hidden_presets=hidden)
