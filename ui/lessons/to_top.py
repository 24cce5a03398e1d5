"""A step begins at the top of its page: the browser keeps the place to which another page was scrolled."""

from pathlib import Path

from ui.components.mounting import component

HERE = Path(__file__).parent


def to_top(step: str) -> None:
    """Show the top of the page once for this step."""
    component("to_top", HERE, "")(key="lesson_to_top", data={"step": step})
