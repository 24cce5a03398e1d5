"""The Attention page from top to bottom, one function a section."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from minigpt_core.interpret.heads import HeadDescription
from ui import resources, state
from ui.attention import look, words
from ui.inside import reading_guide
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
)
from ui.inside.inspected_model import LONGEST, InspectedModel, choose_model
from ui.problems import spoken_errors
from ui.words import tokens
from ui.words.i18n import _, language, n_, number

HERE = Path(__file__).parent
WRITTEN, PART = "attention.written", "attention.part"
WRITES = 24  # characters at a press
NAMED = 12  # of the characters that the model does not know
HTML = "<div class='mg-att'></div>"
HEIGHT = 74  # pixels of the field: two lines
BUTTONS = 215  # pixels


@dataclass(frozen=True)
class Shown:
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


def page() -> InspectedModel | None:
    """Everything; None if there is nothing to look into."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="medium", key="attention_controls")
    with row.container(width="content", gap="small"):
        st.title(_("Attention"), anchor=False)
        _how_to_read()
    inspected = choose_model(needs_layers=True)
    if inspected is None:
        return None
    _lacks()
    _offer(inspected)
    _controls(inspected, row)
    shown = _shown(inspected)
    _say(shown)
    picture(inspected, shown)
    return inspected


def _how_to_read() -> None:
    reading_guide.how_to_read(
        "attention",
        shows=_(
            "For each character, how it shares out its attention among itself and the characters before "
            "it. All shares of one character add up to 100 %. Each layer has several heads, and every head "
            "looks in its own way. On a map, a line is a character that looks, a column one that is looked "
            "at; the hatched half is still to come and hidden."
        ),
        computed=_(
            "In every head a character asks (query) and all characters offer (key). Query times key, "
            "divided by the root of their length, later characters masked out, then softmax (“Attention Is "
            "All You Need”, 2017). The words about a head come from measuring, on other text, how much of "
            "its attention follows a simple rule; the dotted mark says how much evenly spread attention "
            "would give. Darkness grows with the root of the share."
        ),
        beware=_(
            "Attention is not importance. It says from where a head takes something, not what it takes nor "
            "whether the prediction depends on it: other attention can lead to the same prediction (Jain "
            "and Wallace, 2019). From the second layer on, a place holds traces of other characters, too. "
            "To see what a head is for, take it out."
        ),
    )  # fmt: skip


def _lacks() -> None:
    """Why the followed run is not the one that is shown, if it is a TinyGPT."""
    followed = state.current_run() if state.run_id() else None
    if followed is not None and not followed.model.n_layer:
        st.caption(
            _(
                "Without layers there is no attention: each character is all that such a model sees, so "
                "that it can only learn which character follows which."
            )
        )


# Which text


def _offer(inspected: InspectedModel) -> None:
    """Begin with a passage of the run's unseen text, unless somebody has typed something, here or on another page."""
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
    return look.longest(inspected.config, LONGEST)


def _put(text: str, written: int) -> None:
    """Put a text into the field; from `written` on the model wrote it."""
    state.set_page_state(TEXT, text)
    state.set_page_state(WRITTEN, (text, written))
    state.set_page_state(PART, None)


def _controls(inspected: InspectedModel, row: DeltaGenerator) -> None:
    row.text_area(
        _("Your text"),
        key=state.page_key(TEXT),
        height=HEIGHT,
        max_chars=MOST_TYPED,
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
    _put(typed_text(), written=len(typed_text()))


def _another(inspected: InspectedModel) -> None:
    _put_passage(inspected, state.page_state(PASSAGE, 0) + 1)


def _write(inspected: InspectedModel) -> None:
    """Have the model go on from what stands in the field."""
    known, _unknown = inspected.split_unknown(typed_text())
    with spoken_errors():
        more = continuation(inspected, known, WRITES, next_seed())
        _put(known + more, written=min(_written(), len(known)))


def _written() -> int:
    """From which character on the model wrote what stands in the field."""
    text, written = state.page_state(WRITTEN, ("", 0))
    return int(written) if text == typed_text() else len(typed_text())


def _shown(inspected: InspectedModel) -> Shown:
    """The text, and the part of it that is looked at: its end, unless another part was chosen."""
    text, unknown = inspected.split_unknown(typed_text())
    if not text:
        text = inspected.tokenizer.decode(look.first_ids(inspected.tokenizer, ""))
    length = min(len(text), _longest(inspected))
    return Shown(text, unknown, _first(len(text), length), length, _written())


def _first(characters: int, length: int) -> int:
    """Where the part begins that is looked at; with a choice if there is one."""
    if characters <= length:
        return 0
    last = characters - length + 1
    chosen = state.page_state(PART, None)
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


def _say(shown: Shown) -> None:
    """What was left out, and what stands there though nothing was typed."""
    if shown.unknown:
        names = ", ".join(tokens.name(character) for character in shown.unknown[:NAMED])
        more = "" if len(shown.unknown) <= NAMED else " …"
        sentence = n_(
            "Left out, because the model never met this character: {characters}",
            "Left out, because the model never met these characters: {characters}",
            len(shown.unknown),
        ).format(characters=tokens.escape_markdown(names) + more)
        st.markdown(f":orange[:material/info:] {sentence}")


# The picture


def picture(inspected: InspectedModel, shown: Shown) -> None:
    """The text with its arcs, all heads, one head large, the calculation: one component, sent once."""
    seen = resources.attention(inspected.run.id, inspected.step, shown.part)
    described = resources.heads(inspected.run.id, inspected.step)
    resources.component("attention_map", HERE, HTML)(
        data={
            "model": inspected.run.id,
            "layers": inspected.config.n_layer,
            "heads": inspected.config.n_head,
            "size": inspected.config.head_size,
            "length": shown.length,
            "queries": seen.queries,
            "keys": seen.keys,
            "ids": seen.ids,
            "characters": {
                id_: [tokens.face(c), tokens.name(c), tokens.kind(c)]
                for id_, c in zip(seen.ids, shown.part, strict=True)
            },
            "first": shown.first + 1,
            "written": max(shown.written - shown.first, 0),
            "start": clearest(described),
            "about": words.heads(described),
            "locale": language(),
            "labels": words.labels(),
        },
        key="attention_map",
        height="content",
    )


def clearest(described: list[HeadDescription]) -> int:
    """The number of the head that a simple rule describes best: a good one to begin with."""
    telling = [
        max((share.excess for rule, share in head.shares.items() if rule != "itself"), default=0.0)
        for head in described
    ]
    return telling.index(max(telling))
