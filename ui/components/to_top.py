"""What is new begins at the top: a browser keeps the place to which something was scrolled before."""

from pathlib import Path
from typing import Literal

from ui.components.mounting import component

HERE = Path(__file__).parent


def to_top(of: Literal["page", "sidebar"], what: str) -> None:
    """Show the top of the page, or of the side bar, once for this: a step of a lesson, a text of one's own."""
    component("to_top", HERE, "")(key=f"to_top_{of}", data={"of": of, "what": what})
