"""The trainings of this browser that go on or wait: on every page, how far each is, and the way back to it."""

from pathlib import Path

import streamlit as st

from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.journey import PAGES
from ui.runs.names import narrow_titles
from ui.runs.wording import STATUS_COLOURS, run_title, status_word
from ui.words.i18n import _, n_, number, percent
from ui.words.tokens import escape, escape_markdown

LISTED, SHARES = 3, 4
ROOM = 18  # characters of a name that surely fit
ORDER = ("running", "paused", "queued")
REFRESH_SECONDS = 2.0


def section(followed: str | None, page_follows: bool) -> None:
    """The list, which keeps itself up to date. Where the store cannot be read, nothing: the sidebar says so below.

    Args:
        followed: the id of the followed run.
        page_follows: whether the page itself shows that run, and runs again when it has changed its status.
    """
    left_out = followed if page_follows else None
    runs = _live(followed, left_out)
    if runs:
        waits = all(run.status == "paused" for run in runs)
        st.fragment(_draw, run_every=None if waits else REFRESH_SECONDS)(
            followed, left_out, _status(runs, followed)
        )


def above(followed: str | None, page_follows: bool) -> None:
    """The first of them in one line, for narrow screens: there the side bar is shut. Arguments as in `section`."""
    left_out = followed if page_follows else None
    runs = _live(followed, left_out)
    place = st.container(
        key="live_above", gap=None
    )  # in any case: what stands below keeps its place, and so itself
    if runs:
        st.html(Path(__file__).with_name("above.css"))
        goes_on = runs[0].status == "running"
        with place:
            st.fragment(_draw_above, run_every=REFRESH_SECONDS if goes_on else None)(followed, left_out)


def _draw_above(followed: str | None, left_out: str | None) -> None:
    for run in _live(followed, left_out)[:1]:  # none: the list beside the page has the page drawn anew
        _line(run, run_title(run), "_above")


def _live(followed: str | None, left_out: str | None) -> list[Run]:
    """The followed one first, then by what they do, those that wait in the order of their turns."""
    try:
        found = resources.store().live_runs(state.workspace())[::-1]
    except UserError:
        return []
    found = [run for run in found if run.id != left_out]
    return sorted(found, key=lambda run: (run.id != followed, ORDER.index(run.status)))


def _status(runs: list[Run], run_id: str | None) -> str | None:
    return next((run.status for run in runs if run.id == run_id), None)


def _draw(followed: str | None, left_out: str | None, status_before: str | None) -> None:
    """Once the followed run has changed its status, or none goes on any more, the whole page is told."""
    runs = _live(followed, left_out)
    if not runs or _status(runs, followed) != status_before:
        st.rerun()
    with st.container(key="live_runs", gap=None):
        names = narrow_titles(runs, ROOM)
        for run in runs[:LISTED]:
            _line(run, names[run.id])
        if (more := len(runs) - LISTED) > 0:
            label = n_("{n} more goes on or waits", "{n} more go on or wait", more).format(n=number(more))
            shares = [percent(round(_share(run), 2)) for run in runs[LISTED:] if run.status == "running"]
            label = " · ".join([label, *shares[:SHARES]])
            st.page_link(PAGES["compare"].script, label=label)


def _share(run: Run) -> float:
    return run.step / run.training.steps


def _line(run: Run, name: str, where: str = "") -> None:
    share = _share(run)
    status = status_word(run.status) if run.status != "running" else percent(round(share, 2))
    pulse = " mg-pulse" if run.status == "running" else ""
    with st.container(key=f"live_run_{run.id}{where}", gap=None):
        st.html(
            f"<div class='mg-going' style='--k:{STATUS_COLOURS[run.status]};--p:{100 * share:.1f}%'>"
            f"<span class='mg-dot{pulse}'></span><bdi translate='no'>{escape(name)}</bdi>"
            f"<span>{escape(status)}</span><i></i></div>"
        )
        label = _("To this training: {name}").format(name=escape_markdown(run_title(run)))
        st.page_link(PAGES["training"].script, label=label, query_params={"run": run.id, state.FOLLOW: "1"})
