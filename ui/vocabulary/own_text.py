"""A text of one's own, pasted, uploaded or fetched: the inside of a dialog. A refused text stays in its field, and the
text chosen before stays chosen."""

import hashlib
import re
from collections.abc import Callable
from pathlib import PurePath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from minigpt_core.errors import TextError, UserError
from minigpt_core.store.runs import numbered
from minigpt_core.texts import corpus
from minigpt_core.texts.encodings import ENCODINGS, LOOKED_AT, Decoded, decode, remarks
from minigpt_core.texts.pdf import FOUND as PDF
from minigpt_core.texts.pdf import is_pdf, text_of_pdf
from minigpt_core.texts.wrappings import inside
from ui import state
from ui.components import typed_text
from ui.limited_text import shortened
from ui.runs.wording import own_words, text_title
from ui.server import uploads
from ui.vocabulary import fetching
from ui.vocabulary.headline import shortest
from ui.vocabulary.own_list import keep, keep_newcomer, titles_of_others
from ui.words.i18n import _, n_, number, translate
from ui.words.tokens import escape, escape_markdown, face

MARKUP = re.compile(
    r"<(!doctype|html|head|body|script|style|div|span|p|a|b|i|img|svg|iframe)\b[^<]*>", re.IGNORECASE
)
SHIFTS = re.compile(b"[\x00\x1b]")  # of what spells other characters with ASCII's bytes: ISO-2022-JP, UTF-16
MAX_UPLOAD_MB = 64  # above the limit of minigpt_core.texts.corpus, so that our own sentence speaks first
TITLE_LENGTH = 40
LINE_SHOWN = 160
READ_PDF = (
    "vocabulary.read_pdf"  # the document that was read last: its SHA-256, and its text or what it lacks
)
PASTED = ("vocabulary_paste", "vocabulary_paste_name")  # the fields
OFFERED = "vocabulary.offered"  # the pasted text of which the inside was offered


def own_text() -> None:
    """Three ways to a text."""
    paste, upload, fetch = st.tabs(
        [_("Paste or type"), _("Upload a file"), _("Download")], key="vocabulary_ways"
    )
    with paste:
        _paste()
    with upload:
        _upload()
    with fetch:
        fetching.section()


def _paste() -> None:
    with st.form("vocabulary_paste_form", border=False):
        _how_long()
        pasted = st.text_area(
            _("Your text"), height=200, placeholder=_("Paste it here."), key="vocabulary_paste"
        )
        name = st.text_input(
            _("Its name"),
            placeholder=_("As its first line"),
            key="vocabulary_paste_name",
        )
        pressed = st.form_submit_button(_("Use this text"), type="primary", key="vocabulary_paste_use")
    if pressed and is_pdf(pasted[:20].encode("utf-8", "replace")):
        return _refuse(
            TextError("This is the inside of a PDF document, not its text: upload the file instead.")
        )
    try:
        corpus.check_size(len(pasted.encode("utf-8", "replace")))  # before anything is done with it
    except TextError as error:
        return _refuse(error)
    within = inside(pasted)
    if pressed and not within.found:
        _use(pasted, name or _first_line(pasted))
    elif pressed:
        state.set_page_state(OFFERED, pasted)
    if within.found and state.page_state(OFFERED, "") == pasted:
        _say_found(within.found)
        with st.container(horizontal=True):
            if st.button(_("Use only the text inside"), type="primary", key="vocabulary_paste_inside"):
                _use(within.text, name or _first_line(within.text))
            if st.button(_("Use all of it"), key="vocabulary_paste_all"):
                _use(pasted, name or _first_line(pasted))


def _how_long() -> None:
    words = _("It should have at least {n} characters; with a few thousand, there is something to learn.")
    st.caption(words.format(n=number(shortest())))


def _say_found(found: tuple[str, ...]) -> None:
    st.info(" ".join(_(sentence) for sentence in found), icon=":material/info:")


def _upload() -> None:
    words = _("A text file (.txt) or a PDF document, smaller than {limit} MB. It stays on this machine.")
    st.markdown(words.format(limit=corpus.MAX_BYTES // 1_000_000))
    _how_long()
    file = st.file_uploader(
        _("Your file"),
        key="vocabulary_file",
        label_visibility="collapsed",
        max_upload_size=MAX_UPLOAD_MB,
    )
    if file is None:
        st.caption(_("Press “Upload”, or drop a file on the field."))
        return
    try:
        _uploaded(file)
    except UserError as error:
        _refuse(error)


def _uploaded(file: UploadedFile) -> None:
    """How the file was read, its first line, other ways to read it. Raises `TextError` for what is no text."""
    corpus.check_size(file.size)
    raw = file.getvalue()
    pdf = is_pdf(raw)
    decoded = Decoded(_text_of_pdf(raw), "utf-8", ("utf-8",)) if pdf else decode(raw)
    if pdf:
        _say_found((PDF,))
    elif decoded.encoding == "utf-8" and raw.isascii() and not SHIFTS.search(raw):
        st.markdown(_("Read as {encoding}.").format(encoding=encoding_name(decoded.encoding)))
    else:
        encoding = st.selectbox(
            _("Read as (if the lines below look wrong, try another one)"),
            list(dict.fromkeys([*decoded.candidates, *ENCODINGS])),
            format_func=encoding_name,
            key=f"vocabulary_encoding_{hashlib.sha256(raw).hexdigest()[:16]}",
            persist_state="session",
        )
        decoded = decoded if encoding == decoded.encoding else decode(raw, encoding)
    for remark in remarks(decoded):
        st.warning(escape_markdown(translate(remark)), icon=":material/warning:")
    text, within = decoded.text, inside(decoded.text)
    if within.found:
        _say_found(within.found)
        if st.toggle(_("Use only the text inside"), value=True, key=f"vocabulary_inside_{file.file_id}"):
            text = within.text
    length = len(corpus.normalize(text, lower=state.lower()))  # as everywhere else
    size = n_("{n} character", "{n} characters", length).format(n=number(length))
    st.html("".join(map(_shown_line, telling_lines(text))) + f"<div class='mg-note'>{size}</div>")
    name = st.text_input(
        _("Its name"),
        PurePath(file.name).stem[:TITLE_LENGTH],
        key=f"vocabulary_file_name_{file.file_id}",
    )
    if st.button(_("Use this text"), type="primary", key="vocabulary_file_use"):
        _use(text, name or _first_line(text), lambda: uploads.forget(file))


def _text_of_pdf(raw: bytes) -> str:
    """The text of the document that was read last is kept in this tab: each click in the dialog asks for it again.
    Raises `UserError`."""
    name = hashlib.sha256(raw).hexdigest()
    known, text = state.page_state(READ_PDF, ("", ""))
    if known != name:
        with st.spinner(_("Reading the PDF document …")):
            try:
                text = text_of_pdf(raw)
            except UserError as error:
                text = error
        state.set_page_state(READ_PDF, (name, text))
    if isinstance(text, UserError):
        raise text
    return str(text)


def _use(text: str, title: str, afterwards: Callable[[], None] = lambda: None) -> None:
    """Make it the chosen text, or say why it cannot be."""
    title = shortened(title.strip(), TITLE_LENGTH)
    title = title if own_words(title) else _("My text")
    try:
        keep_newcomer(state.text_id())
        new_id = state.add_text(text, title)
        if (called := numbered(title, titles_of_others(new_id))) != title:
            state.add_text(text, called)
    except UserError as error:
        _refuse(error)
        return
    keep(new_id)
    typed_text.done(*PASTED)
    afterwards()
    if MARKUP.search(text):
        state.notify(
            _("This text contains markup, such as <b>. It is shown and never run; the model learns it too.")
        )
    state.set_page_state(fetching.TAKEN, new_id)
    state.want_text(False)
    st.rerun()


def _refuse(error: UserError) -> None:
    still = _("The text “{title}” stays chosen.").format(title=text_title(state.chosen_text().title))
    st.error(escape_markdown(f"{translate(error)} {still}"), icon=":material/error:")


def encoding_name(encoding: str) -> str:
    """What to call one of Python's encodings."""
    return _(ENCODINGS[encoding]) if encoding in ENCODINGS else encoding


def telling_lines(text: str) -> list[str]:
    """The first line, and the first one that another encoding would read differently."""
    lines = (line.strip() for line in text[:LOOKED_AT].splitlines())
    filled = [line for line in lines if line]
    special = [line for line in filled if not line.isascii()]
    return list(dict.fromkeys([*filled[:1], *special[:1]]))


def _shown_line(line: str) -> str:
    start = next((i for i, character in enumerate(line) if not character.isascii()), 0)
    cut = max(0, start - LINE_SHOWN // 2) if start > LINE_SHOWN else 0
    shown = "".join(c if c == " " else face(c) for c in line[cut : cut + LINE_SHOWN])
    before, after = ("… " if cut else ""), (" …" if len(line) > cut + LINE_SHOWN else "")
    return f"<div class='mg-quote'><bdi translate='no'>{escape(before + shown + after)}</bdi></div>"


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text[:1000].splitlines() if own_words(line)), "")
    return line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1].rstrip()}…"
