"""Predict, then run: a guess is committed before a training starts and stands beside the result afterwards."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import streamlit as st

from minigpt_core.errors import RunNotFound
from minigpt_core.interpret.diagnosis import overfitting
from minigpt_core.store.runs import Run
from ui import facts, kept_choices, resources, state
from ui.components.live_chart import Reference
from ui.runs.health import SAME, is_difference, last_evaluation, loss_number, spoiled
from ui.runs.start_button import start_button
from ui.runs.wording import run_title
from ui.settings.table import SETTINGS
from ui.training import next_run
from ui.training.run_state import RunState
from ui.words.i18n import _, n_, number
from ui.words.tokens import escape

RATES = SETTINGS["learning_rate"].comparable()
DUEL_POINTS, DRAW_POINTS = 2, 1
LOOK_AGAIN_SECONDS = 2.0
NEAR = ((0.05, 3), (0.15, 2), (0.4, 1))  # so near to the result, in nats per character: so many points
POSSIBLE = 4  # points for one guess
SHOWN = 8
STEP = 0.05  # nats per character, on the slider


@dataclass(frozen=True)
class Guess:
    """What somebody expects of the next training."""

    made: float
    """Unix seconds."""

    loss: float
    """On text it never saw, at the end; nats per character."""

    overfits: bool
    run_id: str | None = None
    """The training it turned out to be about."""


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    loss: float
    overfitted: bool

    def points(self, guess: Guess) -> int:
        """0 to 3 for the loss, and 1 for overfitting or not."""
        distance = abs(self.loss - guess.loss)
        near = next((points for most, points in NEAR if distance <= most), 0)
        return near + (self.overfitted == guess.overfits)


@dataclass(frozen=True)
class Duel:
    """Which of two learning rates was expected to end lower on text it never saw. All else is the same."""

    rates: tuple[float, float]
    favourite: int
    """0 or 1: a place in `rates`."""

    run_ids: tuple[str, str]

    def losses(self) -> tuple[float, float] | None:
        """What both reached; None before both have ended. A model that broke has lost."""
        found = []
        for run_id in self.run_ids:
            run = resources.run(run_id)
            result = outcome(run)
            if result is None and run.status != "diverged":
                return None
            found.append(math.inf if result is None or spoiled(run) else result.loss)
        return found[0], found[1]

    @property
    def drawn(self) -> bool:
        """Both have ended, and another seed could have turned them round."""
        losses = self.losses()
        return losses is not None and (losses[0] == losses[1] or not is_difference(losses[0] - losses[1]))

    def points(self) -> int | None:
        """`DUEL_POINTS` for the right favourite, `DRAW_POINTS` for a draw; None before both have ended."""
        losses = self.losses()
        if losses is None or self.drawn:
            return DRAW_POINTS if losses else None
        return DUEL_POINTS if losses[self.favourite] == min(losses) else 0


@dataclass
class Book:
    """All guesses and duels of one workspace, the oldest first."""

    guesses: list[Guess] = field(default_factory=list)
    duels: list[Duel] = field(default_factory=list)


@lru_cache(maxsize=1024)
def book(workspace: str) -> Book:
    """What has been guessed in a workspace since the program was started: a reload of the page loses none of it."""
    return Book()


def duels() -> list[Duel]:
    """All duels from here whose trainings are still there, the oldest first."""
    return [duel for duel in book(state.workspace()).duels if all(map(_is_there, duel.run_ids))]


def guesses() -> list[Guess]:
    """All guesses from here, the oldest first, without those about a training that is gone."""
    made = book(state.workspace()).guesses
    return [guess for guess in made if guess.run_id is None or _is_there(guess.run_id)]


def _is_there(run_id: str) -> bool:
    try:
        resources.run(run_id)
    except RunNotFound:
        return False
    return True


def _replace_last(guess: Guess) -> None:
    """The guess that waits for its training has changed, or has found it."""
    book(state.workspace()).guesses[-1] = guess


def attach(run: Run | None) -> None:
    """A guess is about the first training that is begun after it; the clock may have been set back since."""
    made = guesses()
    if run is None or run.prepared or not made or made[-1].run_id is not None:
        return
    if run.created < made[-1].made <= time.time():
        return
    _replace_last(replace(made[-1], run_id=run.id))


def outcome(run: Run) -> Outcome | None:
    """How a training ended; None while it goes on, or if nothing could be measured."""
    last = last_evaluation(run)
    if run.status not in ("done", "stopped", "diverged") or last is None or last.val_loss is None:
        return None
    overfitted = overfitting(resources.store().evaluations(run.id)) is not None
    return Outcome(last.val_loss, overfitted and not spoiled(run))


def line(run: Run | None) -> list[Reference]:
    """The guess about the shown training, or about the next one, as a line in the chart."""
    made = guesses()
    about = run.id if run else None
    found = [guess for guess in made if guess.run_id == about] if about else []
    if not found and made and made[-1].run_id is None and run is None:
        found = made[-1:]
    label = _("your guess: {loss}")
    return [Reference(guess.loss, label.format(loss=number(guess.loss, 2))) for guess in found[-1:]]


def section(now: RunState) -> None:
    """The question, and what came of earlier answers."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        _ask(now)
        _ask_duel(now)
    waiting = any(duel.points() is None for duel in duels())
    with right:
        st.fragment(_results, run_every=LOOK_AGAIN_SECONDS if waiting else None)()


def _ask(now: RunState) -> None:
    waiting = bool(guesses()) and guesses()[-1].run_id is None
    planned = next_run.plan()
    if planned.model is None or planned.text is None:
        return
    known = resources.baselines(planned.text.id, planned.text.lower)
    steps = [round(STEP * i, 2) for i in range(round(1.1 * known.uniform / STEP) + 1)]
    name, usual = "training.guess_loss", min(steps, key=lambda loss: abs(loss - known.uniform))
    if kept_choices.keep(name, usual, kept_choices.one_of(steps)) not in steps:
        state.set_page_state(name, usual)
    kept_choices.keep("training.guess_overfits", False, kept_choices.one_of([False, True]))
    st.select_slider(
        _("Where will the loss end, on text it never saw?"),
        steps,
        key=state.page_key(name),
        format_func=lambda loss: number(loss, 2),
        help=_(
            "Pure chance has {chance}. Counting which character follows which has {counted} on text it never saw."
        ).format(chance=number(known.uniform, 2), counted=loss_number(known.bigram_val)),
    )
    st.radio(
        _("Will it overfit?"),
        [False, True],
        key=state.page_key("training.guess_overfits"),
        format_func=lambda answer: _("yes") if answer else _("no"),
        horizontal=True,
        help=_("Overfitting: on text it never saw, the loss rises again while the training goes on."),
    )
    st.button(
        _("Change my guess") if waiting else _("That is my guess"),
        key="training_guess",
        icon=":material/check:",
        on_click=_commit,
    )
    if waiting:
        st.html(f"<p class='mg-note'>{escape(_('Noted. Now press Start training.'))}</p>")
    st.html(f"<p class='mg-note'>{escape(rule())}</p>")


def rule() -> str:
    """What a guess is worth, in words."""
    near = [
        n_("{n} point within {distance}", "{n} points within {distance}", points).format(
            n=number(points), distance=number(most)
        )
        for most, points in NEAR
    ]
    return _("For the loss: {near} of the result. For the right answer about overfitting: 1 more.").format(
        near=", ".join(near)
    )


def _ask_duel(now: RunState) -> None:
    st.header(_("Which learning rate wins?"), anchor=False)
    for at, usual in enumerate((0.003, 0.1)):
        name = f"training.duel_rate_{at}"
        kept_choices.keep(name, usual, kept_choices.one_of(RATES))
    kept_choices.keep("training.duel_favourite", 0, kept_choices.one_of([0, 1]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for at, word in enumerate((_("One"), _("The other"))):
            st.selectbox(word, RATES, key=state.page_key(f"training.duel_rate_{at}"), format_func=number)
    rates = _duel_rates()
    st.radio(
        _("Which one ends lower, on text it never saw?"),
        [0, 1],
        key=state.page_key("training.duel_favourite"),
        format_func=lambda at: number(rates[at]),
        horizontal=True,
    )
    start_button(
        _("Start both, one after the other"),
        key="training_duel",
        icon=":material/swords:",
        on_click=_begin_duel,
        disabled=not now.can_start or rates[0] == rates[1] or next_run.plan().training is None,
        help=n_(
            "The right one is worth {n} point.", "The right one is worth {n} points.", DUEL_POINTS
        ).format(n=number(DUEL_POINTS)),
    )


def _duel_rates() -> tuple[float, float]:
    return state.page_state("training.duel_rate_0", 0.003), state.page_state("training.duel_rate_1", 0.1)


def _begin_duel() -> None:
    """Two runs with the settings in the controls, apart from the learning rate."""
    state.let_train()
    planned, rates = next_run.plan(), _duel_rates()
    if planned.training is None:
        return
    runs = [
        next_run.create(replace(planned, training=replace(planned.training, learning_rate=rate)), None)
        for rate in rates
    ]
    duel = Duel(rates, state.page_state("training.duel_favourite", 0), (runs[0].id, runs[1].id))
    book(state.workspace()).duels.append(duel)
    for run in runs:
        facts.note("trained", run=run.id)
        state.steer(run.id).submit(run.id)
    state.follow_run(runs[0].id)


def _commit() -> None:
    loss = float(state.page_state("training.guess_loss", 0.0))
    overfits = bool(state.page_state("training.guess_overfits", False))
    guess, made = Guess(time.time(), loss, overfits), book(state.workspace()).guesses
    if made and made[-1].run_id is None:
        _replace_last(guess)
    else:
        made.append(guess)


def _results() -> None:
    rated = [(guess, resources.run(guess.run_id)) for guess in reversed(guesses()) if guess.run_id]
    fought = list(reversed(duels()))
    if not rated and not fought:
        waiting = _("Guess before you start: afterwards you see both side by side.")
        st.html(f"<p class='mg-note'>{escape(waiting)}</p>")
        return
    if rated:
        heads = (
            _("training"), _("loss: guess"), _("result"), _("overfits: guess"), _("result"), _("points")
        )  # fmt: skip
        st.html(_table(heads, [_row(guess, run, outcome(run)) for guess, run in rated[:SHOWN]]))
    if fought:
        of_duels = (_("learning rates"), _("results"), _("guess"), _("points"))
        st.html(_table(of_duels, [_duel_row(duel) for duel in fought[:SHOWN]]))
    if any(duel.drawn for duel in fought[:SHOWN]):
        draw = _(
            "Results closer than {same} are a draw, worth half the points: another seed could turn them round."
        )
        st.html(f"<p class='mg-note'>{escape(draw.format(same=number(SAME, 2)))}</p>")
    made = [result.points(guess) for guess, run in rated if (result := outcome(run))]
    won = [points for duel in fought if (points := duel.points()) is not None]
    total, possible = sum(made) + sum(won), POSSIBLE * len(made) + DUEL_POINTS * len(won)
    if not possible:
        return
    words = n_("{n} point of {all} so far", "{n} points of {all} so far", total)
    kept = _("The points last until the program is ended.")
    st.html(
        f"<p><b>{escape(words.format(n=number(total), all=number(possible)))}</b> "
        f"<span class='mg-note'>{escape(kept)}</span></p>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(word)}</th>" for word in heads)
    body = "".join(
        f"<tr>{''.join(f'<td><bdi>{escape(cell)}</bdi></td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table class='mg-table'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _duel_row(duel: Duel) -> list[str]:
    losses, points = duel.losses(), duel.points()
    reached = "…" if losses is None else " · ".join(loss_number(loss) for loss in losses)
    score = "…" if points is None else f"{number(points)} / {number(DUEL_POINTS)}"
    return [" · ".join(map(number, duel.rates)), reached, number(duel.rates[duel.favourite]), score]


def _row(guess: Guess, run: Run, result: Outcome | None) -> list[str]:
    """What was guessed about a training, and what came of it."""
    answer = {False: _("no"), True: _("yes")}
    cells = [run_title(run), number(guess.loss, 2)]
    if result is None:
        return [*cells, "…", answer[guess.overfits], "…", "…"]
    score = f"{number(result.points(guess))} / {number(POSSIBLE)}"
    return [*cells, loss_number(result.loss), answer[guess.overfits], answer[result.overfitted], score]
