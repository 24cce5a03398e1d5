"""The prompt that both texts go on from, and the seed of their random numbers."""

from dataclasses import dataclass

import streamlit as st

from minigpt_core.sampling import start_id
from ui import kept_choices, state
from ui.inside.input_text import BEGINNING, passage, unknown_note
from ui.inside.inspected_model import InspectedModel
from ui.limited_text import limited_text
from ui.words.i18n import _
from ui.words.tokens import escape_markdown

PROMPT, OFFERED, SEED = "ablation.prompt", "ablation.offered", "ablation.seed"
MOST = 60  # characters
LENGTH = 100  # characters that are written


@dataclass(frozen=True)
class Prompt:
    """What both texts go on from."""

    text: str
    """What the model knows of the prompt."""

    ids: tuple[int, ...]
    """At least one."""

    seed: int


def prompt_field(inspected: InspectedModel, offer: str = "") -> Prompt:
    """The prompt and the dice.

    Args:
        offer: what stands there until somebody types; if nothing is offered, the first words of a passage.
    """
    key, offer = state.page_key(PROMPT), offer.strip() or beginning(passage(inspected, 0))
    offered = state.page_state(OFFERED, None)
    if kept_choices.keep_text(PROMPT, offered) in (None, offered):
        state.set_page_state(PROMPT, offer)
    state.set_page_state(OFFERED, offer)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        typed = limited_text(
            st.text_input, _("Both go on from this prompt"), MOST, key=key, persist_state="session"
        )
        st.button(
            _("Other random numbers"),
            icon=":material/casino:",
            key="ablation_dice",
            on_click=_roll,
        )
    text, unknown = inspected.split_unknown(typed)
    if unknown:
        st.markdown(f":orange[:material/warning:] {escape_markdown(unknown_note(unknown))}")
    ids = inspected.tokenizer.encode(text).tolist() if text else [start_id(inspected.tokenizer)]
    return Prompt(text, tuple(ids), _seed())


def beginning(text: str) -> str:
    """The first words of a text, without the last one that does not fit."""
    line = text.split("\n")[0][: 2 * BEGINNING]
    return line[: line.rfind(" ") + 1].rstrip() or line


def _seed() -> int:
    return int(kept_choices.keep(SEED, 1, kept_choices.whole_number(1, 1_000_000)))


def _roll() -> None:
    state.set_page_state(SEED, _seed() + 1)
