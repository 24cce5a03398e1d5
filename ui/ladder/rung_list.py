"""The rungs and their chart, redrawn in place while something goes on."""

import streamlit as st

from ui import resources, state
from ui.ladder import (
    choices,
    ladder_chart,
    plan,
    results,
    rung_html,
    rung_sentences,
    training_time,
    transport,
)
from ui.ladder.choices import look
from ui.ladder.plan import Ladder, Step
from ui.runs.wording import text_title
from ui.words.i18n import _, number, percent
from ui.words.tokens import escape_markdown

REFRESH_SECONDS = {"live": 1.0, "measuring": 0.6}  # nothing to follow: it stays as it is
CHART_HEIGHT = 445


def follow() -> None:
    """Controls, rungs, chart and what came out, as it stands now and as it goes on."""
    mode = mode_of(look())
    st.fragment(_draw, run_every=REFRESH_SECONDS.get(mode))(mode)


def _draw(mode: str) -> None:
    choices.keep()
    ladder = look()
    costs = {} if ladder.problem else training_time.measured(ladder)
    if mode_of(ladder) != mode:
        st.rerun()
    counted = resources.baselines(ladder.text.id, ladder.text.lower)
    transport.head(ladder, costs)
    left, right = st.columns([10, 10], gap="medium")
    with left.container(key="ladder_rungs", gap=None):
        for step in ladder.steps:
            cost = costs.get(step.rung.name)
            _rung(step, training_time.in_words(cost.of(step.training)) if cost else None)
    with right:
        ladder_chart.draw(ladder, ladder_chart.references(counted), CHART_HEIGHT)
        st.caption(" ".join([*too_short(ladder), same_for_all(ladder)]))
    if any(step.ended for step in ladder.steps):
        results.ideas(ladder, counted)
        results.samples(ladder)


def mode_of(ladder: Ladder) -> str:
    """ "live" while rungs are trained, "measuring" until the time of each is known, else "rest"."""
    if ladder.live:
        return "live"
    if ladder.problem:
        return "rest"
    open_ = [step for step in ladder.steps if not step.ended]
    return "measuring" if len(training_time.measured(ladder)) < len(open_) else "rest"


def same_for_all(ladder: Ladder) -> str:
    """What does not differ from rung to rung, in Markdown."""
    training, model = ladder.steps[0].training, ladder.steps[0].model
    said = _(
        "The same for all: the text *{text}*, {steps} steps, {rows} stretches of {block} characters (context length) a "
        "step, {width} numbers a character (embedding dimension), learning rate {rate} (falling to {share} of it), "
        "seed {seed}."
    ).format(
        text=escape_markdown(text_title(ladder.text.title)),
        steps=number(training.steps),
        rows=number(training.batch_size),
        block=number(model.block_size),
        width=number(model.n_embd),
        rate=number(training.learning_rate),
        share=percent(training.min_lr_share),
        seed=training.seed,
    )
    if ladder.group == "alone":
        return said
    return said + " " + _("Not the same: from **+ LayerNorm** on, training begins with smaller weights.")


def too_short(ladder: Ladder) -> list[str]:
    """What the chosen number of steps cannot show, as `benchmarks/ladder.py` has measured it on The Curious Cat."""
    if ladder.group != "up" or ladder.steps[0].training.steps > plan.USUAL_BUDGET:
        return []
    return [
        _(
            "So few steps cannot show what **LayerNorm** and **dropout** are for: both cost something at first."
        )
    ]


def _rung(step: Step, needed: str | None) -> None:
    key = f"ladder.rung.{step.rung.name}"
    state.page_state(key, True)
    with st.container(horizontal=True, wrap=False, gap="small", vertical_alignment="center"):
        st.checkbox(
            rung_sentences.title(step.rung),
            key=state.page_key(key),
            label_visibility="collapsed",
            persist_state="session",
        )
        st.html(rung_html.rung(step, needed), width="stretch")
