"""Try it yourself: a sentence becomes ids and text again; characters that the vocabulary lacks are marked."""

import unicodedata

import streamlit as st

from minigpt_core.texts.corpus import normalize
from minigpt_core.tokenizer import CharTokenizer
from ui import facts, kept_choices, state
from ui.components.printed import printed
from ui.words.i18n import N_, _, n_, number
from ui.words.tokens import MOST_TILES, description, escape, face, strip

EXAMPLE, KNOWN = N_("One morning, a cat 🐱"), N_("One morning, a cat")
SENTENCE, OFFERED = "vocabulary.sentence", "vocabulary.sentence_offered"
LISTED = 12  # unknown characters, and places of each


@st.fragment
def section(words: CharTokenizer, counts: dict[str, int], lower: bool) -> None:
    """A field, and what becomes of the sentence in it."""
    offered = state.page_state(OFFERED, None)
    example = _(EXAMPLE if state.lesson() is None else KNOWN)  # a lesson asks what becomes of an unknown one
    if kept_choices.keep_text(SENTENCE, offered) in (None, offered):
        state.set_page_state(SENTENCE, example)
    state.set_page_state(OFFERED, example)
    typed = st.text_input(
        _("Type a sentence of your own"),
        live=True,
        key=state.page_key(SENTENCE),
        persist_state="session",
    )
    if not typed:
        st.markdown(_("Type something: each character becomes a number at once."))
        return
    sentence = normalize(typed, lower=lower, strip=False, alphabet=words.characters)
    known, unknown = words.split_unknown(sentence)
    if typed not in (_(EXAMPLE), _(KNOWN)):
        facts.note("sentence", unknown=bool(unknown), text=facts.short(typed))
    with st.container(key="vocabulary_own_result"):
        st.html(strip(sentence, words.stoi, counts, label=_("Your sentence with the id of each character")))
        back = words.decode(words.encode(known))
        printed(answers(words, known, bool(unknown)))
        st.html(_verdict(typed, back, changes(typed, lower, unknown)) + _unknown_list(unknown))


def answers(words: CharTokenizer, known: str, something_unknown: bool) -> str:
    """What a Python prompt answers."""
    ids = words.encode(known)
    back = words.decode(ids)
    first = "known, unknown = tokenizer.split_unknown(text)\n>>> ids = tokenizer.encode(known)"
    encode = first if something_unknown else "ids = tokenizer.encode(text)"
    shown = repr(back) if len(back) <= MOST_TILES else f"{back[:MOST_TILES]!r} …"
    return f">>> {encode}\n>>> ids\n{ids!r}\n>>> tokenizer.decode(ids)\n{shown}"


def changes(typed: str, lower: bool, unknown: dict[str, list[int]]) -> list[str]:
    """Why the decoded text is not what was typed, in words."""
    found = []
    if lower and typed != typed.lower():
        found.append(_("capitals became small letters"))
    if typed != unicodedata.normalize("NFC", typed):
        found.append(_("accents were joined to their letters"))
    if "\r" in typed:
        found.append(_("line endings were made alike"))
    if unknown:
        n = sum(map(len, unknown.values()))
        found.append(
            n_("{n} unknown character was left out", "{n} unknown characters were left out", n).format(
                n=number(n)
            )
        )
    return found


def _verdict(typed: str, back: str, why: list[str]) -> str:
    shown = "".join(c if c == " " else face(c) for c in back[:MOST_TILES])
    verdict = (
        _("exactly what you typed.")
        if back == typed
        else _("not quite what you typed: {why}.").format(why=", ".join(why))
    )
    sign = "✓" if back == typed else "≠"
    return (
        f"<div>{escape(_('Decoded back:'))} <span class='mg-said'><bdi translate='no'>{escape(shown)}</bdi></span> "
        f"<b>{sign}</b> {escape(verdict)}</div>"
    )


def _unknown_list(unknown: dict[str, list[int]]) -> str:
    """Each unknown character: its tile, its name, and where it stood."""
    if not unknown:
        return ""
    title = escape(_("Not in the vocabulary, so left out (positions counted from 0):"))
    lines = [
        f"<div class='mg-stranger'>{strip(character, {}, label=_('Unknown'))}"
        f"<span>{escape(description(character))} · {escape(_positions(places))}</span></div>"
        for character, places in list(unknown.items())[:LISTED]
    ]
    more = f"<div class='mg-note'>… + {number(len(unknown) - LISTED)}</div>" if len(unknown) > LISTED else ""
    return f"<div class='mg-note'>{title}</div><div class='mg-unknowns'>{''.join(lines)}{more}</div>"


def _positions(places: list[int]) -> str:
    listed = ", ".join(map(number, places[:LISTED])) + (", …" if len(places) > LISTED else "")
    return n_("position {listed}", "positions {listed}", len(places)).format(listed=listed)
