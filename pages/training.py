"""Train the model and watch: transport row, live cockpit, settings, runs."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from minigpt_core.batches import Epochs, RandomBatches
from minigpt_core.data import get_batch, shuffled_starts
from minigpt_core.errors import UserError
from minigpt_core.lessons.lesson import VALIDATION
from minigpt_core.model import GPT, TinyGPT
from minigpt_core.training import Trainer
from ui import resources
from ui.components.live_chart import Reference, live_chart, references
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.lessons import current as lessons
from ui.runs.doubts import doubt
from ui.training import (
    controls,
    next_run,
    prediction,
    replay,
    run_state,
    settings,
    status_line,
    tabs,
    time_estimate,
    transport,
)
from ui.training.run_state import RunState
from ui.words.i18n import _

COCKPIT_HEIGHT, BESIDE_A_LESSON = 510, 430


def lines_to_compare(now: RunState, planned: next_run.Plan | None) -> list[Reference]:
    """What simple methods reach on the shown run's text, or on the chosen one before the first run."""
    try:
        if now.run is not None:
            text, lower, share = now.run.text_id, now.run.lower, now.run.training.val_fraction
        elif planned and planned.training is not None:
            text, lower, share = planned.text.id, planned.text.lower, planned.training.val_fraction
        else:
            return []
        known, vocab_size = (
            resources.baselines(text, lower, share),
            resources.tokenizer(text, lower).vocab_size,
        )
        return references(known, vocab_size, looks_back(now, planned))
    except UserError:  # the run's text is gone: its curve can still be seen
        return []


def looks_back(now: RunState, planned: next_run.Plan | None) -> bool:
    """Whether the shown model sees more than one character."""
    model = now.run.model if now.run is not None else planned and planned.model
    return bool(model and model.n_layer > 0)


def batches(now: RunState, planned: next_run.Plan | None) -> tuple[Callable[..., Any], ...]:
    """Where the batches of the shown training come from, in code."""
    training = now.run.training if now.run is not None else planned and planned.training
    if training and training.windows == "epochs":
        return Epochs, shuffled_starts
    return RandomBatches.of_step, get_batch


played = replay.requested_run()
now = run_state.current() if played is None else RunState(played, mine=False)
if played is not None:
    st.title(_("Training"), anchor=False)
    replay.head(played)
    live_chart(
        played, references=lines_to_compare(now, None), steps=played.training.steps, height=COCKPIT_HEIGHT,
        without_validation=VALIDATION in lessons.veiled(), replayed=True,
    )  # fmt: skip
else:
    settings.fill(now)
    prediction.attach(now.run)
    planned = next_run.plan()
    with st.sidebar:
        time_needed = controls.draw(now, planned)
    with time_needed:
        time_estimate.draw(now, planned)

    with st.container(horizontal=True, vertical_alignment="center", key="training_head"):
        st.title(_("Training"), anchor=False, width="content")
        transport.row(now, planned)
    status_line.show(now, planned, without_validation=VALIDATION in lessons.veiled())
    with st.container(key="training_cockpit"):
        live_chart(
            now.run,
            references=[*prediction.line(now.run), *lines_to_compare(now, planned)],
            steps=planned.training.steps if planned.training else 500,
            stopping=now.stopping,
            height=BESIDE_A_LESSON if lessons.beside() else COCKPIT_HEIGHT,
            without_validation=VALIDATION in lessons.veiled(),
        )
    if now.run is not None:
        doubt(now.run)
    with st.container(key="training_below"):
        tabs.draw(now)
    try_this("training")
    drawn = batches(now, planned)
    if looks_back(now, planned):
        show_code("training_gpt", Trainer._train_step, Trainer._backward, Trainer.run, GPT, *drawn)
    else:
        show_code("training", Trainer._train_step, Trainer._backward, Trainer.run, TinyGPT, *drawn)
