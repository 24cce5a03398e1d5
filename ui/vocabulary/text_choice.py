"""Which text do you want to use? A bundled one, or one that is pasted, uploaded or fetched."""

from contextlib import suppress
from functools import partial

import streamlit as st

from minigpt_core.errors import StoreError
from minigpt_core.store.runs import numbered
from minigpt_core.texts import corpus
from ui import orders_followed, resources, state
from ui.components.to_top import to_top
from ui.runs.wording import text_title
from ui.vocabulary import fetching, small_letters
from ui.vocabulary.own_list import is_own, keep, keep_newcomer, listed
from ui.vocabulary.own_text import own_text
from ui.words.i18n import _, n_, number, spoken
from ui.words.tokens import escape_markdown

OWN_SHOWN = 12  # texts of their own that a person finds in the list, the newest
OLDER = "vocabulary_older"
REMOVED = "vocabulary.removed"  # (id, title) of the text that was taken out of it last


def chooser() -> None:
    """The list of texts, a way to one's own, and the switch for small letters: for the sidebar."""
    titles, locked = _titles(), bool(orders_followed.holding().gift.get("locked"))
    st.session_state[state.VOCABULARY_TEXT] = state.text_id()
    st.radio(
        _("Which text do you want to use?"),
        list(titles),
        format_func=lambda text_id: escape_markdown(titles[text_id]),
        captions=[_about(text_id) for text_id in titles],
        key=state.VOCABULARY_TEXT,
        on_change=_choose,
        disabled=locked,
    )
    to_top("sidebar", state.page_state(fetching.TAKEN, ""))  # the button below the list has been scrolled to
    _older_texts(titles, disabled=locked)
    _remove_or_undo()
    st.button(
        _("Use another text"), icon=":material/upload_file:", key="vocabulary_own", width="stretch",
        on_click=state.want_text, args=(True,), disabled=locked,
    )  # fmt: skip
    if state.text_wanted() and not locked:
        st.dialog(_("Another text"), width="large", on_dismiss=partial(state.want_text, False))(own_text)()
    st.session_state[state.VOCABULARY_LOWER] = state.lower()
    st.toggle(
        _("Lower-case the text"), key=state.VOCABULARY_LOWER, on_change=_switch_letters, disabled=locked
    )
    with st.container(key="vocabulary_small_letters"):
        st.html(f"<div class='mg-note'>{small_letters.in_short(state.text_id(), state.lower())}</div>")


def _older_texts(shown: dict[str, str], *, disabled: bool) -> None:
    """A way to those of one's own texts that the list has no room for."""
    older = {text_id: title for text_id, title in listed().items() if text_id not in shown}
    if older:
        label = n_("{n} older text of yours", "{n} older texts of yours", len(older)).format(
            n=number(len(older))
        )
        st.selectbox(
            label, list(older), index=None, format_func=older.__getitem__, placeholder=label, key=OLDER,
            on_change=_choose_older, label_visibility="collapsed", disabled=disabled,
        )  # fmt: skip


def _choose_older() -> None:
    if text_id := state.widget_value(OLDER):
        state.choose_text(text_id)
        state.set_widget(OLDER, None)


def _about(text_id: str) -> str:
    """What a text is, in a few words."""
    if text_id in corpus.BUNDLED:
        return _(corpus.load(text_id).about)
    return fetching.about(text_id) or _("your own text")


def _titles() -> dict[str, str]:
    """The texts to choose from: stories, the one in the reader's language first, toys, fetched ones, one's own."""
    ordered = sorted(corpus.BUNDLED, key=lambda text_id: text_id != spoken().story)
    titles = {text_id: text_title(corpus.load(text_id).title) for text_id in ordered}
    titles |= fetching.titles() | dict(list(listed().items())[:OWN_SHOWN])
    if state.text_id() not in titles:
        titles[state.text_id()] = numbered(text_title(state.chosen_text().title), titles.values())
    return titles


def _remove_or_undo() -> None:
    """A way to take the chosen text out of the list if it is one's own, and a way back."""
    if is_own(state.text_id()):
        label = _("Remove this text from the list")
        st.button(label, icon=":material/delete:", type="tertiary", key="vocabulary_remove", on_click=_remove)
    elif removed := state.page_state(REMOVED, None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(_("Removed: {name}").format(name=escape_markdown(removed[1])), width="content")
            st.button(
                _("Undo"), icon=":material/undo:", type="tertiary", key="vocabulary_undo", on_click=_undo
            )


def _remove() -> None:
    text_id, title = state.text_id(), state.chosen_text().title
    resources.store().drop_text(text_id, state.workspace())
    state.set_page_state(REMOVED, (text_id, title))
    state.choose_text(spoken().story)


def _undo() -> None:
    text_id, _title = state.page_state(REMOVED, None)
    keep(text_id)
    state.set_page_state(REMOVED, None)
    state.choose_text(text_id)


def _choose() -> None:
    with suppress(StoreError):
        keep_newcomer(state.text_id())
    state.choose_text(st.session_state[state.VOCABULARY_TEXT])


def _switch_letters() -> None:
    state.choose_letters(st.session_state[state.VOCABULARY_LOWER])
