"""The journey as seven cards, each a link to its page; and what the model wrote by itself on the way."""

from collections.abc import Callable

import streamlit as st

from ui.home import card_pictures, station_cards
from ui.home.snapshot import Snapshot, take_snapshot
from ui.journey import PAGES, lets_write
from ui.words.i18n import _, number
from ui.words.tokens import escape

REFRESH_SECONDS = 2.0
LIVE = ("queued", "running")

LEARNING: tuple[tuple[str, str, Callable[[Snapshot], str]], ...] = (
    ("text", "vocabulary", station_cards.text),
    ("ids", "vocabulary", station_cards.ids),
    ("batches", "batches", station_cards.batches),
    ("training", "training", station_cards.training),
)
WRITING: tuple[tuple[str, str, Callable[[Snapshot], str]], ...] = (
    ("prompt", "sampling", station_cards.prompt),
    ("next_character", "sampling", station_cards.next_character),
    ("generated", "sampling", station_cards.generated),
)


def stations(now: Snapshot) -> None:
    """The journey in two rows: the model learns, then it writes. Redrawn every two seconds during a training."""
    at_first = [now]
    every = REFRESH_SECONDS if now.run and now.run.status in LIVE else None

    def draw() -> None:
        _draw_stations(at_first.pop() if at_first else take_snapshot())

    st.fragment(draw, run_every=every)()


def _draw_stations(now: Snapshot) -> None:
    for column, (name, page, draw) in zip(st.columns(4, gap="medium"), LEARNING, strict=True):
        with column:
            _station(name, page, draw(now), {})
    flows, words = " mg-flows" if now.prediction else "", escape(_("what it has learned, it can write"))
    st.html(f"<div class='mg-turn{flows}'><i></i><span>{words}</span><i></i></div>")
    for column, (name, page, draw) in zip(st.columns([1, 1, 2], gap="medium"), WRITING, strict=True):
        with column:
            view = "next" if name == "next_character" else "write"
            _station(
                name, page, draw(now), lets_write(now.run.id, view) if now.run and now.prediction else {}
            )


def _station(name: str, page: str, card: str, address: dict[str, str]) -> None:
    """A card that is a link as a whole: the link lies over it, invisible, and does not load the page anew."""
    with st.container(key=f"station_{name}", gap=None):
        st.html(card)
        st.page_link(PAGES[page].script, label=_(PAGES[page].title), query_params=address)


def samples(now: Snapshot) -> None:
    """What the model wrote by itself during the training, first and last, side by side."""
    if not now.first_and_last_sample:
        return
    st.header(_("What it wrote by itself, without a prompt"))
    for column, (step, text) in zip(st.columns(2), now.first_and_last_sample, strict=False):
        title = escape(_("at step {step}").format(step=number(step)))
        column.html(f"<div class='mg-label'>{title}</div>{card_pictures.sample(text)}")
