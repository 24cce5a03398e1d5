"""A link that sets a page up for a class: as this tab is, without what would distract."""

from contextlib import suppress
from urllib.parse import urlencode, urlsplit, urlunsplit

import segno
import streamlit as st

from minigpt_core.errors import StoreError
from ui import kept_choices, state, text_access, workspace
from ui.components.kept import kept_fold
from ui.journey import PAGES, STATIONS
from ui.limited_text import limited_text
from ui.settings import table
from ui.words.i18n import N_, _
from ui.words.tokens import escape

CONTROLS = {  # those of `set_up.CONTROLS` that have no name of their own among the settings
    "preset": N_("the choice of a model"), "advanced": N_("the advanced settings"), "language": N_("the languages"),
    "try": N_("three things to try"), "code": N_("the code"), "temperature": N_("temperature"), "top_k": "top-k",
    "top_p": "top-p", "length": N_("the length of a text"), "seed": N_("the seed"),
}  # fmt: skip
SIMPLE = ("learning_rate", "pace", "steps", "batch_size")  # settings that stand in the side bar
WRITING = ("temperature", "top_k", "top_p", "length", "seed")
NOT_FOR_OTHERS = ("run", "lesson", "step")
PAGE, HIDE, BY = "class_link.page", "class_link.hide", "class_link.by"


def section() -> None:
    """Choose a page, what is not to be there, and a name; the link and its square follow."""
    with kept_fold(_("A link that sets a page up for a class"), "class_link", icon=":material/qr_code_2:"):
        st.markdown(
            _(
                "Choose text, settings and view on the pages as you want them, then come back here: the link opens "
                "them just so for the whole class, without what you leave out below."
            )
        )
        pages = [station.name for station in STATIONS]
        names = titles()
        kept_choices.keep(PAGE, "training", kept_choices.one_of(pages))
        kept_choices.keep(HIDE, [], kept_choices.several_of(names), kept_choices.joined)
        kept_choices.keep_text(BY, "")
        state.keep_choices("class_link", [PAGE, HIDE])
        page = st.selectbox(
            _("The page that opens"), pages,
            format_func=lambda name: _(PAGES[name].title), key=state.page_key(PAGE),
        )  # fmt: skip
        hide = st.multiselect(
            _("What is not to be there"), list(names), format_func=names.__getitem__, key=state.page_key(HIDE),
            placeholder=_("pages and controls"),
        )  # fmt: skip
        by = limited_text(
            st.text_input,
            _("Who sets it up (the pupils read this name)"),
            state.LONGEST_NAME,
            key=state.page_key(BY),
        )
        if state.may_teach():
            with suppress(StoreError):  # then it is only for those who have the text
                text_access.give(state.text_id())
        link = address(workspace.address(st.context.url), page, [name for name in hide if name != page], by)
        st.code(link, language=None, wrap_lines=True)
        picture = segno.make(link, error="l").svg_data_uri(scale=4, border=2, dark="#000", light="#fff")
        label = _("QR code of the address {address}").format(address=link)
        st.html(f"<img class='mg-qr' src='{picture}' alt='{escape(label)}'>")


def titles() -> dict[str, str]:
    """What can be hidden, as people call it: pages, then controls."""
    shown = {station.name: _("page: {title}").format(title=_(station.title)) for station in STATIONS[1:]}
    return (
        shown | {name: table.label(name) for name in SIMPLE} | {name: _(CONTROLS[name]) for name in CONTROLS}
    )


def writing() -> dict[str, str]:
    """How the Sampling page writes in this tab, as far as it was chosen."""
    known = {name: state.page_state(f"sampling.{name}", None) for name in WRITING}
    known[state.PROMPT] = st.session_state.get(state.PROMPT)
    return {name: str(value) for name, value in known.items() if value is not None}


def address(here: str, page: str, hide: list[str], by: str) -> str:
    """The link: the page as this tab has it set up."""
    parts = urlsplit(here)
    kept = {name: value for name, value in state.as_it_is().items() if name not in NOT_FOR_OTHERS}
    choices = kept.pop("choices", "")
    for own in ("class_link", "lessons"):
        choices = kept_choices.without(own, choices)
    if choices:
        kept["choices"] = choices
    if page == "sampling":
        kept |= writing()
    if hide:
        kept |= {"hide": ",".join(hide)} | ({"by": by} if by else {})
    base = parts.path.rsplit("/", 1)[0]
    return urlunsplit((parts.scheme, parts.netloc, base + PAGES[page].path, urlencode(kept, safe="~,"), ""))
