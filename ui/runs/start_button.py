"""A button that begins a training or lets one go on: off, and saying why, while the teacher lets nothing begin."""

from collections.abc import Callable
from itertools import count
from typing import Any

import streamlit as st

from minigpt_core.errors import StoreError, UserError
from ui import state
from ui.words.i18n import translate

PRESSED = "start_button.pressed"
drawn = count()


def start_button(
    label: str,
    *,
    on_click: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    disabled: bool = False,
    again: bool = False,
    help: str | None = None,
    **arguments: Any,
) -> bool:
    """`st.button` that begins one thing, however quickly it is pressed twice: it acts once as it is drawn, and not
    where it is off by now.

    Args:
        again: it is meant to be pressed quickly, and acts each time.
    """
    why = why_not()
    off = disabled or bool(why)
    does = None if off else on_click
    if does is not None and not again:
        does, args = _once, (next(drawn), does, args)
    return st.button(label, disabled=off, help=why or help, on_click=does, args=args, **arguments)


def _once(number: int, act: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Act, unless this drawing of the button was pressed before. Another one, in a part of the page that was drawn
    anew since, counts for itself."""
    pressed: set[int] = state.page_state(PRESSED, set())
    if number not in pressed:
        pressed.add(number)
        act(*args)


def why_not() -> str | None:
    """Why no training may begin or go on here; None: it may. What a callback asks of a run asks again."""
    try:
        state.let_train()
    except StoreError:
        return None  # the pages say so
    except UserError as error:
        return translate(error)
    return None
