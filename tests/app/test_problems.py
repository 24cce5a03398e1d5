"""A callback comes to its end, whatever else is asked for meanwhile; what goes wrong in it is said in a sentence."""

from streamlit.testing.v1 import AppTest


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
