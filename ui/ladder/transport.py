"""The title and the buttons of the Ladder page, what they do, and the sentence below them."""

from collections.abc import Collection, Sequence
from contextlib import suppress

import streamlit as st

from minigpt_core.jobs.manager import JobError
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run
from ui import problems, resources, state
from ui.ladder import plan, rung_sentences, training_time
from ui.ladder.choices import BUDGET, budget, group, is_chosen
from ui.ladder.plan import Ladder, Step
from ui.ladder.training_time import Cost
from ui.runs.start_button import start_button
from ui.words import glossary
from ui.words.i18n import _, n_, number


def head(ladder: Ladder, costs: dict[str, Cost]) -> None:
    """The title and the controls, then one sentence: what this is, how it goes, or what came out."""
    chosen = [step for step in ladder.steps if is_chosen(step)]
    waiting = [step for step in chosen if not step.ended and not step.live]
    row = st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="ladder_head"
    )
    with row:
        st.title(_("Ladder"), anchor=False, width="content")
        with st.container(
            horizontal=True, vertical_alignment="center", width="content", gap="small", key="ladder_transport"
        ):
            _budget(ladder)
            start_button(
                _("Train the chosen rungs"),
                icon=":material/play_arrow:",
                type="primary",
                key="ladder_train",
                disabled=not waiting or ladder.problem is not None,
                on_click=train,
                args=(group(), budget(), [step.rung.name for step in chosen]),
                help=None if waiting or ladder.live else why_off(chosen),
            )
            st.button(
                _("Stop all"),
                icon=":material/stop:",
                key="ladder_stop",
                disabled=not ladder.live,
                on_click=stop_all,
                args=(group(), budget()),
            )
    if ladder.problem:
        problems.show(ladder.problem)
    st.markdown(sentence(ladder, waiting, costs))


def why_off(chosen: Sequence[Step]) -> str:
    """Why there is nothing to train."""
    if not chosen:
        return _("Tick at least one rung.")
    return _("All chosen rungs are finished: they are kept. Choose another number of steps, or another text.")


def _budget(ladder: Ladder) -> None:
    st.segmented_control(
        glossary.word("step"),
        plan.BUDGETS,
        format_func=lambda steps: n_("{n} step", "{n} steps", steps).format(n=number(steps)),
        required=True,
        key=state.page_key(BUDGET),
        disabled=ladder.live,
        label_visibility="collapsed",
        persist_state="session",
    )


def sentence(ladder: Ladder, waiting: Sequence[Step], costs: dict[str, Cost]) -> str:
    """What to know now, in Markdown."""
    live = [step for step in ladder.steps if step.live]
    if live and all(step.stopping for step in live):
        return f"**{_('Stopping …')}**"
    if live:
        ended = sum(step.ended for step in ladder.steps)
        words = _("{done} of {all} finished").format(done=number(ended), all=number(ended + len(live)))
        left = training_time.time_left(live, costs)
        if left is not None:
            slowed = training_time.is_slowed(left)
            time = (
                _("about {time} left, longer while this machine is as busy as now")
                if slowed
                else _("about {time} left")
            )
            words += ", " + time.format(time=training_time.in_words(left))
        return f"**{words}.** " + _("It goes on if you leave this page.")
    if len(ladder.done) > 1:
        return rung_sentences.summary(ladder)
    text = (
        _("Each rung is a model with **one idea more** than the one before. What does each idea buy?")
        if ladder.group == "up"
        else _(
            "Each rung is the same GPT with **one newer idea**; the last has all. What does each idea buy?"
        )
    )
    if not waiting or ladder.problem:
        return text
    needed = training_time.total(waiting, costs)
    if needed is None:
        return text + " " + _("How long that takes is still being measured.")
    takes = (
        _("Training takes about **{time}** in all, longer while this machine is as busy as now.")
        if training_time.is_slowed(needed)
        else _("Training takes about **{time}** in all.")
    )
    text += " " + takes.format(time=training_time.in_words(needed))
    at_once = resources.jobs().at_once
    if min(at_once, len(waiting)) > 1:
        text += " " + _("{n} rungs are trained at a time: it may take less.").format(n=number(at_once))
    return text


# What the buttons do


def train(group: str, budget: int, names: Collection[str]) -> None:
    """Put the chosen rungs that have no result yet into the queue, the lowest first."""
    state.let_train()
    ladder = plan.look(state.chosen_text(), budget, group)
    if ladder.problem:
        raise ladder.problem
    runs: dict[int, Run] = {step.number: step.run for step in ladder.steps if step.run}
    for step in ladder.steps:
        if step.rung.name in names and not (step.ended or step.live):
            below = ladder.below(step)
            parent = runs.get(below.number) if below else None
            run = runs.setdefault(step.number, step.run or create(ladder, step, parent))
            state.steer(run.id).submit(run.id)  # one that was left goes on from its last checkpoint


def create(ladder: Ladder, step: Step, below: Run | None) -> Run:
    """Store a new run for a rung. Raises what `new_run` raises."""
    model = step.model.to_dict()
    del model["vocab_size"]
    return new_run(
        resources.store(),
        text=ladder.text.text,
        title=ladder.text.title,
        model_fields=model,
        training=step.training,
        lower=ladder.text.lower,
        name=rung_sentences.run_name(ladder, step),
        note=_(step.rung.idea),
        workspace=state.workspace(),
        parent=below.id if below else None,
    )


def stop_all(group: str, budget: int) -> None:
    """End what is trained and empty the queue; what was reached is kept. The last in the queue leaves first."""
    for step in reversed(plan.look(state.chosen_text(), budget, group).steps):
        if step.live and step.run:
            with suppress(JobError):  # it has just ended by itself, or is trained outside this dashboard
                state.steer(step.run.id).stop(step.run.id)
