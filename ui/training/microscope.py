"""One step under the microscope: its batch, guesses, losses, gradients and update, one after the other.

The component draws itself from the numbers of one step and answers every click in the browser; only another step
asks the script.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import streamlit as st

from minigpt_core.interpret.microscope import StepUnderMicroscope, WeightUpdate, examine_step, trainer_at
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.runs import Run
from minigpt_core.tokenizer import CharTokenizer
from ui import kept_choices, resources, state
from ui.byte_cache import byte_cached
from ui.components.mounting import component
from ui.style import PROBABILITY_SCALE
from ui.training.run_state import RunState
from ui.words import tokens
from ui.words.i18n import N_, _, language, number

HERE = Path(__file__).parent
HTML = "<div class='mg-scope'></div>"
MOST_ROWS = 4
MOST_COLUMNS = 32
MOST_BARS = 8
MOST_NUMBERS = 8
MOST_UPDATES = 7
CHOSEN = "training.microscope_step"

# What is said of a weight that moved with its gradient, and of how that can be
DECAYED = N_("pulled towards 0 by weight decay")
WITH_ITS_GRADIENT = {
    "adamw": N_("pushed by the steps before: it moves against their mean"),
    "muon": N_("pushed by the steps before or by its neighbours"),
    "sgd": DECAYED,
}
REMEMBERS = {
    "adamw": N_(
        "AdamW follows the mean of all gradients so far, the newest counting most, and divides it by their usual size. "
        "Where the mean has another sign than this gradient, a weight moves with it."
    ),
    "muon": N_(
        "Muon remembers earlier gradients and moves the weights of a table together: so a weight may even move with "
        "its gradient."
    ),
    "sgd": "",
}

PARTS = (N_("Batch"), N_("Guess"), N_("Loss"), N_("Gradient"), N_("Update"))


def section(now: RunState) -> None:
    """The steps of the shown run, one at a time; a sentence before the first."""
    run = now.run
    if run is None or last_step(run) is None:
        _note(_("Train for at least one step: then every step can be looked at here."))
        return
    if run.status == "running":
        _note(_("The training goes on meanwhile. Pause it to look at the very step that comes next."))
    _choose(run)
    at = chosen_step(run)
    with st.spinner(_("Making step {n} again …").format(n=number(at + 1)), show_time=True):
        seen = examined_step(run.id, at, changes_before(run, at))
    words = resources.run_dataset(run.id).tokenizer
    mount = component("microscope", HERE, HTML)
    mount(
        data=picture(seen, words, run) | {"labels": labels(seen, run, words)},
        key=state.MICROSCOPE,
        height="content",
        on_move_change=_move,
    )


@byte_cached
def examined_step(run_id: str, step: int, changes: tuple[ChangeEvent, ...]) -> StepUnderMicroscope:
    """The step that a run makes after `step` steps, taken apart.

    Args:
        changes: what was changed up to it: before a paused run goes on, its next step can still become another one.

    Raises:
        StoreError: the run's weights cannot be read. ConfigError: they need more memory than there is.
    """
    store = resources.store()
    return examine_step(trainer_at(store, store.run(run_id), resources.run_dataset(run_id), step))


def changes_before(run: Run, step: int) -> tuple[ChangeEvent, ...]:
    """The settings that were changed up to the step after `step` steps."""
    return tuple(change for change in resources.store().changes(run.id) if change.step <= step)


def _note(text: str) -> None:
    st.html(f"<p class='mg-note'>{tokens.escape(text)}</p>")


def last_step(run: Run) -> int | None:
    """The last step that can be looked at, counted by the steps before it; None before the first one."""
    if run.step == 0:
        return None
    ended = run.step >= run.training.steps or run.status in ("done", "diverged") or run.prepared
    return run.step - 1 if ended else run.step  # a run that is not over has a next step


def starts(run: Run) -> list[int]:
    """Steps from which the run can be followed at once: those of its checkpoints."""
    last = last_step(run) or 0
    kept = [] if run.prepared else [info.step for info in resources.store().checkpoints(run.id)]
    return sorted({0, *(step for step in kept if step <= last)})


def chosen_step(run: Run) -> int:
    """How many steps stand before the one that is shown: what was chosen for this run, else none. In the first one
    nothing is remembered of earlier ones: each weight moves against its gradient."""
    run_id, at = kept_choices.keep(CHOSEN, (run.id, 0), _read_step, lambda chosen: f"{chosen[0]}:{chosen[1]}")
    return min(at, last_step(run) or 0) if run_id == run.id else 0


def _read_step(text: str) -> tuple[str, int] | None:
    run_id, _between, at = text.partition(":")
    step = kept_choices.whole_number(0, 10**9)(at)
    return None if step is None else (run_id, step)


def _choose(run: Run) -> None:
    """A slider over the checkpoints and the last step. Between them one goes step by step."""
    options = starts(run)
    if len(options) < 2:
        return
    at = chosen_step(run)
    options = sorted({*options, last_step(run) or 0, at})
    name = f"training.microscope_from_{run.id}"
    state.set_page_state(name, at)
    st.select_slider(
        _("Go to step"),
        options,
        key=state.page_key(name),
        format_func=lambda step: number(step + 1),
        on_change=lambda: state.set_page_state(CHOSEN, (run.id, state.page_state(name, at))),
    )
    _note(
        _(
            "Every step can be made again: the slider goes to those whose weights were kept and to the last one, ▶ and "
            "◀ to those in between."
        )
    )


def _move() -> None:
    """A step back or forward, as the component asks."""
    run = state.current_run()
    by = st.session_state[state.MICROSCOPE].get("move")
    if run is None or by not in (-1, 1):
        return
    at = chosen_step(run) + by
    state.set_page_state(CHOSEN, (run.id, max(0, min(at, last_step(run) or 0))))


# What the component gets


def picture(seen: StepUnderMicroscope, words: CharTokenizer, run: Run) -> dict[str, Any]:
    """The numbers of a step, as far as they are shown."""
    B, T = seen.x.shape
    faces = [tokens.face(character) for character in words.characters]
    rows = min(B, MOST_ROWS)
    columns = min(T, MOST_COLUMNS)
    last = last_step(run) or 0
    return {
        "locale": language(),
        "step": seen.step,
        "hasBack": seen.step > 0,
        "hasNext": seen.step < last,
        "loss": seen.loss,
        "rate": number(float(f"{seen.learning_rate:.3g}")),
        "windows": [B, rows],
        "characters": [T, columns],
        "vocabulary": len(faces),
        "tiny": run.model.n_layer == 0,
        "layers": run.model.n_layer,
        "faces": faces,
        "kinds": [tokens.kind(character) for character in words.characters],
        "x": seen.x[:rows, :columns].tolist(),
        "y": seen.y[:rows, :columns].tolist(),
        "losses": [short(row, 4) for row in seen.losses[:rows, :columns].tolist()],
        "tops": [[_likeliest(seen, b, t) for t in range(columns)] for b in range(rows)],
        "numbers": {i: short(row, 4) for i, row in seen.character_rows(rows, columns, MOST_NUMBERS).items()},
        "width": run.model.n_embd,
        "gradients": [[name, *found] for name, found in seen.gradient_lengths(group_name).items()],
        "gradNorm": seen.grad_norm,
        "updates": [_update(seen, name, index, words, run) for name, index in seen.steepest(MOST_UPDATES)],
        "again": seen.loss_again if run.model.dropout == 0 else None,
        "scale": [f"rgb({r} {g} {b})" for r, g, b in PROBABILITY_SCALE],
    }


def short(values: Iterable[float], digits: int) -> list[float]:
    """Numbers with few digits: they travel to the browser as text."""
    return [round(value, digits) for value in values]


def _likeliest(seen: StepUnderMicroscope, row: int, place: int) -> list[list[float]]:
    """(id, score, probability) of some characters, the right one among them."""
    return [[i, *short(numbers, 5)] for i, *numbers in seen.likeliest(row, place, MOST_BARS)]


def group_name(weight: str) -> str:
    """blocks.0.attention.c_attn.weight → "layer 1, attention", in the reader's language."""
    parts = weight.split(".")
    if parts[0] == "blocks":
        inner = {"attention": _("attention"), "mlp": _("small network")}.get(parts[2], _("norms"))
        return _("layer {n}: {part}").format(n=number(int(parts[1]) + 1), part=inner)
    known = {
        "token_embedding": _("rows of the characters"),
        "token_shift": _("shares of the character before"),
        "position_embedding": _("rows of the positions"),
        "final_norm": _("last norm"),
        "lm_head": _("output"),
    }
    return known.get(parts[0], weight)


def _update(
    seen: StepUnderMicroscope, name: str, index: tuple[int, ...], words: CharTokenizer, run: Run
) -> dict[str, Any]:
    update = seen.weight_update(name, index)
    return {
        "name": f"{name}[{', '.join(map(str, index))}]",
        "words": weight_words(name, index, words),
        "before": update.before,
        "gradient": update.gradient,
        "mean": update.mean_gradient,
        "after": update.after,
        "with": why_with_gradient(update, run.training.optimizer) if update.with_gradient else "",
    }


def why_with_gradient(update: WeightUpdate, optimizer: str) -> str:
    """Why a weight moved to where the loss grows."""
    if update.mean_gradient is not None and update.mean_gradient * (update.gradient or 0.0) > 0:
        return _(DECAYED)
    return _(WITH_ITS_GRADIENT[optimizer])


def weight_words(name: str, index: tuple[int, ...], words: CharTokenizer) -> str:
    """What a single weight is, said simply."""
    if name == "token_embedding.weight":
        sentence = _("number {n} in the row of “{character}”")
        return sentence.format(n=number(index[1] + 1), character=tokens.face(words.characters[index[0]]))
    if name == "lm_head.weight":
        sentence = _("how number {n} counts for “{character}”")
        return sentence.format(n=number(index[1] + 1), character=tokens.face(words.characters[index[0]]))
    if name == "lm_head.bias":
        return _("what “{character}” always gets").format(character=tokens.face(words.characters[index[0]]))
    return group_name(name)


def remembers(seen: StepUnderMicroscope, optimizer: str) -> str:
    """How a weight can move with its gradient; nothing where none can: in AdamW's first step and in SGD's."""
    words = REMEMBERS[optimizer]
    return _(words) if words and (seen.step > 0 or optimizer != "adamw") else ""


def follows_means(seen: StepUnderMicroscope) -> bool:
    """Whether the update follows something else than its own gradient that can be shown: after AdamW's first step."""
    return bool(seen.mean_gradients) and seen.step > 0


def legends(seen: StepUnderMicroscope, words: CharTokenizer) -> dict[str, Any]:
    """What the colours of each part mean."""
    shown = {tokens.kind(words.characters[i]) for ids in (seen.x, seen.y) for i in ids.unique().tolist()}
    return {
        "kinds": {kind: _(word) for kind, word in tokens.KINDS.items() if kind in shown},
        "above": _("above 0: the fuller, the larger"),
        "below": _("below 0"),
        "right": _("the right character"),
        "wrong": _("another character"),
        "low": _("0 %: a great surprise (−ln p)"),
        "high": _("100 %: no surprise"),
    }


def labels(seen: StepUnderMicroscope, run: Run, words: CharTokenizer) -> dict[str, Any]:
    """All words of the component, in the reader's language."""
    return {
        "parts": [_(part) for part in PARTS],
        "step": _("Step {n}"),
        "back": _("One step back"),
        "next": _("One step forward"),
        "play": _("Play"),
        "pause": _("Pause"),
        "say": [
            _("{B} windows of {T} characters are drawn. Below each character stands the one to guess: the next."),
            _(
                "After “{x}” it gave every character a score. Softmax turns scores into probabilities. The right one "
                "was “{y}”."
            ),
            _(
                "Loss of a character: −ln of the probability that the right one got. The mean over all {n} is {loss}: "
                "the loss of this step."
            ),
            _(
                "In which direction would the loss grow? For each score: its probability, minus 1 for the right "
                "character. From there it is passed back to every weight."
            ),
            _(
                "A weight takes a small step against the mean of its gradients so far: where that is positive, the "
                "weight shrinks. Shown are the {n} steepest; learning rate {rate}."
            )
            if follows_means(seen)
            else _(
                "A weight usually takes a small step against its gradient: where it is positive, the weight shrinks. "
                "Shown are the {n} steepest; learning rate {rate}."
            ),
        ],
        "click": _("Click on a character to follow it."),
        "shown": _("{shown} of {all} windows shown, {columns} of {T} characters each."),
        "row": _("Its row: {n} of {all} numbers"),
        "through": _("through {n} layers"),
        "score": _("score"),
        "probability": _("probability"),
        "right": _("right"),
        "others": _("{n} other characters"),
        "push": _("Gradient at each score (still to be divided by {n})"),
        "lengths": _("Length of the gradient, by group of weights"),
        "weights": _("{n} weights"),
        "table": [
            ["words", _("weight")],
            ["before", _("before")],
            ["gradient", _("gradient")],
            *([["mean", _("mean of gradients")]] if follows_means(seen) else []),
            ["after", _("after")],
        ],
        "legend": legends(seen, words),
        "again": _("The same batch again with the new weights: loss {after} instead of {before}."),
        "remembers": remembers(seen, run.training.optimizer),
        "loss_of": _("loss {loss}: it gave “{y}” {p}"),
    }  # fmt: skip
