"""Pages of a served class ask for what the teacher has asked for: the script stands in `class_news.js`."""

from pathlib import Path

from ui.components.mounting import component

HERE = Path(__file__).parent
ADDRESS = "api/class"


def listen(version: str) -> None:
    """Have the page drawn anew as soon as there is another version."""
    data = {"url": ADDRESS, "version": version}
    component("class_news", HERE, "")(data=data, key="class_news", on_version_change=_drawn_anew)


def _drawn_anew() -> None:
    """Nothing more than the run of the script that it causes."""
