"""The transport row: Start, Pause or Resume, Step, Stop, Restart. Each acts in a callback, before the page is drawn."""

from contextlib import suppress

import streamlit as st

from minigpt_core.jobs.manager import JobError
from minigpt_core.store.runs import Run
from ui import facts, resources, state
from ui.journey import PAGES
from ui.runs.health import spoiled
from ui.runs.start_button import start_button
from ui.settings.table import in_labels
from ui.training import next_run, run_state, settings
from ui.training.run_state import RunState
from ui.words.i18n import _, translate

WIDTH = 110  # pixels, the longer of Pause and Resume
GOING = ("running", "paused")
HOLD, GO_ON = "training_hold", "training_resume"


def row(now: RunState, planned: next_run.Plan) -> None:
    """The buttons; those that cannot act are off."""
    ready, start_next = planned.problem is None, start_is_next(now, planned)
    run_id = now.run.id if now.run else ""
    with st.container(horizontal=True, gap="small", key="training_transport"):
        start_button(
            _("Start training"), icon=":material/play_arrow:", key="start", on_click=begin,
            type="primary" if start_next else "secondary",
            disabled=not (now.can_start and ready),
        )  # fmt: skip
        with st.container(horizontal=True, width=WIDTH, key="training_turns"):
            _pause_or_resume(now, run_id, obvious=not start_next)
        start_button(
            _("Step"), icon=":material/skip_next:", key="training_step", on_click=step, args=(run_id,),
            again=bool(run_id),  # the first one begins a run
            disabled=not can_step(now, ready), help=_step_help(now),
        )  # fmt: skip
        st.button(
            _("Stop"), icon=":material/stop:", key="training_stop", on_click=stop, args=(run_id,),
            disabled=not now.can_stop, help=_("End the run and keep its weights."),
        )  # fmt: skip
        start_button(
            _("Restart"), icon=":material/replay:", key="training_restart", on_click=restart, args=(run_id,),
            disabled=not (now.can_restart and ready),
            help=_("Begin again at step 0 with the settings on the left. The present run stays in the list."),
        )  # fmt: skip


def _pause_or_resume(now: RunState, run_id: str, *, obvious: bool) -> None:
    """One place with two buttons in turn. What is asked by the name of one of them is never done by the other, which
    stands there by the time it is heard. While the page is drawn anew both may be there: the place stays as wide as
    one, so that nothing beside it moves away under somebody's finger."""
    if now.can_go_on or can_try_again(now):
        start_button(
            _("Resume"), icon=":material/play_arrow:", key=GO_ON, on_click=resume, args=(run_id,),
            type="primary" if now.can_go_on and obvious else "secondary",
            help=_("Go on from where it was left."), width=WIDTH,
        )  # fmt: skip
    else:
        st.button(
            _("Pausing …") if now.pausing else _("Pause"), icon=":material/pause:", key=HOLD,
            on_click=pause, args=(run_id,), type="primary" if now.can_pause else "secondary",
            disabled=not now.can_pause, help=_("Hold before the next step; nothing is lost."), width=WIDTH,
        )  # fmt: skip


def can_try_again(now: RunState) -> bool:
    """It diverged, and the learning rate is smaller now: it may go on from its checkpoint."""
    if now.run is None or not now.mine or now.status != "diverged":
        return False
    return bool(settings.of_tab()["learning_rate"] < settings.of_run(now.run)["learning_rate"])


def start_is_next(now: RunState, planned: next_run.Plan) -> bool:
    """Start is the thing to press: other settings than the shown run's wait for it. With the same ones it is not
    where a run can go on, has to write first, or would break again."""
    run = now.run
    if not now.can_start or now.reached:
        return False
    if run is None or now.live or next_run.differences(run, planned.text):
        return True
    return not now.can_go_on and not spoiled(run) and (run.prepared or run.status != "done")


def can_step(now: RunState, ready: bool) -> bool:
    """One step can be made: of the shown run, or as the first one here."""
    return goes_on(now) or can_try_again(now) or (now.run is None and ready)


def goes_on(now: RunState) -> bool:
    """A step would be one of the shown run."""
    return now.can_go_on or now.can_pause


def _step_help(now: RunState) -> str:
    """Always some words: a button that gets its first ones is mounted anew, under somebody's finger perhaps."""
    if now.status == "done":
        return _("This run has made all its steps. Start training begins another one at step 0.")
    if now.run is None:
        return _("A new run that makes its first step and then holds.")
    return _("Make one step, then hold. Presses that come before the page has answered may count as one.")


def begin() -> None:
    """Start training."""
    start()


def begin_from_elsewhere() -> None:
    """Start the training that the Training page would, and go there."""
    settings.fill(run_state.current())
    if problem := next_run.plan().problem:
        state.notify(in_labels(translate(problem)))
    else:
        start()
        state.go_to(PAGES["training"].script)


def start(*, paused: bool = False, parent: str | None = None) -> Run:
    """Make the planned run, put it into the queue, and follow it."""
    state.let_train()
    run = next_run.create(next_run.plan(), parent)
    facts.note("trained", run=run.id)
    state.steer(run.id).submit(run.id, paused=paused)
    state.follow_run(run.id)
    _wait_for_begin(run.id)
    return run


def pause(run_id: str) -> None:
    """Hold the run."""
    with suppress(JobError):  # it has just ended by itself
        state.steer(run_id).pause(run_id)
        resources.jobs().wait(run_id, "paused")


def resume(run_id: str) -> None:
    """Let the run go on, with the learning rate and the pace that the controls show."""
    state.let_train()
    jobs = state.steer(run_id)
    facts.note("trained", run=run_id)
    jobs.resume(run_id, **_pending_changes(run_id))
    if jobs.position(run_id) is None:
        jobs.wait(run_id, "running")


def step(run_id: str) -> None:
    """Make one step and hold: of the shown run, or of the first one. A finished run has none left.

    Each press that is heard makes one. Those that come while the page is drawn are heard as one (Streamlit's rule).
    """
    state.let_train()
    run_id = run_id or state.run_id() or ""  # pressed again before the page shows the run that it began
    run = resources.run(run_id) if run_id else start(paused=True)
    if run.status == "done":  # it has ended meanwhile
        return
    jobs = state.steer(run.id)
    facts.note("trained", run=run.id)
    facts.note("stepped", run=run.id, at=run.step)
    jobs.step(run.id, **_pending_changes(run.id))
    if jobs.position(run.id) is None:
        jobs.wait(run.id, "paused")


def _wait_for_begin(run_id: str) -> None:
    """A warm worker takes a run up at once: then the page says so as soon as it is drawn."""
    jobs = resources.jobs()
    if jobs.position(run_id) is None:
        jobs.wait(run_id, *GOING)


def _pending_changes(run_id: str) -> dict[str, float]:
    """What the controls say otherwise than the run that goes on: asked for with that."""
    return settings.different(run_id, *settings.at_once(resources.run(run_id)))


def stop(run_id: str) -> None:
    """End the run."""
    with suppress(JobError):  # it has just ended by itself
        state.steer(run_id).stop(run_id)
        resources.jobs().wait(run_id)


def restart(run_id: str) -> None:
    """Begin again: a new run with the present settings takes the place of this one."""
    jobs = state.steer(run_id)
    start(parent=run_id)
    if jobs.controls(run_id):
        with suppress(JobError):  # it has just ended by itself
            jobs.stop(run_id)
