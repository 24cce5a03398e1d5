"""Callbacks look themselves whose run it is: a button that is off is no lock."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.store.explained import read_only
from minigpt_core.store.runs import Run, RunStore
from ui import orders, teacher
from ui.classroom import approvals
from ui.words.i18n import translate

RunMaker = Callable[..., Run]


def page(callback: str, run_id: str, more: tuple[str, ...]) -> None:
    """A page of somebody else, whose button asks for something of the run."""
    from importlib import import_module

    import streamlit as st

    from ui import state
    from ui.server import streamlit_changes as streamlit_changes

    module, _, name = callback.rpartition(".")
    state.page_state("training.pace", 1.0)
    for notice in state.take_notices():
        st.write(notice)
    st.button("act", on_click=getattr(import_module(module), name), args=(run_id, *more))


@pytest.mark.parametrize(
    ("callback", "more"),
    [
        ("ui.training.transport.pause", ()),
        ("ui.training.transport.resume", ()),
        ("ui.training.transport.step", ()),
        ("ui.training.transport.stop", ()),
        ("ui.training.transport.restart", ()),
        ("ui.training.settings.apply", ("pace",)),
        ("ui.compare.run_details.go_on", ()),
        ("ui.compare.run_details._write_note", ("name",)),
        ("ui.runs.rename_delete.rename", ("name",)),
        ("ui.runs.rename_delete.delete", ("compare",)),
        ("ui.runs.rename_delete.undelete", ("compare", False)),
    ],
)
def test_nobody_elses_run_is_touched(
    some_run: RunMaker, home: Path, monkeypatch: pytest.MonkeyPatch, callback: str, more: tuple[str, ...]
) -> None:
    run = some_run(workspace="A" * 22, name="theirs")
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    app = AppTest.from_function(page, args=(callback, run.id, more), default_timeout=60).run()
    app.button[0].click().run()
    assert not app.exception
    assert "belongs to somebody else" in app.markdown[0].value
    assert [found.id for found in RunStore(home).runs() if not found.prepared] == [run.id]
    assert RunStore(home).run(run.id) == run


def test_visitors_are_not_told_where_things_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = translate(read_only(home / "runs.sqlite3"))
    assert str(home) in sentence
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    assert str(home.parent) not in translate(read_only(home / "runs.sqlite3"))
    assert "runs.sqlite3" in translate(read_only(home / "runs.sqlite3"))


def teachers_page(callback: str, more: tuple[object, ...]) -> None:
    """A page of a pupil, whose button asks for something that only the teacher may."""
    from importlib import import_module

    import streamlit as st

    from ui import state
    from ui.server import streamlit_changes as streamlit_changes

    module, _, name = callback.rpartition(".")
    for notice in state.take_notices():
        st.write(notice)
    st.button("act", on_click=getattr(import_module(module), name), args=more)


@pytest.mark.parametrize(
    ("callback", "more"),
    [
        ("hand.pause_all", ()),
        ("hand.resume_all", ()),
        ("hand.freeze", (True,)),
        ("hand.stop_all", ()),
        ("hand.stop", ("somebody",)),
        ("hand.stop_one", ("somebody",)),
        ("hand.unstop", ()),
        ("hand.look", ({"page": "model"},)),
        ("hand.give", ({"text": "additions", "letters": "lower"},)),
        ("hand.speak", ("fr",)),
        ("preview.open_for", (1,)),
        ("preview.allow", ()),
        ("preview.forbid", (1,)),
        ("preview.allow_nickname", ()),
        ("afterwards.wipe", ()),
        ("limits.switch", ()),
        ("limits.change", ("runs", "limits_runs")),
        ("limits.offer", ()),
        ("wall.show_names", ()),
        ("wall.show_all", ()),
    ],
)
def test_a_pupil_moves_nothing_that_is_the_teachers(
    some_run: RunMaker, home: Path, monkeypatch: pytest.MonkeyPatch, callback: str, more: tuple[object, ...]
) -> None:
    run = some_run(workspace="A" * 22)
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    monkeypatch.delenv("MINIGPT_LIMITS", raising=False)
    teacher.keep_secret(home)
    before = orders.board().now, approvals.allowed(), RunStore(home).runs()
    app = AppTest.from_function(
        teachers_page, args=(f"ui.classroom.{callback}", more), default_timeout=60
    ).run()
    app.button[0].click().run()
    assert not app.exception
    assert "for the teacher" in app.markdown[0].value
    assert (orders.board().now, approvals.allowed(), RunStore(home).runs()) == before
    assert run in before[2] and "MINIGPT_LIMITS" not in os.environ
