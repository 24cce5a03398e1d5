"""What came out: what each idea bought, and what each rung writes."""

import streamlit as st

from minigpt_core.errors import UserError
from minigpt_core.generation.prompts import usual_prompt
from minigpt_core.generation.request import GenerationRequest
from minigpt_core.ngrams import Baselines
from minigpt_core.texts import corpus
from ui import problems, resources, state
from ui.journey import PAGES
from ui.ladder import rung_html, rung_sentences
from ui.ladder.plan import Ladder, Step
from ui.runs.health import SAME
from ui.words.i18n import _, number, translate
from ui.words.tokens import escape

TEMPERATURE, SEED, LENGTH = 0.8, 1, 130  # of the samples
AT_A_TIME = 2  # samples that are written in one run of the script: none keeps the page waiting
WRITTEN = "ladder.written"


def ideas(ladder: Ladder, counted: Baselines) -> None:
    """A bar for each finished rung, with what its idea bought in rung_sentences."""
    st.header(_("What did each idea buy?"), anchor=False)
    highest = max(counted.uniform, *(step.loss or 0 for step in ladder.done))
    lines = []
    for step in ladder.steps:
        below = ladder.below(step)
        told = f"{rung_sentences.bought(ladder, step, counted)} {_(step.rung.why)}"
        if step.ended:
            lines.append(rung_html.bought(step, rung_sentences.difference(step, below), told, highest))
    st.html("".join(lines))
    said = _(
        "The loss is that of the last step, on the end of the text, which no rung has learned from. Differences "
        "below {same} could as well come from another seed."
    )
    if ladder.text.id not in corpus.BUNDLED:
        said += " " + _(
            "(Measured on the story that comes with the program; on this text it may be more or less.)"
        )
    st.caption(said.format(same=number(SAME, 2)))
    problems.doubt(resources.validation_warning(ladder.text.id, ladder.text.lower))


def samples(ladder: Ladder) -> None:
    """What every rung writes, what it cost, and the way to its training."""
    if not ladder.done:
        return
    prompt = usual_prompt(ladder.text.text)
    st.header(_("What does each rung write?"), anchor=False)
    st.caption(
        _("The same beginning, the same random numbers (seed {seed}), temperature {temperature}.").format(
            seed=SEED, temperature=number(TEMPERATURE)
        )
    )
    written = set(state.page_state(WRITTEN, ()))
    waiting = [step.run.id for step in ladder.done if step.run and step.run.id not in written]
    with st.container(key="ladder_results", gap=None):
        st.html(rung_html.table_head())
        for step in ladder.done:
            ready = step.run is not None and step.run.id not in waiting[AT_A_TIME:]
            with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small"):
                st.html(rung_html.result(step, _written(step, prompt) if ready else "…"), width="stretch")
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
        return rung_html.sample(generated.prompt.text, generated.text(LENGTH))
    except UserError as error:  # its weights are gone
        return escape(translate(error))
