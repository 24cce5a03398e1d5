"""Which model? Two of them with the same prompt and the same random numbers."""

import streamlit as st

from minigpt_core.errors import UserError
from minigpt_core.generation.language_model import encode_prompt
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.runs.health import loss_number
from ui.runs.names import menu_labels
from ui.runs.weights import usual_of
from ui.sampling.inputs import Inputs, request_of
from ui.sampling.model_choice import (
    NGRAMS,
    ORDER_OF,
    ModelChoice,
    losses_of,
    ngram_choice,
    text_of,
    title_among_others,
)
from ui.sampling.parallel_texts import Row, parallel_texts
from ui.sampling.prompt_explained import exchanged_words, unknown_words
from ui.words import tokens
from ui.words.i18n import _, number


def show(inputs: Inputs) -> None:
    """Two models, the same prompt and the same random numbers."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        other = choose_other(inputs.model)
        same = _("The same prompt, the **same random numbers**: only the model changes.")
        st.markdown(f"{same} {_losses(inputs.model, other)}")
    lm = resources.language_model(request_of(other, inputs.prompt, inputs.generation))
    read = encode_prompt(lm, inputs.prompt)
    if read.exchanged:
        st.caption(f"{tokens.escape_markdown(title_with_step(other))}: {exchanged_words(read.exchanged)}")
    if read.unknown:
        sentence = f"{title_with_step(other)}: {unknown_words(read.unknown)}"
        st.markdown(f":orange[:material/warning:] {tokens.escape_markdown(sentence)}")
    rows = [
        Row(title_with_step(each), request_of(each, inputs.prompt, inputs.generation), loss_words(each))
        for each in (inputs.model, other)
    ]
    length = inputs.generation.length
    parallel_texts("sampling_models", rows, length=length, entropy=False, compare=False, side="240px")


def _losses(one: ModelChoice, other: ModelChoice) -> str:
    """What their losses say about each other: something on the same text alone."""
    if one.text is not None and other.text is not None and one.text.id != other.text.id:
        return _("Their losses belong to different texts: they do not say which model is better.")
    return _("A lower loss is better.")


def title_with_step(model: ModelChoice) -> str:
    """What the model is called among others, with its checkpoint."""
    if model.run is None:
        return _(NGRAMS[model.ngram])
    title = title_among_others(model.run)
    return _("{title}, step {step}").format(title=title, step=number(model.step))


def loss_words(model: ModelChoice) -> str:
    """How good it is."""
    loss, words = model.losses.unseen, _("loss {loss} on text it never saw")
    if loss is None:
        loss, words = model.losses.seen, _("loss {loss} on the text it learned from")
    return words.format(loss=loss_number(loss)) if loss is not None else _("its loss was not measured")


def choose_other(model: ModelChoice) -> ModelChoice:
    """Who writes beside the model: another checkpoint of the run, another run, or a counted table."""
    choices = others(model)
    wanted = state.against()
    if wanted and wanted not in choices and readable(wanted):
        choices[wanted] = title_with_step(model_named(wanted, model))  # from somebody's link
    if wanted not in choices or names_itself(wanted, model):
        wanted = next(iter(choices))
    st.session_state[state.SAMPLING_AGAINST] = wanted
    st.selectbox(
        _("Compared with"), list(choices), format_func=choices.__getitem__, key=state.SAMPLING_AGAINST,
        on_change=_switch_other, width=420,
    )  # fmt: skip
    state.choose_against(str(wanted))
    return model_named(str(wanted), model)


def readable(name: str) -> bool:
    """Whether a name in the address means a checkpoint that is there."""
    run_id, _separator, step = name.partition(":")
    try:
        run = resources.run(run_id)  # one in the bin has its checkpoints still
        return step.isdecimal() and int(step) in {info.step for info in resources.store().checkpoints(run.id)}
    except UserError:
        return False


def names_itself(name: str, model: ModelChoice) -> bool:
    """Whether a name in the address means the model itself."""
    return name == (f"{model.run.id}:{model.step}" if model.run else model.ngram)


def others(model: ModelChoice) -> dict[str, str]:
    """Everybody who could write beside the model, by their names in the address: the most telling one first."""
    found: dict[str, str] = {}
    same: dict[int, tuple[str, str]] = {}
    store = resources.store()
    if model.run:
        title = _("the same training after step {step}")
        steps = [info.step for info in store.checkpoints(model.run.id) if info.step != model.step]
        same = {step: (f"{model.run.id}:{step}", title.format(step=number(step))) for step in steps}
        found |= [same[step] for step in steps if step <= model.step // 2]  # early enough to be another model
    for name in NGRAMS:
        if model.run or name != model.ngram:
            found[name] = _(NGRAMS[name])
    found |= same.values()
    runs = state.visible_runs()
    titles = menu_labels(runs)
    for run in runs:
        infos = store.checkpoints(run.id)
        if infos and (model.run is None or run.id != model.run.id):
            found[f"{run.id}:{usual_of(run, infos)}"] = titles[run.id]
    return found


def model_named(name: str, model: ModelChoice) -> ModelChoice:
    """Who a name in the address means. Counted characters are those of the model's text."""
    if name in NGRAMS:
        return ngram_choice(ORDER_OF[name], model.text)
    run_id, step = name.split(":")
    run: Run = resources.run(run_id)
    return ModelChoice(run, int(step), text_of(run), losses_of(run, int(step)))


def _switch_other() -> None:
    state.choose_against(st.session_state[state.SAMPLING_AGAINST])
