"""The Home page from top to bottom, one function a section."""

from collections.abc import Callable

import streamlit as st

from ui import state
from ui.home import cards, pictures
from ui.home.moves import BEGIN, Move
from ui.home.scene import Scene, look_around
from ui.inside.subject import run_to_look_into
from ui.journey import PAGES
from ui.words.i18n import N_, _, number
from ui.words.tokens import escape

REFRESH_SECONDS = 2.0
LIVE = ("queued", "running")

LEARNING: tuple[tuple[str, str, Callable[[Scene], str]], ...] = (
    ("text", "vocabulary", cards.text),
    ("ids", "vocabulary", cards.ids),
    ("batches", "batches", cards.batches),
    ("training", "training", cards.training),
)
WRITING: tuple[tuple[str, str, Callable[[Scene], str]], ...] = (
    ("prompt", "sampling", cards.prompt),
    ("next_character", "sampling", cards.next_character),
    ("generated", "sampling", cards.generated),
)
CELLS = (
    (
        N_("**Read.** List the distinct characters, turn the text into numbers, cut it into batches."),
        ("vocabulary", "batches"),
    ),
    (
        N_("**Learn.** Look at a batch, measure the surprise, adjust all parameters a little; 500 times."),
        ("training",),
    ),
    (
        N_("**Write.** Ask what comes after the prompt, draw a character, append it, ask again."),
        ("sampling",),
    ),
)


def head(move: Move) -> None:
    """What this is, and the one button to press."""
    words, button = st.columns([7, 3], vertical_alignment="center", gap="medium")
    with words:
        st.title(_("Watch a mini-GPT learn to write"))
        st.markdown(
            _("It reads a text and guesses **each next character**: at random first, then better and better.")
        )
    with button.container(horizontal_alignment="center", gap="xxsmall"):
        if st.button(_(move.words), icon=move.icon, type="primary", key="home_begin", width="stretch"):
            st.switch_page(PAGES[move.page].script)
        st.caption(_("Don’t worry, you can’t break it."), text_alignment="center")
        if move is BEGIN:
            _offer_prepared()


def _offer_prepared() -> None:
    """For who has trained nothing yet: a model that can write already."""
    run = run_to_look_into()
    if run is not None and run.prepared:
        st.page_link(
            PAGES["sampling"].script,
            label=_("or let a prepared model write"),
            icon=":material/edit_note:",
            query_params={"run": run.id},
            help=_("A GPT that was trained beforehand and comes with the program."),
            width="content",
        )


def stations() -> None:
    """The journey in two rows: the model learns, then it writes. Redrawn every two seconds during a training."""
    run = state.current_run()
    every = REFRESH_SECONDS if run and run.status in LIVE else None
    st.fragment(_draw_stations, run_every=every)()


def _draw_stations() -> None:
    scene = look_around()
    for column, (name, page, draw) in zip(st.columns(4, gap="medium"), LEARNING, strict=True):
        with column:
            _station(name, page, draw(scene))
    flows, words = " mg-flows" if scene.prediction else "", escape(_("what it has learnt, it can write"))
    st.html(f"<div class='mg-turn{flows}'><i></i><span>{words}</span><i></i></div>")
    for column, (name, page, draw) in zip(st.columns([1, 1, 2], gap="medium"), WRITING, strict=True):
        with column:
            _station(name, page, draw(scene))


def _station(name: str, page: str, card: str) -> None:
    """A card that is a link as a whole: the link lies over it, invisible, and does not load the page anew."""
    with st.container(key=f"station_{name}", gap=None):
        st.html(card)
        st.page_link(PAGES[page].script, label=_(PAGES[page].title))


def cells() -> None:
    """What the three cells of the notebook do, one line each."""
    st.subheader(_("The three cells of the notebook that this grew out of"))
    for n, (words, pages) in enumerate(CELLS, start=1):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"cell_{n}"):
            st.markdown(rf"{number(n)}\. {_(words)}", width="content")
            for page in pages:
                st.page_link(PAGES[page].script, label=_(PAGES[page].title), icon=":material/arrow_forward:")


def samples(scene: Scene) -> None:
    """What the model wrote by itself during the training, first and last, side by side."""
    if not scene.first_and_last_sample:
        return
    st.subheader(_("What it wrote by itself, without a prompt"))
    for column, (step, text) in zip(st.columns(2), scene.first_and_last_sample, strict=False):
        title = escape(_("at step {step}").format(step=number(step)))
        column.html(f"<div class='mg-label'>{title}</div>{pictures.sample(text)}")
