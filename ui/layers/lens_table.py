"""The logit lens as a table: what the model would guess if it ended after each layer."""

from collections.abc import Collection
from functools import lru_cache

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.lens import LensGuesses
from minigpt_core.tokenizer import CharTokenizer
from ui import kept_choices, state
from ui.inside import reading_guide
from ui.inside.input_text import InputText
from ui.inside.inspected_model import InspectedModel
from ui.layers import cache
from ui.layers.activation_names import point_name
from ui.style import PROBABILITY_SCALE
from ui.words.i18n import _, cached_by_language, number, percent
from ui.words.tokens import escape, face, kind, name, probability_colours, read_aloud

WITHIN = "layers.within"
LOOKED_BACK = 12  # characters of context that it quotes


def section(inspected: InspectedModel, given: InputText) -> None:
    """Layer by position, the best guess and its probability."""
    config = inspected.config
    reading_guide.heading(
        _("Where does the model make up its mind?"),
        "lens",
        shows=_(
            "Each column is a place in the text, each row a point on the way through the model. The cell shows the "
            "character that it would guess next if it ended there, coloured by the probability of that guess. A frame "
            "marks where the final guess appears and stays. Point at a cell for the five best guesses. The last line "
            "is the real text, with a green edge where the answer was right."
        ),
        computed=_(
            "The numbers of that place are taken as they are at that point, brought to scale by the model’s final "
            "norm, and read by its output layer: the “logit lens”. The last row is the model’s real answer."
        ),
        beware=_(
            "The layers were never trained to be read half way. A row of nonsense does not mean that nothing is known "
            "there yet: it may be written in a way that only the next layers can read. A frame says when the guess "
            "appears, not which part made it: for that, take the model apart."
        ),
    )
    within = config.mlp != "none" and kept_choices.keep(WITHIN, False, kept_choices.one_of([False, True]))
    guesses = cache.text_guesses(inspected.run.id, inspected.step, given.ids, bool(within))
    st.html(table(guesses, config, given, inspected.tokenizer))
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
    ):
        st.html(legend(), width="content")
        if config.mlp != "none":
            st.toggle(
                _("also between attention and MLP"),
                key=state.page_key(WITHIN),
                persist_state="session",
                help=_(
                    "A layer (Transformer block) looks around first (attention), then works at each place alone (MLP)."
                ),
            )
    st.markdown(summary(guesses))


def table(lens: LensGuesses, config: ModelConfig, given: InputText, tokenizer: CharTokenizer) -> str:
    """Characters from left to right, the way through the model from top to bottom. HTML for `st.html`."""
    rows = [_given_row(_("It reads"), given.text)]
    for row, point in enumerate(lens.points):
        title = point_name(point, config)
        cells = "".join(_cell(lens, title, given, tokenizer, row, t) for t in range(len(given.text)))
        rows.append(f"<tr><th scope='row'>{escape(title)}</th>{cells}</tr>")
    answers = lens.ids[-1, :, 0].tolist()
    right = {
        t
        for t, (answer, real) in enumerate(zip(answers, given.ids[1:], strict=False))
        if answer == real and not lens.tied[-1, t]
    }
    rows.append(_given_row(_("Really next"), given.text[1:], right, missing=True))
    label = _("What the model would guess after each layer, for each character of: {text}")
    label = escape(label.format(text=read_aloud(given.text)))
    return f"<div class='mg-lens' tabindex='0'><table aria-label='{label}'>{''.join(rows)}</table></div>"


def _given_row(title: str, text: str, right: Collection[int] = (), missing: bool = False) -> str:
    cells = "".join(_given(character, t in right) for t, character in enumerate(text))
    cells += "<td></td>" if missing else ""
    return f"<tr class='mg-lens-given'><th scope='row'>{escape(title)}</th>{cells}</tr>"


@lru_cache(maxsize=2048)
def _given(character: str, right: bool) -> str:
    look = f"mg-{kind(character)}" + (" mg-right" if right else "")
    return f"<td class='{look}'><bdi translate='no'>{escape(face(character))}</bdi></td>"


def _cell(lens: LensGuesses, title: str, given: InputText, tokenizer: CharTokenizer, row: int, t: int) -> str:
    ids, probabilities = lens.ids[row, t].tolist(), lens.probabilities[row, t].tolist()
    characters = [tokenizer.itos[i] for i in ids]
    background, ink = _colours(round(100 * probabilities[0]))
    begin = given.text[max(t + 1 - LOOKED_BACK, 0) : t + 1]
    guesses = "\n".join(
        f"{name(c)}  {_share(float(f'{p:.3g}'))}" for c, p in zip(characters, probabilities, strict=True)
    )
    tip = f"{title}\n{_('after “{text}”').format(text=read_aloud(begin))}\n{guesses}"
    here = " class='mg-settled'" if lens.settled[t] == row else ""
    look = f"style='--p:{background};--ink:{ink}'"
    return f"<td{here} {look} data-tip='{escape(tip)}'><bdi translate='no'>{escape(face(characters[0]))}</bdi></td>"


@lru_cache(maxsize=101)
def _colours(per_cent: int) -> tuple[str, str]:
    return probability_colours(per_cent / 100)


@cached_by_language(2048)
def _share(share: float) -> str:
    return percent(share, 1)


def legend() -> str:
    """What colours and signs of the table mean."""
    stops = ", ".join(f"rgb{stop}" for stop in PROBABILITY_SCALE)
    bar = f"<i class='mg-scale' style='background:linear-gradient(90deg, {stops})'></i>"
    signs = (
        f"<span>{escape(_('probability of the guess: 0 %'))}{bar}100&nbsp;%</span>"
        f"<span><b class='mg-settled'></b>{escape(_('from here on the guess stays'))}</span>"
        f"<span><b class='mg-right'></b>{escape(_('the answer is right'))}</span>"
    )
    return f"<div class='mg-lens-signs'>{signs}</div>"


def summary(lens: LensGuesses) -> str:
    """Where the model makes up its mind, in a sentence."""
    places, last = len(lens.settled), len(lens.points) - 1
    late = sum(row == last for row in lens.settled)
    early = sum(row == 0 for row in lens.settled)
    if last == 0:
        return ""
    words = _(
        "The final guess was there before the first layer at {early} of {all} places, after a layer on the way at "
        "{between}, and only after the last layer at {late}."
    )
    return words.format(
        all=number(places), early=number(early), late=number(late), between=number(places - early - late)
    )
