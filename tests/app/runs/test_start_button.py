"""What begins a training begins it once as it is drawn."""

from typing import Any

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from ui.runs.start_button import _once

    made: list[str] = st.session_state.setdefault("made", [])
    newer, older = 2, 1  # a part of the page was drawn anew after the rest
    for number, name in ((newer, "part"), (older, "rest"), (older, "rest"), (newer, "part")):
        _once(number, made.append, (name,))


def test_a_second_press_does_nothing_and_another_button_counts_for_itself(home: Any) -> None:
    assert AppTest.from_function(page).run().session_state["made"] == ["part", "rest"]
