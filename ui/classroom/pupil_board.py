"""The class at a glance: its script stands in `pupil_board.js`, what it is told in `pupils.py`."""

from pathlib import Path

import streamlit as st

from minigpt_core.lessons import catalogue
from minigpt_core.lessons.lesson import Lesson
from ui import state
from ui.classroom import preview
from ui.components.mounting import component
from ui.journey import PAGES
from ui.runs.wording import STATUSES
from ui.words.i18n import _, language, spoken

HERE = Path(__file__).parent
HTML = "<div class='mg-class'></div>"
POLL_MS = 1000


def board() -> None:
    """A card for each pupil, up to date within a second."""
    data = {"url": "api/class/pupils", "every": POLL_MS, "locale": spoken().locale, "labels": _labels()}
    component("pupil_board", HERE, HTML)(data=data, key=state.PUPIL_BOARD, on_chosen_change=_choose)


def _choose() -> None:
    preview.open_for(st.session_state[state.PUPIL_BOARD].get("chosen"))


def _labels() -> dict[str, object]:
    return {
        "summary": _(
            "{here} here · {training} training · {waiting} waiting · {trouble} in trouble · {away} away"
        ),
        "nobody": _("Nobody is here yet. Pupils appear by themselves when they open the address."),
        "nothing_yet": _("nothing trained yet"),
        "rough": _("roughly: the part of the text that was kept aside is short, or a copy"),
        "away": _("away"),
        "status": {name: _(word) for name, word in STATUSES.items()},
        "pages": {name: _(station.title) for name, station in PAGES.items()},
        "lesson_step": _("lesson, step {step}"),
        "lesson": _("lesson “{lesson}”, step {step}"),
        "lessons": {one.name: one.title for one in catalogue.lessons(language()) if isinstance(one, Lesson)},
        "dots": {"chose_text": _("text"), "trained": _("trained"), "sampled": _("written")},
        "findings": {
            "diverged": _("diverged"),
            "at_chance": _("learns nothing"),
            "stuck": _("stuck"),
            "overfitting": _("gets worse on unseen text"),
            "by_heart": _("learns by heart"),
        },
    }
