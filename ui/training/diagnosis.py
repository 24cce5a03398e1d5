"""The diagnosis in plain words: the verdict, how it knows, and one click that sets up the next run.

In brief it stands in the line above the chart, in full below it and behind that line's "Why?".
"""

import math
from dataclasses import dataclass

import streamlit as st

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import UserError
from minigpt_core.interpret.diagnosis import VISIBLE, Finding, diagnose
from minigpt_core.interpret.memorization import STRETCH
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.runs.health import above_chance, last_evaluation, loss_number
from ui.style import DONE, PROBLEM, REFERENCE, TRAIN, VALIDATION
from ui.training import settings
from ui.training.run_state import RunState
from ui.words.i18n import N_, _, n_, number, percent, signed
from ui.words.tokens import escape

ENDED = ("done", "stopped", "diverged", "interrupted")
LITTLE_TEXT = 5000  # characters to learn from: with fewer, a longer text is the first advice
MUCH = 0.25  # of the unseen text
QUICKLY_SEARCHED = 1_000_000  # characters of a text
WHY = "training.why"
IN_FORCE = ("learning_rate", "eval_interval", "pace")


@dataclass(frozen=True)
class Words:
    """How a verdict is put. English, with gaps for the numbers of the finding."""

    verdict: str
    how: str
    colour: str
    next: str = ""
    """What the button does."""

    brief: str = ""
    """The verdict in the line above the chart; empty where that line says it already."""


WORDS = {
    "diverged": Words(
        N_("The steps were too large: the training broke the model."),
        N_(
            "Its loss is {loss}. Pure chance would have {chance}: a model that is worse has been thrown about."
        ),
        PROBLEM,
        N_("Set up the next run with a learning rate of {learning_rate}"),
    ),
    "overfitting": Words(
        N_("Overfitting: it has begun to learn the text by heart."),
        N_(
            "On text it never saw it was best at step {best_step}, with a loss of {best_val_loss}; now it has "
            "{val_loss}. Meanwhile the loss on the text it learns from went on falling, from {train_before} to "
            "{train_loss}."
        ),
        VALIDATION,
        N_("Set up the next run with {change}"),
        N_("Overfitting: best at step {best_step}."),
    ),
    "by_heart": Words(
        N_(
            "It now learns this text by heart more than the language: more steps would bring unseen text little."
        ),
        N_(
            "In the last quarter of the run the loss on the text it learns from changed by {learned}, to {loss}; on "
            "text it never saw only by {unseen}, to {val_loss}. A longer text usually helps more."
        ),
        VALIDATION,
        brief=N_("Learning by heart: more steps would bring unseen text little."),
    ),
    "growing_gap": Words(
        N_("The gap grows: text it never saw gains little from what it still learns."),
        N_(
            "In the last quarter of the run the loss on the text it learns from changed by {learned}, to {loss}; on "
            "text it never saw only by {unseen}, to {val_loss}. It still learns the language, but more and more of it "
            "is this one text. A longer text usually helps more."
        ),
        VALIDATION,
        brief=N_("The gap grows: text it never saw gains little."),
    ),
    "gap": Words(
        N_("It has settled, and knows its own text better than text it never saw."),
        N_(
            "The last evaluations differ by next to nothing; the loss is {loss} on the text it learns from and "
            "{val_loss} on text it never saw. A longer text usually narrows that gap."
        ),
        VALIDATION,
        brief=N_("Settled, with a gap: it knows its own text better than other text."),
    ),
    "at_chance": Words(
        N_("It has learned nothing: its loss is still that of pure chance."),
        N_(
            "On the text it learns from the loss was {first} at the start and is {loss} now; to guess by pure chance "
            "costs {chance}. Its steps came to nothing."
        ),
        PROBLEM,
        N_("Set up the next run with a learning rate of {learning_rate}"),
        N_("Nothing learned: the loss is that of pure chance."),
    ),
    "stuck": Words(
        N_("The loss has settled, but too high: counting pairs reaches less."),
        N_(
            "The last evaluations differ by next to nothing. On the text it learns from the loss is {loss}; counting "
            "which character follows which reaches {reference} there. Another learning rate, more steps or a larger "
            "model may help."
        ),
        VALIDATION,
        brief=N_("Settled too high: counting pairs reaches {reference}."),
    ),
    "near_floor": Words(
        N_("It is almost at its floor: {distance} above the lowest loss that it can reach."),
        N_(
            "On the text it learns from its loss is {loss}. A model that sees one character cannot get below {floor} "
            "there: that is what counting all pairs gives. More steps can bring no more than {distance}; a model that "
            "looks further back brings more."
        ),
        DONE,
        N_("Set up a GPT, which looks further back"),
        N_("Almost at its floor: {distance} above the lowest loss it can reach."),
    ),
    "floor": Words(
        N_("It has reached its floor: this model sees one character, it cannot go lower."),
        N_(
            "On the text it learns from its loss is {loss}. A model that sees one character cannot get below {floor} "
            "there: that is what counting all pairs gives. Only looking further back helps."
        ),
        DONE,
        N_("Set up a GPT, which looks further back"),
        N_("At its floor: seeing one character allows no less."),
    ),
    "rate_too_high": Words(
        N_("The learning rate seems too high: the loss wavers and does not settle."),
        N_(
            "The second half of the run brought {second_half}, the first half {first_half}. In the second half "
            "{rises} of the evaluations were worse than the one before, and on the text it learns from the loss is "
            "still {loss}, far above the {reference} that counting pairs reaches there."
        ),
        VALIDATION,
        N_("Set up the next run with a learning rate of {learning_rate}"),
        N_("Learning rate too high, it seems: the loss wavers."),
    ),
    "rate_too_low": Words(
        N_("The learning rate seems too low: the loss falls steadily, but slowly."),
        N_(
            "The second half of the run brought {second_half}, the first half {first_half}: the curve hardly "
            "flattens, and on the text it learns from the loss is still {loss}."
        ),
        VALIDATION,
        N_("Set up the next run with a learning rate of {learning_rate}"),
        N_("Learning rate too low, it seems: the loss falls slowly."),
    ),
    "still_learning": Words(
        N_("It is still learning."),
        N_(
            "In the last quarter of its steps so far the loss on the text it learns from fell by another "
            "{last_quarter}, to {loss}."
        ),
        TRAIN,
    ),
    "too_early": Words(
        N_("It ended too early: it was still learning."),
        N_(
            "In the last quarter of the run the loss on the text it learns from fell by another {last_quarter}, to "
            "{loss}."
        ),
        TRAIN,
        N_("Set up the next run with {steps} steps"),
        N_("Ended too early: it was still learning."),
    ),
    "nothing_wrong": Words(
        N_("Nothing wrong: the loss fell and has settled."),
        N_(
            "The last evaluations differ by next to nothing; the loss is {loss} on the text it learns from and "
            "{val_loss} on text it never saw."
        ),
        DONE,
        brief=N_("Nothing wrong: the loss has settled."),
    ),
    "too_short": Words(
        N_("Too short to tell."),
        N_("A verdict needs at least {fewest} evaluations; there are {evaluations}."),
        REFERENCE,
    ),
}


def finding_of(run: Run) -> Finding:
    """The verdict about a run as it stands. Raises `UserError` if its text is gone."""
    in_force = settings.of_run(run)
    training = run.training.to_dict() | {name: in_force[name] for name in IN_FORCE}
    return diagnose(
        resources.store().evaluations(run.id),
        status=run.status,
        training=TrainConfig.from_dict(training),
        baselines=resources.run_baselines(run.id),
        sees_one_character=not run.model.n_layer,
    )


def verdict(run: Run) -> Finding | None:
    """What can be said about a run that has ended; None if it goes on, was too short, or its text is gone."""
    if run.status not in ENDED:
        return None
    try:
        finding = finding_of(run)
    except UserError:
        return None
    return None if finding.kind == "too_short" else finding


def brief(finding: Finding | None) -> str:
    """The verdict in a few words; "" where there is none, or where the line above the chart says it already."""
    words = WORDS[finding.kind].brief if finding else ""
    return _(words).format(**shown(finding)) if finding and words else ""


def why(now: RunState, finding: Finding) -> None:
    """Behind a small button: the verdict in full."""
    state.page_state(WHY, False)
    advises = finding.next_run or finding.next_preset
    label = _("Why? What next?") if advises else _("Why?")
    with st.popover(label, type="tertiary", key=state.page_key(WHY), on_change="rerun") as folded:
        if folded.open:
            explanation(now, finding, key="training_next_run_above")


def section(now: RunState) -> None:
    """The verdict about the shown run; a sentence before there is anything to judge."""
    run = now.run
    if run is None or run.status not in (*ENDED, "paused"):
        waiting = _("The verdict comes when the training has ended or is paused.")
        st.html(f"<p class='mg-note'>{escape(waiting)}</p>")
        return
    explanation(now, finding_of(run), key="training_next_run")


def explanation(now: RunState, finding: Finding, *, key: str) -> None:
    """The verdict, what it rests on, and the button `key` that sets up the next run."""
    assert now.run is not None
    words, values = WORDS[finding.kind], shown(finding)
    verdict = _(words.verdict).format(**values)
    how = " ".join(
        [
            _(words.how).format(**values),
            *short_text(now.run, finding),
            *windows(now.run, finding),
            *how_sure(now.run, finding),
            *easier(now.run, finding),
            *dropped_out(now.run),
            *filter(None, [above_chance(now.run)]),
        ]
    )
    st.html(
        f"<div class='mg-line' style='--k:{words.colour}'><b>{escape(verdict)}</b></div>"
        f"<p class='mg-how'><span class='mg-label'>{escape(_('How one can tell'))}</span> {escape(how)}</p>"
    )
    if words.next and (finding.next_run or finding.next_preset) and now.mine and not now.live:
        st.button(
            _(words.next).format(**values),
            key=key,
            icon=":material/arrow_forward:",
            type="primary",
            on_click=set_up,
            args=(now.run.id, finding),
        )


def short_text(run: Run, finding: Finding) -> list[str]:
    """The best remedy against overfitting, where there is little text to learn from."""
    learned = len(resources.run_dataset(run.id).train)
    if finding.kind != "overfitting" or learned >= LITTLE_TEXT:
        return []
    text = _(
        "It learns from {n} characters only: a longer text, of {enough} characters or more, would help most."
    )
    return [text.format(n=number(learned), enough=number(LITTLE_TEXT))]


def windows(run: Run, finding: Finding) -> list[str]:
    """That the table of pairs measures on other characters, where the verdict names a distance, too."""
    n = run.training.eval_windows
    if finding.kind not in ("floor", "near_floor") or not n:
        return []
    text = _(
        "This loss was measured on {n} windows of that text; under “What it has learned” it is the whole text, so the "
        "distance there differs a little."
    )
    return [text.format(n=number(n))]


def how_sure(run: Run, finding: Finding) -> list[str]:
    """The standard error of the loss on unseen text, where the verdict names that loss."""
    last = last_evaluation(run)
    if last is None or last.val_error is None or "val_loss" not in finding.numbers:
        return []
    text = _(
        "Another piece of text would give a somewhat different loss: {val_loss} ± {error}, the standard error over the "
        "windows that were read."
    )
    return [text.format(val_loss=loss_number(last.val_loss), error=number(last.val_error, 2))]


def easier(run: Run, finding: Finding) -> list[str]:
    """That unseen text has the lower loss, where it is so: it surprises those who see the curves."""
    last = last_evaluation(run)
    if (
        finding.kind == "diverged"
        or last is None
        or last.val_loss is None
        or last.val_loss >= last.train_loss - VISIBLE
    ):
        return []
    said = _(
        "Text it never saw happens to be a little easier here: its loss lies below that of the text it learns from."
    )
    share = known_already(run)
    if share < MUCH:
        return [said]
    reason = _(
        "One reason: {share} of it stands word for word, in stretches of {n} characters or more, in the text it "
        "learns from."
    )
    return [said, reason.format(share=percent(share), n=number(STRETCH))]


def known_already(run: Run) -> float:
    """The share of the unseen text that stands in the learned one in long stretches; 0 if looking would take long."""
    place = (run.text_id, run.lower, run.training.val_fraction)
    learned, unseen = resources.text_parts(*place)
    if len(learned) + len(unseen) > QUICKLY_SEARCHED:
        return 0.0
    return resources.copied(place, unseen, STRETCH).share


def dropped_out(run: Run) -> list[str]:
    """Why the loss of the batches lies above that of the evaluations, in a model with dropout."""
    if not run.model.dropout:
        return []
    text = _(
        "With {share} dropout a batch is guessed with parts of the model switched off: so the big number and the "
        "thick line lie higher than the loss on the text it learns from, which is measured with the whole model."
    )
    return [text.format(share=percent(run.model.dropout))]


def shown(finding: Finding) -> dict[str, str]:
    """The numbers of a finding and of its advice, as they are put into sentences."""
    values = {name: loss_number(value) for name, value in finding.numbers.items()}
    for name in ("best_step", "evaluations", "fewest"):
        if name in finding.numbers:
            values[name] = number(finding.numbers[name])
    if "distance" in finding.numbers:  # of the losses as they are shown
        loss, floor = (round(finding.numbers[name], 2) for name in ("loss", "floor"))
        values["distance"] = number(loss - floor, 2)
    for name in ("learned", "unseen"):
        if name in finding.numbers:
            values[name] = signed(-finding.numbers[name], 2)
    if "rises" in finding.numbers:
        values["rises"] = percent(finding.numbers["rises"])
    if math.isnan(finding.numbers.get("loss", 0.0)):
        values["loss"] = _("no number any more")
    values |= {name: number(value) for name, value in finding.next_run.items()}
    if "steps" in finding.next_run:
        steps = int(finding.next_run["steps"])
        values["change"] = n_("{n} step", "{n} steps", steps).format(n=number(steps))
    return values


def set_up(run_id: str, finding: Finding) -> None:
    """Put the controls to what the advice says: this run's settings with the change, or another preset's."""
    state.set_page_state(WHY, False)
    if finding.next_preset:
        settings.take_over(settings.at_first(finding.next_preset))
    else:
        settings.take_over(settings.of_run(resources.run(run_id)) | finding.next_run)
