"""How long a training will take on this machine, or on one as fast as it: measured, before it begins."""

import streamlit as st

from minigpt_core.configs import ModelConfig, TrainConfig
from ui import resources
from ui.words.i18n import _, is_crowded, rough_duration
from ui.words.tokens import escape

LOOK_AGAIN_SECONDS = 0.5
SHORT_SECONDS = 0.95


def show(model: ModelConfig, config: TrainConfig) -> None:
    """How long such a run will take. Looks again for as long as nothing can measure it."""
    measured = resources.jobs().speed(model, config, patience=0)
    every = LOOK_AGAIN_SECONDS if measured is None else None
    st.fragment(_draw, run_every=every)(model, config, measured)


def _draw(model: ModelConfig, config: TrainConfig, before: dict[str, float] | None) -> None:
    measured = resources.jobs().speed(model, config, patience=0)
    if measured != before:
        st.rerun()  # known now: no need to look again
    st.html(f"<div class='mg-note'>{escape(in_words(config, measured, resources.jobs().on_cluster))}</div>")


def in_words(config: TrainConfig, measured: dict[str, float] | None, on_cluster: bool = False) -> str:
    """ "about 8 s on this machine", and whether it is too busy for that.

    Args:
        on_cluster: other machines train: what was measured here holds for those that are as fast.
    """
    if measured is None:
        return _("measuring how long that takes …")
    alone, crowded = seconds_expected(config, measured)
    if on_cluster:
        words = _("about {time} on a machine as fast as this one")
        return words.format(time=rough_duration(alone, alone))
    if crowded < SHORT_SECONDS:
        return _("less than a second on this machine")
    words = (
        _("about {time}; longer now, the machine is busy")
        if is_crowded(alone, crowded)
        else _("about {time} on this machine")
    )
    return words.format(time=rough_duration(alone, crowded))


def seconds_expected(config: TrainConfig, measured: dict[str, float]) -> tuple[float, float]:
    """The work, or what the pace demands: evaluations fit into the waiting. With the machine to itself, and now."""
    evaluations = config.evaluations_until(config.steps) + 1
    work = config.steps * measured["step"] + evaluations * measured["evaluation"]
    paced = config.steps / config.pace if config.pace else 0.0
    return max(work / measured["crowding"], paced), max(work, paced)
