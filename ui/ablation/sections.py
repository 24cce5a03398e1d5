"""The page for a model with parts: the drawing, before and after, the table."""

import streamlit as st

from minigpt_core.interpret.ablation import Part, parts_of
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.ablation import choice, compare, drawing, prompt
from ui.ablation.prompt import LENGTH
from ui.ablation.ranking import ranking
from ui.inside import reading_guide
from ui.inside.inspected_model import (
    InspectedModel,
    best_run,
    can_be_shown,
    preview_run,
    run_label,
    run_shown,
)
from ui.runs.health import spoiled
from ui.words import tokens
from ui.words.i18n import _, number
from ui.words.tokens import escape_markdown


def head() -> None:
    """What the page is about."""
    st.markdown(
        _(
            "What is a part for? Take it away and see what is missing. The trained run stays as it is: you cannot "
            "break anything here."
        )
    )


def is_table(inspected: InspectedModel) -> bool:
    """Whether the model is a table of pairs, without parts that could be switched off."""
    return not parts_of(inspected.config)


def other_kind(inspected: InspectedModel) -> None:
    """The way to the other kind of model: a TinyGPT is edited, a GPT taken apart."""
    table, other = is_table(inspected), run_of_other_kind(inspected)
    if other is None:
        return
    st.button(
        _("Take a GPT apart") if table else _("Edit TinyGPT’s table by hand"),
        icon=":material/account_tree:" if table else ":material/edit:",
        key="ablation_other",
        on_click=preview_run,
        args=(None if other == usual_run() else other.id,),
        help=escape_markdown(run_label(other)),
    )


def run_of_other_kind(inspected: InspectedModel) -> Run | None:
    """The run that the page shows by itself if it is one; else a sound one: if possible on the chosen text, or on that
    of the inspected."""
    wanted, usual = is_table(inspected), usual_run()
    if usual and bool(parts_of(usual.model)) == wanted:
        return usual
    others = [
        run
        for run in state.visible_runs()
        if bool(parts_of(run.model)) == wanted and can_be_shown(run, False)
    ]
    chosen = resources.fingerprint(state.text_id(), state.lower())
    here = (
        chosen if any(run.text_id == chosen and not spoiled(run) for run in others) else inspected.run.text_id
    )
    return best_run(others, here)


def usual_run() -> Run | None:
    """What the page shows by itself."""
    return run_shown([run for run in state.visible_runs() if can_be_shown(run, False)], False)


def taken_apart(inspected: InspectedModel) -> None:
    """Everything about a GPT."""
    with st.sidebar:
        mean = choice.mean()
    off = choice.off(inspected)
    left, right = st.columns([9, 11], gap="medium")
    with left:
        st.subheader(_("Click a part to switch it off"))
        drawing.model(inspected.config, off, _changes(inspected, mean))
        st.button(
            _("Bring everything back"),
            icon=":material/undo:",
            key="ablation_all_on",
            on_click=choice.all_on,
            disabled=not off,
        )
        if inspected.config.n_layer and not inspected.config.residual:
            st.caption(
                _(
                    "This model has no residual connections: nothing gets past a part, so the others are blind without "
                    "it."
                )
            )
    with right:
        before_and_after(inspected, off, mean)
    ranking(inspected, mean)


def _changes(inspected: InspectedModel, mean: bool) -> dict[Part, float]:
    progress = resources.ablation(inspected.run.id, inspected.step, mean).progress
    return {effect.part: effect.change for effect in progress.effects} if progress else {}


def before_and_after(inspected: InspectedModel, off: frozenset[Part], mean: bool) -> None:
    """The loss and a sample, complete and with parts switched off."""
    text = resources.ablation_text(inspected.run.id)
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
    whole = resources.ablated_loss(inspected.run.id, inspected.step, frozenset(), False)
    now = resources.ablated_loss(inspected.run.id, inspected.step, off, mean) if off else whole
    st.html(compare.losses(whole, now, _("loss, complete"), _("loss, as it is now")))
    begin = prompt.ask(inspected)
    before = _written(inspected, begin, frozenset(), False)
    if off:
        after = _written(inspected, begin, off, mean)
        st.html(compare.texts(begin.text, (_("Complete"), _title(inspected, off)), before, after))
    else:
        hint = _("Click a part in the drawing: here you will read what the model writes without it.")
        st.html(compare.one_text(begin.text, _("Complete"), before, hint))
    st.html(tokens.probability_legend())


def _title(inspected: InspectedModel, off: frozenset[Part]) -> str:
    names = [choice.title(part, inspected.config.n_layer) for part in sorted(off)]
    more = ", …" if len(names) > 3 else ""
    return _("Without: {parts}").format(parts=", ".join(names[:3]) + more)


def _written(
    inspected: InspectedModel, begin: prompt.Beginning, off: frozenset[Part], mean: bool
) -> compare.Written:
    steps = resources.ablated_sample(
        inspected.run.id, inspected.step, off, mean, begin.ids, begin.seed, LENGTH
    )
    return compare.written(steps, inspected.tokenizer)
