"""A callback comes to its end, whatever else is asked for meanwhile."""

from streamlit.testing.v1 import AppTest


def script() -> None:
    """Asks for another run while it is at work, as a component does, and uses the session after that."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunException, get_script_run_ctx
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

    from ui.state import uninterrupted

    def another_run() -> None:
        raise RerunException(RerunData())

    session = get_script_run_ctx().session_state
    usual = session._yield_callback
    object.__setattr__(session, "_yield_callback", another_run)
    try:
        with uninterrupted():
            st.session_state["inside"] = "whole"
        try:
            st.session_state["outside"] = "cut"
        except RerunException:
            cut = True
    finally:
        object.__setattr__(session, "_yield_callback", usual)
    st.write(st.session_state["inside"], cut, "outside" in st.session_state)


def test_what_must_come_to_its_end_is_not_cut_short() -> None:
    app = AppTest.from_function(script).run()
    assert not app.exception
    assert app.markdown[0].value == "whole `True` `False`"
