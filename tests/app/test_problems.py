"""A callback comes to its end, whatever else is asked for meanwhile; what goes wrong in it is said in a sentence."""

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.presets import NOTEBOOK
from tests.app.conftest import OpenPage


def clicked() -> None:
    """Somebody asks for another run while a callback is at work, as a component does."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

    from ui.server import streamlit_changes as streamlit_changes

    def act() -> None:
        get_script_run_ctx().script_requests.request_rerun(RerunData(page_script_hash=""))
        st.session_state["first"] = "done"
        st.query_params["lang"] = "fr"
        st.session_state["last"] = "done"

    st.button("act", on_click=act)
    st.write(st.session_state.get("first", "not"), st.session_state.get("last", "not"))


def changed() -> None:
    import streamlit as st

    from minigpt_core.errors import UserError
    from ui import state
    from ui.server import streamlit_changes as streamlit_changes

    def fail() -> None:
        raise UserError("{n} is too much.", n=3)

    st.text_input("typed", on_change=fail)
    st.write(*state.take_notices())


def test_every_callback_comes_to_its_end() -> None:
    app = AppTest.from_function(clicked).run()
    app.button[0].click().run()
    assert not app.exception
    assert app.markdown[0].value == "done done"


def test_what_goes_wrong_in_any_callback_is_said() -> None:
    app = AppTest.from_function(changed).run()
    app.text_input[0].input("x").run()
    assert not app.exception
    assert app.markdown[0].value == "3 is too much."


@pytest.mark.parametrize("nonsense", ["nobody~steps~300", "notebook~steps~many", "<b>"])
def test_settings_in_the_address_that_cannot_be_read_are_said(app: OpenPage, nonsense: str) -> None:
    page = app("training", settings=nonsense)
    assert not page.exception
    assert any("settings in this address" in said.value for said in [*page.info, *page.warning])
    assert "settings" not in page.query_params
    assert page.session_state["page.training.steps"] == NOTEBOOK.training.steps
