"""A longer text than fits is cut, and a sentence says so."""

from streamlit.testing.v1 import AppTest


def field() -> None:
    import streamlit as st

    from ui.limited_text import limited_text

    said = limited_text(st.text_input, "Name", 5, key="name", on_change=lambda word: st.session_state.update(last=word),
                        args=("told",))  # fmt: skip
    st.markdown(f"[{said}]")


def test_what_is_too_long_is_cut_and_said() -> None:
    page = AppTest.from_function(field).run()
    page.text_input(key="name").set_value("abcde").run()
    assert page.markdown[0].value == "[abcde]" and not page.toast
    page.text_input(key="name").set_value("abcdefgh").run()
    assert page.markdown[0].value == "[abcde]" and page.text_input(key="name").value == "abcde"
    assert "first 5 characters" in page.toast[0].value
    assert page.session_state["last"] == "told"
