"""What this page calculates and keeps, by run, checkpoints and typed text."""

import streamlit as st

from minigpt_core.interpret.checkpoint_history import NextCharacters, models_at, next_characters
from ui import resources


@st.cache_resource(show_spinner=False, max_entries=64)
def next_characters_at(run_id: str, steps: tuple[int, ...], ids: tuple[int, ...]) -> NextCharacters:
    """How likely each next character is after the `ids`, at each of these checkpoints. Raises `StoreError`."""
    return next_characters(models_at(resources.store(), resources.run(run_id), steps), ids)
