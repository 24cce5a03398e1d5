"""One puzzle followed through the heads: a row for each character that is written, a column for each that can be seen.

Letters in the shape comments: L layers, nh heads, T characters.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from minigpt_core.interpret.puzzle_heads import steps
from minigpt_core.interpret.puzzles import Puzzle
from ui.style import PROBABILITY_SCALE
from ui.words.i18n import _, number, percent
from ui.words.tokens import escape, face, kind, name, probability_colours, read_aloud


@dataclass(frozen=True, eq=False)
class Followed:
    """A puzzle, what a model wrote, and where its heads looked meanwhile."""

    corpus_id: str
    puzzle: Puzzle
    written: str
    """As many characters as the answer has."""

    pattern: Tensor
    """(L, nh, T, T)"""

    @property
    def text(self) -> str:
        """Everything the model has read when it has finished."""
        return "\n" + self.puzzle.question + self.written.rstrip("\n")


Head = tuple[int, int]


def strongest(followed: Followed, here: int, source: int) -> Head:
    """The head that looks most at `source` from `here`."""
    looks = followed.pattern[:, :, here, source]  # (L, nh)
    layer, head = divmod(int(torch.argmax(looks)), looks.size(1))
    return layer, head


def head_title(head: Head) -> str:
    """What a head is called."""
    return _("layer {layer}, head {head}").format(layer=number(head[0] + 1), head=number(head[1] + 1))


def picture(followed: Followed, only: Head | None) -> str:
    """HTML for `st.html`.

    Args:
        only: the head whose attention is shown; None: in each row the one that looks most at the right character.
    """
    header = "".join(f"<td class='mg-{kind(c)}'><bdi>{escape(face(c))}</bdi></td>" for c in followed.text)
    rows = [f"<tr class='mg-lens-given'><th>{escape(_('it sees'))}</th>{header}</tr>"]
    rows += [_row(followed, n, here, source, only) for n, (here, source) in enumerate(_steps(followed))]
    label = escape(_("Where the model looks while it writes: {text}").format(text=read_aloud(followed.text)))
    return f"<div class='mg-lens mg-solves' tabindex='0'><table aria-label='{label}'>{''.join(rows)}</table></div>"


def legend() -> str:
    """What the colours and the frame mean."""
    stops = ", ".join(f"rgb{stop}" for stop in PROBABILITY_SCALE)
    bar = f"<i class='mg-scale' style='background:linear-gradient(90deg, {stops})'></i>"
    return (
        f"<div class='mg-lens-signs'><span>{escape(_('attention: 0 %'))}{bar}100&nbsp;%</span>"
        f"<span><b class='mg-settled'></b>{escape(_('the right place to look'))}</span></div>"
    )


def _steps(followed: Followed) -> list[tuple[int, int]]:
    fits = followed.pattern.size(-1)
    return [(here, source) for here, source in steps(followed.corpus_id, followed.puzzle) if here < fits]


def _row(followed: Followed, number_: int, here: int, source: int, only: Head | None) -> str:
    head = only or strongest(followed, here, source)
    looks = followed.pattern[head][here].tolist()
    cells = "".join(_cell(followed, looks, place, here, source) for place in range(len(followed.text)))
    wrote = followed.written[number_]
    right = wrote == followed.puzzle.answer[number_]
    title = _("writes {character}").format(character=face(wrote))
    sign = "✓" if right else "✗"
    beside = "" if only else f"<small>{escape(head_title(head))}</small>"
    return (
        f"<tr><th scope='row'>{escape(title)} <b class='mg-{'yes' if right else 'no'}'>{sign}</b>{beside}</th>"
        f"{cells}</tr>"
    )


def _cell(followed: Followed, looks: list[float], place: int, here: int, source: int) -> str:
    if place > here:
        return "<td></td>"
    share = looks[place]
    background, _ink = probability_colours(share)
    tip = _("reading {here}, it looks at {there}: {share}").format(
        here=name(followed.text[here]), there=name(followed.text[place]), share=percent(share, 1)
    )
    needed = " class='mg-settled'" if place == source else ""
    return f"<td{needed} style='--p:{background}' data-tip='{escape(tip)}'></td>"
