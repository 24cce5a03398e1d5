"""What all pages share in the sidebar. A page's own controls (`with st.sidebar:`) stand between head and foot."""

import streamlit as st

from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run
from ui import diagnostics, orders_followed, set_up, state, teacher
from ui.components import (
    class_news,
    connection,
    history,
    one_gesture,
    projector,
    streamlit_words,
    tab_workspace,
    typed_text,
)
from ui.journey import ABOUT
from ui.runs import live_list
from ui.runs.health import status_colour
from ui.runs.wording import run_title, status_word, text_title
from ui.words import glossary
from ui.words.i18n import _, language, n_, number, translate
from ui.words.languages import LANGUAGES
from ui.words.tokens import escape, escape_markdown

LIVE = ("queued", "running")
REFRESH_SECONDS = 2.0
TRAINING = "training"
CORNER, GLOSSARY, NAME = "corner", "glossary", "class_name"


def head(page: str) -> None:
    """The name of the app, the language, and the trainings that go on.

    Args:
        page: its address. The Training page itself follows the run that it shows.
    """
    with st.sidebar.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown("**mini-GPT**", width="content")
        st.session_state[state.LANGUAGE_SWITCH] = language()
        if not set_up.hidden("language"):
            st.segmented_control(
                _("Language"),
                list(LANGUAGES),
                format_func=lambda code: LANGUAGES[code].name,
                required=True,
                key=state.LANGUAGE_SWITCH,
                label_visibility="collapsed",
                on_change=_switch_language,
                disabled=bool(orders_followed.holding().language),
            )
    with st.sidebar:
        _show_class()
        _say_who_set_it_up()
        run = _run_or_none()
        live_list.section(run.id if run else None, page_follows=page == TRAINING)
    live_list.above(run.id if run else None, page_follows=page == TRAINING)


def foot(page: str) -> None:
    """The chosen text, the current run, and where to look when something is wrong."""
    with st.sidebar:
        _show_text()
        _show_run(page)
        with st.container(gap=None, key="shared_corner"):
            st.page_link(ABOUT[0].script, label=_(ABOUT[0].title), icon=ABOUT[0].icon)
            projector.bar(
                with_language=not set_up.hidden("language") and not orders_followed.holding().language
            )
            history.keep_one_entry_a_page()
            one_gesture.watch()
            tab_workspace.keep()
            typed_text.keep()
            connection.watch()
            if state.pupil() or state.is_teacher():  # a teacher may have two tabs
                class_news.listen(str(orders_followed.version_drawn()))
            streamlit_words.translate_page()
        with st.container(
            horizontal=True, gap="small", key="in_view"
        ):  # the last one: `style.css` keeps it there
            st.fragment(_glossary)()  # opening them reruns nothing else
            st.fragment(_corner)()


def bare() -> None:
    """What a page needs where nobody has anything: Streamlit's words in the reader's language."""
    with st.sidebar:
        typed_text.keep(for_nobody=True)
        connection.watch()
        streamlit_words.translate_page()


def _say_who_set_it_up() -> None:
    """That a link hides something, whose it was, and the way to everything."""
    here = set_up.current()
    if not here:
        return
    words = (
        _("Set up by {name}: some pages or controls are not shown.")
        if here.by
        else _("Set up by a link: some pages or controls are not shown.")
    )
    st.caption(escape_markdown(words.format(name=here.by)))
    st.button(
        _("Show everything"), icon=":material/visibility:", type="tertiary", key="set_up_leave",
        on_click=set_up.leave,
    )  # fmt: skip


def _switch_language() -> None:
    state.choose_language(st.session_state[state.LANGUAGE_SWITCH])


def _show_class() -> None:
    """Who this is in which class, where one is served, and a way to be called otherwise."""
    if key := teacher.secret():
        with st.container(key="in_class"):
            st.fragment(_name)(teacher.class_code(key))


def _name(code: str) -> None:
    me = state.pupil()
    named = f"{escape_markdown(me.name)} · {code}" if me else _("Class {code}").format(code=code)
    with st.popover(named, icon=":material/face:", type="tertiary", key=NAME, on_change="rerun") as popover:
        if not popover.open:
            return
        st.markdown(_("Class {code}").format(code=f"**{code}**"))
        if me:
            st.caption(
                _(
                    "An invented name: your teacher sees it. You may choose a nickname; better not your real name."
                )
            )
            with st.form("nickname_form", border=False):
                st.text_input(_("Nickname"), me.nickname, key=state.NICKNAME)
                st.form_submit_button(_("Call me that"), on_click=_call_me)
            words = _("What was made here stays with its maker; whoever comes next begins anew.")
            st.html(f"<a class='mg-link' href='api/new-pupil' target='_self'>{escape(_('A new pupil here'))}</a>"
                    f"<div class='mg-note'>{escape(words)}</div>")  # fmt: skip


def _call_me() -> None:
    state.call_me(st.session_state[state.NICKNAME] or "")


def _show_text() -> None:
    try:
        chosen = state.chosen_text()
    except UserError as error:
        st.error(escape_markdown(translate(error)))
        return
    size = n_("{n} character", "{n} characters", len(chosen.text)).format(n=number(len(chosen.text)))
    letters = _("small letters") if chosen.lower else _("letters as written")
    st.html(
        f"<div class='mg-shared'><div class='mg-label'>{escape(_('Text'))}</div>"
        f"<b><bdi translate='no'>{escape(text_title(chosen.title))}</bdi></b><br>"
        f"<span class='mg-note'>{size} · {escape(letters)}</span></div>"
    )


def _show_run(page: str) -> None:
    try:
        run = state.current_run()
    except UserError as error:
        st.error(escape_markdown(translate(error)))
        return
    if run is None:
        words = escape(_("none yet"))
        st.html(
            f"<div class='mg-shared'><div class='mg-label'>{escape(_('Training run'))}</div>{words}</div>"
        )
        return
    if run.status not in LIVE:
        st.html(run_html(run, with_step=page != TRAINING or run.status != "paused"))  # Step makes one more
    elif page == TRAINING or state.owns(run):
        st.html(run_html(run, with_step=False))  # this line would stand still: page or list show the step
    else:
        st.fragment(_run_line, run_every=REFRESH_SECONDS)(run.id, run.status)


def _run_line(run_id: str, status_before: str) -> None:
    """What the run is doing now. Once it has changed its status, the whole page is told."""
    run = state.current_run()
    if run is None or run.id != run_id or run.status != status_before:
        st.rerun()
    st.html(run_html(run))


def run_html(run: Run, with_step: bool = True) -> str:
    """The name of a run, its status and its steps in two lines."""
    pulse = " mg-pulse" if run.status == "running" else ""
    steps = _("step {step} of {steps}").format(step=number(run.step), steps=number(run.training.steps))
    parts = [
        status_word(run.status),
        steps if with_step else "",
        "" if state.owns(run) or run.prepared else _("watching"),
    ]
    words = " · ".join(filter(None, parts))
    colour = status_colour(run)
    return (
        f"<div class='mg-shared'><div class='mg-label'>{escape(_('Training run'))}</div>"
        f"<b><bdi translate='no'>{escape(run_title(run))}</bdi></b><br><span class='mg-note'>"
        f"<span class='mg-dot{pulse}' style='--k:{colour}'></span>"
        f"{escape(words)}</span></div>"
    )


def _glossary() -> None:
    with st.popover(
        _("Words"), icon=":material/menu_book:", type="tertiary", key=GLOSSARY, on_change="rerun"
    ) as words:
        if words.open:
            query = st.text_input(
                _("Search the words"),
                placeholder=_("Search the words"),
                type="search",
                live=True,
                key="glossary_search",
                label_visibility="collapsed",
            )
            lines = [
                f"**{escape_markdown(term)}** – {escape_markdown(means)}"
                for term, means in glossary.entries((query or "").strip())
            ]
            with st.container(height=380, border=False):
                st.markdown("\n\n".join(lines) or _("No such word here."))


def _corner() -> None:
    label = _("Something is wrong?")
    with st.popover(label, icon=":material/help:", type="tertiary", key=CORNER, on_change="rerun") as corner:
        if corner.open:
            st.markdown(_("You cannot break anything: reload the page, and your runs are still there."))
            st.caption(_("To ask for help, copy this report (the button at its top right)."))
            st.code(diagnostics.report(_run_or_none()), language=None, wrap_lines=True, height=180)


def _run_or_none() -> Run | None:
    try:
        return state.current_run()
    except UserError:
        return None
