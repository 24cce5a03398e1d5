"""The text whose attention is looked at, and the part of it that the model sees at a time."""

import re
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from minigpt_core.interpret.queries_keys import longest_window
from minigpt_core.sampling import start_id
from ui import facts, kept_choices, state
from ui.inside.input_text import (
    MOST_TYPED,
    OFFERED,
    OFFERED_FOR,
    PASSAGE,
    TEXT,
    continuation,
    next_seed,
    passage,
    typed_text,
    unknown_note,
)
from ui.inside.inspected_model import LONGEST, InspectedModel
from ui.limited_text import limited_text
from ui.words import tokens
from ui.words.i18n import _, number

WRITTEN, PART = "attention.written", "attention.part"
WRITES = 24  # characters at a press
HEIGHT = 74  # pixels of the field: two lines
PROJECTED = 20  # characters at the front of a room: each of them can be read there
BUTTONS = 215  # pixels


@dataclass(frozen=True)
class TextWindow:
    """The text that is looked at: what the model knows of it, and the part of that which it sees."""

    text: str
    """All characters that the model knows."""

    unknown: list[str]
    first: int
    """Where the part begins, counted from 0."""

    length: int
    written: int
    """From where on the model wrote it itself, counted from 0."""

    @property
    def part(self) -> str:
        """What the model is given."""
        return self.text[self.first : self.first + self.length]


def text_window(inspected: InspectedModel, row: DeltaGenerator) -> TextWindow:
    """The text field with its buttons, drawn in a row of the page; the part that is looked at; what was left out."""
    _offer(inspected)
    _controls(inspected, row)
    shown = _shown(inspected)
    _say(shown)
    return shown


def _offer(inspected: InspectedModel) -> None:
    """Begin with a passage of the run's unseen text, unless somebody has typed something, here or on another page."""
    kept_choices.keep_text(TEXT, state.page_state(OFFERED, None))
    untouched = typed_text() == state.page_state(OFFERED, None)
    if not typed_text() or (untouched and state.page_state(OFFERED_FOR, None) != inspected.run.id):
        _put_passage(inspected, 0)


def _put_passage(inspected: InspectedModel, which: int) -> None:
    offered = passage(inspected, which)
    if offered != typed_text():
        _put(offered, written=len(offered))
    state.set_page_state(OFFERED, offered)
    state.set_page_state(OFFERED_FOR, inspected.run.id)
    state.set_page_state(PASSAGE, which)


def _longest(inspected: InspectedModel) -> int:
    return longest_window(inspected.config, LONGEST)


def _put(text: str, written: int) -> None:
    """Put a text into the field; from `written` on the model wrote it."""
    state.set_page_state(TEXT, text)
    state.set_page_state(WRITTEN, (text, written))
    state.set_page_state(PART, None)


def _controls(inspected: InspectedModel, row: DeltaGenerator) -> None:
    limited_text(
        row.text_area,
        _("Your text"),
        MOST_TYPED,
        key=state.page_key(TEXT),
        height=HEIGHT,
        placeholder=_("Type a text …"),
        label_visibility="collapsed",
        on_change=_typed,
        persist_state="session",
    )
    with row.container(width=BUTTONS, gap="xxsmall"):
        st.button(
            _("Let the model write on"),
            icon=":material/edit_note:",
            key="attention_write",
            on_click=_write,
            args=(inspected,),
            help=_("It adds {n} characters; another press adds more.").format(n=number(WRITES)),
            width="stretch",
        )
        st.button(
            _("Another passage"),
            icon=":material/shuffle:",
            key="attention_passage",
            on_click=_another,
            args=(inspected,),
            help=_("From the end of the text, which the model did not learn from."),
            width="stretch",
        )


def _typed() -> None:
    typed = typed_text()
    _put(typed, written=len(typed))
    if typed.strip():
        facts.note("attended", text=facts.short(typed), twice=has_a_word_twice(typed))


def has_a_word_twice(text: str) -> bool:
    """Whether a word of two letters or more stands there more than once, with or without capitals."""
    words = re.findall(r"[^\W\d_]{2,}", text.lower())
    return len(words) > len({*words})


def _another(inspected: InspectedModel) -> None:
    _put_passage(inspected, state.page_state(PASSAGE, 0) + 1)


def _write(inspected: InspectedModel) -> None:
    """Have the model go on from what stands in the field."""
    known, _unknown = inspected.split_unknown(typed_text())
    more = continuation(inspected, known, WRITES, next_seed())
    _put(known + more, written=min(_written(), len(known)))


def _written() -> int:
    """From which character on the model wrote what stands in the field."""
    text, written = state.page_state(WRITTEN, ("", 0))
    return int(written) if text == typed_text() else len(typed_text())


def _shown(inspected: InspectedModel) -> TextWindow:
    """The text, and the part of it that is looked at: its end, unless another part was chosen."""
    text, unknown = inspected.split_unknown(typed_text())
    if not text:  # the character that an empty text begins after
        text = inspected.tokenizer.itos[start_id(inspected.tokenizer)]
    length = min(len(text), PROJECTED if state.projected() else _longest(inspected))
    return TextWindow(text, unknown, _first(len(text), length), length, _written())


def _first(characters: int, length: int) -> int:
    """Where the part begins that is looked at; with a choice if there is one."""
    if characters <= length:
        return 0
    last = characters - length + 1
    chosen = kept_choices.keep(PART, None, kept_choices.whole_number(1, MOST_TYPED))
    state.set_page_state(PART, min(chosen or last, last))
    sentence = _("The model sees {n} of the {all} characters at a time. From which one on?")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="attention_part"):
        st.markdown(sentence.format(n=number(length), all=number(characters)), width="content")
        st.slider(
            _("The first character that it sees"),
            1,
            last,
            key=state.page_key(PART),
            label_visibility="collapsed",
            help=_("It knows nothing of what comes before."),
        )
    return int(state.page_state(PART, last)) - 1


def _say(shown: TextWindow) -> None:
    """What was left out, and what stands there though nothing was typed."""
    if shown.unknown:
        st.markdown(f":orange[:material/warning:] {tokens.escape_markdown(unknown_note(shown.unknown))}")
