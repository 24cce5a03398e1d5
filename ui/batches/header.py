"""What a batch is, in a sentence, and the controls that draw another one."""

import streamlit as st

from minigpt_core.store.runs import Run
from ui.batches import seeds, sizes
from ui.batches.sizes import Sizes
from ui.words import glossary
from ui.words.i18n import _, n_, number


def head(size: Sizes, run: Run | None, part: str, possible: bool) -> None:
    """The title, what a batch is in a sentence, and the buttons that draw another one.

    Args:
        possible: whether the text has room for a window at all.
    """
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(_("Batches"), width="content")
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            st.button(
                _("Previous draw"),
                icon=":material/undo:",
                key="batches_back",
                on_click=seeds.draw_back,
                disabled=not possible or len(seeds.seeds()) == 1,
                help=_("The same seed gives the same draw again."),
            )
            st.button(
                _("Draw again"),
                icon=":material/casino:",
                type="primary",
                key="batches_again",
                on_click=seeds.draw_again,
                disabled=not possible,
            )
    with st.container(key="batches_about"):
        st.markdown(_intro(size, run, part, possible))


def _intro(size: Sizes, run: Run | None, part: str, possible: bool) -> str:
    rows = n_("**{n} stretch**", "**{n} stretches**", size.rows).format(n=number(size.rows))
    if part == "val":
        sentence = _(
            "**Nothing is learned from this part**: it is kept back to test the model. An evaluation reads windows of "
            "it, the same ones each time, and asks after every character: what comes next?"
        )
        here = _("Here are {rows} of **{block} characters** from it, picked at random.")
        return f"{sentence} {here.format(rows=rows, block=number(size.block))}" if possible else sentence
    if not possible:
        return _(
            "At each step of the training, the computer picks stretches of the text at random, and asks after every "
            "character: what comes next?"
        )
    sentence = _(
        "At each step of the training, the computer picks {rows} of **{block} characters** at random, and "
        "asks after every character: what comes next?"
    )
    if run is None or size == sizes.of_run(run):
        return sentence.format(rows=rows, block=number(size.block))
    sentence = _(
        "At each step, a training with these sizes picks {rows} of **{block} characters** at random, and asks after "
        "every character: what comes next?"
    )
    return f"{sentence.format(rows=rows, block=number(size.block))} {_what_the_run_takes(sizes.of_run(run))}"


def _what_the_run_takes(own: Sizes) -> str:
    """The sizes of the current run, and whether this page can draw them."""
    words = n_(
        "The current run picks {n} stretch of {block} characters at each step.",
        "The current run picks {n} stretches of {block} characters at each step.",
        own.rows,
    )
    said = words.format(n=number(own.rows), block=number(own.block))
    if own.block <= sizes.LARGEST.block and own.rows <= sizes.LARGEST.rows:
        return said
    limit = _("This page draws at most {rows} rows of {block} characters.").format(
        rows=number(sizes.LARGEST.rows), block=number(sizes.LARGEST.block)
    )
    return f"{said} {limit}"


def choose_seed() -> int:
    """The seed of the draw. It may also be typed: the same number always gives the same draw."""
    drawn = seeds.seeds()
    typed = st.number_input(
        _("Seed of the draw"),
        0,
        seeds.LARGEST_SEED,
        drawn[-1],
        key=f"batches_seed_{len(drawn)}",
        help=glossary.help("seed"),
    )
    if typed is not None and typed != drawn[-1]:
        seeds.use_seed(typed)
    return seeds.seeds()[-1]
