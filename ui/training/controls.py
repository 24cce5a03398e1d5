"""The controls in the sidebar: what acts at once, what the next run takes, and the rest under "Advanced"."""

import math
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import glossary
from ui.i18n import _
from ui.training import settings
from ui.training.situation import Situation

LEARNING_RATES = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
PACES = (1, 5, 20, 60, 300, 0)
OPTIMIZERS = ("adamw", "sgd")  # Muon moves only what lies inside layers, and TinyGPT has none
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
BLOCKS = (4, 8, 16, 32, 64, 128, 256)
WIDTHS = (2, 4, 8, 16, 32, 64, 128, 256)
WINDOWS = (16, 64, 256, 1024, 0)


def draw(now: Situation) -> DeltaGenerator:
    """All controls. A run that may not be steered from here takes none of them.

    Returns:
        The place below the number of steps, for the time that they will take.
    """
    off = not now.mine
    run_id = now.run.id if now.run and now.steerable else None
    with st.container(key="training_at_once", gap="small"):
        _group(_("Acts at once"), ":material/bolt:")
        _log_slider("learning_rate", LEARNING_RATES, _learning_rate_help(), off, run_id)
        _log_slider("pace", PACES, _pace_help(), off, run_id)
    with st.container(key="training_next", gap="small"):
        _group(_("Needs a restart") if now.live else _("For the next run"), ":material/replay:")
        left, right = st.columns(2, gap="small")
        with left:
            _whole("steps", glossary.help("step"), off, step=100)
        with right:
            _choice("batch_size", BATCHES, glossary.help("batch"), off)
        time_needed = st.container()
    _advanced(off, run_id)
    _reset(off, run_id)
    return time_needed


def _advanced(off: bool, run_id: str | None) -> None:
    with st.expander(_("Advanced"), key="training_advanced"):
        _log_slider("block_size", BLOCKS, _block_help(), off)
        _log_slider("n_embd", WIDTHS, _width_help(), off)
        st.segmented_control(
            _label("optimizer"), dict.fromkeys((*OPTIMIZERS, settings.of_tab()["optimizer"])), required=True,
            format_func=settings.optimizer_words, disabled=off, key=settings.key("optimizer"),
            help=glossary.help("optimizer"), persist_state="session",
        )  # fmt: skip
        _decimal("weight_decay", glossary.help("weight_decay"), off, step=0.01)
        _decimal("grad_clip", _clip_help(), off, step=0.5)
        _whole("eval_interval", _interval_help(), off, step=5, run_id=run_id)
        _log_slider("eval_windows", WINDOWS, _windows_help(), off)
        _whole("sample_length", _sample_help(), off, step=50)
        _log_slider("val_fraction", (0.0, 0.05, 0.1, 0.2, 0.3, 0.5), glossary.help("validation_split"), off)
        _whole("seed", glossary.help("seed"), off, step=1)


def _reset(off: bool, run_id: str | None) -> None:
    """Offered as soon as something differs."""
    usual = settings.of_preset()
    if not off and settings.changed(usual, settings.of_tab()):
        st.button(
            _("Notebook’s settings"), icon=":material/undo:", type="tertiary", key="training_preset",
            on_click=settings.take_over, args=(usual, run_id),
        )  # fmt: skip


def _group(title: str, icon: str) -> None:
    st.caption(f"{icon} {title}")


def _label(name: str) -> str:
    return _(settings.SETTINGS[name].label)


def _tell(name: str, run_id: str | None) -> dict[str, Any]:
    """The arguments of a control that acts at once on the run `run_id`."""
    return {"on_change": settings.apply, "args": (run_id, name)} if run_id else {}


def _log_slider(
    name: str, values: tuple[float, ...], help: str, off: bool, run_id: str | None = None
) -> None:
    """A slider over a few values, the present one among them; 0 stands last."""
    st.select_slider(
        _label(name), _with_present(name, values), format_func=settings.SETTINGS[name].words,
        key=settings.key(name), help=help, disabled=off, persist_state="session", **_tell(name, run_id),
    )  # fmt: skip


def _choice(name: str, values: tuple[float, ...], help: str, off: bool) -> None:
    st.selectbox(
        _label(name), _with_present(name, values), format_func=settings.SETTINGS[name].words,
        key=settings.key(name), help=help, disabled=off, persist_state="session",
    )  # fmt: skip


def _with_present(name: str, values: tuple[float, ...]) -> list[float]:
    """The values in their order, the control's present one among them. 0 stands last where it stands for "all"."""
    zero = math.inf if values[-1] == 0 else 0.0
    return sorted({*values, settings.of_tab()[name]}, key=lambda value: value or zero)


def _whole(name: str, help: str, off: bool, step: int, run_id: str | None = None) -> None:
    """A whole number; the core says which ones cannot be used."""
    st.number_input(
        _label(name), step=step, format="%d", key=settings.key(name), help=help, disabled=off,
        persist_state="session", **_tell(name, run_id),
    )  # fmt: skip


def _decimal(name: str, help: str, off: bool, step: float) -> None:
    st.number_input(
        _label(name), step=step, format="%g", key=settings.key(name), help=help, disabled=off,
        persist_state="session",
    )  # fmt: skip


def _learning_rate_help() -> str:
    return _(
        "How far one step moves the parameters. Too small: the loss falls slowly. Too large: it jumps about or "
        "breaks. Each notch is about three times the one before. A run that goes on takes it at its next step."
    )


def _pace_help() -> str:
    return _(
        "How many steps a second the training may make, so that one can watch. It changes no result. A run "
        "that goes on takes it at its next step."
    )


def _block_help() -> str:
    return _(
        "How many characters one stretch of text has. TinyGPT sees one character at a time: a longer block gives "
        "it more examples in each step, but cannot make its guesses better informed."
    )


def _width_help() -> str:
    return _("How many numbers describe one character inside the model. More can hold finer differences.")


def _clip_help() -> str:
    return _(
        "A gradient longer than this is shortened to it, against sudden jumps. 0 leaves all as they are."
    )


def _interval_help() -> str:
    return _(
        "After so many steps the loss is measured on both parts of the text, a sample is written and the weights "
        "are saved. 0 means 20 times a run. A run that goes on takes it at its next step."
    )


def _windows_help() -> str:
    return _(
        "How many stretches of each part of the text an evaluation reads. More takes longer and is more exact."
    )


def _sample_help() -> str:
    return _("How many characters the model writes at each evaluation, at most 2,000. 0 writes none.")
