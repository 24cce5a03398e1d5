"""Which heads do it? Where each one looks, and what happens without it."""

import streamlit as st

from minigpt_core.interpret.ablation import Component
from minigpt_core.interpret.puzzle_heads import Head
from minigpt_core.store.runs import Run
from ui.inside import reading_guide
from ui.puzzle.attention_picture import head_title
from ui.puzzle.cache import HEAD_PUZZLES, head_attention, puzzle_score
from ui.words.i18n import _, number, percent
from ui.words.tokens import escape

TRIED_WITHOUT = 60  # puzzles on which each head is left out
MOST_HEADS = 16


def heads(task: str, run: Run, step: int) -> None:
    """What each head contributes: where it looks, and what happens without it."""
    reading_guide.heading(
        _("Which heads do it?"),
        "heads",
        shows=_(
            "For each head: how much of its attention goes to the character that has to be written next, and how many "
            "puzzles the model still solves without that head."
        ),
        computed=_(
            "Attention: the mean over all characters of the answers of {n} puzzles. Without: the head hands on zeros, "
            "and the model tries {few} puzzles again."
        ).format(n=number(HEAD_PUZZLES), few=number(TRIED_WITHOUT)),
        beware=_(
            "A head that does not look there can be needed all the same: it may prepare what another one works with. "
            "And several heads can share the work, each for its own distance."
        ),
    )
    rows = []
    for head, looks in [*head_attention(task, run.id, step).items()][:MOST_HEADS]:
        without = puzzle_score(task, run.id, step, Component("head", *head), TRIED_WITHOUT)
        rows.append((head, looks, without.share))
    st.html(_heads_table(rows))


def _heads_table(rows: list[tuple[Head, float, float]]) -> str:
    titles = (_("layer (Transformer block), head"), _("looks at the right character"), _("solved without it"))
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    lines = "".join(
        f"<tr><td>{escape(head_title(one))}</td><td>{escape(percent(looks, 0))}</td>"
        f"<td>{escape(percent(without, 0))}</td></tr>"
        for one, looks, without in rows
    )
    return f"<table class='mg-table mg-solvers'><tr>{head}</tr>{lines}</table>"
