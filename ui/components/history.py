"""What Back does in the browser: its script stands in `history.js`."""

from pathlib import Path

from ui.components.mounting import component

HERE = Path(__file__).parent


def keep_one_entry_a_page() -> None:
    """Let no value in a page's address add a step to the browser's history."""
    component("history", HERE, "")(key="history")
