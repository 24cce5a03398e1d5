"""One click from here to a model that has an inside: the small GPT, trained on the chosen text."""

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.presets import PRESETS, Preset, find_preset
from minigpt_core.store.new_run import new_run
from ui import facts, resources, state
from ui.journey import PAGES
from ui.runs import time_needed
from ui.runs.start_button import start_button
from ui.runs.wording import text_title
from ui.words.i18n import _
from ui.words.tokens import escape_markdown

SMALL_GPT = "chat-curieux-gpt"


def button(kind: str = "secondary") -> None:
    """Train the small GPT on the chosen text, and watch it. Raises what `chosen_text` raises."""
    title = escape_markdown(text_title(state.chosen_text().title))
    start_button(
        _("Train a GPT on “{title}”").format(title=title),
        icon=":material/play_arrow:",
        key="inside_train",
        type="primary" if kind == "primary" else "secondary",
        on_click=train,
        help=_("Begins a training with the preset for a small GPT, and takes you there."),
        width="stretch",
    )


def train(text_id: str | None = None) -> None:
    """Put a new run with the small GPT into the queue and follow it: on the chosen text, or on another one."""
    if text_id is not None:
        state.choose_text(text_id)
        state.choose_letters(True)
    chosen = state.chosen_text()
    preset = preset_for(chosen.id)
    state.let_train()
    run = new_run(
        resources.store(),
        text=chosen.text,
        title=chosen.title,
        model_fields=preset.model,
        training=preset.training,
        lower=chosen.lower,
        preset=preset.name,
        workspace=state.workspace(),
    )
    facts.note("trained", run=run.id)
    state.steer(run.id).submit(run.id)
    state.follow_run(run.id)
    state.go_to(PAGES["training"].script)


def how_long(text_id: str | None = None) -> None:
    """The time that `train` will take on this machine. Raises what `chosen_text` raises."""
    chosen = state.chosen_text() if text_id is None else resources.chosen_text(text_id, True)
    preset, vocabulary = preset_for(chosen.id), resources.tokenizer(chosen.id, chosen.lower)
    time_needed.show(ModelConfig(vocab_size=vocabulary.vocab_size, **preset.model), preset.training)


def preset_for(text_id: str) -> Preset:
    """A GPT made for this very text, if there is one; else the one for short stories."""
    made_for_it = (one for one in PRESETS.values() if one.corpus == text_id and one.model.get("n_layer"))
    return next(made_for_it, find_preset(SMALL_GPT))


def nothing_to_look_into() -> None:
    """What a page shows when there is no model with layers at all."""
    st.info(
        _(
            "There is no trained model with layers to look into yet. The small GPT learns a short story; its first "
            "checkpoints can be looked into while it learns."
        ),
        icon=":material/search:",
    )
    with st.container(width=420):
        button("primary")
        how_long()
