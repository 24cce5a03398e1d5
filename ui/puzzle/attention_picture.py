"""One puzzle followed through the heads: a row for each character that is written, a column for each that can be seen.

Letters in the shape comments: L layers, nh heads, T characters.
"""

from minigpt_core.interpret.puzzle_heads import Head, PuzzleAttention
from ui.style import PROBABILITY_SCALE
from ui.words.i18n import _, number, percent
from ui.words.tokens import escape, face, kind, name, probability_colours, read_aloud


def head_title(head: Head) -> str:
    """What a head is called."""
    return _("layer {layer}, head {head}").format(layer=number(head[0] + 1), head=number(head[1] + 1))


def picture(solved: PuzzleAttention, only: Head | None) -> str:
    """HTML for `st.html`.

    Args:
        only: the head whose attention is shown; None: in each row the one that looks most at the right character.
    """
    header = "".join(
        f"<td class='mg-{kind(c)}'><bdi translate='no'>{escape(face(c))}</bdi></td>" for c in solved.text
    )
    rows = [f"<tr class='mg-lens-given'><th>{escape(_('it sees'))}</th>{header}</tr>"]
    rows += [_row(solved, n, here, source, only) for n, (here, source) in enumerate(solved.lookups)]
    label = escape(_("Where the model looks while it writes: {text}").format(text=read_aloud(solved.text)))
    return f"<div class='mg-lens mg-solves' tabindex='0'><table aria-label='{label}'>{''.join(rows)}</table></div>"


def legend() -> str:
    """What the colours and the frame mean."""
    stops = ", ".join(f"rgb{stop}" for stop in PROBABILITY_SCALE)
    bar = f"<i class='mg-scale' style='background:linear-gradient(90deg, {stops})'></i>"
    return (
        f"<div class='mg-lens-signs'><span>{escape(_('attention: 0 %'))}{bar}100&nbsp;%</span>"
        f"<span><b class='mg-settled'></b>{escape(_('the right place to look'))}</span></div>"
    )


def _row(solved: PuzzleAttention, number_: int, here: int, source: int, only: Head | None) -> str:
    head = only or solved.strongest(here, source)
    looks = solved.pattern[head][here].tolist()
    cells = "".join(_cell(solved, looks, place, here, source) for place in range(len(solved.text)))
    wrote = solved.written[number_]
    right = wrote == solved.puzzle.answer[number_]
    title = _("writes {character}").format(character=face(wrote))
    sign = "✓" if right else "✗"
    beside = "" if only else f"<small>{escape(head_title(head))}</small>"
    return (
        f"<tr><th scope='row'>{escape(title)} <b class='mg-{'yes' if right else 'no'}'>{sign}</b>{beside}</th>"
        f"{cells}</tr>"
    )


def _cell(solved: PuzzleAttention, looks: list[float], place: int, here: int, source: int) -> str:
    if place > here:
        return "<td></td>"
    share = looks[place]
    background, _ink = probability_colours(share)
    tip = _("reading {here}, it looks at {there}: {share}").format(
        here=name(solved.text[here]), there=name(solved.text[place]), share=percent(share, 1)
    )
    needed = " class='mg-settled'" if place == source else ""
    return f"<td{needed} style='--p:{background}' data-tip='{escape(tip)}'></td>"
