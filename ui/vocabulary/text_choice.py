"""Which text do you want to use? A bundled one, or one that is pasted, uploaded or fetched."""

import re
from contextlib import suppress
from pathlib import PurePath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from minigpt_core.errors import StoreError, UserError
from minigpt_core.texts import corpus
from ui import resources, state
from ui.problems import spoken_errors
from ui.runs.wording import text_title
from ui.vocabulary import fetching, small_letters
from ui.vocabulary.headline import shortest
from ui.words.i18n import N_, _, n_, number, spoken, translate
from ui.words.tokens import escape, escape_markdown, face

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": N_("Windows-1252 (Western Europe)"),
    "iso8859-15": N_("ISO 8859-15 (Western Europe)"),
    "mac-roman": N_("Mac Roman (old Macintosh)"),
    "cp850": N_("Code page 850 (MS-DOS)"),
    "cp1250": N_("Windows-1250 (Central Europe)"),
    "cp1251": N_("Windows-1251 (Cyrillic)"),
    "shift_jis": N_("Shift JIS (Japanese)"),
    "gb18030": N_("GB 18030 (Chinese)"),
}
MARKUP = re.compile(
    r"<(!doctype|html|head|body|script|style|div|span|p|a|b|i|img|svg|iframe)\b[^<]*>", re.IGNORECASE
)
MAX_UPLOAD_MB = 64  # above the limit of minigpt_core.texts.corpus, so that our own sentence speaks first
OWN_SHOWN = 12  # texts of their own that a person finds in the list, the newest
REMOVED = "vocabulary.removed"  # (id, title) of the text that was taken out of it last
TITLE_LENGTH = 40
LINE_SHOWN = 160


def chooser() -> None:
    """The list of texts, a way to one's own, and the switch for small letters: for the sidebar."""
    titles = _titles()
    st.session_state[state.VOCABULARY_TEXT] = state.text_id()
    st.radio(
        _("Which text do you want to use?"),
        list(titles),
        format_func=lambda text_id: escape_markdown(titles[text_id]),
        captions=[_about(text_id) for text_id in titles],
        key=state.VOCABULARY_TEXT,
        on_change=_choose,
    )
    _remove_or_undo()
    if st.button(_("Use another text"), icon=":material/upload_file:", key="vocabulary_own", width="stretch"):
        st.dialog(_("Another text"), width="large")(own_text)()
    st.session_state[state.VOCABULARY_LOWER] = state.lower()
    st.toggle(_("Lower-case the text"), key=state.VOCABULARY_LOWER, on_change=_switch_letters)
    st.html(f"<div class='mg-note'>{small_letters.in_short(state.text_id(), state.lower())}</div>")


def _about(text_id: str) -> str:
    """What a text is, in a few words."""
    if text_id in corpus.BUNDLED:
        return _(corpus.load(text_id).about)
    return fetching.about(text_id) or _("your own text")


def _titles() -> dict[str, str]:
    """The texts to choose from: stories, the one in the reader's language first, toys, fetched ones, one's own."""
    ordered = sorted(corpus.BUNDLED, key=lambda text_id: text_id != spoken().story)
    titles = {text_id: text_title(corpus.load(text_id).title) for text_id in ordered}
    titles |= fetching.titles() | dict(list(_own().items())[:OWN_SHOWN])
    return titles if state.text_id() in titles else titles | {state.text_id(): state.chosen_text().title}


def _own() -> dict[str, str]:
    """The texts that were pasted or uploaded in this workspace; none while the store cannot be read."""
    with suppress(StoreError):
        return resources.store().own_texts(state.workspace())
    return {}


def _is_own(text_id: str) -> bool:
    return text_id not in corpus.BUNDLED and fetching.about(text_id) is None


def _remove_or_undo() -> None:
    """A way to take the chosen text out of the list if it is one's own, and a way back."""
    if _is_own(state.text_id()):
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
    with spoken_errors():
        resources.store().drop_text(text_id, state.workspace())
        state.set_page_state(REMOVED, (text_id, title))
        state.choose_text(spoken().story)


def _undo() -> None:
    text_id, _title = state.page_state(REMOVED, None)
    with spoken_errors():
        _keep(text_id)
        state.set_page_state(REMOVED, None)
        state.choose_text(text_id)


def _choose() -> None:
    with suppress(StoreError):
        _keep(state.text_id())  # one that came by the address stays in the list
    state.choose_text(st.session_state[state.VOCABULARY_TEXT])


def _switch_letters() -> None:
    state.choose_letters(st.session_state[state.VOCABULARY_LOWER])


def _keep(text_id: str) -> None:
    """Remember one's own text in the list of this workspace."""
    if _is_own(text_id):
        resources.store().keep_text(text_id, state.workspace())


# One's own text


def own_text() -> None:
    """The inside of the dialog. A refused text stays in its field, and the text chosen before stays chosen."""
    dark = st.context.theme.type == "dark"  # a dialog stands outside the element that knows
    st.html(f"<style>.stDialog {{ color-scheme: {'dark' if dark else 'light'}; }}</style>")
    paste, upload, fetch = st.tabs([_("Paste or type"), _("Upload a file"), _("Download")])
    with paste, st.form("vocabulary_paste_form", border=False):
        _how_long()
        pasted = st.text_area(
            _("Your text"), height=240, placeholder=_("Paste it here."), key="vocabulary_paste"
        )
        if st.form_submit_button(_("Use this text"), type="primary", key="vocabulary_paste_use"):
            _use(pasted or "", _first_line(pasted or ""))
    with upload:
        _upload()
    with fetch:
        fetching.section()


def _how_long() -> None:
    words = _("It should have at least {n} characters; with a few thousand, there is something to learn.")
    st.caption(words.format(n=number(shortest())))


def _upload() -> None:
    limit = corpus.MAX_BYTES // 1_000_000
    st.markdown(
        _("A plain text file (.txt), smaller than {limit} MB. It stays on this machine.").format(limit=limit)
    )
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
    decoded = corpus.decode(file.getvalue())
    if len(decoded.candidates) > 1:
        encoding = st.selectbox(
            _("Read as (if the lines below look wrong, try another one)"),
            decoded.candidates,
            format_func=encoding_name,
            key=f"vocabulary_encoding_{file.file_id}",
        )
        decoded = decoded if encoding == decoded.encoding else corpus.decode(file.getvalue(), encoding)
    else:
        st.markdown(_("Read as {encoding}.").format(encoding=encoding_name(decoded.encoding)))
    length = len(corpus.normalize(decoded.text, lower=state.lower()))  # as everywhere else
    size = n_("{n} character", "{n} characters", length).format(n=number(length))
    st.html(
        "".join(_shown_line(line) for line in telling_lines(decoded.text))
        + f"<div class='mg-note'>{size}</div>"
    )
    if st.button(_("Use this text"), type="primary", key="vocabulary_file_use"):
        _use(decoded.text, PurePath(file.name).stem)


def _use(text: str, title: str) -> None:
    """Make it the chosen text, or say why it cannot be."""
    try:
        _keep(state.text_id())
        state.add_text(text, title[:TITLE_LENGTH].strip() or _("My text"))
    except UserError as error:
        _refuse(error)
        return
    _keep(state.text_id())
    if MARKUP.search(text):
        state.notify(
            _("This text contains markup, such as <b>. It is shown and never run; the model learns it too.")
        )
    st.rerun()


def _refuse(error: UserError) -> None:
    still = _("The text “{title}” stays chosen.").format(title=text_title(state.chosen_text().title))
    st.error(escape_markdown(f"{translate(error)} {still}"), icon=":material/error:")


def encoding_name(encoding: str) -> str:
    """What to call one of Python's encodings."""
    return _(ENCODINGS[encoding]) if encoding in ENCODINGS else encoding


def telling_lines(text: str) -> list[str]:
    """The first line, and the first one that another encoding would read differently."""
    lines = (line.strip() for line in text[: corpus.LOOKED_AT].splitlines())
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
    line = next((line.strip() for line in text[:1000].splitlines() if line.strip()), "")
    return line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1].rstrip()}…"
