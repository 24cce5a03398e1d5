"""A GPT taken apart: the drawing, before and after, the table of all parts."""

import streamlit as st

from minigpt_core.generation.continuation import Continuation
from minigpt_core.interpret.ablation import Component
from ui.ablation import before_after, cache, model_diagram, switched_off
from ui.ablation.prompt_field import LENGTH, Prompt, prompt_field
from ui.ablation.ranking import ranking
from ui.inside import reading_guide
from ui.inside.inspected_model import InspectedModel
from ui.runs.doubts import doubt
from ui.words import tokens
from ui.words.i18n import _, number

MOST_ADDED = 8  # parts: each of them is measured alone, 0.15 s of a core for the prepared GPT


def taken_apart(inspected: InspectedModel, *, told: bool = True) -> None:
    """Everything about a GPT.

    Args:
        told: whether the drawing may say what was measured of its parts: a lesson may ask for a guess at it.
    """
    with st.sidebar:
        mean = switched_off.mean_ablation()
    off = switched_off.parts_off(inspected)
    left, right = st.columns([9, 11], gap="medium")
    with left:
        st.header(_("Click a part to switch it off"))
        model_diagram.draw(inspected.config, off, _changes(inspected, mean) if told else {})
        st.button(
            _("Bring everything back"),
            icon=":material/undo:",
            key="ablation_all_on",
            on_click=switched_off.switch_all_on,
            disabled=not off,
        )
        if inspected.config.n_layer and not inspected.config.residual:
            st.caption(
                _(
                    "This model has no residual connections: nothing gets past a part, so the others are blind without "
                    "it."
                )
            )
    with right, st.container(key="ablation_missed"):
        before_and_after(inspected, off, mean)
    with st.container(key="ablation_ranking"):
        ranking(inspected, mean)


def _changes(inspected: InspectedModel, mean: bool) -> dict[Component, float]:
    progress = cache.ablation_job(inspected.run.id, inspected.step, mean).progress
    return {effect.part: effect.change for effect in progress.effects} if progress else {}


def before_and_after(inspected: InspectedModel, off: frozenset[Component], mean: bool) -> None:
    """The loss and a sample, complete and with parts switched off."""
    text = cache.held_out_windows(inspected.run.id)
    reading_guide.heading(
        _("What is missing then?"),
        "compare",
        shows=_(
            "The loss and a text of the complete model, and of the model without the parts that are crossed out. Each "
            "character is coloured by how likely it was when it was drawn."
        ),
        computed=_(
            "The loss is measured on {n} characters{unseen}. Both texts are drawn with the same random numbers: where "
            "they differ, the model has changed its mind."
        ).format(
            n=number(text.characters),
            unseen=_(" that were kept out of the training") if text.unseen else "",
        ),
        beware=_(
            "One text is one throw of the dice: trust the loss more than the sample. The trained run stays as it is; "
            "the parts are only left out while calculating."
        ),
    )
    whole = cache.ablated_loss(inspected.run.id, inspected.step, frozenset(), False)
    now = cache.ablated_loss(inspected.run.id, inspected.step, off, mean) if off else whole
    alone = added_up(inspected, off, mean, whole) if 1 < len(off) <= MOST_ADDED else None
    st.html(before_after.loss_figures(whole, now, _("loss, complete"), _("loss, as it is now"), alone))
    if text.unseen:
        doubt(inspected.run)
    prompt = prompt_field(inspected)
    before = _continuation(inspected, prompt, frozenset(), False)
    if off:
        after = _continuation(inspected, prompt, off, mean)
        st.html(before_after.two_texts(prompt.text, (_("Complete"), _title(inspected, off)), before, after))
    else:
        hint = _("Click a part in the drawing: here you will read what the model writes without it.")
        st.html(before_after.one_text(prompt.text, _("Complete"), before, hint))
    st.html(tokens.probability_legend())


def added_up(inspected: InspectedModel, off: frozenset[Component], mean: bool, whole: float) -> float:
    """What these parts cost if each is switched off alone: far from their cost together where they stand in for each
    other."""
    run, step = inspected.run.id, inspected.step
    return sum(cache.ablated_loss(run, step, frozenset({part}), mean) - whole for part in sorted(off))


def _title(inspected: InspectedModel, off: frozenset[Component]) -> str:
    names = [switched_off.part_title(part, inspected.config.n_layer) for part in sorted(off)]
    more = ", …" if len(names) > 3 else ""
    return _("Without: {parts}").format(parts=", ".join(names[:3]) + more)


def _continuation(
    inspected: InspectedModel, prompt: Prompt, off: frozenset[Component], mean: bool
) -> Continuation:
    return cache.ablated_continuation(
        inspected.run.id, inspected.step, off, mean, prompt.ids, prompt.seed, LENGTH
    )
