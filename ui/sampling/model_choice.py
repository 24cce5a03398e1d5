"""Which model writes on the Sampling page: a run at one of its checkpoints, or counted characters of a text."""

from dataclasses import dataclass, replace

import streamlit as st

from minigpt_core.errors import RunNotFound, StoreError
from minigpt_core.store.runs import LIVE, CheckpointInfo, Run, choose_checkpoint
from ui import resources, state
from ui.runs import waiting
from ui.runs.health import broken, last_evaluation, loss_number, sound
from ui.runs.names import menu_labels, title_among
from ui.runs.weights import say_which, usual_of, usual_step
from ui.sampling.learning_explained import Losses
from ui.words import glossary
from ui.words.i18n import N_, _, number
from ui.words.tokens import escape_markdown

BIGRAM = "bigram"
NGRAMS = {BIGRAM: N_("Counted pairs of the text"), "trigram": N_("Counted triples of the text")}
ORDER_OF = {BIGRAM: 2, "trigram": 3}


@dataclass(frozen=True)
class ModelChoice:
    """The model that writes: a run's at one of its checkpoints, or counted characters of a text (`run` is None)."""

    run: Run | None
    step: int
    text: resources.ChosenText | None
    """What it learned from; None if the text is not there any more."""

    losses: Losses
    """Measured at that checkpoint, or last before it."""

    order: int = 2
    """How many characters were counted together, if no run writes."""

    is_fallback: bool = False
    """Whether another model was to write, which is not there any more."""

    @property
    def ngram(self) -> str:
        """The name of the counted table that writes, as in the address."""
        return next(name for name, order in ORDER_OF.items() if order == self.order)

    @property
    def broken(self) -> bool:
        """Whether these weights are worse than pure chance."""
        return (
            self.run is not None
            and self.losses.seen is not None
            and broken(self.losses.seen, self.run.model.vocab_size)
        )


def choose_model() -> ModelChoice:
    """A run and its checkpoint, or counted characters. Raises `StoreError` if the run has no checkpoint yet."""
    lost = wanted_model_is_gone()
    current, waits = wanted_model(), None
    if isinstance(current, Run) and current.status in LIVE and not resources.store().checkpoints(current.id):
        waits, current = current, waiting.meanwhile(current) or BIGRAM
    runs = [current] if isinstance(current, Run) else []
    runs += [run for run in state.visible_runs() if all(run.id != known.id for known in runs)]
    titles = menu_labels(runs) | {name: _(NGRAMS[name]) for name in NGRAMS}
    st.session_state[state.SAMPLING_RUN] = current.id if isinstance(current, Run) else current
    st.selectbox(
        _("Who writes"),
        list(titles),
        format_func=titles.__getitem__,
        key=state.SAMPLING_RUN,
        on_change=_switch_model,
        help=_("A training of yours, one that comes with the program, or a table that was only counted."),
    )
    chosen = trained_choice(current) if isinstance(current, Run) else ngram_choice(ORDER_OF[current])
    if waits is None:
        keep_in_address(chosen)
    else:
        words = _(
            "“{name}” has learned nothing yet: until it has its first weights, another model writes, one that comes "
            "with the program."
        )
        st.caption(escape_markdown(words.format(name=title_among_others(waits))))
    return replace(chosen, is_fallback=lost)


def wanted_model_is_gone() -> bool:
    """Whether who was asked to write, or wrote when the page was last drawn, has been deleted since."""
    names = (state.looked_at(), st.session_state.get(state.SAMPLING_RUN))
    return any(is_gone(name) for name in names if name and name not in NGRAMS)


def is_gone(run_id: str) -> bool:
    """Whether there is no such run, or not any more."""
    try:
        resources.run(run_id)
    except RunNotFound:
        return True
    return False


def model_title(chosen: ModelChoice) -> str:
    """What the model is called, in a few words."""
    return title_among_others(chosen.run) if chosen.run else _(NGRAMS[chosen.ngram])


def title_among_others(run: Run) -> str:
    """What a run is called among those that can be chosen."""
    return title_among(run, state.visible_runs())


def wanted_model() -> Run | str:
    """Who was asked to; else the newest sound run that has weights (one that waits has none to write with); else the
    prepared run of the chosen text; else the newest with weights, or the text's counted pairs."""
    wanted = state.looked_at()
    if wanted in NGRAMS:
        return str(wanted)
    if wanted:
        try:
            return resources.run(wanted)
        except RunNotFound:
            state.look_at(None)
    if state.run_id():
        return state.current_run() or BIGRAM
    store, found = resources.store(), state.visible_runs()
    own = [run for run in found if not run.prepared and store.checkpoints(run.id)]
    learned = resources.fingerprint(state.text_id(), state.lower())
    ready = (run for run in found if run.prepared and run.model.n_layer and run.text_id == learned)
    return next(filter(sound, own), None) or next(ready, None) or next(iter(own), BIGRAM)


def keep_in_address(chosen: ModelChoice) -> None:
    """Put who writes into the address, so that a link to this page gives the same text elsewhere."""
    if chosen.run is None:
        state.look_at(chosen.ngram)
        if chosen.text:
            state.choose_text(chosen.text.id)
        return
    which, followed = state.checkpoint(), state.current_run()
    if followed is not None and followed.id == chosen.run.id:
        state.follow_run(followed.id)
        state.look_at(None)
    else:
        state.look_at(chosen.run.id)
    state.choose_checkpoint(None if chosen.step == usual_step(chosen.run) else which)


def trained_choice(run: Run) -> ModelChoice:
    """The run with the checkpoint that is chosen, or with a sentence if that one is not kept."""
    infos = resources.store().checkpoints(run.id)
    which = state.checkpoint() or ""
    titles = checkpoint_titles(infos)
    if which.isdecimal() and infos and which not in titles:
        words = _("Step {step} of this run is not kept: step {other} writes.")
        st.caption(words.format(step=number(int(which)), other=number(usual_of(run, infos))))
    if which not in titles:
        which = "last" if not infos or usual_of(run, infos) == infos[-1].step else "best"
    if titles:
        st.session_state[state.SAMPLING_CHECKPOINT] = which
        measured = any(info.val_loss is not None for info in infos)
        st.selectbox(
            _("Checkpoint (loss on text it never saw)") if measured else _("Checkpoint"),
            list(titles),
            format_func=titles.__getitem__,
            key=state.SAMPLING_CHECKPOINT,
            on_change=_switch_checkpoint,
            help=glossary.help("checkpoint"),
        )
    step = choose_checkpoint(
        infos, int(which) if which.isdecimal() else "best" if which == "best" else "last"
    )
    say_which(run, step, "sampling_weights")
    return ModelChoice(run, step, text_of(run), losses_of(run, step))


def ngram_choice(order: int, text: resources.ChosenText | None = None) -> ModelChoice:
    """Counted pairs or triples of a text, the chosen one if there is no other."""
    chosen = text or state.chosen_text()
    known = resources.baselines(chosen.id, chosen.lower)
    pairs = Losses(known.bigram_train, known.bigram_val)
    losses = pairs if order == 2 else Losses(known.trigram_train, known.trigram_val)
    return ModelChoice(None, 0, chosen, losses, order)


def checkpoint_titles(infos: list[CheckpointInfo]) -> dict[str, str]:
    """What each choice is called: the last, the best, then every kept step, the newest first."""
    if not infos:
        return {}
    last, best = infos[-1].step, choose_checkpoint(infos, "best")
    titles = {"last": _("last: step {step}").format(step=number(last))}
    if any(info.val_loss is not None for info in infos):
        titles["best"] = _("best: step {step}").format(step=number(best))
    for info in reversed(infos):
        loss = (
            "" if info.val_loss is None else " · " + _("loss {loss}").format(loss=loss_number(info.val_loss))
        )
        titles[str(info.step)] = _("step {step}").format(step=number(info.step)) + loss
    return titles


def losses_of(run: Run, step: int) -> Losses:
    """The losses at a checkpoint, or the last ones before it."""
    last = last_evaluation(run, step)
    return Losses(last.train_loss, last.val_loss) if last else Losses(None, None)


def text_of(run: Run) -> resources.ChosenText | None:
    """The text a run learned from, if it can still be read."""
    try:
        return resources.chosen_text(run.text_id, run.lower)
    except StoreError:
        return None


def _switch_model() -> None:
    state.look_at(st.session_state[state.SAMPLING_RUN])


def _switch_checkpoint() -> None:
    state.choose_checkpoint(st.session_state[state.SAMPLING_CHECKPOINT])
