"""Tabs and what is folded, as a reload finds them again."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ui import kept_choices, state


def kept_tabs(name: str, titles: Mapping[str, str]) -> Sequence[Any]:
    """`st.tabs` with the key `name`, that of the address open. Inside a fragment a click reruns only that.

    Args:
        titles: what stands on each tab, in the reader's language, by a name that has none.
    """
    chosen = kept_choices.keep(name, next(iter(titles)), kept_choices.one_of(titles))
    state.set_widget(name, titles[chosen])
    names = {title: one for one, title in titles.items()}
    return st.tabs(list(titles.values()), key=name, on_change=_follow, args=(name, names))


def _follow(name: str, names: Mapping[str, str]) -> None:
    state.set_page_state(name, names[state.widget_value(name)])


def kept_fold(label: str, key: str, icon: str | None = None) -> Any:
    """`st.expander`, open if the address says so. It is to be filled where its `open` is true."""
    kept_choices.keep(key, False, kept_choices.one_of([False, True]), key=key)
    return st.expander(label, icon=icon, key=key, on_change="rerun")
