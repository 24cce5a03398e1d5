"""Whose inside is looked at: a run and one of its checkpoints, chosen in the sidebar."""

from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.errors import RunNotFound, UserError
from minigpt_core.store.runs import CheckpointInfo, Run, choose_checkpoint
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer
from ui import resources, state
from ui.inside import train_gpt
from ui.runs.health import broken, last_evaluation, loss_number, sound
from ui.runs.names import menu_labels
from ui.runs.weights import say_which, usual_of, usual_step
from ui.runs.wording import run_title
from ui.words import glossary
from ui.words.i18n import _, number, spoken, translate
from ui.words.tokens import escape_markdown

RUN, STEP = "inside.run", "inside.step"


@dataclass(frozen=True)
class InspectedModel:
    """A trained model to look into."""

    run: Run
    step: int
    """Which checkpoint."""

    tokenizer: CharTokenizer

    @property
    def config(self) -> ModelConfig:
        """Of the model."""
        return self.run.model

    @property
    def longest(self) -> int:
        """How many characters it can be given at once, as far as a picture of them can be read."""
        return min(self.config.block_size, LONGEST) if self.config.n_layer else LONGEST

    def split_unknown(self, typed: str) -> tuple[str, list[str]]:
        """What the model can read of a text that somebody typed, and the characters that it never met."""
        fitted = self.tokenizer.fitted(
            corpus.normalize(typed, self.run.lower, strip=False, alphabet=self.tokenizer.characters)
        )
        return fitted.text, list(fitted.unknown)


LONGEST = 256


def choose_model(
    *, needs_layers: bool, pick_step: bool = True, usual: Run | None = None, instead: str = ""
) -> InspectedModel | None:
    """The pickers in the sidebar; None if there is no run to look into (this has been said on the page then).

    The run that is looked at is shown if it can be, else the followed one, else the one that `best_run` finds.

    Args:
        needs_layers: only runs with layers can be shown.
        pick_step: False takes the usual checkpoint: the page has a way through the training of its own.
        usual: what to show where no run is followed, instead of the one that `best_run` finds.
        instead: why a run without layers is not shown, in the page's own words, with {mine} and {other}.

    Raises:
        UserError: the run or its weights cannot be read.
    """
    candidates = [run for run in state.visible_runs() if can_be_shown(run, needs_layers)]
    shown = run_shown(candidates, needs_layers, usual)
    if shown is None:
        train_gpt.nothing_to_look_into()
        return None
    with st.sidebar:
        _pick_run(shown, candidates)
        step = _pick_step(shown) if pick_step else _begin_with(shown)
        if not any(run.model.n_layer and not run.prepared for run in candidates):
            train_gpt.button()
    resources.model(shown.id, step)  # if its weights cannot be read, that is said first
    inspected = InspectedModel(shown, step, CharTokenizer.from_characters(shown.characters))
    _say_what_is_shown(inspected, needs_layers, instead)
    return inspected


def can_be_shown(run: Run, needs_layers: bool) -> bool:
    """Whether the page has something to show of this run."""
    return bool((run.model.n_layer or not needs_layers) and resources.store().checkpoints(run.id))


def run_shown(candidates: list[Run], needs_layers: bool, usual: Run | None = None) -> Run | None:
    """The run that is looked at if it fits (it may be somebody else's), else what is shown by itself."""
    chosen = looked_at()
    if chosen is not None and can_be_shown(chosen, needs_layers):
        return chosen
    return shown_by_itself(candidates, needs_layers, usual)


def shown_by_itself(candidates: list[Run], needs_layers: bool, usual: Run | None = None) -> Run | None:
    """The followed run if it fits (it may be somebody else's), else the one that is looked into by default."""
    followed = state.current_run() if state.run_id() else None
    if followed is not None and can_be_shown(followed, needs_layers):
        return followed
    return usual or best_run(candidates, current_text_id())


def looked_at() -> Run | None:
    """The run that was chosen to be looked at, if it is there."""
    name = state.looked_at()
    if name is None or name in state.COUNTED:
        return None
    try:
        return resources.run(name)
    except RunNotFound as error:
        state.look_at(None)
        state.notify(translate(error))
        return None


def run_to_inspect() -> Run | None:
    """The run that a page shows the inside of: the followed one, else the best of those with attention and weights.

    None where there are no prepared runs either. Raises `StoreError`.
    """
    if state.run_id():
        return state.current_run()
    return best_run(
        [run for run in state.visible_runs() if can_be_shown(run, needs_layers=True)], current_text_id()
    )


def best_run(runs: Iterable[Run], text_id: str | None) -> Run | None:
    """The run to look into: before all others a sound one, on this text if there is one; with attention rather than
    without; one's own rather than a prepared one, and of those the one in the page's language."""
    story = corpus.load(spoken().story).title

    def order(run: Run) -> tuple[bool, ...]:
        native = run.prepared and run.text_title == story
        return not run.model.n_layer, run.text_id != text_id, run.prepared, not native

    ordered = sorted(runs, key=order)  # a stable order: the newest stays first
    return next(filter(sound, ordered), next(iter(ordered), None))


def current_text_id() -> str | None:
    """The text of the current run; before the first one, the chosen text. None where neither can be read."""
    try:
        run = state.current_run()
        return run.text_id if run else resources.fingerprint(state.text_id(), state.lower())
    except UserError:
        return None


def _pick_run(shown: Run, candidates: list[Run]) -> None:
    names = menu_labels([shown, *(run for run in candidates if run.id != shown.id)])
    state.set_page_state(RUN, shown.id)
    st.selectbox(
        _("Which model?"),
        list(names),
        format_func=names.__getitem__,
        key=state.page_key(RUN),
        on_change=_switch_run,
        help=_("Your own trainings, the newest first, then those that come with the program."),
    )


def _switch_run() -> None:
    state.look_at(state.page_state(RUN, None))


def _pick_step(run: Run) -> int:
    """Which checkpoint: a slider through the training, as far as weights were kept."""
    infos = resources.store().checkpoints(run.id)
    step, steps = chosen_step(run, infos), [info.step for info in infos]
    if len(steps) < 2:
        st.caption(_("Its weights after step {step}.").format(step=number(step)))
        return step
    state.set_page_state(STEP, step)
    st.select_slider(
        _("After how many steps of training?"),
        steps,
        format_func=number,
        key=state.page_key(STEP),
        on_change=_switch_step,
        help=glossary.help("checkpoint"),
    )
    say_which(run, step, "inside_weights")
    return step


def _begin_with(run: Run) -> int:
    """Where a page with its own way through the training begins, with a word if that is not its end."""
    step = usual_step(run)
    if step != last_step(run):
        words = _("It begins at step {step}, the best on text it never saw (validation).")
        st.caption(words.format(step=number(step)))
    return step


def last_step(run: Run) -> int:
    """That of its newest checkpoint."""
    return resources.store().checkpoints(run.id)[-1].step


def chosen_step(run: Run, infos: list[CheckpointInfo]) -> int:
    """The step that the session or the address asks for, if its weights were kept; else the usual one."""
    which = state.checkpoint() or ""
    if which.isdecimal() and int(which) in {info.step for info in infos}:
        return int(which)
    if which in ("best", "last"):
        return choose_checkpoint(infos, "best" if which == "best" else "last")
    return usual_of(run, infos)


def _switch_step() -> None:
    step = state.page_state(STEP, 0)
    usual = usual_step(resources.run(state.page_state(RUN, "")))
    state.choose_checkpoint(None if step == usual else str(step))


def _say_what_is_shown(inspected: InspectedModel, needs_layers: bool, instead: str) -> None:
    """A word where the page does not show what one may expect, or where there is little to learn from it."""
    chosen = looked_at() or _followed()
    if chosen is not None and chosen.id != inspected.run.id and needs_layers and not chosen.model.n_layer:
        words = instead or _("“{mine}” has no layers to look into, so this shows “{other}”.")
        st.caption(
            words.format(
                mine=escape_markdown(run_title(chosen)), other=escape_markdown(run_title(inspected.run))
            )
        )
    last = last_evaluation(inspected.run, inspected.step)
    if last is not None and inspected.step > 0 and broken(last.train_loss, inspected.config.vocab_size):
        words = _("The training broke this model (loss {loss}): what is inside means nothing any more.")
        st.markdown(f":orange[:material/warning:] {words.format(loss=loss_number(last.train_loss))}")


def _followed() -> Run | None:
    try:
        return state.current_run()
    except UserError:
        return None
