"""Which of a run's checkpoints pages take by themselves, and a word where it is not the last one."""

from bisect import bisect_right
from collections.abc import Sequence

import streamlit as st

from minigpt_core.interpret.diagnosis import RISEN
from minigpt_core.store.runs import CheckpointInfo, Run, choose_checkpoint
from ui import resources, state
from ui.runs.health import last_evaluation
from ui.words.i18n import _, number


def usual_step(run: Run) -> int:
    """The last checkpoint; the best one if the run ended early, or if unseen text has become clearly worse since then,
    unless that is the untrained model.

    Raises `StoreError` if there is none yet.
    """
    return usual_of(run, resources.store().checkpoints(run.id))


def usual_of(run: Run, infos: list[CheckpointInfo]) -> int:
    """The same for the checkpoints `infos` of a run."""
    last, best = choose_checkpoint(infos, "last"), choose_checkpoint(infos, "best")
    if best in (0, last):
        return last
    if ended_early(run):
        return best
    losses = [one.val_loss for step in (last, best) if (one := last_evaluation(run, step)) is not None]
    if len(losses) < 2 or losses[0] is None or losses[1] is None:
        return last
    return best if losses[0] - losses[1] >= RISEN else last


def moment_of(steps: Sequence[int], step: int) -> int:
    """The place in `steps` of the newest one that is no later than `step`; 0 if all are later."""
    return max(0, bisect_right(steps, step) - 1)


def ended_early(run: Run) -> bool:
    """Whether it ended by itself before its last step, since unseen text got no better."""
    return run.status == "done" and run.step < run.training.steps


def say_which(run: Run, step: int, key: str) -> None:
    """Where the best weights are not the last ones: which are shown, why, and one click to the others."""
    last, usual = choose_checkpoint(resources.store().checkpoints(run.id), "last"), usual_step(run)
    if last == usual or step not in (last, usual):
        return
    if step == usual:
        words, other = _("Shown: step {best}, the best on text it never saw (validation)."), last
    else:
        words, other = (
            _("Shown: the last step. On text it never saw (validation), step {best} was better."),
            usual,
        )
    st.caption(words.format(best=number(usual)))
    st.button(
        _("Take step {step} instead").format(step=number(other)), key=key, type="tertiary",
        icon=":material/swap_horiz:",
        on_click=state.choose_checkpoint, args=("last" if other == last else None,),
    )  # fmt: skip
