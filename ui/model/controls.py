"""The controls of the Model page besides the drawing: the ladder, the sidebar, the settings of the opened part."""

from functools import partial
from typing import Any

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.ladder import MODERN, RUNGS, find_rung, rung_of
from minigpt_core.store.runs import Run
from ui import state
from ui.model import drawn_model, part_names
from ui.settings import table
from ui.settings.table import SETTINGS, with_present
from ui.words.i18n import _

MODERN_SHOWN = tuple(rung for rung in MODERN if rung.model)  # Muon is no part of the model: it trains it


def ladder(config: ModelConfig) -> None:
    """The rungs from TinyGPT to GPT as one row of steps, each one idea."""
    here = rung_of(drawn_model.classic(config))
    with st.container(key="model_ladder", horizontal=True, gap=None):
        for rung in RUNGS:
            st.button(
                _(rung.title),
                key=f"model_rung_{rung.name}",
                type="primary" if rung is here else "secondary",
                help=_(rung.idea),
                on_click=drawn_model.climb,
                args=(rung.name,),
                width="stretch",
                wrap=False,
            )


def idea(config: ModelConfig) -> str:
    """What was chosen last brings, in a sentence; else what the rung brings."""
    here, last = rung_of(drawn_model.classic(config)), drawn_model.last_chosen()
    if last in drawn_model.MODERN and drawn_model.is_modern(config, last):
        return _(find_rung(last).idea)
    return _(here.idea) if here else _("A mixture of your own: it stands on no rung of the ladder.")


def sidebar(config: ModelConfig, run: Run | None) -> int:
    """Block size, batch size, and the way to the current run's model. Returns the batch size."""
    with st.sidebar:
        _context(config)
        batch_size = st.select_slider(
            table.label("batch_size", long=True),
            with_present(SETTINGS["batch_size"].drawn, drawn_model.batch_size()),
            key=state.page_key(drawn_model.BATCH_SIZE),
            help=table.help_text("batch_size"),
            persist_state="session",
        )
        _modern_parts(config)
        if run is not None and not drawn_model.is_model_of(run):
            st.button(
                _("Draw the current run’s model"),
                icon=":material/show_chart:",
                key="model_of_run",
                on_click=drawn_model.draw_model_of,
                args=(run,),
            )
    return int(batch_size)


def _context(config: ModelConfig) -> None:
    reason = part_names.why_off("block_size", config)
    state.set_page_state("model.context", config.block_size)
    st.select_slider(
        table.label("block_size", long=True),
        with_present(SETTINGS["block_size"].drawn, config.block_size),
        key=state.page_key("model.context"),
        help=table.help_text("block_size", layers=config.n_layer > 0),
        disabled=reason is not None,
        on_change=_take,
        args=("block_size", "model.context"),
    )
    if reason:
        st.caption(reason)


def _modern_parts(config: ModelConfig) -> None:
    folded = st.expander(_("Go deeper: newer ideas, one at a time"), key="model_modern_box")
    with folded, st.container(gap="xsmall", key="model_modern"):
        for rung in MODERN_SHOWN:
            kept, reason = f"model.modern.{rung.name}", part_names.why_modern_off(rung.name, config)
            state.set_page_state(kept, drawn_model.is_modern(config, rung.name))
            st.toggle(
                _(rung.title),
                key=state.page_key(kept),
                help=reason or _(rung.idea),
                on_change=drawn_model.switch_modern,
                args=(rung.name,),
                disabled=reason is not None,
            )
            if reason and config.n_layer:
                st.caption(reason)
        if config.n_layer == 0:
            st.caption(_("They stand in the layers, and there are no layers yet."))


def settings(part: str, config: ModelConfig) -> None:
    """The switches of the opened part. One that can do nothing here is off, and says why."""
    names = drawn_model.SETTINGS_OF.get(part, ())
    if (
        part == "embedding" and config.n_layer == 0
    ):  # it stands open at the first look: nothing that cannot help
        names = ()
    wide = [name for name in names if SETTINGS[name].widget != "switch"]
    reasons = []
    if wide:
        for name, column in zip(wide, st.columns((3, 2)[: len(wide)], gap="small"), strict=True):
            with column:
                reasons.append(_setting(name, config))
    with st.container(gap="xsmall"):
        reasons += [_setting(name, config) for name in names if name not in wide]
        for reason in dict.fromkeys(filter(None, reasons)):
            st.caption(reason)


def _setting(name: str, config: ModelConfig) -> str | None:
    """One setting, and why it is off."""
    reason, kept, setting = part_names.why_off(name, config), f"model.{name}", SETTINGS[name]
    state.set_page_state(kept, getattr(config, name))
    common: dict[str, Any] = {
        "label": table.label(name, long=True),
        "key": state.page_key(kept),
        "on_change": _take,
        "args": (name, kept),
        "disabled": reason is not None,
    }
    words = partial(table.value_words, name)
    match setting.widget:
        case "menu":
            options = [kind for kind in setting.options() if kind != "rotary" or config.n_layer]
            st.segmented_control(options=options, format_func=words, required=True, **common)
        case "slider":
            options = with_present(setting.options(), getattr(config, name))
            st.select_slider(options=options, format_func=words, **common)
        case _:
            st.toggle(**common)
    return reason


def _take(name: str, kept: str) -> None:
    drawn_model.change(**{name: state.page_state(kept, None)})
