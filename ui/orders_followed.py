"""How a pupil's page follows what the teacher has asked of all, and says that the teacher did it."""

import streamlit as st

from minigpt_core.errors import StoreError
from ui import orders, state, teacher
from ui.journey import PAGES
from ui.orders import Orders
from ui.words.i18n import _
from ui.words.tokens import escape

DRAWN = "orders.drawn"
BEFORE_LOOK, BEFORE_GIFT = "orders.before_look", "orders.before_gift"


def follow() -> str | None:
    """Do what is asked, before anything is drawn; the script of another page, if it shall be shown now."""
    state.set_page_state(DRAWN, version())
    holds = holding()
    if holds.wiped != state.page_state("orders.wiped", holds.wiped):
        state.forget_everything()
        state.set_page_state(DRAWN, version())
        state.set_page_state("orders.wiped", holds.wiped)
        return PAGES["home"].script
    if holds.language:
        state.remember_language(holds.language)
    if is_new("gift", holds.gifts):
        _take(holds.gift)
    if holds.gift.get("locked"):
        state.take_text(holds.gift["text"], holds.gift["letters"])
    if is_new("look", holds.looks):
        return _look(holds.look)
    return None


def version() -> int:
    """Which orders hold now."""
    try:
        return orders.now().version
    except StoreError:
        return 0


def version_drawn() -> int:
    """The orders with which this run of the script began: later ones are news, even if they came before its end."""
    return int(state.page_state(DRAWN, 0))


def must_stay(page: str) -> str | None:
    """The script of the page where everybody stays, if this is another one."""
    look = holding().look
    wanted = PAGES.get(look.get("page", ""))
    return wanted.script if look.get("stay") and wanted and f"/{page}" != wanted.path else None


def holding() -> Orders:
    """What holds for this browser: for the teacher, nothing."""
    try:
        return Orders() if state.is_teacher() else orders.now()
    except StoreError:
        return Orders()


def is_new(kind: str, number: int) -> bool:
    """Whether this tab has not followed it yet. A tab that begins anew follows what its browser has not."""
    name = f"orders.{kind}"
    seen = state.page_state(name, 0)
    state.set_page_state(name, number)
    followed = number == 0 or orders.board().followed(state.workspace(), kind, number)
    return seen != number and (seen != 0 or not followed)


def is_over() -> bool:
    """Whether the class of this browser was removed: nothing of it is there, and it joins no other by itself."""
    try:
        return (
            bool(teacher.secret()) and not state.is_teacher() and orders.board().is_removed(state.workspace())
        )
    except StoreError:
        return False


def say_it_is_over() -> None:
    """The one page of a removed class, with one click to begin anew."""
    st.title(_("This class is over"), anchor=False)
    st.markdown(
        _("Your teacher has removed everything of it from this machine: texts, trainings, samples and names.")
    )
    if state.without_cookie():
        st.button(_("Begin anew"), type="primary", key="begin_anew", on_click=_begin_anew)
    else:
        st.html(f"<a class='mg-link' href='api/new-pupil' target='_self'>{escape(_('Begin anew'))}</a>")


def _begin_anew() -> None:
    orders.board().begin_anew(state.workspace())


def sentences() -> list[str]:
    """What the teacher has done that changes something here."""
    holds, said = holding(), []
    if holds.held is not None:
        said.append(_("Your teacher has paused all trainings. They go on when your teacher says so."))
    elif holds.frozen:
        said.append(_("Your teacher lets no new training begin at the moment."))
    if page := PAGES.get(holds.look.get("page", "")):
        stay = holds.look.get("stay")
        words = (
            _("Your teacher asks everybody to stay here: {page}.")
            if stay
            else _("Your teacher asks everybody to look at: {page}.")
        )
        said.append(words.format(page=_(page.title)))
    if holds.gift.get("locked"):
        said.append(_("Your teacher has chosen the text for everybody."))
    elif holds.gift:
        said.append(_("Your teacher has given everybody the same to begin with; you may change it."))
    if holds.language:
        said.append(_("Your teacher has chosen the language."))
    return said


def show() -> None:
    """One line above the page; nothing where nothing holds."""
    if said := sentences():
        st.html(f"<div class='mg-line mg-teacher' role='status'>{escape(' '.join(said))}</div>")


def _look(look: dict[str, str]) -> str | None:
    """Go where everybody looks; at its end, follow one's own run again."""
    before = state.page_state(BEFORE_LOOK, None)
    if before and state.run_id() == before["shown"]:
        state.follow_run(before["own"])
    state.set_page_state(BEFORE_LOOK, None)
    page = PAGES.get(look.get("page", ""))
    if page is None:
        return None
    if run := look.get("run"):
        state.set_page_state(BEFORE_LOOK, {"own": state.run_id(), "shown": run})
        state.follow_run(run)
    if lesson := look.get("lesson"):
        state.choose_lesson(lesson, int(look["step"]))
        return (
            page.script if look.get("stay") else PAGES["lessons"].script
        )  # which leads on, with what the step needs
    return page.script


def _take(gift: dict[str, str]) -> None:
    """Take what everybody is given; at its end, have again what was there before."""
    before = state.page_state(BEFORE_GIFT, None)
    now = {"text": state.text_id(), "letters": "lower" if state.lower() else "original"}
    now["settings"] = state.next_settings() or ""
    if not gift:
        if before:
            state.take_text(before["text"], before["letters"])
            state.set_up_settings(before["settings"])
        state.set_page_state(BEFORE_GIFT, None)
        return
    state.set_page_state(BEFORE_GIFT, before or now)
    if text := gift.get("text"):
        state.take_text(text, gift["letters"])
    if settings := gift.get("settings"):
        state.set_up_settings(settings)
