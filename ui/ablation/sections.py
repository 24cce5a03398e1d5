"""The page for a model with parts: the drawing, before and after, the table."""

import streamlit as st

from minigpt_core.interpret.ablation import Part, parts_of
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.ablation import choice, compare, drawing, prompt
from ui.ablation.prompt import LENGTH
from ui.ablation.ranking import ranking
from ui.inside import guide
from ui.inside.subject import Subject, best_of, fits, look_aside, shown_run, title
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


def is_table(subject: Subject) -> bool:
    """Whether the model is a table of pairs, without parts that could be switched off."""
    return not parts_of(subject.config)


def other_kind(subject: Subject) -> None:
    """The way to the other kind of model: a TinyGPT is edited, a GPT taken apart."""
    table, other = is_table(subject), run_of_other_kind(subject)
    if other is None:
        return
    st.button(
        _("Take a GPT apart") if table else _("Edit TinyGPT’s table by hand"),
        icon=":material/account_tree:" if table else ":material/edit:",
        key="ablation_other",
        on_click=look_aside,
        args=(None if other == usual_run() else other.id,),
        help=escape_markdown(title(other)),
    )


def run_of_other_kind(subject: Subject) -> Run | None:
    """The run that the page shows by itself if it is one; else a sound one: if possible on the chosen text, or on that
    of the subject."""
    wanted, usual = is_table(subject), usual_run()
    if usual and bool(parts_of(usual.model)) == wanted:
        return usual
    others = [run for run in state.visible_runs() if bool(parts_of(run.model)) == wanted and fits(run, False)]
    chosen = resources.fingerprint(state.text_id(), state.lower())
    here = (
        chosen if any(run.text_id == chosen and not spoiled(run) for run in others) else subject.run.text_id
    )
    return best_of(others, here)


def usual_run() -> Run | None:
    """What the page shows by itself."""
    return shown_run([run for run in state.visible_runs() if fits(run, False)], False)


def taken_apart(subject: Subject) -> None:
    """Everything about a GPT."""
    with st.sidebar:
        mean = choice.mean()
    off = choice.off(subject)
    left, right = st.columns([9, 11], gap="medium")
    with left:
        st.subheader(_("Click a part to switch it off"))
        drawing.model(subject.config, off, _changes(subject, mean))
        st.button(
            _("Bring everything back"),
            icon=":material/undo:",
            key="ablation_all_on",
            on_click=choice.all_on,
            disabled=not off,
        )
        if subject.config.n_layer and not subject.config.residual:
            st.caption(
                _(
                    "This model has no residual connections: nothing gets past a part, so the others are blind without "
                    "it."
                )
            )
    with right:
        before_and_after(subject, off, mean)
    ranking(subject, mean)


def _changes(subject: Subject, mean: bool) -> dict[Part, float]:
    progress = resources.ablation(subject.run.id, subject.step, mean).progress
    return {effect.part: effect.change for effect in progress.effects} if progress else {}


def before_and_after(subject: Subject, off: frozenset[Part], mean: bool) -> None:
    """The loss and a sample, complete and with parts switched off."""
    text = resources.ablation_text(subject.run.id)
    guide.heading(
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
    whole = resources.ablated_loss(subject.run.id, subject.step, frozenset(), False)
    now = resources.ablated_loss(subject.run.id, subject.step, off, mean) if off else whole
    st.html(compare.losses(whole, now, _("loss, complete"), _("loss, as it is now")))
    begin = prompt.ask(subject)
    before = _written(subject, begin, frozenset(), False)
    if off:
        after = _written(subject, begin, off, mean)
        st.html(compare.texts(begin.text, (_("Complete"), _title(subject, off)), before, after))
    else:
        hint = _("Click a part in the drawing: here you will read what the model writes without it.")
        st.html(compare.one_text(begin.text, _("Complete"), before, hint))
    st.html(tokens.probability_legend())


def _title(subject: Subject, off: frozenset[Part]) -> str:
    names = [choice.title(part, subject.config.n_layer) for part in sorted(off)]
    more = ", …" if len(names) > 3 else ""
    return _("Without: {parts}").format(parts=", ".join(names[:3]) + more)


def _written(subject: Subject, begin: prompt.Beginning, off: frozenset[Part], mean: bool) -> compare.Written:
    steps = resources.ablated_sample(subject.run.id, subject.step, off, mean, begin.ids, begin.seed, LENGTH)
    return compare.written(steps, subject.tokenizer)
