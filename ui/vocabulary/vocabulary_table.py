"""Which number does each character get? The vocabulary as a table, and how often each character stands in the text."""

import unicodedata
from typing import Any

import pandas as pd
import streamlit as st

from minigpt_core.tokenizer import CharTokenizer
from ui import kept_choices, state
from ui.components import charts
from ui.style import KIND_COLOURS
from ui.words.i18n import _, n_, number, percent
from ui.words.tokens import MARKS, WORDS, code_point, escape, escape_markdown, face, kind, name, unicode_name

SEARCH = "vocabulary.search"
BARS = 30
SAID = 5  # characters in the words for who hears the page
PROJECTED, PRINTED = 6, 80  # lines at the front of a room; on paper
HEIGHT = 248
STYLED = (
    2000  # rows; beyond, pandas' styles take too long, and the browser writes the numbers in its own language
)


def section(words: CharTokenizer, counts: dict[str, int]) -> None:
    """The table on the left, the chart on the right."""
    left, right = st.columns([6, 5], gap="medium")
    with left:
        if state.projected():
            _large(words, counts, PROJECTED)
        else:
            _table(words, counts)
            _large(words, counts, PRINTED, "mg-on-paper")  # what one scrolls in is cut there
    with right:
        _chart(counts)


def _large(words: CharTokenizer, counts: dict[str, int], most: int, name: str = "") -> None:
    """The most frequent characters in letters of the page's own size, which the table has not."""
    first = sorted(words.characters, key=lambda c: (-counts[c], words.stoi[c]))[:most]
    heads = "".join(f"<th>{escape(head)}</th>" for head in (_("Id"), _("Character"), _("Count"), _("Share")))
    total = sum(counts.values())
    lines = "".join(
        f"<tr><td>{words.stoi[c]}<td><bdi translate='no'>{escape(_shown(c))}</bdi><td>{number(counts[c])}"
        f"<td>{percent(counts[c] / total, 1)}</tr>"
        for c in first
    )
    st.html(f"<div class='{name}'><table class='mg-table'><tr>{heads}</tr>{lines}</table></div>")


@st.fragment
def _table(words: CharTokenizer, counts: dict[str, int]) -> None:
    kept_choices.keep_text(SEARCH, "")
    query = st.text_input(
        _("Search the vocabulary"),
        placeholder=_("Search: a character, an id, or a name (12, é, comma)"),
        type="search",
        live=True,
        key=state.page_key(SEARCH),
        label_visibility="collapsed",
    )
    found = find(words, query or "")
    if not found:
        st.markdown(_("No character of this text fits “{query}”.").format(query=escape_markdown(query or "")))
        return
    st.dataframe(
        styled(rows(found, words, counts)),
        hide_index=True,
        height=HEIGHT if len(found) > 6 else "auto",
        column_config=_columns(len(found) > STYLED),
        key="vocabulary_table",
        alt=_("The vocabulary: each character with its id, its name and how often it stands in the text"),
    )
    if query:
        st.caption(n_("{n} character found", "{n} characters found", len(found)).format(n=number(len(found))))


def find(words: CharTokenizer, query: str) -> str:
    """The characters of the vocabulary that fit a search, in the order of their ids.

    A single character finds itself and its variants (E, é, …), a number its id, other words the names that contain
    them.
    """
    query = unicodedata.normalize("NFC", query.strip() or query)
    if not query:
        return words.characters
    found = {c for c in words.characters if len(query) == 1 and query in variants(c)}
    if query.isdecimal() and int(query) < words.vocab_size:
        found.add(words.characters[int(query)])
    if len(query) > 1 and not found:
        found = {c for c in words.characters if query.casefold() in _names(c)}
    return "".join(c for c in words.characters if c in found)


def variants(character: str) -> set[str]:
    """What one may type to find it: é is found by é, É and e."""
    base = unicodedata.normalize("NFD", character)[0]
    return {character, character.lower(), character.upper(), base, base.lower(), base.upper()}


def _names(character: str) -> str:
    called = WORDS | MARKS
    word = _(called[character]) if character in called else ""
    return f"{unicode_name(character)} {word} {code_point(character)} {face(character)}".casefold()


def rows(characters: str, words: CharTokenizer, counts: dict[str, int]) -> pd.DataFrame:
    """One row a character, under its name in the reader's language."""
    total = sum(counts.values())
    return pd.DataFrame(
        {
            "id": [words.stoi[c] for c in characters],
            "character": [_shown(c) for c in characters],
            "count": [counts[c] for c in characters],
            "share": [counts[c] / total for c in characters],
            "name": [unicode_name(c) for c in characters],
            "kind": [kind(c) for c in characters],
        }
    )


def styled(frame: pd.DataFrame) -> Any:
    """Numbers in the reader's language (they still sort as numbers), characters in the colours of their tiles."""
    kinds = frame["kind"]
    frame = frame.drop(columns="kind")
    if len(frame) > STYLED:
        return frame
    colours = [f"background-color: {KIND_COLOURS[name]}2e" for name in kinds]
    shown = frame.style.format({"id": str, "count": number, "share": lambda share: percent(share, 2)})
    return shown.apply(lambda _column: colours, subset=["character"])


def _shown(character: str) -> str:
    return f"{face(character)} {_(WORDS[character])}" if character in WORDS else face(character)


def _columns(by_browser: bool) -> dict[str, Any]:
    count, share = ("localized", "percent") if by_browser else (None, None)
    number_column, text_column = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "id": number_column(_("Id"), width=50),
        "character": text_column(_("Character"), width=110),
        "count": number_column(_("Count"), width=75, format=count),
        "share": number_column(_("Share"), width=75, format=share),
        "name": text_column(_("Unicode name")),
    }


def _chart(counts: dict[str, int]) -> None:
    total, most = sum(counts.values()), max(counts, key=lambda character: counts[character])
    st.markdown(
        _("The most frequent character is **{character}**: {share} of the text.").format(
            character=escape_markdown(name(most)),
            share=percent(counts[most] / total, 1 if counts[most] > total / 100 else 3),
        )
    )
    st.plotly_chart(
        charts.frequency_bars(counts, top=BARS, height=HEIGHT),
        key="vocabulary_frequencies",
        config=charts.CONFIG,
        alt=_("Bars: how often each character stands in the text, the most frequent first")
        + ": "
        + ", ".join(
            f"{name(character)} {percent(counts[character] / total, 1)}"
            for character in sorted(counts, key=lambda character: -counts[character])[:SAID]
        ),
    )
    if len(counts) > BARS:
        st.caption(_("The {n} most frequent characters.").format(n=BARS))  # a lesson asks how many there are
