"""The main script: page settings, navigation, the shared sidebar, and one page.

`dashboard.py` names it; Streamlit runs it from top to bottom for every click.
"""

from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from minigpt_core.errors import RunNotFound, StoreError, UserError
from ui import facts, orders_followed, problems, resources, set_up, sidebar, state, style
from ui.inside import inspected_model
from ui.journey import ABOUT, SPEAKERS, STATIONS, TEACHERS
from ui.lessons import current as lessons
from ui.lessons import panel
from ui.server import streamlit_changes as streamlit_changes  # importing it is enough
from ui.server.unknown_page import MISSING
from ui.settings.address import decode
from ui.words.i18n import _, speak, spoken, translate
from ui.words.tokens import escape_markdown

NAME_SHOWN = 40  # characters
ICON = Path(__file__).parent / "icon.svg"


def pages() -> dict[str, list[Page]]:
    """The stations of the journey, by the menu they stand in. The first is the default: it lives at `/` only."""
    menus: dict[str, list[Page]] = {}
    others = (*(TEACHERS if state.is_teacher() else ()), *(SPEAKERS if state.may_teach() else ()))
    for station in (*STATIONS, *ABOUT, *others):
        page = st.Page(
            station.script,
            title=_(station.title),
            icon=station.icon,
            url_path=station.path.removeprefix("/") or None,
            default=station.path == "/",
            visibility="visible" if station.in_menu and not set_up.hidden(station.name) else "hidden",
        )
        menus.setdefault(_(station.section) if station.section else "", []).append(page)
    return menus


def check_address(nonsense: dict[str, str], page: str) -> None:
    """Say in a sentence what the address names and nobody has, and go on without it.

    Args:
        nonsense: values that cannot be meant, by their names in the address.
        page: the address of the page; Sampling says itself who writes instead.
    """
    if name := nonsense.get("text"):
        state.notify(
            _("There is no text “{name}” here. Choose or paste a text.").format(name=shortened(name))
        )
    if name := nonsense.get("run"):
        state.notify(translate(resources.no_run(shortened(name))))
    settings = state.next_settings()
    if nonsense.get("settings") or (settings and decode(settings) is None):
        state.keep_next_settings(None)
        state.notify(_("The settings in this address cannot be read. The usual ones stand there instead."))
    if missing := st.query_params.pop(MISSING, None):
        state.notify(_("There is no page “{name}” here. This is the first page.").format(name=missing))
    try:
        if followed := state.run_id():
            resources.run(followed)
    except RunNotFound as error:
        state.follow_run(None)
        state.notify(translate(error))
    except StoreError:
        pass  # the sidebar says so
    if page != "sampling":
        with suppress(StoreError):  # the page says so
            inspected_model.looked_at()
    try:
        state.chosen_text()
    except StoreError as error:
        state.choose_text(spoken().story)
        state.notify(translate(error))


def shortened(name: str) -> str:
    """Enough of a name from the address to recognise it."""
    return name if len(name) <= NAME_SHOWN else f"{name[:NAME_SHOWN]}…"


def keep_out(path: str) -> None:
    """Lead away from a page that a link has hidden. Home is always there."""
    name = next((station.name for station in STATIONS if station.path.strip("/") == path), "")
    if path and set_up.hidden(name):
        state.notify(_("This page is not part of what has been set up here."))
        st.switch_page(STATIONS[0].script, query_params={})


def note_page(path: str) -> None:
    """Keep which page was looked at, and which text was the chosen one there."""
    details = {"view": state.view(), "rows": state.rows()} if path == "sampling" else {}
    facts.note("page", page=path or STATIONS[0].name, **details)
    facts.note("text", text=state.text_id(), **({} if state.lower() else {"capitals": True}))


def main() -> None:
    """One run of the script."""
    nonsense = state.read_address()
    state.recall_text()
    state.drop_what_others_left()
    elsewhere = orders_followed.follow()
    speak(state.asked_language())
    st.set_page_config(
        page_title="mini-GPT",
        page_icon=str(ICON),
        layout="wide",
        initial_sidebar_state="auto",
        # with an entry of ours, the menu appears, and in it light and dark
        menu_items={"About": _("Watch a small GPT come to life, character by character.")},
    )
    style.inject(state.projected())
    set_up.take()
    page = st.navigation(pages(), position="top", expanded=True)
    if f"/{page.url_path}" in [station.path for station in (*TEACHERS, *SPEAKERS) if station.alone]:
        st.set_page_config(initial_sidebar_state="collapsed")
    if orders_followed.is_over():
        orders_followed.say_it_is_over()
        return sidebar.bare()
    if destination := state.take_destination() or elsewhere:
        st.switch_page(
            destination, query_params={}
        )  # without {}, a field of the page in the address is in its way
    if stay := orders_followed.must_stay(page.url_path):
        st.switch_page(stay, query_params={})
    check_address(nonsense, page.url_path)
    keep_out(page.url_path)
    lessons.arrive(page.url_path)
    state.arrive(page.url_path or STATIONS[0].name)
    sidebar.head(page.url_path)
    orders_followed.show()
    for notice in state.take_notices(page.url_path):
        st.warning(escape_markdown(notice), icon=":material/info:")
    note_page(page.url_path)
    panel.veil()
    try:
        page.run()
    except UserError as error:
        problems.show(error)
    finally:  # also when a page ends early with st.stop
        sidebar.foot(page.url_path)
        panel.show(page.url_path)


main()
