"""The table of all parts, the most missed first: started by a button, calculated in the background."""

import math

import streamlit as st

from minigpt_core.interpret.ablation import Effect, Progress
from minigpt_core.interpret.ablation_job import AblationJob
from ui.ablation import cache, switched_off
from ui.ablation.model_diagram import KIND_COLOURS
from ui.inside import reading_guide
from ui.inside.inspected_model import InspectedModel
from ui.words.i18n import _, n_, number, signed
from ui.words.tokens import escape

REFRESH_SECONDS = 0.5


def ranking(inspected: InspectedModel, mean: bool) -> None:
    """The section; while the table is being calculated, only this is drawn anew."""
    job = cache.ablation_job(inspected.run.id, inspected.step, mean)
    reading_guide.heading(
        _("Which part is missed most?"),
        "ranking",
        shows=_(
            "Each part in turn is switched off alone, and the bar says how much the loss rises without it. ± is the "
            "standard error: on another text of the same kind, the change would mostly stay within twice that."
        ),
        computed=_(
            "The loss of the complete model and of the model without that part, on the same {n} characters{unseen}. "
            "Nothing is trained anew."
        ).format(
            n=number(job.text.characters),
            unseen=_(" that were kept out of the training") if job.text.unseen else "",
        ),
        beware=_(
            "A part that is not missed need not be useless: another one may do the same and stand in for it. And one "
            "that is missed badly need not be where the knowledge is: perhaps the others only rely on something "
            "arriving there. The effects of two parts do not add up."
        ),
    )
    st.fragment(_ranks, run_every=REFRESH_SECONDS if job.running else None)(inspected, job, job.running)


def _ranks(inspected: InspectedModel, job: AblationJob, was_running: bool) -> None:
    if was_running != job.running:
        st.rerun()  # begin or end looking every half second; the drawing shows what was measured
    progress = job.progress
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _button(job, progress)
        if progress is not None and not job.finished:
            done = progress.done / progress.total
            words = _("{done} of {total} calculations").format(
                done=number(progress.done), total=number(progress.total)
            )
            st.progress(done, text=words)
    if progress is not None and progress.effects:
        st.html(rows(progress, inspected.config.n_layer))
        st.caption(_measured_on(progress, job))


def _button(job: AblationJob, progress: Progress | None) -> None:
    if job.running:
        st.button(_("Stop"), icon=":material/stop:", key="ablation_stop", on_click=job.stop)
    elif not job.finished:
        st.button(
            _("Measure every part") if progress is None else _("Go on"),
            icon=":material/play_arrow:",
            type="primary",
            key="ablation_measure",
            on_click=job.start,
        )


def _measured_on(progress: Progress, job: AblationJob) -> str:
    windows = n_("{n} window of the text", "{n} windows of the text", progress.windows).format(
        n=number(progress.windows)
    )
    words = (
        _("Measured on {windows} that it never saw (validation); the complete model’s loss there is {loss}.")
        if job.text.unseen
        else _("Measured on {windows} that it learned from; the complete model’s loss there is {loss}.")
    )
    return words.format(windows=windows, loss=number(progress.loss, 3))


def rows(progress: Progress, layers: int) -> str:
    """One row a part: its name, a bar, and the change with its error. HTML for `st.html`."""
    most = max(1e-9, *(abs(effect.change) for effect in progress.effects))
    return f"<div class='mg-ranks'>{''.join(_row(effect, most, layers) for effect in progress.effects)}</div>"


def _row(effect: Effect, most: float, layers: int) -> str:
    name = switched_off.part_title(effect.part, layers)
    error = "" if math.isnan(effect.error) else f" ± {number(effect.error, 3)}"
    look = f"width:{100 * abs(effect.change) / most:.1f}%;--k:{KIND_COLOURS[effect.part.kind]}"
    better = " class='mg-better'" if effect.change < 0 else ""
    return (
        f"<span>{escape(name[:1].upper() + name[1:])}</span><i{better} style='{look}'></i>"
        f"<span class='mg-rank-n'>{escape(signed(effect.change, 3))}<small>{escape(error)}</small></span>"
    )
