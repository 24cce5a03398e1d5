"""The text as it is being written: a component that reads the stream and says which character was pointed at."""

from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from minigpt_core.generation.generated_text import GeneratedText
from minigpt_core.generation.request import GenerationRequest
from ui import kept_choices, state
from ui.components.mounting import component
from ui.style import PROBABILITY_SCALE
from ui.words.i18n import _, language
from ui.words.tokens import cell

HERE = Path(__file__).parent
PLACE, PLAY = "sampling.place", "sampling.play"  # the chosen character; how often somebody asked to watch


def typewriter(request: GenerationRequest, generated: GeneratedText, length: int, height: int) -> None:
    """Show the text of a request: at once if a setting has changed, at a pace to watch after `watch` or a click.

    Args:
        length: how many characters.
        height: of everything, in pixels.
    """
    query = request.to_query() | {"length": str(length)}
    data = {
        "url": f"api/sample?{urlencode(query)}",
        "play": state.page_state(PLAY, 0),
        "place": place(generated, length),
        "prompt": [cell(character) for character in generated.prompt.text],
        "length": length,
        "height": height,
        "scale": PROBABILITY_SCALE,
        "file": _("sample.txt"),
        "locale": language(),
        "labels": labels(),
    }
    mount = component("typewriter", HERE, "<div class='mg-writes'></div>")
    mount(data=data, key=state.SAMPLING_TEXT, height=height, on_pick_change=_pick)


def watch() -> None:
    """Have the text that comes written slowly enough to watch."""
    state.set_page_state(PLAY, state.page_state(PLAY, 0) + 1)


def place(generated: GeneratedText, length: int) -> int:
    """Which character of the text is looked at, counted from 0: the first one that was open, until somebody points."""
    chosen: int | None = kept_choices.keep(PLACE, None, kept_choices.whole_number(0, 100_000))
    return min(generated.first_open() if chosen is None else chosen, length - 1)


def go_to(new_place: int) -> None:
    """Look at another character."""
    state.set_page_state(PLACE, max(new_place, 0))


def labels() -> dict[str, str]:
    """All words of the component, in the reader's language."""
    return {
        "title": _("What it writes"),
        "count": _("{n} of {all} characters"),
        "writing": _("■ Stop"),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "save": _("Download"),
        "stopped": _("▶ Go on"),
        "done": _("↻ Write again"),
        "again": _("Write the text once more, slowly enough to watch. The same seed gives the same text."),
        "finished": _("Finished: {n} characters."),
        "failed": _("The program cannot be reached. Try again in a moment."),
        "hint": _("The text. Arrow keys move from character to character."),
    }


def _pick() -> None:
    picked = st.session_state[state.SAMPLING_TEXT].pick
    if isinstance(picked, int):  # it comes from a browser: anything is possible
        go_to(picked)
