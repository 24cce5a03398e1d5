"""The real code behind a page, and a short explanation of it."""

import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from minigpt_core.source_code import source_lines
from ui import facts, set_up, state
from ui.components.kept import kept_fold
from ui.words.i18n import _, page_text

ROOT = Path(__file__).parents[2]


def show_code(page_name: str, *objects: Callable[..., Any]) -> None:
    """A folded section: `words/<language>/<page_name>_code.md`, then the source of the functions and classes.

    It is filled when somebody opens it, which reruns nothing else.

    Args:
        objects: functions or classes of the core that this page has really called.
    """
    if not set_up.hidden("code") and not state.projected():
        st.fragment(_section)(page_name, objects)


def _section(page_name: str, objects: Sequence[Callable[..., Any]]) -> None:
    folded = kept_fold(_("Show the code"), f"{page_name}_code", icon=":material/code:")
    if not folded.open:
        return
    facts.note("code", page=page_name)
    with folded:
        st.markdown(page_text(f"{page_name}_code"))
        for tab, shown in zip(st.tabs([title(shown) for shown in objects]), objects, strict=True):
            with tab:
                st.caption(where(shown))
                st.code(source(shown), language="python", line_numbers=True)


def title(shown: Callable[..., Any]) -> str:
    """`get_batch()` for a function, `TinyGPT` for a class."""
    return shown.__qualname__ if inspect.isclass(shown) else f"{shown.__qualname__}()"


def source(shown: Callable[..., Any]) -> str:
    """Its code."""
    return "".join(source_lines(shown)[0])


def where(shown: Callable[..., Any]) -> str:
    """The file and line that the source comes from: `minigpt_core/data.py, line 42`."""
    lines, first = source_lines(shown)
    path = os.path.relpath(inspect.getfile(inspect.unwrap(shown)), ROOT).replace(os.sep, "/")
    return _("{path}, lines {first} to {last}").format(path=path, first=first, last=first + len(lines) - 1)
