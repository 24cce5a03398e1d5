"""What does temperature do? Texts of which only the temperature differs, or only the random numbers."""

from dataclasses import replace

import streamlit as st

from minigpt_core.configs import SampleSettings
from minigpt_core.generation.request import MAX_SEED, MOST_PARALLEL
from ui import state
from ui.sampling.generation_settings import CONTROLS
from ui.sampling.inputs import Inputs
from ui.sampling.parallel_texts import SHORT, SHORTER, Row, parallel_texts
from ui.words import glossary, tokens
from ui.words.i18n import N_, _, number

USUAL = (0.0, 0.5, 0.8, 1.0, 1.5, 2.0)  # temperatures
OFFERED = (0.0, 0.2, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0)
HOTTEST = 2.0
CHOSEN = "sampling.temperatures"
DRAWS = 4  # different seeds; a last row repeats the first one
MODE = "sampling.rows"
MODES = {"temperatures": N_("Several temperatures"), "draws": N_("Several draws at one temperature")}


def settings() -> list[str]:
    """The settings that all rows share."""
    return [
        name for name in CONTROLS if name != "length" and (name != "temperature" or state.rows() == "draws")
    ]


def show(inputs: Inputs) -> None:
    """Only the temperature changes; or only the random numbers do."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        mode = choose_rows()
        chosen = choose_temperatures() if mode == "temperatures" else []
    if mode == "draws":
        _draws(inputs)
        return
    words = _(
        "Same model, same prompt, same random numbers: only the temperature changes. The bar is the mean {entropy} of "
        "the choices."
    )
    st.html(f"<div>{tokens.escape(words).format(entropy=glossary.term('entropy'))}</div>")
    rows = [Row(f"T = {number(t)}", inputs.other(temperature=t)) for t in chosen]
    parallel_texts("sampling_temperatures", rows, length=SHORT, entropy=True, compare=True)


def choose_rows() -> str:
    """What changes from row to row: one of `MODES`."""
    state.keep_choices("sampling", [MODE])
    state.set_page_state(MODE, state.rows())
    st.segmented_control(
        _("What changes from row to row?"), list(MODES), format_func=lambda name: _(MODES[name]), required=True,
        key=state.page_key(MODE), label_visibility="collapsed", on_change=_switch_rows,
    )  # fmt: skip
    return state.rows()


def choose_temperatures() -> list[float]:
    """The temperatures to compare, rising; the usual ones if none is chosen."""
    wanted = [
        float(part)
        for part in (state.temperatures() or "").split("_")
        if part.replace(".", "", 1).isdecimal()
    ]
    chosen = sorted({t for t in wanted if t <= HOTTEST}) or list(USUAL)
    state.keep_choices("sampling.temperatures", [CHOSEN])
    state.set_page_state(CHOSEN, chosen)
    st.pills(
        _("Temperatures"), sorted({*OFFERED, *chosen}), format_func=number, selection_mode="multi",
        key=state.page_key(CHOSEN), label_visibility="collapsed", on_change=_switch_temperatures,
    )  # fmt: skip
    return chosen


def _switch_rows() -> None:
    state.choose_rows(str(state.page_state(MODE, "temperatures")))


def _switch_temperatures() -> None:
    chosen = sorted(state.page_state(CHOSEN, []))[:MOST_PARALLEL]
    state.choose_temperatures(
        "_".join(f"{t:g}" for t in chosen) if chosen and chosen != list(USUAL) else None
    )


def _draws(inputs: Inputs) -> None:
    seed = inputs.request.seed
    st.markdown(answer(inputs.generation.settings))
    seeds = [*((seed + i) % (MAX_SEED + 1) for i in range(DRAWS)), seed]
    rows = [Row(_("Seed {n}").format(n=s), inputs.other(seed=s)) for s in seeds]
    rows[-1] = replace(rows[-1], note=_("the first row’s seed again"))
    length = SHORTER if inputs.beside_a_lesson else SHORT
    parallel_texts("sampling_draws", rows, length=length, entropy=False, compare=False, side="6.5em")


def answer(settings: SampleSettings) -> str:
    """Whether this temperature is deterministic, in Markdown."""
    question = _("Is temperature {t} deterministic?").format(t=number(settings.temperature))
    if settings.temperature and settings.top_k == 1:
        words = _("**Here it is**: top-k 1 leaves only the likeliest character, so there is nothing to draw.")
    elif settings.temperature == 0:
        words = _(
            "**Yes**: without a draw there is nothing random, so every row is the same, whatever the seed."
        )
    else:
        words = _(
            "**No**: other random numbers (another seed) can give another text. But the **same seed** gives the same "
            "text: compare the first row with the last."
        )
    return f"**{question}** {words}"
