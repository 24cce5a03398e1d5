"""What is open when a session begins anew works there too: its script stands in `connection.js`."""

from pathlib import Path

from ui.components.mounting import component

HERE = Path(__file__).parent


def watch() -> None:
    """Have the page drawn anew as soon as a lost connection is back."""
    component("connection", HERE, "")(data={}, key="connection", on_renewed_change=_drawn_anew)


def _drawn_anew() -> None:
    """Nothing more than the run of the script that it causes."""
