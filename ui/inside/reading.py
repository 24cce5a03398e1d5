"""The text that the model reads while one looks inside: typed, a passage it never saw, or written by itself."""

from collections.abc import Collection
from dataclasses import dataclass

import streamlit as st
import torch

from minigpt_core.configs import SampleSettings
from minigpt_core.data import Dataset
from minigpt_core.sampling import generate
from ui import resources, state
from ui.inside.subject import Subject
from ui.words.i18n import _, n_, number
from ui.words.tokens import escape_markdown, name

TEXT, OFFERED, PASSAGE, SEED = "inside.text", "inside.offered", "inside.passage", "inside.seed"
OFFERED_FOR = "inside.offered_for"  # the run whose passage stands in the field
PASSAGE_LENGTH = 40  # characters: as many as stand side by side on a projector
BEGINNING = 12  # characters that are kept when the model goes on
NAMED = 8  # unknown characters that a sentence names
MOST_TYPED = 2000  # characters of the text field
WRITTEN = SampleSettings(temperature=0.8)


@dataclass(frozen=True)
class Reading:
    """What the model is given, and what it is asked for."""

    ids: tuple[int, ...]
    """At least one."""

    text: str
    """The same as characters."""


def read(subject: Subject) -> Reading | None:
    """The text field with its two buttons; None, and a sentence, if nothing of the text can be read."""
    _offer(subject)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        typed = st.text_area(
            _("What does the model read? Type your own text."),
            key=state.page_key(TEXT),
            height=68,
            max_chars=MOST_TYPED,
            persist_state="session",
        )
        with st.container(width=210, gap="xsmall"):
            st.button(
                _("Another passage"),
                icon=":material/casino:",
                key="inside_passage",
                on_click=_another_passage,
                args=(subject,),
                width="stretch",
                help=_("A passage from the end of its text, which was kept out of the training."),
            )
            st.button(
                _("Let it write"),
                icon=":material/edit_note:",
                key="inside_write",
                on_click=_let_it_write,
                args=(subject,),
                width="stretch",
                help=_("The model goes on from the first {n} characters.").format(n=number(BEGINNING)),
            )
    return known_part(subject, typed or "")


def known_part(subject: Subject, typed: str) -> Reading | None:
    """What the model can read of a text, and a sentence about anything that was left out."""
    text, unknown = subject.split_unknown(typed)
    if unknown:
        st.markdown(f":orange[:material/warning:] {escape_markdown(unknown_words(unknown))}")
    if not text:
        st.info(_("There is nothing to read yet: type some characters of its text."))
        return None
    shown = text[: subject.longest]
    if len(text) > len(shown):
        words = n_(
            "The first {n} character is looked at: the model sees no more at once.",
            "The first {n} characters are looked at: the model sees no more at once.",
            len(shown),
        )
        if len(shown) < subject.config.block_size or not subject.config.n_layer:
            words = n_(
                "The first {n} character is looked at.", "The first {n} characters are looked at.", len(shown)
            )
        st.caption(words.format(n=number(len(shown))))
    return Reading(tuple(subject.tokenizer.encode(shown).tolist()), shown)


def unknown_words(unknown: Collection[str]) -> str:
    """Which characters were left out. They are a person's: escape the sentence."""
    listed = ", ".join(_("“{character}”").format(character=name(one)) for one in list(unknown)[:NAMED])
    listed += ", …" if len(unknown) > NAMED else ""
    words = _("Left out, because this model has never seen them: {characters}")
    return words.format(characters=listed)


def _offer(subject: Subject) -> None:
    """Put a passage of the model's own text into the field, unless a person has put something else there."""
    offered = state.page_state(OFFERED, None)
    if state.page_state(TEXT, None) not in (None, offered):
        return
    if state.page_state(OFFERED_FOR, None) != subject.run.id:
        _put(passage(subject, 0))
        state.set_page_state(OFFERED_FOR, subject.run.id)
        state.set_page_state(PASSAGE, 0)
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


def _another_passage(subject: Subject) -> None:
    number = state.page_state(PASSAGE, 0) + 1
    state.set_page_state(PASSAGE, number)
    _put(passage(subject, number))


def _let_it_write(subject: Subject) -> None:
    """The beginning of what stands there, and how the model goes on: with other random numbers each time."""
    seed = next_seed()
    known, _unknown = subject.split_unknown(typed_text())
    begin = known[:BEGINNING] or passage(subject, 0)[:BEGINNING]
    length = min(subject.longest, PASSAGE_LENGTH) - len(begin)
    _put(begin + written(subject, begin, length, seed))


def written(subject: Subject, begin: str, length: int, seed: int) -> str:
    """How the model goes on after `begin`."""
    steps = generate(
        subject.model,
        subject.tokenizer.encode(begin),
        max(length, 0),
        subject.config.block_size,
        generator=torch.Generator().manual_seed(seed),
        settings=WRITTEN,
    )
    return subject.tokenizer.decode([step.token for step in steps])


def passage(subject: Subject, number: int) -> str:
    """A passage of what the model never saw (else of what it learned from); it begins with a word, if there are any."""
    text = unseen_text(resources.run_dataset(subject.run.id))
    length = min(PASSAGE_LENGTH, subject.longest)
    room = max(len(text) - length, 0)
    start = number * 3 * PASSAGE_LENGTH % (room + 1)
    if start or number == 0:
        start = min(word_start(text, start), room)
    return text[start : start + length]


def unseen_text(known: Dataset) -> str:
    """The validation part; the training part if there is none to speak of."""
    part = known.val if len(known.val) >= PASSAGE_LENGTH else known.train
    return known.tokenizer.decode(part[:20_000])


def word_start(text: str, start: int) -> int:
    """The next place after a space or a new line, if there is one near."""
    found = [place for place in (text.find(" ", start), text.find("\n", start)) if 0 <= place < start + 30]
    return min(found) + 1 if found else start
