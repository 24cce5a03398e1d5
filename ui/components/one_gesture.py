"""A second click within one gesture does nothing else than the first: its script stands in `one_gesture.js`."""

from pathlib import Path

from ui.components.mounting import component

HERE = Path(__file__).parent


def watch() -> None:
    """Let a double click, and a key that is held down, act only where they began."""
    component("one_gesture", HERE, "")(key="one_gesture")
