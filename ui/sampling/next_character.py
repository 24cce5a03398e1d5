"""Where one character comes from: its context, the bars before and after the settings, and the draw."""

import plotly.graph_objects as go
import streamlit as st
from torch import Tensor

from ui.components import charts
from ui.sampling import typewriter
from ui.sampling.drawing import Choice, Draw
from ui.sampling.words import bends
from ui.style import VALIDATION
from ui.words import tokens
from ui.words.i18n import _, n_, number, percent

BARS = 12
CONTEXT = 11  # characters before it that are shown
HEIGHT = 238  # pixels of the bars
LEGIBLE = 0.045  # share of the lot bar that a character's sign needs


def next_character(draw: Draw, place: int, length: int) -> None:
    """Everything about the character at `place`, counted from 0."""
    choice = draw.choice(place)
    heading(place, length)
    st.html(context_tiles(draw, choice))
    st.plotly_chart(
        bars(draw, choice), key="sampling_bars", config=charts.CONFIG, alt=in_words(draw, choice, BARS)
    )
    st.html(lot(draw, choice))


def heading(place: int, length: int) -> None:
    """Which character it is, and the way to its neighbours."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        words = _("Character {n} of {all}: what could come next").format(
            n=number(place + 1), all=number(length)
        )
        st.html(f"<div class='mg-label'>{tokens.escape(words)}</div>", width="stretch")
        st.button(
            "‹", key="sampling_back", type="tertiary", help=_("The character before"), disabled=place == 0,
            on_click=typewriter.go_to, args=(place - 1,),
        )  # fmt: skip
        st.button(
            "›", key="sampling_forward", type="tertiary", help=_("The character after"), disabled=place + 1 >= length,
            on_click=typewriter.go_to, args=(place + 1,),
        )  # fmt: skip


def context_tiles(draw: Draw, choice: Choice) -> str:
    """The characters before, those the model does not look at pale, and the drawn one in a ring."""
    tail = choice.context[-CONTEXT:]
    drawn = draw.writer.tokenizer.itos[choice.letter.token]
    unseen = range(max(len(tail) - draw.writer.looks_at, 0))
    seen = seen_words(draw.writer.looks_at, len(choice.context))
    picture = tokens.strip(
        tail + drawn, draw.writer.tokenizer.stoi, faint=unseen, rings=[len(tail)],
        label=_("The characters before, then the drawn one"),
    )  # fmt: skip
    return f"<div class='mg-tail'>{picture}</div><div class='mg-note'>{tokens.escape(seen)}</div>"


def seen_words(looks_at: int, before: int) -> str:
    """How far back the model looks from a place with so many characters before it."""
    if looks_at == 1:
        return _("The model looks at the last character only.")
    if before <= looks_at:
        words = n_(
            "The model looks at the {n} character before it (it can look at {most}).",
            "The model looks at all {n} characters before it (it can look at {most}).",
            before,
        )
        return words.format(n=number(before), most=number(looks_at))
    return _("The model looks at the last {n} characters.").format(n=number(looks_at))


def likeliest(choice: Choice, most: int) -> list[int]:
    """Ids of the likeliest characters, falling, the drawn one always among them."""
    order = choice.before.argsort(descending=True, stable=True)[:most].tolist()
    return order if choice.letter.token in order else [*order[:-1], choice.letter.token]


def bars(draw: Draw, choice: Choice) -> go.Figure:
    """The likeliest characters as the model says, and as they were drawn; temperature never changes their order."""
    ids = likeliest(choice, BARS)
    figure = charts.probability_bars(
        [draw.writer.tokenizer.itos[i] for i in ids],
        choice.after[ids].tolist(),
        choice.before[ids].tolist(),
        chosen=ids.index(choice.letter.token),
        height=HEIGHT,
    )
    return figure.update_xaxes(automargin=False, tickfont_size=15).update_layout(margin_b=30)


def in_words(draw: Draw, choice: Choice, most: int) -> str:
    """The bars for those who hear the page: e 31 %, the model itself 24 %; …"""
    itos = draw.writer.tokenizer.itos
    line = _("{character} {after}, the model itself {before}")
    return "; ".join(
        line.format(
            character=tokens.name(itos[i]),
            after=percent(float(choice.after[i]), 1),
            before=percent(float(choice.before[i]), 1),
        )
        for i in likeliest(choice, most)
    )


def lot(draw: Draw, choice: Choice) -> str:
    """All probabilities laid end to end, in the order of the ids, and where the random number u landed."""
    itos, u = draw.writer.tokenizer.itos, choice.letter.u
    cells = "".join(
        segment(itos[i], share, i == choice.letter.token)
        for i, share in enumerate(shares(choice.after))
        if share > 0
    )
    needle = f"<i class='mg-needle' style='left:{100 * u:.3f}%'></i>" if draw.settings.temperature else ""
    sentence = tokens.escape(lot_words(draw, choice))
    return (
        f"<div class='mg-lot' role='img' aria-label='{sentence}'><div class='mg-lot-bar'>{cells}</div>{needle}</div>"
        f"<div class='mg-lot-words'>{sentence}</div>"
    )


def lot_words(draw: Draw, choice: Choice) -> str:
    """u = 0.42 landed on “e” (31 % after temperature, top-k and top-p; the model itself says 24 %)."""
    token = choice.letter.token
    character = tokens.name(draw.writer.tokenizer.itos[token])
    before, after = float(choice.before[token]), float(choice.after[token])
    if not draw.settings.temperature:
        return _(
            "Temperature 0: no draw, “{character}” is the likeliest (the model gives it {before})."
        ).format(character=character, before=rounded(before))
    if bends(draw.settings):
        words = _(
            "The random number u = {u} landed on “{character}” ({after} after temperature, top-k and top-p; the model "
            "itself says {before})."
        )
    else:
        words = _("The random number u = {u} landed on “{character}” ({after}, as the model says).")
    return words.format(
        u=number(choice.letter.u, 2), character=character, after=rounded(after), before=rounded(before)
    )


def rounded(share: float) -> str:
    """A share in words: without decimals where they would not matter."""
    return percent(share, 0 if share >= 0.1 else 1)


def segment(character: str, share: float, drawn: bool) -> str:
    """One character's part of the bar, as wide as it is probable."""
    sign = f"<bdi>{tokens.escape(tokens.face(character))}</bdi>" if share >= LEGIBLE else ""
    tip = tokens.escape(f"{tokens.name(character)} · {percent(share, 1)}")
    look = f"width:{100 * share:.4f}%" + (
        f";background:{VALIDATION};color:#000;outline:2px solid {VALIDATION}" if drawn else ""
    )
    return f"<span style='{look}' data-tip='{tip}'>{sign}</span>"


def shares(probabilities: Tensor) -> list[float]:
    """Probabilities as plain numbers."""
    return [float(p) for p in probabilities]
