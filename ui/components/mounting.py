"""How a component of ours gets onto a page."""

from pathlib import Path
from typing import Any

import streamlit as st

from ui.byte_cache import byte_cached
from ui.components import javascript


@byte_cached
def component(name: str, folder: Path, html: str) -> Any:
    """What mounts the component whose `name`.js, and `name`.css if it has one, stand in `folder`. It uses the page's
    own styles."""
    sheet = folder / f"{name}.css"
    css = sheet.read_text(encoding="utf-8") if sheet.exists() else None
    js = javascript.in_one_piece(folder / f"{name}.js")
    return st.components.v2.component(name, html=html, css=css, js=js, isolate_styles=False)
