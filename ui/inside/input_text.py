"""The text that a model is given while one looks inside: typed, a passage it never saw, or written by itself."""

from collections.abc import Collection
from dataclasses import dataclass

import streamlit as st

from minigpt_core.generation.continuation import continue_text
from minigpt_core.sampling import start_id
from minigpt_core.texts.passages import PASSAGE_LENGTH, held_out_passage
from ui import kept_choices, resources, state
from ui.inside.inspected_model import InspectedModel
from ui.limited_text import limited_text
from ui.words.i18n import _, n_, number
from ui.words.tokens import escape_markdown, name

TEXT, OFFERED, PASSAGE, SEED = "inside.text", "inside.offered", "inside.passage", "inside.seed"
OFFERED_FOR = "inside.offered_for"  # the run whose passage stands in the field
BEGINNING = 12  # characters that are kept when the model goes on
NAMED = 8  # unknown characters that a sentence names
MOST_TYPED = 2000  # characters of the text field


@dataclass(frozen=True)
class InputText:
    """What the model is given, and what it is asked for."""

    ids: tuple[int, ...]
    """At least one."""

    text: str
    """The same as characters."""


def text_field(inspected: InspectedModel) -> InputText | None:
    """The text field with its two buttons; None, and a sentence, if nothing of the text can be read."""
    _offer(inspected)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        typed = limited_text(
            st.text_area,
            _("What does the model read? Type your own text."),
            MOST_TYPED,
            key=state.page_key(TEXT),
            height=68,
            persist_state="session",
        )
        with st.container(width=210, gap="xsmall"):
            st.button(
                _("Another passage"),
                icon=":material/casino:",
                key="inside_passage",
                on_click=_another_passage,
                args=(inspected,),
                width="stretch",
                help=_("A passage from the end of its text, which was kept out of the training."),
            )
            st.button(
                _("Let it write"),
                icon=":material/edit_note:",
                key="inside_write",
                on_click=_let_it_write,
                args=(inspected,),
                width="stretch",
                help=_("The model goes on from the first {n} characters.").format(n=number(BEGINNING)),
            )
    return known_text(inspected, typed)


def known_text(inspected: InspectedModel, typed: str) -> InputText | None:
    """What the model can read of a text, and a sentence about anything that was left out."""
    text, unknown = inspected.split_unknown(typed)
    if unknown:
        st.markdown(f":orange[:material/warning:] {escape_markdown(unknown_note(unknown))}")
    if not text:
        st.info(_("There is nothing to read yet: type some characters of its text."))
        return None
    shown = text[: inspected.longest]
    if len(text) > len(shown):
        words = n_(
            "The first {n} character is looked at: the model sees no more at once.",
            "The first {n} characters are looked at: the model sees no more at once.",
            len(shown),
        )
        if len(shown) < inspected.config.block_size or not inspected.config.n_layer:
            words = n_(
                "The first {n} character is looked at.", "The first {n} characters are looked at.", len(shown)
            )
        st.caption(words.format(n=number(len(shown))))
    return InputText(tuple(inspected.tokenizer.encode(shown).tolist()), shown)


def unknown_note(unknown: Collection[str]) -> str:
    """Which characters were left out. They are a person's: escape the sentence."""
    listed = ", ".join(_("“{character}”").format(character=name(one)) for one in list(unknown)[:NAMED])
    listed += ", …" if len(unknown) > NAMED else ""
    words = _("Left out, because this model has never seen them: {characters}")
    return words.format(characters=listed)


def _offer(inspected: InspectedModel) -> None:
    """Put a passage of the model's own text into the field, unless a person has put something else there."""
    offered = state.page_state(OFFERED, None)
    if kept_choices.keep_text(TEXT, offered) not in (None, offered):
        return
    if state.page_state(OFFERED_FOR, None) != inspected.run.id:
        first = state.page_state(OFFERED_FOR, None) is None
        shown = kept_choices.keep(PASSAGE, 0, kept_choices.whole_number(0, 1_000_000)) if first else 0
        _put(passage(inspected, shown))
        state.set_page_state(OFFERED_FOR, inspected.run.id)
        state.set_page_state(PASSAGE, shown)
    elif offered is not None:
        state.set_page_state(TEXT, offered)


def typed_text() -> str:
    """What stands in the text field."""
    return str(state.page_state(TEXT, "") or "")


def next_seed() -> int:
    """Other random numbers at each press."""
    seed = int(state.page_state(SEED, 0)) + 1
    state.set_page_state(SEED, seed)
    return seed


def _put(text: str) -> None:
    state.set_page_state(TEXT, text)
    state.set_page_state(OFFERED, text)


def _another_passage(inspected: InspectedModel) -> None:
    number = state.page_state(PASSAGE, 0) + 1
    state.set_page_state(PASSAGE, number)
    _put(passage(inspected, number))


def _let_it_write(inspected: InspectedModel) -> None:
    """The beginning of what stands there, and how the model goes on: with other random numbers each time."""
    seed = next_seed()
    known, _unknown = inspected.split_unknown(typed_text())
    begin = known[:BEGINNING] or passage(inspected, 0)[:BEGINNING]
    length = min(inspected.longest, PASSAGE_LENGTH) - len(begin)
    state.set_page_state(TEXT, begin + continuation(inspected, begin, length, seed))


def continuation(inspected: InspectedModel, begin: str, length: int, seed: int) -> str:
    """How the model goes on after characters that it knows, or from nothing. Raises `UserError`."""
    words = inspected.tokenizer
    ids = words.encode(begin).tolist() if begin else [start_id(words)]
    shown, block_size = (inspected.run.id, inspected.step), inspected.config.block_size
    return resources.look(*shown, continue_text, words, ids, length, block_size=block_size, seed=seed).text


def passage(inspected: InspectedModel, number: int) -> str:
    """A passage of what the model never saw (else of what it learned from)."""
    return held_out_passage(resources.run_dataset(inspected.run.id), number, inspected.longest)
