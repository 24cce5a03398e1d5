"""What changes when a text is put into small letters."""

import streamlit as st

from minigpt_core.texts.corpus import small_letters
from minigpt_core.tokenizer import CharTokenizer
from ui import resources
from ui.byte_cache import byte_cached
from ui.words.i18n import _, n_, number
from ui.words.tokens import escape, face, strip

GROUPS_SHOWN = 48


@byte_cached
def merged(text_id: str) -> dict[str, str]:
    """For each small letter of a text, the capitals that became it: {"a": "A", …}, in the order of ids."""
    return small_letters(*(resources.chosen_text(text_id, lower).text for lower in (False, True)))


def in_short(text_id: str, lower: bool) -> str:
    """One sentence, as HTML: which letters share an id, and how many characters that saves."""
    before, after = (resources.tokenizer(text_id, small) for small in (False, True))
    groups = merged(text_id)
    if not groups:
        return escape(_("There is no capital letter in this text: nothing changes."))
    small, capital = example(groups, before.characters)
    if before.vocab_size == after.vocab_size:
        sentence = _(
            "Each capital becomes a small letter that the text did not have yet: still {before} different characters."
        )
    elif lower:
        sentence = _("{capital} and {small} share one id: {before} → {after} characters.")
    else:
        sentence = _("{capital} and {small} have two ids. With one for both: {before} → {after} characters.")
    values = {"capital": face(capital), "small": small}
    return escape(sentence.format(before=number(before.vocab_size), after=number(after.vocab_size), **values))


def example(groups: dict[str, str], characters: str) -> tuple[str, str]:
    """A small letter and its capital; both stand in the text if there is such a pair."""
    both = [small for small in groups if small in characters]
    small = (both or list(groups))[0]
    return small, groups[small][0]


def section(text_id: str) -> None:
    """The capitals and what becomes of them."""
    before, after = (resources.tokenizer(text_id, small) for small in (False, True))
    groups = merged(text_id)
    if not groups:
        st.markdown(_("There is no capital letter in this text: nothing changes."))
        return
    with st.container(key="vocabulary_letters"):
        _merged(text_id, groups, before, after)


def _merged(text_id: str, groups: dict[str, str], before: CharTokenizer, after: CharTokenizer) -> None:
    """Which capitals became which small letter, and what that saves."""
    n = len(set().union(*groups.values()))
    _size(n, before.vocab_size, after.vocab_size)
    blocks = [
        _block(small, capitals + (small if small in before.stoi else ""), before.stoi, after.stoi)
        for small, capitals in list(groups.items())[:GROUPS_SHOWN]
    ]
    more = (
        f"<span class='mg-note'>… + {number(len(groups) - GROUPS_SHOWN)}</span>"
        if len(groups) > GROUPS_SHOWN
        else ""
    )
    st.html(f"<div class='mg-merges'>{''.join(blocks)}{more}</div>")
    _balance(text_id, groups)


def _size(n: int, before: int, after: int) -> None:
    """How many capitals there are, and how much smaller the vocabulary gets."""
    st.markdown(
        n_(
            "**{n} capital** becomes its small letter: the vocabulary goes from {before} to {after} characters.",
            "**{n} capitals** become their small letters: the vocabulary goes from {before} to {after} characters.",
            n,
        ).format(n=number(n), before=number(before), after=number(after))
    )


def _block(small: str, from_: str, before: dict[str, int], after: dict[str, int]) -> str:
    left = strip(from_, before, label=_("Before"))
    right = strip(small, after, label=_("In small letters"))
    return f"<div class='mg-merge'>{left}<span>→</span>{right}</div>"


def _balance(text_id: str, groups: dict[str, str]) -> None:
    """What is won and what is lost, with this text's numbers."""
    before, after = (resources.counts(text_id, small) for small in (False, True))
    small = max((s for s in groups if s in before and s in after), key=lambda s: after[s], default=None)
    if small is None:
        return
    st.markdown(
        _(
            "Won: fewer characters to tell apart, and each is seen more often (**{small}**: {few} → {many} times). "
            "Lost: the model can write no capital any more."
        ).format(small=small, few=number(before[small]), many=number(after[small]))
    )
