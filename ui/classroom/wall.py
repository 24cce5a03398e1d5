"""The wall for the projector, and what the teacher decides about it: the script stands in `wall.js`."""

from pathlib import Path

import streamlit as st

from ui import state
from ui.classroom import approvals, preview
from ui.components.mounting import component
from ui.components.spoken import curve_words
from ui.problems import spoken_errors
from ui.runs.health import SAME
from ui.words.i18n import _, number, plotly_separators, spoken
from ui.words.tokens import escape_markdown

HERE = Path(__file__).parent
HTML = "<div class='mg-wall'></div>"
POLL_MS = 1000
NAMES = "wall_names"


def wall() -> None:
    """Everybody's curve and the samples that were allowed, up to date within two seconds."""
    labels = {
        "step": _("step"),
        "loss": _("loss on the text they learn from (nats per character)"),
        "of": _("Lowest loss on unseen text"),
        "uniform": _("pure chance"),
        "unigram": _("knowing how frequent characters are"),
        "bigram": _("counting pairs"),
        "somebody": _("somebody"),
        "best_at": _("best of these: {loss} at step {step}"),
        "at": _("{loss} at step {step}"),
        "says": _("The losses of {n} trainings; the lowest on unseen text is {loss}."),
        "empty": _("No training yet."),
        "curve": curve_words(),
        "outside": _("above the picture: {n}"),
        "asked": _("{n} have guessed"),
        "guesses": _("Guesses minus results (nats)"),
        "too_low": _("too low"),
        "right": _("right"),
        "too_high": _("too high"),
        "dotted": _("dotted: {names}, with another text and so other losses"),
        "equal": _("closer than {same}: another seed could turn the places round").format(
            same=number(SAME, 2)
        ),
    }
    data = {
        "url": "api/wall",
        "every": POLL_MS,
        "locale": spoken().locale,
        "separators": plotly_separators(),
        "labels": labels,
    }
    component("wall", HERE, HTML)(data=data, key="wall")


def section() -> None:
    """Where the wall is, and what stands on it."""
    st.markdown(_("Curves and invented names are always there. What a model wrote, and a nickname, only once you have "
                  "looked at it: click on a pupil under “Who is here”."))  # fmt: skip
    allowed = approvals.allowed()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.link_button(_("Open the wall"), "wall", icon=":material/slideshow:")  # a tab of its own
        st.toggle(_("Names on the wall"), allowed.names, key=NAMES, on_change=show_names)
        if allowed.alone is not None:
            st.button(_("Show all again"), icon=":material/groups:", key="wall_all", on_click=show_all)
    for pupil_number, kept in allowed.samples.items():
        pupil = preview.find(int(pupil_number))
        who = pupil.name if pupil else _("somebody")
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", wrap=False):
            words = _("**{name}**, step {step}: {text}").format(
                name=escape_markdown(who), step=number(kept["step"]), text=escape_markdown(kept["text"])
            )
            st.markdown(words, width="stretch")
            st.button(
                _("Take it off the wall"), key=f"wall_off_{pupil_number}", on_click=preview.forbid,
                args=(int(pupil_number),),
            )  # fmt: skip


def show_names() -> None:
    """Let names stand on the wall, or hide all of them."""
    with spoken_errors():
        state.teacher_only()
        allowed = approvals.allowed()
        allowed.names = bool(state.widget_value(NAMES))
        approvals.keep(allowed)


def show_all() -> None:
    """Everybody's curves again, after one pupil alone."""
    with spoken_errors():
        state.teacher_only()
        allowed = approvals.allowed()
        allowed.alone = None
        approvals.keep(allowed)
