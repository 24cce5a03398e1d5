"""The line under the buttons: what the run is doing or how it ended, and what to do next."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import streamlit as st

from minigpt_core.interpret.diagnosis import STILL_FALLING, Finding
from minigpt_core.store.runs import Run
from ui import orders_followed, resources, state
from ui.journey import PAGES, lets_write
from ui.runs import waiting
from ui.runs.health import above_chance, changed, last_evaluation, loss_number, sound, spoiled
from ui.runs.wording import run_error
from ui.settings.table import in_labels
from ui.style import DONE, PROBLEM, REFERENCE, TRAIN, VALIDATION
from ui.training import diagnosis, next_run, settings
from ui.training.run_state import RunState
from ui.words.i18n import N_, _, number, percent, rough_duration, translate
from ui.words.tokens import escape

SAMPLING = PAGES["sampling"].script
EARLY_STEPS = 3


LEARNED_TEXT = {  # by `changed`
    -1: N_("Finished: on the text it learns from, the loss fell from {first} to {last}."),
    0: N_("Finished: on the text it learns from, the loss hardly changed ({first} before, {last} now)."),
    1: N_("Finished: on the text it learns from, the loss rose from {first} to {last}."),
}
UNSEEN_TEXT = {
    -1: N_("Finished: on text it never saw, the loss fell from {first} to {last}."),
    0: N_("Finished: on text it never saw, the loss hardly changed ({first} before, {last} now)."),
    1: N_("Finished: on text it never saw, the loss rose from {first} to {last}."),
}


@dataclass(frozen=True)
class Action:
    """A button beside a sentence."""

    name: str
    label: str
    do: Callable[..., Any] | str
    """What to call, or the script of a page to open."""

    args: tuple[Any, ...] = ()
    icon: str | None = None
    address: dict[str, str] = field(default_factory=dict)
    """What the address of the page says besides."""

    obvious: bool = False
    """It is what to do next."""


@dataclass(frozen=True)
class Line:
    """A sentence, the colour of its edge, and what one may press."""

    text: str
    colour: str = REFERENCE
    actions: list[Action] = field(default_factory=list)
    verdict: Finding | None = None
    """What the run's losses say, if it has ended."""

    brief: str | None = None
    """What remains of the text where another sentence follows, if not all of it."""


def show(now: RunState, planned: next_run.Plan, *, without_validation: bool = False) -> None:
    """The lines that matter now.

    Args:
        without_validation: how it ended is not told, as a lesson asks for a guess at the loss on unseen text.
    """
    for at, line in enumerate(lines(now, planned, without_validation)):
        row = st.container(
            horizontal=True, vertical_alignment="center", gap="small", wrap=False, key=f"training_line_{at}"
        )
        with row:
            verdict = f"<b>{escape(said)}</b> " if (said := diagnosis.brief(line.verdict)) else ""
            st.html(
                f"<div class='mg-line' style='--k:{line.colour}'>{verdict}<bdi>{escape(line.text)}</bdi></div>",
                width="stretch",
            )
            if line.verdict:
                diagnosis.why(now, line.verdict)
            for action in line.actions:
                _press(action)


def _press(action: Action) -> None:
    """A button; what it does happens before the page is drawn, unless it leads to another page."""
    kind: Literal["primary", "secondary"] = "primary" if action.obvious else "secondary"
    key = f"training_{action.name}"
    if isinstance(action.do, str):
        if st.button(action.label, key=key, icon=action.icon, type=kind):
            st.switch_page(action.do, query_params=action.address)
    else:
        st.button(action.label, key=key, icon=action.icon, type=kind, on_click=action.do, args=action.args)


def lines(now: RunState, planned: next_run.Plan, without_validation: bool = False) -> list[Line]:
    """A problem first, then what happened, then what differs."""
    end = happened(now, without_validation)
    elsewhere = now.live and not now.here
    differs = difference(now, now.run, planned) if now.run and now.mine and not elsewhere else None
    if planned.problem is not None and now.mine:
        text = in_labels(translate(planned.problem))
        problem = Line(text, PROBLEM, differs.actions if differs else [])
        return [problem, end] if now.run else [problem]  # nothing can be started now
    if differs is None:
        return [end]
    waits_in_vain = now.live and end.colour == PROBLEM
    return [differs] if now.live and not waits_in_vain else [in_one(end, differs)]


def in_one(before: Line, differs: Line) -> Line:
    """How the run ended or why it cannot begin, in brief, and what is set up now: one line, so that the chart stays in
    sight."""
    ended = before.text if before.brief is None else before.brief
    said = "" if before.colour != PROBLEM and diagnosis.brief(before.verdict) else ended
    actions = [replace(action, obvious=False) for action in before.actions]
    return Line(
        text=" ".join(filter(None, [said, differs.text])),
        colour=PROBLEM if before.colour == PROBLEM else differs.colour,
        actions=[*differs.actions, *actions],
        verdict=before.verdict,
    )


def difference(now: RunState, run: Run, planned: next_run.Plan) -> Line | None:
    """What the controls say otherwise than the run."""
    found = next_run.differences(run, planned.text)
    if not found:
        return None
    again = _("Settings now: {what}. Press Restart to use them.")
    text = again if now.live and now.here else _("Settings now: {what}. Press Start training to use them.")
    if now.can_go_on and (some := next_run.taken_by_resume(run)) and len(some) < len(found):
        text += " " + _("Resume takes over only: {what}.").format(what=", ".join(some))
    back = Action("back", _("Back to its settings"), settings.back_to, (run.id,))
    return Line(text.format(what=" · ".join(found)), VALIDATION, [back])


def happened(now: RunState, without_validation: bool = False) -> Line:
    """What the run is doing, or how it ended and what its losses say about it."""
    if without_validation and now.run is not None and now.status == "done":
        line = replace(_happened(now), colour=REFERENCE)
        return line if now.run.prepared else replace(line, text=_("Finished."), brief=None)
    line, verdict = _happened(now), diagnosis.verdict(now.run) if now.run else None
    if verdict is None:
        doubtful = line.colour == DONE and now.run is not None and not learned(now.run)
        return replace(line, colour=REFERENCE) if doubtful else line
    colour = diagnosis.WORDS[verdict.kind].colour if line.colour == DONE else line.colour
    return replace(line, verdict=verdict, colour=colour)


def learned(run: Run) -> bool:
    """Whether its last evaluation shows that it learned something: no more than that can be said after a few."""
    return sound(run) and (_change(run) or 0) < 0


def _change(run: Run) -> int | None:
    """Where the loss that is named went, as `changed` says; None before there are two evaluations."""
    first, last = last_evaluation(run, 0), last_evaluation(run)
    if first is None or last is None or first.step == last.step:
        return None
    if first.val_loss is None or last.val_loss is None:
        return changed(first.train_loss, last.train_loss, STILL_FALLING)
    return changed(first.val_loss, last.val_loss, last.val_error)


def _happened(now: RunState) -> Line:
    run = now.run
    if run is None:
        text = _("Press Start training. You cannot break anything: every run can be stopped and begun again.")
        return Line(text, TRAIN)
    if run.prepared:
        text = _(
            "This training was prepared and comes with the program. Its settings are in the controls: Start training "
            "makes one of your own."
        )
        if run.status == "diverged":
            return Line(f"{_diverged(now, run).text} {text}", PROBLEM, [_write(run)], brief="")
        return Line(text, DONE, [_write(run)], brief="")
    if not now.mine:
        return Line(
            _("You are watching a training that somebody else started: only they can steer it."), VALIDATION,
            [Action("own", _("To my own trainings"), state.follow_run, (None,))],
        )  # fmt: skip
    if now.live and now.reached:
        told = ENDINGS[run.status](now, run)
        outside = _("It is trained outside this dashboard. Start training makes another one beside it.")
        return replace(told, text=f"{told.text} {outside}")
    if now.live and not now.here:
        return Line(
            _(
                "This run is trained outside this dashboard, from the command line perhaps: it can be watched here, "
                "but not steered. Start training makes another one beside it."
            ),
            VALIDATION,
        )
    return ENDINGS[run.status](now, run)


def _queued(now: RunState, run: Run) -> Line:
    if now.position is None:
        if resources.jobs().on_cluster:
            return Line(_("Getting ready on one of the machines that train …"), TRAIN)
        return _begun()
    if resources.jobs().shut_out:
        shut = _(
            "The machines that train do not let this dashboard in: it lacks their token. Whoever runs it must give it "
            "one; this training waits until then."
        )
        return Line(shut, PROBLEM, _meanwhile(run))
    if resources.jobs().out_of_reach:
        away = _(
            "The machines that train cannot be reached right now: this training goes on by itself as soon as they can."
        )
        return Line(away, PROBLEM, _meanwhile(run))
    text, begins = (
        _("Other trainings are going on: this one begins by itself as soon as it is its turn."),
        waiting.begins_in(run),
    )
    if begins is not None:
        text = _(
            "Number {n} in the queue: it begins by itself in about {time}, as fast as the others go now."
        ).format(n=number(now.position), time=rough_duration(begins, begins))
    return Line(text, actions=_meanwhile(run))


def _meanwhile(run: Run) -> list[Action]:
    """What to look at while it waits."""
    ready = waiting.meanwhile(run)
    if ready is None:
        return []
    return [
        Action(
            "meanwhile", _("Meanwhile: let a prepared model write"), SAMPLING, icon=":material/arrow_forward:",
            address=lets_write(ready.id),
        )
    ]  # fmt: skip


def _begun(*more: str) -> Line:
    """True from the click on: the steps in the chart need not wait for this line to be drawn anew."""
    text = _(
        "The thick line is the loss: how surprised the model is by the next character. Where will it end?"
    )
    return Line(" ".join([text, *more]), TRAIN)


def _running(now: RunState, run: Run) -> Line:
    if now.stopping:
        return Line(_("Stopping …"), VALIDATION)
    if now.pausing:
        return Line(_("It pauses as soon as the step that it is making is done."), VALIDATION)
    return _begun(*diagnosis.dropped_out(run))


def _paused(now: RunState, run: Run) -> Line:
    text = _("Paused: nothing is lost.")
    if now.can_go_on and orders_followed.holding().held is None:
        text = _("Paused: nothing is lost. Step makes exactly one more step, Resume goes on.")
    return Line(" ".join([text, *_worse_than_chance_yet(run)]), VALIDATION)


def _worse_than_chance_yet(run: Run) -> list[str]:
    """That a loss above pure chance is normal at the start, where it is so."""
    said = above_chance(run)
    return [said] if said and run.step <= EARLY_STEPS else []


def _done(now: RunState, run: Run) -> Line:
    if spoiled(run):
        return _broken(now, run)
    writes = _write(run, obvious=sound(run))
    first, last, change = last_evaluation(run, 0), last_evaluation(run), _change(run)
    if first is None or last is None or change is None:
        return Line(_("Finished."), DONE, [writes])
    if first.val_loss is None or last.val_loss is None:
        text = _(LEARNED_TEXT[change])
        values = {"first": loss_number(first.train_loss), "last": loss_number(last.train_loss)}
        return Line(text.format(**values), DONE, [writes])
    text = _(UNSEEN_TEXT[change])
    said = [text.format(first=loss_number(first.val_loss), last=loss_number(last.val_loss))]
    if run.step < run.training.steps:
        early = _(
            "It ended early, at step {step}: since step {best} that loss has not become better, and those weights "
            "are kept."
        )
        said.append(early.format(step=number(run.step), best=number(run.best_step)))
    if last.val_accuracy is not None:
        said.append(
            _("{share} of that text’s characters are guessed right.").format(share=percent(last.val_accuracy))
        )
    return Line(" ".join(said), DONE, [writes], brief=said[0])


def _broken(now: RunState, run: Run) -> Line:
    """It has made its steps, or some of them, and knows less than nothing."""
    last = last_evaluation(run)
    text = _(
        "This training broke the model: at step {step} its loss on the text it learns from is {loss}, far worse than "
        "pure chance ({chance}). The steps were too large."
    )
    values = {
        "step": number(last.step if last else run.step),
        "loss": loss_number(last.train_loss if last else None),
        "chance": number(math.log(run.model.vocab_size), 2),
    }
    return Line(text.format(**values), PROBLEM, _to_good(run))


def _stopped(now: RunState, run: Run) -> Line:
    if spoiled(run):
        return _broken(now, run)
    text = _("Stopped at step {step}; {kept}. Resume goes on from there.")
    writes = [_write(run)] if run.step and resources.store().checkpoints(run.id) else []
    return Line(text.format(step=number(run.step), kept=_kept(run)), REFERENCE, [*_steps_back(run), *writes])


def _interrupted(now: RunState, run: Run) -> Line:
    if why := run_error(replace(run, error=resources.jobs().trouble(run.id))):
        return Line(f"{why} ({_kept(run)})", PROBLEM)
    if run.given_up:
        text = _(
            "Interrupted at step {step}, several times: it does not go on by itself any more; {kept}. Resume tries "
            "once more."
        )
        return Line(text.format(step=number(run.step), kept=_kept(run)), PROBLEM)
    text = _(
        "Interrupted at step {step}: its process ended before its time; {kept}. Resume goes on from there."
    )
    return Line(text.format(step=number(run.step), kept=_kept(run)), PROBLEM)


def _failed(now: RunState, run: Run) -> Line:
    why = run_error(run) or _("The training failed.")
    return Line(f"{why} ({_kept(run)})", PROBLEM)


def _diverged(now: RunState, run: Run) -> Line:
    text = _("Diverged after step {step}: the steps were too large, the loss is no number any more; {kept}.")
    values = {"step": number(run.step), "kept": _kept(run)}
    return Line(text.format(**values), PROBLEM, _to_good(run))


ENDINGS: dict[str, Callable[[RunState, Run], Line]] = {
    "queued": _queued,
    "running": _running,
    "paused": _paused,
    "done": _done,
    "stopped": _stopped,
    "interrupted": _interrupted,
    "failed": _failed,
    "diverged": _diverged,
}


def _kept(run: Run) -> str:
    kept = resources.store().checkpoints(run.id)
    if not kept:
        return _("no weights were kept yet")
    return _("the weights of step {step} are kept").format(step=number(kept[-1].step))


def _write(run: Run, *, obvious: bool = False) -> Action:
    return Action(
        "write", _("Let it write"), SAMPLING, icon=":material/arrow_forward:", address=lets_write(run.id),
        obvious=obvious,
    )  # fmt: skip


def _to_good(run: Run) -> list[Action]:
    """After a run that went wrong."""
    good = settings.last_good(run)
    if not settings.changed(good, settings.of_tab()):
        return []
    return [Action("good", _("Back to the last good settings"), settings.take_over, (good,), obvious=True)]


def _steps_back(run: Run) -> list[Action]:
    """After a run that was stopped by hand: only if it tried something else with the model of the last good one."""
    if settings.tries_something_else(run):
        return [replace(action, obvious=False) for action in _to_good(run)]
    return []
