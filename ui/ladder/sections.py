"""The Ladder page from top to bottom, one function a section."""

from collections.abc import Sequence

import streamlit as st

from minigpt_core.errors import UserError
from minigpt_core.generation.prompts import usual_prompt
from minigpt_core.generation.request import GenerationRequest
from minigpt_core.ngrams import Baselines
from ui import problems, resources, state
from ui.journey import PAGES
from ui.ladder import chart, moves, pictures, plan, words
from ui.ladder.plan import Ladder, Step
from ui.runs.wording import text_title
from ui.words import glossary
from ui.words.i18n import N_, _, n_, number, percent, rough_duration, translate
from ui.words.tokens import escape, escape_markdown

REFRESH_SECONDS = {"live": 1.0, "measuring": 0.6}  # nothing to follow: it stays as it is
CHART_HEIGHT = 445
TEMPERATURE, SEED, LENGTH = 0.8, 1, 130  # of the samples
AT_A_TIME = 2  # samples that are written in one run of the script: none keeps the page waiting
BUDGET, GROUP, WRITTEN = "ladder.budget", "ladder.group", "ladder.written"
GROUPS = {"up": N_("From TinyGPT to a GPT"), "alone": N_("Newer ideas, each alone")}
ABOUT_GROUPS = {
    "up": N_("each rung has one idea more than the one before"),
    "alone": N_("a GPT with one newer idea at a time, then all"),
}


def page() -> None:
    """Everything, redrawn in place while something goes on."""
    state.keep_choices("ladder", [BUDGET, GROUP])
    if state.page_state(BUDGET, None) is None:
        latest_group, latest_budget = plan.latest(state.chosen_text())
        state.set_page_state(BUDGET, latest_budget)
        state.set_page_state(GROUP, latest_group)
    with st.sidebar:
        _choose_group()
    mode = mode_of(look())
    st.fragment(_draw, run_every=REFRESH_SECONDS.get(mode))(mode)


def _draw(mode: str) -> None:
    ladder = look()
    costs = {} if ladder.problem else moves.measured(ladder)
    if mode_of(ladder) != mode:
        st.rerun()
    counted = resources.baselines(ladder.text.id, ladder.text.lower)
    head(ladder, costs)
    left, right = st.columns([10, 10], gap="medium")
    with left.container(key="ladder_rungs", gap=None):
        for step in ladder.steps:
            cost = costs.get(step.rung.name)
            _rung(step, time(cost.of(step.training)) if cost else None)
    with right:
        chart.draw(ladder, chart.references(counted), CHART_HEIGHT)
        st.caption(same_for_all(ladder))
    if any(step.ended for step in ladder.steps):
        ideas(ladder, counted)
        samples(ladder)


def mode_of(ladder: Ladder) -> str:
    """ "live" while rungs are trained, "measuring" until the time of each is known, else "rest"."""
    if ladder.live:
        return "live"
    if ladder.problem:
        return "rest"
    open_ = [step for step in ladder.steps if not step.ended]
    return "measuring" if len(moves.measured(ladder)) < len(open_) else "rest"


def budget() -> int:
    """How many steps every rung is given."""
    return int(state.page_state(BUDGET, plan.USUAL_BUDGET))


def group() -> str:
    """Which ideas the page is about: one of `plan.GROUPS`."""
    return str(state.page_state(GROUP, "up"))


def look() -> Ladder:
    """The ladder that the page shows, as it stands now."""
    return plan.look(state.chosen_text(), budget(), group())


def time(needed: moves.Span) -> str:
    """How long something takes, in words."""
    return rough_duration(needed.alone, needed.crowded)


def _choose_group() -> None:
    st.radio(
        _("Which ideas?"),
        list(GROUPS),
        format_func=lambda name: _(GROUPS[name]),
        captions=[_(words_) for words_ in ABOUT_GROUPS.values()],
        key=state.page_key(GROUP),
        persist_state="session",
    )


def is_chosen(step: Step) -> bool:
    """Whether a rung has its tick."""
    return bool(state.page_state(f"ladder.rung.{step.rung.name}", True))


# What to press


def head(ladder: Ladder, costs: dict[str, moves.Cost]) -> None:
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
            st.button(
                _("Train the chosen rungs"),
                icon=":material/play_arrow:",
                type="primary",
                key="ladder_train",
                disabled=not waiting or ladder.problem is not None,
                on_click=moves.train,
                args=(group(), budget(), [step.rung.name for step in chosen]),
                help=None if waiting or ladder.live else why_off(chosen),
            )
            st.button(
                _("Stop all"),
                icon=":material/stop:",
                key="ladder_stop",
                disabled=not ladder.live,
                on_click=moves.stop_all,
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


def sentence(ladder: Ladder, waiting: Sequence[Step], costs: dict[str, moves.Cost]) -> str:
    """What to know now, in Markdown."""
    live = [step for step in ladder.steps if step.live]
    if live and all(step.stopping for step in live):
        return f"**{_('Stopping …')}**"
    if live:
        ended = sum(step.ended for step in ladder.steps)
        words_ = _("{done} of {all} finished").format(done=number(ended), all=number(ended + len(live)))
        left = moves.time_left(live, costs)
        if left is not None:
            words_ += ", " + _("about {time} left").format(time=time(left))
        return f"**{words_}.** " + _("It goes on if you leave this page.")
    if len(ladder.done) > 1:
        return words.summary(ladder)
    text = (
        _("Each rung is a model with **one idea more** than the one before. What does each idea buy?")
        if ladder.group == "up"
        else _(
            "Each rung is the same GPT with **one newer idea**; the last has all. What does each idea buy?"
        )
    )
    if not waiting or ladder.problem:
        return text
    needed = moves.total(waiting, costs)
    if needed is None:
        return text + " " + _("How long that takes is still being measured.")
    text += " " + _("Training takes about **{time}** in all.").format(time=time(needed))
    at_once = resources.jobs().at_once
    if min(at_once, len(waiting)) > 1:
        text += " " + _("{n} rungs are trained at a time: it may take less.").format(n=number(at_once))
    return text


def same_for_all(ladder: Ladder) -> str:
    """What does not differ from rung to rung, in Markdown."""
    training, model = ladder.steps[0].training, ladder.steps[0].model
    said = _(
        "The same for all: the text *{text}*, {steps} steps, {rows} stretches of {block} characters a step, {width} "
        "numbers a character, learning rate {rate} (falling to {share} of it), seed {seed}."
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


def _rung(step: Step, needed: str | None) -> None:
    key = f"ladder.rung.{step.rung.name}"
    state.page_state(key, True)
    with st.container(horizontal=True, wrap=False, gap="small", vertical_alignment="center"):
        st.checkbox(
            words.title(step.rung),
            key=state.page_key(key),
            label_visibility="collapsed",
            persist_state="session",
        )
        st.html(pictures.rung(step, needed), width="stretch")


# What came out


def ideas(ladder: Ladder, counted: Baselines) -> None:
    """A bar for each finished rung, with what its idea bought in words."""
    st.subheader(_("What did each idea buy?"), anchor=False)
    highest = max(counted.uniform, *(step.loss or 0 for step in ladder.done))
    lines = []
    for step in ladder.steps:
        below = ladder.below(step)
        told = f"{words.bought(ladder, step, counted)} {_(step.rung.why)}"
        if step.ended:
            lines.append(pictures.bought(step, words.difference(step, below), told, highest))
    st.html("".join(lines))
    st.caption(
        _(
            "The loss is that of the last step, on the end of the text, which no rung has learned from. Differences "
            "below {same} could as well come from another seed."
        ).format(same=number(words.SAME, 2))
    )


def samples(ladder: Ladder) -> None:
    """What every rung writes, what it cost, and the way to its training."""
    if not ladder.done:
        return
    prompt = usual_prompt(ladder.text.text)
    st.subheader(_("What does each rung write?"), anchor=False)
    st.caption(
        _("The same beginning, the same random numbers (seed {seed}), temperature {temperature}.").format(
            seed=SEED, temperature=number(TEMPERATURE)
        )
    )
    written = set(state.page_state(WRITTEN, ()))
    waiting = [step.run.id for step in ladder.done if step.run and step.run.id not in written]
    with st.container(key="ladder_results", gap=None):
        st.html(pictures.table_head())
        for step in ladder.done:
            ready = step.run is not None and step.run.id not in waiting[AT_A_TIME:]
            with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small"):
                st.html(pictures.result(step, _written(step, prompt) if ready else "…"), width="stretch")
                _link(step)
    state.set_page_state(WRITTEN, (*written, *waiting[:AT_A_TIME]))
    if waiting[AT_A_TIME:]:
        st.rerun()


def _link(step: Step) -> None:
    assert step.run is not None
    st.page_link(
        PAGES["training"].script,
        label=_("Training"),
        icon=":material/arrow_forward:",
        query_params={"run": step.run.id},
        help=_("This run on the Training page: its curve, what it wrote on the way, its settings."),
    )


def _written(step: Step, prompt: str) -> str:
    """A sample as HTML, or why there is none."""
    assert step.run is not None
    request = GenerationRequest(
        run=step.run.id, step=step.run.step, prompt=prompt, temperature=TEMPERATURE, seed=SEED
    )
    try:
        generated = resources.generated_text(request)
        return pictures.sample(generated.prompt.text, generated.text(LENGTH))
    except UserError as error:  # its weights are gone
        return escape(translate(error))
