"""The pictures of the Batches page: batches and text in, safe HTML out."""

from collections.abc import Mapping, Sequence

from ui.style import TRAIN, VALIDATION
from ui.words import glossary
from ui.words.i18n import _, n_, number, percent
from ui.words.tokens import Row, escape, face, name, read_aloud, rows

SHOWN_ROWS = 8
SHOWN_CHARACTERS = 32
LONG_ROW = 64  # characters of one row in large; the picture scrolls
AROUND = 3  # characters of the text before and after a window
CONTEXT_SHOWN = 18  # the last characters of a context in the list of pairs
FLAG_ROOM = 2.4  # per cent of the bar that a row's number takes


def text_bar(
    text: str, n_train: int, places: Sequence[int], block_size: int, chosen: int | None = None
) -> str:
    """The whole text as a bar: its two parts, and where each window fell; pointing at one says where.

    Args:
        n_train: characters of the training part, which comes first.
        places: where the windows begin in the text.
        chosen: the row whose window is painted in full.
    """
    total = len(text)
    share = 100 * n_train / total
    parts = _part(0, share, TRAIN, _part_words(glossary.word("train_split"), 0, n_train, total))
    if n_train < total:
        parts += _part(
            share,
            100 - share,
            VALIDATION,
            _part_words(glossary.word("validation_split"), n_train, total, total),
        )
    marks = ""
    for row, level in flag_levels(places, total).items():
        look = f"left:{100 * places[row] / total:.3f}%;width:{100 * block_size / total:.3f}%"
        where = window_words(text, row, places[row], block_size)
        kind = f"mg-window mg-level{level}" + (" mg-chosen" if row == chosen else "")
        flag = f"<span>{row + 1}</span>" if len(places) <= SHOWN_ROWS else ""
        marks += f"<b class='{kind}' style='{look}' tabindex='0' data-tip='{escape(where)}'>{flag}</b>"
    words = n_("Where the {n} window fell in the text", "Where the {n} windows fell in the text", len(places))
    label = escape(words.format(n=number(len(places))))
    return f"<div class='mg-bar' role='img' aria-label='{label}'>{parts}{marks}</div>"


def bar_legend(n_train: int, total: int) -> str:
    """What the colours of the bar mean, and how long both parts are."""
    part = "<span style='--k:{colour}'>{words}</span>"
    words = _part_words(glossary.word("train_split"), 0, n_train, total)
    shown = part.format(colour=TRAIN, words=escape(words))
    if n_train < total:
        words = _part_words(glossary.word("validation_split"), n_train, total, total)
        shown += part.format(colour=VALIDATION, words=escape(words))
    return f"<div class='mg-legend mg-apart'>{shown}</div>"


def flag_levels(places: Sequence[int], total: int) -> dict[int, int]:
    """How high each window's number stands (0, 1 or 2), so that neighbours do not cover each other, by row."""
    ends = [-FLAG_ROOM] * 3
    levels = {}
    for row in sorted(range(len(places)), key=lambda row: places[row]):
        place = 100 * places[row] / total
        free = [level for level, end in enumerate(ends) if place - end >= FLAG_ROOM]
        levels[row] = free[0] if free else 2
        ends[levels[row]] = place
    return levels


def window_words(text: str, row: int, place: int, block_size: int) -> str:
    """Row 2 · characters 5,121 to 5,152 of the text · “un matin, …”; they are counted from 1."""
    words = _("row {row} · characters {first} to {last} of the text · “{text}”")
    begin = read_aloud(text[place : place + min(block_size, 40)])
    return words.format(row=row + 1, first=number(place + 1), last=number(place + block_size), text=begin)


def grid(ids_text: Sequence[str], title: str, stoi: Mapping[str, int], chosen: int) -> str:
    """The rows of x or y as small tiles, without their ids: as many as fit, the chosen one among them."""
    shown = shown_rows(len(ids_text), chosen)
    lines = [
        Row(f"▸ {row + 1}" if row == chosen else f"{row + 1}", ids_text[row][:SHOWN_CHARACTERS])
        for row in shown
    ]
    return f"<div class='mg-compact'>{rows(lines, stoi, label=title)}</div>"


def shown_rows(batch_size: int, chosen: int) -> range:
    """Which rows of a large batch are drawn: a page of `SHOWN_ROWS` with the chosen one on it."""
    first = chosen // SHOWN_ROWS * SHOWN_ROWS
    return range(first, min(first + SHOWN_ROWS, batch_size))


def aligned(
    text: str, place: int, block_size: int, stoi: Mapping[str, int], counts: Mapping[str, int]
) -> str:
    """One row under the stretch of text that it was cut from: x below its own characters, y one place further."""
    length = min(block_size, LONG_ROW)
    before = min(place, AROUND)
    around = text[place - before : place + length + 1 + AROUND]
    outside = {i for i in range(len(around)) if not before <= i <= before + length}
    lines = [
        Row(_("text"), around, faint=outside),
        Row("x", text[place : place + length], offset=before),
        Row("y", text[place + 1 : place + length + 1], offset=before + 1),
    ]
    picture = rows(lines, stoi, counts, label=_("x and y below the stretch of text they were cut from"))
    columns = min(len(around), SHOWN_CHARACTERS + 1 + 2 * AROUND)
    return f"<div class='mg-names' style='--n:{columns}'>{picture}</div>"


def pairs(x: str, y: str) -> str:
    """Every exercise of one row: the characters the model is given, and the one it must guess.

    Args:
        x: T characters.
        y: the character that comes after each of them.
    """
    lines = "".join(_pair(x[: t + 1], target) for t, target in enumerate(y))
    return f"<div class='mg-pairs' tabindex='0'><ol>{lines}</ol></div>"


def pair_words(context: str, target: str) -> str:
    """From “un m”, the model must guess “a”, as HTML."""
    given, wanted = (
        f"<b class='mg-code'><bdi translate='no'>{escape(words)}</bdi></b>"
        for words in (_flow(context), name(target))
    )
    sentence = escape(_("from “{context}”, the model must guess “{target}”"))
    return sentence.format(context=given, target=wanted)


def good_example(y: str) -> int:
    """Which exercise of a row to say in words: the first with a little context and an answer that can be seen."""
    return next((t for t, target in enumerate(y) if t >= 2 and face(target) == target), 0)


def _pair(context: str, target: str) -> str:
    seen, last = context[:-1], context[-1]
    cut = "…" if len(seen) > CONTEXT_SHOWN else ""
    return (
        f"<li><span class='mg-seen' translate='no'>{cut}{escape(_flow(seen[-CONTEXT_SHOWN:]))}</span>"
        f"<b class='mg-last'><bdi translate='no'>{escape(face(last))}</bdi></b>"
        f"<i>→</i><b class='mg-target'><bdi translate='no'>{escape(face(target))}</bdi></b></li>"
    )


def _flow(text: str) -> str:
    """Text in a line: signs for what cannot be seen, the space included."""
    return "".join(map(face, text))


def _part(left: float, width: float, colour: str, words: str) -> str:
    look = f"left:{left:.3f}%;width:{width:.3f}%;--k:{colour}"
    return f"<i class='mg-part' style='{look}' data-tip='{escape(words)}'></i>"


def _part_words(title: str, first: int, end: int, total: int) -> str:
    length = end - first
    words = n_("{part}: {n} character, {share}", "{part}: {n} characters, {share}", length)
    return words.format(part=title, n=number(length), share=percent((end - first) / total))
