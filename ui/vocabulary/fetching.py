"""Larger texts that are fetched from the internet when somebody presses the button, and only then."""

from contextlib import suppress

import streamlit as st

from minigpt_core.errors import StoreError
from minigpt_core.texts.downloads import SOURCES, Download, Source, is_here
from ui import resources, state
from ui.words.i18n import N_, _, file_size, translate
from ui.words.tokens import escape, escape_markdown

LICENCES = {"public domain": N_("public domain"), "MIT": N_("MIT licence")}
DOWNLOAD = "vocabulary.download"  # what this tab is fetching, or has fetched last
TAKEN = "vocabulary.taken"  # the text that was chosen last in the dialog for another one
REFRESH_SECONDS = 0.3


def titles() -> dict[str, str]:
    """The texts that were fetched on this machine: their ids and titles; none while the store cannot be read."""
    with suppress(StoreError):
        return {source.sha256: source.title for source in SOURCES if is_here(source, resources.store())}
    return {}


def about(text_id: str) -> str | None:
    """What one of these texts is, in the reader's language."""
    return next((_(source.about) for source in SOURCES if source.sha256 == text_id), None)


def section() -> None:
    """Each text with its size, where it comes from, and a button; redrawn in place while one is coming."""
    st.markdown(
        _(
            "For a larger model, a larger text. It is fetched from the internet **once, when you press the button**; "
            "then it stays on this machine, for everyone who uses it."
        )
    )
    coming = _download()
    if coming and not coming.ended:
        st.fragment(_texts, run_every=REFRESH_SECONDS)()
    else:
        _texts()  # a part of the dialog: a click on Download draws that anew, and the fragment begins


def _download() -> Download | None:
    download: Download | None = state.page_state(DOWNLOAD, None)
    return download


def _texts() -> None:
    download = _download()
    if download and download.ended and not download.error:
        state.set_page_state(DOWNLOAD, None)
        if not download.cancelled:
            _use(download.source)
    coming = download if download and not download.ended and not download.cancelled else None
    for source in SOURCES:
        with st.container(
            horizontal=True, vertical_alignment="center", border=True, key=f"fetch_{source.id}"
        ):
            st.html(_described(source), width="stretch")
            if coming and coming.source == source:
                st.button(
                    _("Cancel"),
                    icon=":material/close:",
                    key="vocabulary_fetch_cancel",
                    on_click=coming.cancel,
                )
            else:
                _offer(source, busy=coming is not None)
    if coming:
        whole = coming.source.size
        words = _("{done} of {all}").format(done=file_size(coming.done), all=file_size(whole))
        st.progress(min(1.0, coming.done / whole), text=words)
    elif download and download.error and not download.cancelled:
        st.error(escape_markdown(translate(download.error)), icon=":material/error:")


def _described(source: Source) -> str:
    facts = (
        _(source.about),
        file_size(source.size),
        _(LICENCES[source.licence]),
        source.page.removeprefix("https://"),
    )
    return f"<b>{escape(source.title)}</b><div class='mg-note'>{escape(' · '.join(facts))}</div>"


def _offer(source: Source, busy: bool) -> None:
    if is_here(source, resources.store()):
        if st.button(_("Use this text"), icon=":material/check_circle:", key=f"vocabulary_use_{source.id}"):
            _use(source)
        return
    st.button(
        _("Download"), icon=":material/download:", key=f"vocabulary_fetch_{source.id}",
        on_click=_begin, args=(source,), disabled=busy,
    )  # fmt: skip


def _begin(source: Source) -> None:
    """Start fetching; a click that is delivered twice fetches once."""
    download = _download()
    if download and download.source == source and not (download.ended or download.cancelled):
        return
    state.set_page_state(DOWNLOAD, Download(source, resources.store(), state.workspace()))


def _use(source: Source) -> None:
    """Make it the chosen text; the dialog closes."""
    state.choose_text(source.sha256)
    state.set_page_state(TAKEN, source.sha256)
    state.want_text(False)
    st.rerun()
