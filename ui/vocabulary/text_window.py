"""The text as tiles, each with its id beneath: a window that moves through the text."""

import streamlit as st

from minigpt_core.tokenizer import CharTokenizer
from ui import kept_choices, state
from ui.resources import ChosenText
from ui.words.i18n import _, number
from ui.words.tokens import KINDS, emoji_note, escape, escape_markdown, kind, legend, strip

ROWS = 4
IN_A_ROW = 31  # tiles at 1280 pixels; wider ids take more room
IN_A_ROW_WIDE = 26
ROWS_IN_SHORT = 2  # at the front of a room, or beside a lesson


def window(
    chosen: ChosenText, words: CharTokenizer, counts: dict[str, int], *, in_short: bool = False
) -> None:
    """A window of the text, and the controls that move it."""
    rows = ROWS_IN_SHORT if in_short or state.projected() else ROWS
    length = rows * (IN_A_ROW if words.vocab_size <= 100 else IN_A_ROW_WIDE)
    end = max(len(chosen.text) - length, 0)
    start = min(place(chosen), end)
    shown = chosen.text[start : start + length]
    st.html(strip(shown, words.stoi, counts, label=_("The text, character by character")))
    left, right = st.columns([3, 5], vertical_alignment="center")
    if end:
        with left.container(horizontal=True, vertical_alignment="center"):
            _controls(chosen, start, length, end)
    right.html(_where(shown, start, len(chosen.text)))
    if note := emoji_note(shown):
        st.caption(escape_markdown(note))


def place(chosen: ChosenText) -> int:
    """Where the window stands in this text."""
    return int(kept_choices.keep(_name(chosen), 0, kept_choices.whole_number(0, len(chosen.text))))


def _name(chosen: ChosenText) -> str:
    return f"vocabulary.start.{chosen.id[:16]}"


def _where(shown: str, start: int, total: int) -> str:
    """Which part of the text this is, and what the colours mean."""
    where = _("Characters {first} to {last} of {total}").format(
        first=number(start + 1), last=number(start + len(shown)), total=number(total)
    )
    kinds = {kind(character) for character in shown}
    colours = legend([name for name in KINDS if name in kinds])
    return f"<div class='mg-where'><div class='mg-note'>{escape(where)}</div>{colours}</div>"


def _controls(chosen: ChosenText, start: int, length: int, end: int) -> None:
    """Back, a slider over the whole text, further. The slider counts from 1, as people do."""
    st.session_state[state.VOCABULARY_START] = start + 1
    st.button(
        _("Back"),
        icon=":material/arrow_back:",
        key="vocabulary_back",
        disabled=start == 0,
        on_click=_move_to,
        args=(chosen, max(start - length, 0)),
    )
    st.slider(
        _("First character shown"),
        1,
        end + 1,
        key=state.VOCABULARY_START,
        label_visibility="collapsed",
        on_change=_follow_slider,
        args=(chosen,),
    )
    st.button(
        _("Further"),
        icon=":material/arrow_forward:",
        icon_position="right",
        key="vocabulary_further",
        disabled=start == end,
        on_click=_move_to,
        args=(chosen, min(start + length, end)),
    )


def _move_to(chosen: ChosenText, start: int) -> None:
    state.set_page_state(_name(chosen), start)


def _follow_slider(chosen: ChosenText) -> None:
    _move_to(chosen, st.session_state[state.VOCABULARY_START] - 1)
