"""The colours that mean something, and the one style sheet: its rules stand in `style.css`."""

from pathlib import Path

import streamlit as st

# Okabe and Ito's colours: told apart by colour-blind people. The same colour for the same thing on every page.
TRAIN = "#0072B2"
VALIDATION = "#E69F00"
REFERENCE = "#7A7A7A"
DONE = "#009E73"
PROBLEM = "#D55E00"
KIND_COLOURS = {
    "vowel": "#0072B2",
    "consonant": "#7A7A7A",
    "space": "#E69F00",
    "digit": "#009E73",
    "mark": "#CC79A7",
}

# From a great surprise to none: stops of cividis (https://doi.org/10.1371/journal.pone.0199239), red, green, blue
PROBABILITY_SCALE = (
    (0, 32, 76), (0, 42, 102), (0, 52, 110), (39, 63, 108), (60, 74, 107), (76, 85, 107), (91, 95, 109),
    (104, 106, 112), (117, 117, 117), (131, 129, 120), (146, 140, 120), (161, 152, 118), (176, 165, 114),
    (192, 177, 109), (209, 191, 102), (225, 204, 92), (243, 219, 79), (255, 233, 69),
)  # fmt: skip


def inject(projected: bool = False) -> None:
    """Put the sheet on the page. It takes no room there.

    Args:
        projected: with the rules of `projector.css`, for the front of a room.
    """
    st.html(Path(__file__).with_suffix(".css"))
    if projected:
        st.html(Path(__file__).with_name("projector.css"))
    scheme = st.context.theme.type or "normal"  # what opens stands outside the element that knows
    st.html(f'<style>[data-testid="stPopoverBody"], .stDialog {{ color-scheme: {scheme}; }}</style>')
