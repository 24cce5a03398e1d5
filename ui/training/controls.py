"""The controls in the sidebar: the model, what acts at once, what the next run takes, and the rest under "Advanced"."""

from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import set_up, state
from ui.components.kept import kept_fold, kept_tabs
from ui.settings import table
from ui.training import menu, settings
from ui.training.next_run import Plan
from ui.training.run_state import RunState
from ui.words.i18n import N_, _, decimal_point_note
from ui.words.tokens import escape

TABS = {"model": N_("Model"), "steps": N_("Steps"), "checks": N_("Checks")}


def draw(now: RunState, planned: Plan) -> DeltaGenerator:
    """All controls. A run that may not be steered from here takes none of them.

    Returns:
        The place below the number of steps, for the time that they will take.
    """
    off = not now.mine
    run_id = now.run.id if now.run and now.steerable else None
    with st.container(key="training_choose", gap="xsmall"):
        _model(planned, off)
    with st.container(key="training_at_once", gap="small"):
        _title(_("Acts at once"), ":material/bolt:")
        for name in table.names_of("at once"):
            _control(name, off, run_id)
    with st.container(key="training_next", gap="small"):
        _title(_("Only with a restart:") if now.live else _("For the next run"), ":material/replay:")
        names = table.names_of("next")
        for name, column in zip(names, st.columns(len(names), gap="small"), strict=True):
            with column:
                _control(name, off, run_id)
        time_needed = st.container()
    if not set_up.hidden("advanced"):
        _advanced(off, run_id)
    _reset(off, run_id)
    return time_needed


def _advanced(off: bool, run_id: str | None) -> None:
    """Two dozen controls that few need: the page is drawn faster without them."""
    folded = kept_fold(_("Advanced"), settings.ADVANCED)
    if folded.open:
        with folded:
            tabs = kept_tabs("training_advanced_tab", {name: _(title) for name, title in TABS.items()})
            for group, tab in zip(TABS, tabs, strict=True):
                with tab:
                    _group(group, off, run_id)


def _model(planned: Plan, off: bool) -> None:
    """Which model, and what there is to know about it."""
    if set_up.hidden("preset"):
        return
    present = settings.choice(settings.of_tab())
    state.set_page_state("training.choice", present)
    st.selectbox(
        _("Model"), menu.names(present), format_func=menu.title, key=state.page_key("training.choice"),
        on_change=settings.choose, disabled=off,
        help=_(
            "What is trained. TinyGPT is the notebook’s model and learns in seconds; a GPT looks back at what "
            "was written before, and takes longer. Choosing one sets everything below."
        ),
    )  # fmt: skip
    st.html(f"<div class='mg-note'>{escape(menu.about(present, planned.model))}</div>")


def _group(group: str, off: bool, run_id: str | None) -> None:
    """The controls of one tab, its switches last and close together."""
    names = table.names_of(group)
    switches = [name for name in names if table.SETTINGS[name].widget == "switch"]
    for name in names:
        if name not in switches:
            _control(name, off, run_id)
        if name == "n_layer" and not settings.of_tab()[name]:
            st.caption(_("The rest stands in the layers, and there are no layers yet."))
    with st.container(gap="xsmall"):
        for name in switches:
            _control(name, off, run_id)


def _reset(off: bool, run_id: str | None) -> None:
    """Offered as soon as something differs."""
    values = settings.of_tab()
    usual = settings.at_first(settings.nearest(values))
    if not off and settings.changed(usual, values):
        st.button(
            _("Usual settings of this model") if settings.choice(values) != menu.OWN
            else _("Back to “{model}”").format(model=menu.title(settings.nearest(values))),
            icon=":material/undo:", type="tertiary", key="training_preset",
            on_click=settings.take_over, args=(usual, run_id),
        )  # fmt: skip


def _title(title: str, icon: str) -> None:
    st.caption(f"{icon} {title}")


def _control(name: str, off: bool, run_id: str | None) -> None:
    """The control of a setting, as its row in the table says. One that can do nothing is off, and says why. What acts
    at once is told to the run `run_id`. Numbers have no bounds here: the core says which ones cannot be used."""
    if set_up.hidden(name):
        return
    setting, values = table.SETTINGS[name], settings.of_tab()
    reason = settings.reasons(values).get(name)
    arguments: dict[str, Any] = {
        "label": table.label(name), "key": settings.key(name), "persist_state": "session",
        "help": reason or table.help_text(name, layers=values["n_layer"] > 0),
        "disabled": off or reason is not None,
    }  # fmt: skip
    if name in table.MODEL:
        arguments |= {"on_change": settings.fit}
    elif table.acts_at_once(name) and run_id:
        arguments |= {"on_change": settings.apply, "args": (run_id, name)}
    match setting.widget:
        case "switch":
            st.toggle(**arguments)
        case "number":
            if isinstance(setting.step, float):
                arguments["help"] = f"{arguments['help']} {decimal_point_note()}".strip()
            st.number_input(
                step=setting.step, format="%d" if isinstance(setting.step, int) else "%g", **arguments
            )
        case widget:
            choose: Any = st.select_slider if widget == "slider" else st.selectbox
            choose(options=settings.options(name), format_func=partial(table.value_words, name), **arguments)
