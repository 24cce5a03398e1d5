"""Which model writes on the Sampling page and what to expect of it, in words."""

import streamlit as st

from minigpt_core.configs import SampleSettings
from minigpt_core.interpret.memorization import STRETCH, share_of_words
from minigpt_core.store.runs import Run
from ui import problems, resources, state
from ui.journey import PAGES
from ui.runs.doubts import doubt
from ui.runs.health import spoiled
from ui.runs.start_button import start_button
from ui.runs.wording import text_title
from ui.sampling.inputs import text_key, words_of_text
from ui.sampling.learning_explained import Written, how_short_its_text_is, what_it_has_learned
from ui.sampling.model_choice import ModelChoice, model_title
from ui.sampling.settings_explained import what_the_settings_do
from ui.training import transport
from ui.words.i18n import _, number
from ui.words.tokens import escape_markdown


def introduce(chosen: ModelChoice) -> None:
    """What the page is about in one sentence, or who writes if it is not a healthy run."""
    if chosen.is_fallback:
        words = _("The model that was to write is no longer there: **{name}** writes instead.")
        st.markdown(f":orange[:material/warning:] {words.format(name=escape_markdown(model_title(chosen)))}")
    if chosen.run is None:
        counted_words(chosen)
    elif chosen.run.prepared:
        prepared_words(chosen.run)
    elif chosen.broken:
        broken_words(chosen.run)
    elif spoiled(chosen.run) and chosen.run.status != "diverged":
        words = _(
            "This training broke its model later on: the weights of step {step} write here, from before that."
        )
        st.markdown(words.format(step=number(chosen.step)))
    elif chosen.run.status == "diverged":
        words = _("This training diverged: its last good weights write here, those after step {step}.")
        st.markdown(words.format(step=number(chosen.step)))
    else:
        words = _(
            "**{name}**, trained on *{title}*, draws lots for each character that it writes: likely ones win more "
            "often."
        )
        title = escape_markdown(text_title(chosen.run.text_title))
        st.markdown(words.format(name=escape_markdown(model_title(chosen)), title=title))


def say_what_its_losses_mean(chosen: ModelChoice, view: str) -> None:
    """That its loss on unseen text is a rough one, where it is. One view says so itself, beside its shares."""
    if view == "copied" or chosen.losses.unseen is None:
        return
    if chosen.run:
        doubt(chosen.run)
    elif chosen.text:
        problems.doubt(resources.validation_warning(chosen.text.id, chosen.text.lower))


def broken_words(run: Run) -> None:
    """That these weights are worse than none, and what to do about it."""
    words = _(
        "**This training broke its model**: it writes worse than pure chance. Choose an earlier checkpoint, or train "
        "again with a smaller learning rate."
    )
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(f":orange[:material/warning:] {words}")
        st.page_link(
            PAGES["training"].script, label=_("Back to the training"), icon=":material/show_chart:",
            width="content", query_params={"run": run.id},
        )  # fmt: skip


def counted_words(chosen: ModelChoice) -> None:
    """Who writes when nothing was trained, and the way to train."""
    words = (
        _("Nothing was trained for this: the **counted pairs** of *{title}* write, a bigram table.")
        if chosen.order == 2
        else _("Nothing was trained for this: the **counted triples** of *{title}* write, a trigram table.")
    )
    title = text_title(chosen.text.title) if chosen.text else ""
    _offer_training(words.format(title=escape_markdown(title)))


def prepared_words(run: Run) -> None:
    """That this model comes with the program, and the way to train one's own."""
    words = _("This model comes with the program: a {model} trained on *{title}*.")
    model = "GPT" if run.model.n_layer else _("TinyGPT (a bigram model, without attention)")
    _offer_training(words.format(model=model, title=escape_markdown(text_title(run.text_title))))


def _offer_training(sentence: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(sentence, width="content")
        own = state.current_run()
        if own is None or own.prepared:
            start_button(
                _("Train a model"), icon=":material/play_arrow:", key="sampling_train", type="tertiary",
                on_click=transport.begin_from_elsewhere,
            )  # fmt: skip


def expectation(chosen: ModelChoice, vocab_size: int, settings: SampleSettings) -> str:
    """Whether gibberish is normal: the part of the settings in it, then a short text's, then the model's."""
    known, short = None, ""
    if chosen.text:
        known = (
            resources.run_baselines(chosen.run.id)
            if chosen.run
            else resources.baselines(chosen.text.id, chosen.text.lower)
        )
        short = how_short_its_text_is(len(chosen.text.text))
    learned = what_it_has_learned(chosen.losses, vocab_size, known, what_it_wrote(chosen))
    said = [what_the_settings_do(settings), short, learned]
    return " ".join(filter(None, said))


def what_it_wrote(chosen: ModelChoice) -> Written | None:
    """The last sample of the run before the weights that write, examined; None if there is none with words."""
    if chosen.run is None or chosen.text is None:
        return None
    samples = [sample for sample in resources.store().samples(chosen.run.id) if sample.step <= chosen.step]
    words = words_of_text(chosen.text.id, chosen.text.lower)
    share = share_of_words(samples[-1].text, words) if samples else None
    key = text_key(chosen)
    if share is None or key is None:
        return None
    return Written(samples[-1].step, share, resources.copied(key, samples[-1].text, STRETCH).share)
