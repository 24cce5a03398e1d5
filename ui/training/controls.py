"""The controls in the sidebar: the model, what acts at once, what the next run takes, and the rest under "Advanced"."""

import math
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from minigpt_core.ladder import find_rung
from ui import state
from ui.training import menu, settings
from ui.training.run_state import RunState
from ui.training.settings import PACES, Plan
from ui.words import glossary
from ui.words.i18n import _
from ui.words.tokens import escape

LEARNING_RATES = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
BLOCKS = (4, 8, 16, 32, 64, 128, 256)
WIDTHS = (2, 4, 8, 16, 32, 64, 128, 256)
LAYERS = (0, 1, 2, 3, 4, 6, 8, 12)
HEADS = (1, 2, 4, 8, 16)
DROPOUTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
WINDOWS = (16, 64, 256, 1024, 0)
VALIDATION_SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)


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
        _group(_("Acts at once"), ":material/bolt:")
        _log_slider("learning_rate", LEARNING_RATES, _learning_rate_help(), off, run_id)
        _log_slider("pace", PACES, _pace_help(), off, run_id)
    with st.container(key="training_next", gap="small"):
        _group(_("Only with a restart:") if now.live else _("For the next run"), ":material/replay:")
        left, right = st.columns(2, gap="small")
        with left:
            _whole("steps", glossary.help("step"), off, step=100)
        with right:
            _choice("batch_size", BATCHES, glossary.help("batch"), off)
        time_needed = st.container()
    folded = st.expander(_("Advanced"), key=settings.ADVANCED, on_change="rerun")
    if folded.open:  # two dozen controls that few need: the page is drawn faster without them
        with folded:
            _advanced(off, run_id)
    _reset(off, run_id)
    return time_needed


def _model(planned: Plan, off: bool) -> None:
    """Which model, and what there is to know about it."""
    present = settings.choice(settings.of_tab())
    state.set_page_state("training.choice", present)
    st.selectbox(
        _("Model"), menu.names(present), format_func=menu.title, key=state.page_key("training.choice"),
        on_change=settings.choose, disabled=off, help=_model_help(),
    )  # fmt: skip
    st.html(f"<div class='mg-note'>{escape(menu.about(present, planned.model))}</div>")


def _advanced(off: bool, run_id: str | None) -> None:
    model, steps, checks = st.tabs([_("Model"), _("Steps"), _("Checks")])
    with model:
        _model_settings(off)
    with steps:
        _step_settings(off)
    with checks:
        _whole("eval_interval", _interval_help(), off, step=5, run_id=run_id)
        _log_slider("eval_windows", WINDOWS, _windows_help(), off)
        _whole("patience", _patience_help(), off, step=1)
        _whole("sample_length", _sample_help(), off, step=50)
        _log_slider("val_fraction", VALIDATION_SHARES, glossary.help("validation_split"), off)


def _model_settings(off: bool) -> None:
    """The parts of the model, those of a layer last."""
    _log_slider("n_embd", WIDTHS, _width_help(), off)
    _log_slider("block_size", BLOCKS, _block_help(), off)
    _kind("positions", _idea("positions"), off)
    _log_slider("n_layer", LAYERS, _idea("layers"), off, changed=settings.fit)
    if not settings.of_tab()["n_layer"]:
        st.caption(_("The rest stands in the layers, and there are no layers yet."))
    _log_slider("n_head", HEADS, _idea("heads"), off)
    _kind("mlp", _idea("mlp"), off)
    _kind("norm", _idea("layernorm"), off)
    _log_slider("dropout", DROPOUTS, _idea("dropout"), off)
    with st.container(gap="xsmall"):
        _switch("residual", _idea("residual"), off, changed=settings.fit)
        _switch("tie_weights", _tie_help(), off)
        _switch("bias", _bias_help(), off)
        _switch("qk_norm", _idea("qk-norm"), off)
        _switch("zero_init", _idea("zero-init"), off)


def _step_settings(off: bool) -> None:
    """How a step moves the parameters."""
    _kind("optimizer", glossary.help("optimizer") + " " + _("Muon: {idea}").format(idea=_idea("muon")), off)
    _kind("schedule", _schedule_help(), off)
    _whole("warmup_steps", _warmup_help(), off, step=10)
    _decimal("min_lr_share", _least_help(), off, step=0.05)
    _decimal("beta1", _beta1_help(), off, step=0.01)
    _decimal("beta2", _beta2_help(), off, step=0.01)
    _decimal("momentum", _momentum_help(), off, step=0.01)
    _decimal("weight_decay", glossary.help("weight_decay"), off, step=0.01)
    _decimal("grad_clip", _clip_help(), off, step=0.5)
    _kind("precision", _precision_help(), off)
    _whole("seed", glossary.help("seed"), off, step=1)


def _idea(rung: str) -> str:
    """What a part is for, in a sentence."""
    return _(find_rung(rung).idea)


def _reset(off: bool, run_id: str | None) -> None:
    """Offered as soon as something differs."""
    values = settings.of_tab()
    usual = settings.of_preset(settings.nearest(values))
    if not off and settings.changed(usual, values):
        st.button(
            _("Usual settings of this model") if settings.choice(values) != menu.OWN
            else _("Back to “{model}”").format(model=menu.title(settings.nearest(values))),
            icon=":material/undo:", type="tertiary", key="training_preset",
            on_click=settings.take_over, args=(usual, run_id),
        )  # fmt: skip


def _group(title: str, icon: str) -> None:
    st.caption(f"{icon} {title}")


def _label(name: str) -> str:
    return _(settings.SETTINGS[name].label)


def _tell(name: str, run_id: str | None = None, changed: Callable[[], None] | None = None) -> dict[str, Any]:
    """The arguments of a control that acts at once on the run `run_id`, or calls `changed`."""
    if changed:
        return {"on_change": changed}
    return {"on_change": settings.apply, "args": (run_id, name)} if run_id else {}


def _common(name: str, help: str, off: bool) -> dict[str, Any]:
    """The arguments of every control. One that can do nothing is off, and says why."""
    reason = settings.reasons(settings.of_tab()).get(name)
    return {
        "label": _label(name), "key": settings.key(name), "help": reason or help,
        "disabled": off or reason is not None, "persist_state": "session",
    }  # fmt: skip


def _log_slider(
    name: str,
    values: tuple[float, ...],
    help: str,
    off: bool,
    run_id: str | None = None,
    changed: Callable[[], None] | None = None,
) -> None:
    """A slider over a few values, the present one among them; 0 stands last where it stands for "all"."""
    st.select_slider(
        options=_with_present(name, values), format_func=settings.SETTINGS[name].words,
        **_common(name, help, off), **_tell(name, run_id, changed),
    )  # fmt: skip


def _choice(name: str, values: tuple[float, ...], help: str, off: bool) -> None:
    options = _with_present(name, values)
    st.selectbox(options=options, format_func=settings.SETTINGS[name].words, **_common(name, help, off))


def _kind(name: str, help: str, off: bool) -> None:
    """One of a few words."""
    st.selectbox(
        options=settings.kinds(name), format_func=settings.SETTINGS[name].words, **_common(name, help, off)
    )


def _switch(name: str, help: str, off: bool, changed: Callable[[], None] | None = None) -> None:
    st.toggle(**_common(name, help, off), **_tell(name, changed=changed))


def _with_present(name: str, values: tuple[float, ...]) -> list[float]:
    """The values in their order, the control's present one among them. 0 stands last where it stands for "all"."""
    zero = math.inf if values[-1] == 0 else 0.0
    return sorted({*values, settings.of_tab()[name]}, key=lambda value: value or zero)


def _whole(name: str, help: str, off: bool, step: int, run_id: str | None = None) -> None:
    """A whole number; the core says which ones cannot be used."""
    st.number_input(step=step, format="%d", **_common(name, help, off), **_tell(name, run_id))


def _decimal(name: str, help: str, off: bool, step: float) -> None:
    st.number_input(step=step, format="%g", **_common(name, help, off))


def _model_help() -> str:
    return _(
        "What is trained. TinyGPT is the notebook’s model and learns in seconds; a GPT looks back at what "
        "was written before, and takes longer. Choosing one sets everything below."
    )


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
    if settings.of_tab()["n_layer"]:
        return _(
            "How many characters one stretch of text has: so far back a guess can look. Longer takes longer."
        )
    return _(
        "How many characters one stretch of text has. This model sees one character at a time: a longer block gives "
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


def _momentum_help() -> str:
    return _("How slowly Muon’s running mean of the gradients forgets: 0.95 remembers about twenty steps.")


def _patience_help() -> str:
    return _(
        "The training ends early if so many evaluations in a row bring no better loss on unseen text: the model "
        "would only learn by heart from then on. The best weights are kept. 0 always makes all steps."
    )


def _precision_help() -> str:
    return _(
        "With how many digits the large products are calculated: bfloat16 keeps 2 to 3 decimal digits, float32 7. "
        "Larger models train about one and a half times as fast with bfloat16, if the processor has instructions "
        "for it."
    )


def _sample_help() -> str:
    return _("How many characters the model writes at each evaluation, at most 2,000. 0 writes none.")


def _tie_help() -> str:
    return _(
        "One table for both ends: the row that describes a character also gives its score. Fewer parameters."
    )


def _bias_help() -> str:
    return _("Whether the linear layers and LayerNorm add a constant. Many newer models leave them out.")


def _schedule_help() -> str:
    return _(
        "Large steps first, small ones towards the end, so that the last ones do not blur what was learned. "
        "Constant: all steps are equally large."
    )


def _warmup_help() -> str:
    return _("In so many first steps the learning rate rises from near 0 to its full height: a gentle start.")


def _least_help() -> str:
    return _("To which share of the learning rate a falling one comes down: 0.1 is a tenth.")


def _beta1_help() -> str:
    return _("How slowly the running mean of the gradients forgets: 0.9 remembers about ten steps.")


def _beta2_help() -> str:
    return _("How slowly the running mean of their squares forgets: 0.999 remembers about a thousand steps.")
