"""Who solves it? How many puzzles each model solves, and the way to a GPT where there is none yet."""

import streamlit as st

from minigpt_core.interpret.puzzle_contest import QUICK, PuzzleScore, can_take_part
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.inside import reading_guide, train_gpt
from ui.puzzle.cache import COUNTED, TINYGPT, puzzle_score, puzzles
from ui.puzzle.task import TEXT_BEFORE, quoted_title
from ui.runs.health import sound
from ui.runs.start_button import start_button
from ui.runs.weights import usual_step
from ui.runs.wording import run_title
from ui.words.i18n import N_, _, n_, number, percent
from ui.words.tokens import escape, escape_markdown

BEWARE = {
    "reversed-words": N_(
        "Solving them all does not mean that the model knows a rule for every word. It has only seen words of two to "
        "four syllables, each of them a consonant and a vowel: with any other word, even a short one, it mostly fails. "
        "Try it."
    ),
    "balanced-brackets": N_(
        "Solving them all does not mean that the model knows a rule for every length: with longer questions than in "
        "its text it may fail. Try it."
    ),
}


def gpt_for(task: str) -> tuple[Run, int] | None:
    """The GPT that was chosen to be looked at, if it learned this text; else the newest that did and has weights, a
    sound one if there is one. And the step to look at."""
    text_id, characters = resources.fingerprint(task, True), resources.tokenizer(task, True).characters
    found: list[Run] = []
    for run in state.visible_runs():
        if can_take_part(run, text_id, characters):
            kept = resources.store().checkpoints(run.id)
            if kept and kept[-1].step:
                found.append(run)
    chosen = [run for run in found if run.id == state.looked_at()]
    best = next(filter(sound, [*chosen, *found]), next(iter(found), None))
    return None if best is None else (best, usual_step(best))


def scoreboard(task: str, gpt: tuple[Run, int] | None) -> None:
    """How many puzzles each model solves."""
    tried = len(puzzles(task))
    reading_guide.heading(
        _("Who solves it?"),
        "scores",
        shows=_("The share of {n} puzzles that each model solves without a single mistake.").format(
            n=number(tried)
        ),
        computed=_(
            "All puzzles come from the end of the text, which no model learned from. Each model always writes its "
            "likeliest character. TinyGPT is trained for {steps} steps when the page is opened for the first time."
        ).format(steps=number(QUICK.steps)),
        beware=_(BEWARE[task]),
    )
    rows = [
        (_("Counted pairs"), _("sees one character"), puzzle_score(task, COUNTED)),
        ("TinyGPT", _("sees one character"), puzzle_score(task, TINYGPT)),
    ]
    if gpt:
        run, step = gpt
        heads = run.model.n_layer * run.model.n_head
        about = n_("looks back with {n} head", "looks back with {n} heads", heads).format(n=number(heads))
        rows.append(("GPT", about, puzzle_score(task, run.id, step)))
    st.html(_scores(rows))
    if gpt is None:
        _train(task)
    else:
        st.caption(_("The GPT here: {run}").format(run=escape_markdown(run_title(gpt[0]))))


def _scores(rows: list[tuple[str, str, PuzzleScore]]) -> str:
    cells = "".join(
        f"<span><b>{escape(title)}</b> <small>{escape(about)}</small></span>"
        f"<i style='width:{100 * score.share:.1f}%;--k:#009E73'></i>"
        f"<span class='mg-rank-n'>{escape(percent(score.share, 0))}</span>"
        for title, about, score in rows
    )
    return f"<div class='mg-ranks'>{cells}</div>"


def _train(task: str) -> None:
    st.markdown(_("**GPT**: none has learned these puzzles yet."))
    start_button(
        _("Train a GPT on these puzzles"),
        icon=":material/play_arrow:",
        type="primary",
        key="puzzle_train",
        on_click=_train_on,
        args=(task,),
    )
    train_gpt.how_long(task)
    if state.text_id() != task:
        words = _(
            "It takes you to the training, and the chosen text becomes “{title}”. On this page you can go back to your "
            "text afterwards."
        )
        st.caption(words.format(title=quoted_title(resources.chosen_text(task, True))))


def _train_on(task: str) -> None:
    if state.text_id() != task:
        state.set_page_state(TEXT_BEFORE, state.chosen_text())
    train_gpt.train(task)
