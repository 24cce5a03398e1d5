"""Where one character comes from: its context, the bars before and after the settings, and the draw."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

import streamlit as st

from minigpt_core.generation.generated_text import GeneratedText, NextToken
from ui.components import charts
from ui.components.figures import go
from ui.sampling import typewriter
from ui.sampling.settings_explained import bends
from ui.style import REFERENCE, VALIDATION
from ui.words import tokens
from ui.words.i18n import _, n_, number, percent

BARS = 12
SEGMENTS = 60  # of the lot bar that are told apart: of thousands nobody could see each
CONTEXT = 11  # characters before it that are shown
HEIGHT = 238  # pixels of the bars
LEGIBLE = 0.045  # share of the lot bar that a character's sign needs


def next_character(generated: GeneratedText, place: int, length: int) -> None:
    """Everything about the character at `place`, counted from 0."""
    drawn = generated.next_token(place)
    heading(place, length)
    st.html(context_tiles(generated, drawn))
    st.plotly_chart(
        bars(generated, drawn),
        key="sampling_bars",
        config=charts.CONFIG,
        alt=in_words(generated, drawn, BARS),
    )
    st.html(lot(generated, drawn))


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


def context_tiles(generated: GeneratedText, drawn: NextToken) -> str:
    """The characters before, those the model does not look at pale, and the drawn one in a ring."""
    tail = drawn.context[-CONTEXT:]
    character = generated.lm.tokenizer.itos[drawn.sampled.token]
    unseen = range(max(len(tail) - generated.lm.context_used, 0))
    seen = seen_words(generated.lm.context_used, len(drawn.context))
    picture = tokens.strip(
        tail + character, generated.lm.tokenizer.stoi, faint=unseen, rings=[len(tail)],
        label=_("The characters before, then the drawn one"),
    )  # fmt: skip
    return f"<div class='mg-tail'>{picture}</div><div class='mg-note'>{tokens.escape(seen)}</div>"


def seen_words(context_used: int, before: int) -> str:
    """How far back the model looks from a place with so many characters before it."""
    if context_used == 1:
        return _("The model looks at the last character only.")
    if before <= context_used:
        words = n_(
            "The model looks at the {n} character before it (it can look at {most}).",
            "The model looks at all {n} characters before it (it can look at {most}).",
            before,
        )
        return words.format(n=number(before), most=number(context_used))
    return _("The model looks at the last {n} characters.").format(n=number(context_used))


def likeliest(drawn: NextToken, most: int) -> list[int]:
    """Ids of the likeliest characters, falling, the drawn one always among them."""
    order = drawn.likeliest(most)
    return order if drawn.sampled.token in order else [*order[:-1], drawn.sampled.token]


def bars(generated: GeneratedText, drawn: NextToken) -> go.Figure:
    """The likeliest characters as the model says, and as they were drawn; temperature never changes their order."""
    ids = likeliest(drawn, BARS)
    return charts.probability_bars(
        [generated.lm.tokenizer.itos[i] for i in ids],
        drawn.probabilities[ids].tolist(),
        drawn.model_probabilities[ids].tolist(),
        chosen=ids.index(drawn.sampled.token),
        height=HEIGHT,
        margin={"b": 30},
        xaxis={"automargin": False, "tickfont": {"size": charts.letters(15)}},
    )


def in_words(generated: GeneratedText, drawn: NextToken, most: int) -> str:
    """The bars for those who hear the page: e 31 %, the model itself 24 %; …"""
    itos = generated.lm.tokenizer.itos
    line = _("{character} {after}, the model itself {before}")
    return "; ".join(
        line.format(
            character=tokens.name(itos[i]),
            after=percent(float(drawn.probabilities[i]), 1),
            before=percent(float(drawn.model_probabilities[i]), 1),
        )
        for i in likeliest(drawn, most)
    )


def lot(generated: GeneratedText, drawn: NextToken) -> str:
    """All probabilities laid end to end, in the order of the ids, and where the random number u landed."""
    itos, u = generated.lm.tokenizer.itos, drawn.sampled.u
    told, shares = set(likeliest(drawn, SEGMENTS)), drawn.probabilities.tolist()
    cells = "".join(
        segment(itos[first], shares[first], first == drawn.sampled.token)
        if alone
        else rest([shares[i] for i in (first, *others)])
        for alone, (first, *others) in pieces([i for i, share in enumerate(shares) if share > 0], told)
    )
    needle = (
        f"<i class='mg-needle' style='left:{100 * u:.3f}%'></i>" if generated.settings.temperature else ""
    )
    sentence = tokens.escape(lot_words(generated, drawn))
    return (
        f"<div class='mg-lot' role='img' aria-label='{sentence}'><div class='mg-lot-bar'>{cells}</div>{needle}</div>"
        f"<div class='mg-lot-words'>{sentence}</div>"
    )


def pieces(ids: Sequence[int], told: Collection[int]) -> Iterator[tuple[bool, list[int]]]:
    """The ids in their order: each of those that are `told` apart alone, those between two of them together."""
    for alone, group in groupby(ids, told.__contains__):
        if alone:
            yield from ((True, [i]) for i in group)
        else:
            yield False, [*group]


def rest(shares: Sequence[float]) -> str:
    """The part of the bar that belongs to characters which are not told apart."""
    words = n_("{n} other character", "{n} other characters", len(shares)).format(n=number(len(shares)))
    tip = tokens.escape(f"{words} · {percent(sum(shares), 1)}")
    return f"<span style='width:{100 * sum(shares):.4f}%;background:{REFERENCE}' data-tip='{tip}'></span>"


def lot_words(generated: GeneratedText, drawn: NextToken) -> str:
    """u = 0.42 landed on “e” (31 % after temperature, top-k and top-p; the model itself says 24 %)."""
    token = drawn.sampled.token
    character = tokens.name(generated.lm.tokenizer.itos[token])
    before, after = float(drawn.model_probabilities[token]), float(drawn.probabilities[token])
    if not generated.settings.temperature:
        return _(
            "Temperature 0: no draw, “{character}” is the likeliest (the model gives it {before})."
        ).format(character=character, before=rounded(before))
    if bends(generated.settings):
        words = _(
            "The random number u = {u} landed on “{character}” ({after} after temperature, top-k and top-p; the model "
            "itself says {before})."
        )
    else:
        words = _("The random number u = {u} landed on “{character}” ({after}, as the model says).")
    return words.format(
        u=number(drawn.sampled.u, 2), character=character, after=rounded(after), before=rounded(before)
    )


def rounded(share: float) -> str:
    """A share in words: without decimals where they would not matter."""
    return percent(share, 0 if share >= 0.1 else 1)


def segment(character: str, share: float, drawn: bool) -> str:
    """One character's part of the bar, as wide as it is probable."""
    sign = f"<bdi translate='no'>{tokens.escape(tokens.face(character))}</bdi>" if share >= LEGIBLE else ""
    tip = tokens.escape(f"{tokens.name(character)} · {percent(share, 1)}")
    look = f"width:{100 * share:.4f}%" + (
        f";background:{VALIDATION};color:#000;outline:2px solid {VALIDATION}" if drawn else ""
    )
    return f"<span style='{look}' data-tip='{tip}'>{sign}</span>"
