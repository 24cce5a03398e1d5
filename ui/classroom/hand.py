"""The teacher's hand: what happens in all trainings and on all screens at once. Everything can be taken back."""

from contextlib import suppress

import streamlit as st

from minigpt_core.errors import StoreError
from minigpt_core.jobs.manager import JobError
from minigpt_core.presets import PRESETS
from minigpt_core.store.runs import Run
from ui import orders, resources, state
from ui.journey import STATIONS
from ui.lessons import current as lessons
from ui.problems import spoken_errors
from ui.runs.wording import run_title, text_title
from ui.settings.address import encode
from ui.training import menu, settings
from ui.words.i18n import _, n_, number
from ui.words.languages import LANGUAGES
from ui.words.tokens import escape_markdown

STOPPED = "hand.stopped"  # the runs that were stopped last
PAGE, RUN, STAY = "hand_page", "hand_run", "hand_stay"
LESSON = "hand_lesson"
TEXT, SETTINGS, LOCK, LANGUAGE = "hand_text", "hand_settings", "hand_lock", "hand_language"
MINE, NOTHING = "mine", "nothing"


def row() -> None:
    """Everything in one row, what holds now in words below."""
    holds = orders.board().now
    with st.container(horizontal=True, gap="small", key="hand"):
        if holds.held is None:
            st.button(_("Pause all trainings"), icon=":material/pause:", key="hand_pause", on_click=pause_all)
        else:
            label = _("Let all trainings go on")
            st.button(
                label, icon=":material/play_arrow:", key="hand_resume", type="primary", on_click=resume_all
            )
        frozen = _("Allow new trainings") if holds.frozen else _("No new trainings")
        key = "hand_thaw" if holds.frozen else "hand_freeze"
        st.button(frozen, icon=":material/ac_unit:", key=key, on_click=freeze, args=(not holds.frozen,),
                  type="primary" if holds.frozen else "secondary")  # fmt: skip
        _stop()
        _look(holds)
        _give(holds)
        _language(holds)


def _stop() -> None:
    if stopped := state.page_state(STOPPED, []):
        label = n_("Undo: {n} training goes on", "Undo: {n} trainings go on", len(stopped))
        st.button(
            label.format(n=number(len(stopped))), icon=":material/undo:", key="hand_unstop", on_click=unstop
        )
        return
    with st.popover(_("Stop all"), icon=":material/stop:", key="hand_stop"):
        st.markdown(_("All trainings end with their last step kept. You can let them go on from there."))
        st.button(_("Stop all trainings"), key="hand_stop_all", on_click=stop_all)


def _look(holds: orders.Orders) -> None:
    if holds.look:
        label = _("As everybody likes")
        st.button(
            label,
            icon=":material/visibility_off:",
            key="hand_unlook",
            type="primary",
            on_click=look,
            args=(None,),
        )
        return
    with st.popover(_("Look here"), icon=":material/visibility:", key="hand_look"):
        titles = {station.name: _(station.title) for station in STATIONS}
        st.selectbox(
            _("The page that opens on every screen"),
            list(titles),
            index=list(titles).index("training"),
            format_func=lambda name: titles[name],
            key=PAGE,
        )
        if lesson := lessons.current():
            shown = _("the lesson that I am in, at this step: {name}").format(
                name=escape_markdown(lesson.lesson.title)
            )
            st.checkbox(shown, key=LESSON)
        run = state.current_run()
        if run is not None:
            shown = _("with the training that I follow: {name}").format(name=escape_markdown(run_title(run)))
            st.checkbox(shown, key=RUN)
        st.checkbox(_("Everybody stays there until I say so"), key=STAY)
        st.button(_("Open it on every screen"), key="hand_look_now", on_click=_look_now,
                  args=(run.id if run else "",))  # fmt: skip


def _give(holds: orders.Orders) -> None:
    if holds.gift:
        label = _("Take back what all were given")
        st.button(label, icon=":material/undo:", key="hand_ungive", type="primary", on_click=give, args=({},))
        return
    with st.popover(_("The same for all"), icon=":material/library_add:", key="hand_give"):
        title = text_title(state.chosen_text().title)
        st.checkbox(_("my text: {name}").format(name=escape_markdown(title)), True, key=TEXT)
        st.checkbox(_("and nobody chooses another one"), key=LOCK)
        titles: dict[str, str] = {NOTHING: _("no settings"), MINE: _("my settings, as on the page Training")}
        titles |= {name: menu.title(name) for name in PRESETS}
        st.selectbox(
            _("Settings of the next training"),
            list(titles),
            format_func=lambda name: titles[name],
            key=SETTINGS,
        )
        st.button(_("Give it to everybody"), key="hand_give_now", on_click=_give_now)


def _language(holds: orders.Orders) -> None:
    if holds.language:
        label = _("Languages as everybody likes")
        st.button(
            label, icon=":material/translate:", key="hand_unspeak", type="primary", on_click=speak, args=("",)
        )
        return
    with st.popover(_("One language"), icon=":material/translate:", key="hand_speak"):
        for code, spoken in LANGUAGES.items():
            st.button(spoken.name, key=f"hand_speak_{code}", on_click=speak, args=(code,))


# What the buttons do


def pupils_runs() -> list[Run]:
    """The trainings of pupils that go on or wait. The teacher's own go on."""
    mine = state.workspace()
    return [run for run in resources.store().live_runs() if run.workspace != mine]


def pause_all() -> None:
    """Hold everybody's trainings; those that were paused already stay so afterwards."""
    with spoken_errors():
        state.teacher_only()
        runs = [run for run in pupils_runs() if run.status != "paused"]
        held = orders.board().now.held or []  # another tab of the teacher's may have paused before
        orders.board().give(held=[*held, *(run.id for run in runs)])
        for run in runs:
            with suppress(JobError):  # it has just ended by itself
                state.steer(run.id).pause(run.id)


def resume_all() -> None:
    """Let those go on that were held."""
    with spoken_errors():
        state.teacher_only()
        held = orders.board().now.held or []
        orders.board().give(held=None)
        _go_on(held)


def freeze(frozen: bool) -> None:
    """Let no new training begin, or let them again."""
    with spoken_errors():
        state.teacher_only()
        orders.board().give(frozen=frozen)


def stop_all() -> None:
    """End everybody's trainings with a checkpoint."""
    with spoken_errors():
        state.teacher_only()
        runs = pupils_runs()
        for run in runs:
            stop(run.id)
        state.set_page_state(STOPPED, [run.id for run in runs])


def stop(run_id: str) -> None:
    """End one training."""
    with spoken_errors(), suppress(JobError):  # it has just ended by itself
        state.teacher_only()
        state.steer(run_id).stop(run_id)


def stop_one(run_id: str) -> None:
    """End one training; it can go on again like those of all."""
    with spoken_errors():
        state.teacher_only()
        stop(run_id)
        state.set_page_state(STOPPED, [run_id])


def unstop() -> None:
    """Let those go on that were stopped last."""
    with spoken_errors():
        state.teacher_only()
        stopped = state.page_state(STOPPED, [])
        state.set_page_state(STOPPED, [])
        _go_on(stopped, ended=True)


def _go_on(run_ids: list[str], ended: bool = False) -> None:
    for run_id in run_ids:
        with suppress(JobError, StoreError):  # it was removed, or goes on already
            jobs = state.steer(run_id)
            if ended or jobs.controls(run_id):
                jobs.resume(run_id)


def _look_now(run_id: str) -> None:
    wanted = {"page": str(state.widget_value(PAGE))}
    if run_id and state.widget_value(RUN):
        wanted["run"] = run_id
    lesson = lessons.current()
    if lesson and state.widget_value(LESSON):
        wanted |= {"page": lesson.step.page, "lesson": lesson.lesson.name, "step": str(lesson.number)}
    if state.widget_value(STAY):
        wanted["stay"] = "yes"
    look(wanted)


def look(wanted: dict[str, str] | None) -> None:
    """Open a page on every screen; None: everybody goes where they like."""
    with spoken_errors():
        state.teacher_only()
        orders.board().give(look=wanted or {}, looks=orders.board().now.looks + 1)


def _give_now() -> None:
    gift: dict[str, str] = {}
    if state.widget_value(TEXT) or state.widget_value(LOCK):
        gift = {"text": state.text_id(), "letters": "lower" if state.lower() else "original"}
        gift |= {"locked": "yes"} if state.widget_value(LOCK) else {}
    chosen = state.widget_value(SETTINGS)
    if chosen == MINE:
        gift["settings"] = my_settings()
    elif chosen != NOTHING:
        gift["settings"] = encode(str(chosen), {})
    if gift:
        give(gift)


def my_settings() -> str:
    """What the controls of the Training page say in this tab, as in the address."""
    values = settings.of_tab()
    preset = settings.nearest(values)
    different = settings.changed(settings.of_preset(preset), values)
    return encode(preset, {name: value for name, (_usual, value) in different.items()})


def give(gift: dict[str, str]) -> None:
    """Give everybody the same; {}: take it back."""
    with spoken_errors():
        state.teacher_only()
        orders.board().give(gift=gift, gifts=orders.board().now.gifts + 1)


def speak(code: str) -> None:
    """One language for everybody; "": each their own."""
    with spoken_errors():
        state.teacher_only()
        orders.board().give(language=code)
