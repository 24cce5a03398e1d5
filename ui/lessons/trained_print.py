"""The fingerprint of a model that is being trained here, at first and where it stands: for a step of a lesson."""

import streamlit as st

from minigpt_core.errors import UserError
from minigpt_core.interpret.microscope import start_before, trainer_at
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.runs import Run
from minigpt_core.weights import fingerprint
from ui import facts, resources, state
from ui.byte_cache import byte_cached
from ui.training.microscope import changes_before
from ui.words.i18n import _, number

LOOK_SECONDS = 1.0
MOST_AGAIN = 300  # steps of a TinyGPT that are made again: a fraction of a second


def show(*, told: bool = True) -> None:
    """Both, as the shown run goes on; nobody reloads.

    Args:
        told: whether the second one may be seen: not as long as a guess is asked.
    """
    st.fragment(_draw, run_every=LOOK_SECONDS)(told)


def _draw(told: bool) -> None:
    try:
        words = _words(state.current_run(), told)
    except UserError:  # it is being deleted, or cannot be read: the page says so
        return
    st.markdown(words)


def _words(run: Run | None, told: bool) -> str:
    kept = [info.step for info in resources.store().checkpoints(run.id)] if run else []
    if run is None or run.prepared or not kept or not _belongs_here(run):
        return _("The fingerprint of its numbers will stand here, once the training has begun.")
    first, now = kept[0], known_step(run, kept)
    before = taken(run.id, first, changes_before(run, first))
    if not told:
        words = _(
            "Fingerprint of its numbers at first: **{first}**. It is taken again once you have guessed."
        )
        return words.format(first=before)
    if now == first:
        words = _(
            "Fingerprint of its numbers: **{first}** at step {step}. Once it is paused, it is taken again."
        )
        return words.format(first=before, step=number(first))
    after = taken(run.id, now, changes_before(run, now))
    words = _("{sign} Fingerprint of its numbers: **{first}** at step {step}, **{now}** after step {last}.")
    sign = "=" if before == after else "≠"
    return words.format(sign=sign, first=before, step=number(first), now=after, last=number(now))


def _belongs_here(run: Run) -> bool:
    """Whether it was begun, taken up again or stepped in the lesson that is on: what was trained before is not what
    the step is about."""
    done = facts.store().facts(state.workspace(), "trained", state.lesson(), alone=True)
    return any(fact["run"] == run.id for fact in done)


def known_step(run: Run, kept: list[int]) -> int:
    """The last step whose numbers can be told: where a small model is held, else that of the newest checkpoint."""
    start = start_before(resources.store(), run, run.step)
    held = run.status == "paused" and not run.model.n_layer and run.device == "cpu"
    return run.step if held and start is not None and run.step - start <= MOST_AGAIN else kept[-1]


@byte_cached
def taken(run_id: str, step: int, changes: tuple[ChangeEvent, ...]) -> str:
    """The fingerprint of a run's model after `step` steps, from its checkpoint. Where none was kept, the steps since
    the last one are made again, bit for bit.

    Args:
        changes: what was changed up to it: a run that is resumed elsewhere can come to this step with other numbers.

    Raises:
        StoreError: its weights cannot be read. ConfigError: they need more memory than there is.
    """
    store = resources.store()
    if step in {info.step for info in store.checkpoints(run_id)}:
        return fingerprint(resources.model(run_id, step))
    return fingerprint(trainer_at(store, store.run(run_id), resources.run_dataset(run_id), step).model)
