"""The logit lens as a table: what the model would guess if it ended after each layer.

P counts the points at which one looks, T the characters, V those of the vocabulary.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from minigpt_core.tokenizer import CharTokenizer
from ui.inside.input_text import InputText
from ui.style import PROBABILITY_SCALE
from ui.words.i18n import _, language, number, percent
from ui.words.tokens import escape, face, kind, name, probability_colours, read_aloud

TOP = 5  # guesses that pointing at a cell shows
LOOKED_BACK = 12  # characters of context that it quotes


@dataclass(frozen=True, eq=False)
class Lens:
    """The best guesses at each point for each character."""

    titles: tuple[str, ...]
    """Of the P rows, in words."""

    ids: Tensor
    """(P, T, up to 5), the best guess first."""

    probabilities: Tensor
    """(P, T, up to 5)"""

    settled: tuple[int, ...]
    """For each character the first row from which the best guess stays what it is at the end."""


def look(scores: Tensor, titles: tuple[str, ...]) -> Lens:
    """The best guesses of scores, (P, T, V)."""
    top = scores.softmax(-1).topk(min(TOP, scores.size(-1)), dim=-1)
    return Lens(titles, top.indices, top.values, settled(top.indices[..., 0]))


def settled(best: Tensor) -> tuple[int, ...]:
    """The first row from which the best guess, (P, T), never changes again, for each character."""
    differs = best != best[-1]  # (P, T)
    rows = torch.arange(1, len(best) + 1)[:, None]
    return tuple((differs * rows).amax(dim=0).tolist())


def table(lens: Lens, given: InputText, tokenizer: CharTokenizer) -> str:
    """Characters from left to right, the way through the model from top to bottom. HTML for `st.html`."""
    rows = [_given_row(_("It reads"), given.text)]
    for row, title in enumerate(lens.titles):
        cells = "".join(_cell(lens, given, tokenizer, row, t) for t in range(len(given.text)))
        rows.append(f"<tr><th scope='row'>{escape(title)}</th>{cells}</tr>")
    answers = lens.ids[-1, :, 0].tolist()
    right = {
        t for t, (answer, real) in enumerate(zip(answers, given.ids[1:], strict=False)) if answer == real
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
    return f"<td class='{look}'><bdi>{escape(face(character))}</bdi></td>"


def _cell(lens: Lens, given: InputText, tokenizer: CharTokenizer, row: int, t: int) -> str:
    ids, probabilities = lens.ids[row, t].tolist(), lens.probabilities[row, t].tolist()
    characters = [tokenizer.itos[i] for i in ids]
    background, ink = _colours(round(100 * probabilities[0]))
    begin = given.text[max(t + 1 - LOOKED_BACK, 0) : t + 1]
    guesses = "\n".join(
        f"{name(c)}  {_share(round(1000 * p), language())}"
        for c, p in zip(characters, probabilities, strict=True)
    )
    tip = f"{lens.titles[row]}\n{_('after “{text}”').format(text=read_aloud(begin))}\n{guesses}"
    here = " class='mg-settled'" if lens.settled[t] == row else ""
    look = f"style='--p:{background};--ink:{ink}'"
    return f"<td{here} {look} data-tip='{escape(tip)}'><bdi>{escape(face(characters[0]))}</bdi></td>"


@lru_cache(maxsize=101)
def _colours(per_cent: int) -> tuple[str, str]:
    return probability_colours(per_cent / 100)


@lru_cache(maxsize=4004)
def _share(per_mille: int, _language: str) -> str:
    return percent(per_mille / 1000, 1)


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


def summary(lens: Lens) -> str:
    """Where the model makes up its mind, in a sentence."""
    places, last = len(lens.settled), len(lens.titles) - 1
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
