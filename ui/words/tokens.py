"""Characters as small tiles: safe HTML for `st.html`. Whatever a person typed is shown, never run.

`strip` shows a stretch of text with the ids beneath, `rows` several stretches one above the other,
`coloured_by_probability` a text coloured by how probable each character was. Pointing at a tile says what it is and
lights every equal one on the page.
"""

import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from minigpt_core.texts.signs import code_point as code_point
from minigpt_core.texts.signs import face as face
from minigpt_core.texts.signs import visible as visible  # pages know it by this file
from ui.style import PROBABILITY_SCALE
from ui.words.i18n import N_, _, cached_by_language, n_, number, percent

MOST_TILES = 400
READ_ALOUD = 300  # characters of a text alternative

CONTROL_NAMES = {
    "\t": "CHARACTER TABULATION",
    "\n": "LINE FEED",
    "\f": "FORM FEED",
    "\r": "CARRIAGE RETURN",
    "\x1b": "ESCAPE",
}
WORDS = {
    " ": N_("space"),
    "\n": N_("new line"),
    "\t": N_("tab"),
    "\u00a0": N_("no-break space"),
    "\u202f": N_("narrow no-break space"),
    "\ufe0e": N_("makes the sign before it plain"),
    "\ufe0f": N_("makes the sign before it a coloured emoji"),
    "\u200d": N_("joins the signs beside it into one"),
    "\u20e3": N_("puts the sign before it on a key"),
}
PARTS_OF_EMOJI = "\ufe0e\ufe0f\u200d\u20e3"  # each a character of its own, though nobody sees it alone
MARKS = {
    ",": N_("comma"), ".": N_("full stop"), ";": N_("semicolon"), ":": N_("colon"), "!": N_("exclamation mark"),
    "?": N_("question mark"), "…": N_("ellipsis"), "'": N_("apostrophe"), "’": N_("curly apostrophe"),
    "-": N_("hyphen"), "–": N_("en dash"), "—": N_("em dash"), '"': N_("quotation mark"),
    "«": N_("opening guillemet"), "»": N_("closing guillemet"), "“": N_("opening quotation mark"),
    "”": N_("closing quotation mark"), "(": N_("opening bracket"), ")": N_("closing bracket"),
}  # fmt: skip
KINDS = {
    "vowel": N_("vowel"),
    "consonant": N_("consonant or other letter"),
    "space": N_("space or new line"),
    "digit": N_("digit"),
    "mark": N_("punctuation or other sign"),
}
LETTER_VOWELS = "aeiouyœæøı"


SHORTCODE = re.compile(
    r":(?=(?:material/)?[A-Za-z0-9_+\-]+:)"
)  # `:cat:` becomes a picture even where it is escaped


# What a character is


def escape(text: str) -> str:
    """`text` as it stands, for a place inside HTML or inside a quoted attribute."""
    return html.escape(text, quote=True)


def escape_markdown(text: str) -> str:
    """`text` as it stands, for a place inside `st.markdown` or a widget's label."""
    text = SHORTCODE.sub(":\u2060", text)
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])", r"\\\1", text)


@lru_cache(maxsize=10_000)
def unicode_name(character: str) -> str:
    """LATIN SMALL LETTER E WITH ACUTE; the code point for a character without a name."""
    return unicodedata.name(character, CONTROL_NAMES.get(character) or code_point(character))


def name(character: str) -> str:
    """What to call a character in a sentence: itself if it can be seen, else a word such as "space"."""
    if character in PARTS_OF_EMOJI:
        return f"{face(character)} ({_(WORDS[character])})"
    if character in WORDS:
        return _(WORDS[character])
    shown = face(character)
    return shown if shown == character else f"{shown} ({unicode_name(character)})"


@cached_by_language(10_000)
def cell(character: str) -> tuple[str, str, bool, str]:
    """What a component needs to show a character: its face, its name, whether a line ends with it, and itself.

    A space is shown as itself, on its colour.
    """
    return " " if character == " " else face(character), name(character), character == "\n", character


@lru_cache(maxsize=10_000)
def kind(character: str) -> str:
    """One of `KINDS`, which decides the colour."""
    category = unicodedata.category(character)
    if category[0] == "Z" or character in "\n\t\r":
        return "space"
    if category == "Nd":
        return "digit"
    if category[0] == "L":
        base = unicodedata.normalize("NFD", character)[0].lower()
        return "vowel" if base in LETTER_VOWELS else "consonant"
    return "mark"


def description(
    character: str, id_: int | None = None, count: int | None = None, total: int | None = None
) -> str:
    """e · LATIN SMALL LETTER E · id 11 · 612 times · 10.6 %."""
    parts = [face(character), unicode_name(character)]
    if character in WORDS:
        parts.insert(1, _(WORDS[character]))
    if id_ is not None:
        parts.append(_("id {n}").format(n=id_))
    if count is not None:
        parts.append(n_("{n} time", "{n} times", count).format(n=number(count)))
    if count is not None and total:
        parts.append(percent(count / total, 1))
    return " · ".join(parts)


# Tiles


@dataclass(frozen=True)
class Row:
    """One line of `rows`: what it is called, its characters, and how many empty places come before them."""

    title: str
    text: str
    offset: int = 0
    ids_only: bool = False
    """Show the ids in large instead of the characters."""

    faint: Collection[int] = ()
    """Places (counted from 0 in `text`) to draw pale."""

    rings: Collection[int] = ()
    """Places to draw a ring around."""


def strip(
    text: str,
    stoi: Mapping[str, int],
    counts: Mapping[str, int] | None = None,
    *,
    label: str,
    faint: Collection[int] = (),
    rings: Collection[int] = (),
) -> str:
    """A stretch of text as tiles, the id of each beneath. Characters outside `stoi` get a dashed frame and "?".

    Args:
        counts: how often each character stands in the whole text, for the tooltip.
        label: what the picture shows, for those who hear it; the text itself is added.
        faint: places, counted from 0, to draw pale.
        rings: places to draw a ring around.
    """
    shown = text[:MOST_TILES]
    body = _tiles(Row("", shown, faint=faint, rings=rings), stoi, counts)
    more = (
        f"<span class='mg-note'>… + {number(len(text) - len(shown))}</span>" if len(text) > len(shown) else ""
    )
    return _picture(f"<div class='mg-tiles'>{body}{more}</div>", f"{label}: {read_aloud(shown)}", shown)


def rows(
    lines: Sequence[Row], stoi: Mapping[str, int], counts: Mapping[str, int] | None = None, *, label: str
) -> str:
    """Stretches of text one above the other, place by place; wider than the page, they scroll together."""
    cells = [
        f"<div class='mg-label'>{escape(line.title)}</div><div class='mg-tiles'>{_tiles(line, stoi, counts)}</div>"
        for line in lines
    ]
    aloud = "; ".join(f"{line.title}: {read_aloud(line.text)}" for line in lines)
    everything = "".join(line.text for line in lines)
    return _picture(f"<div class='mg-rows'>{''.join(cells)}</div>", f"{label}: {aloud}", everything)


def coloured_by_probability(
    text: str, probabilities: Sequence[float | None], *, label: str, rings: Collection[int] = ()
) -> str:
    """A text whose characters are coloured by how probable each was when it was drawn; None: not coloured."""
    assert len(text) == len(probabilities)
    cells = [_coloured(c, p, i in rings) for i, (c, p) in enumerate(zip(text, probabilities, strict=True))]
    return _picture(
        f"<div class='mg-flow' dir='ltr'>{''.join(cells)}</div>", f"{label}: {read_aloud(text)}", ""
    )


def legend(kinds: Iterable[str] = KINDS) -> str:
    """What the colours of the tiles mean."""
    words = "".join(f"<span class='mg-{kind}'>{escape(_(KINDS[kind]))}</span>" for kind in kinds)
    return f"<div class='mg-legend'>{words}</div>"


def emoji_note(shown: str) -> str:
    """That an emoji may be several characters, where tiles show its parts; else ""."""
    parts = [
        _("{sign}: {means}").format(sign=face(c), means=_(WORDS[c])) for c in PARTS_OF_EMOJI if c in shown
    ]
    return " · ".join([_("One emoji can be several characters"), *parts]) if parts else ""


def probability_legend() -> str:
    """What the colours of `coloured_by_probability` mean."""
    stops = ", ".join(f"rgb{stop}" for stop in PROBABILITY_SCALE)
    low, high = escape(_("0 %: a great surprise (−ln p)")), escape(_("100 %: no surprise"))
    bar = f"<i class='mg-scale' style='background:linear-gradient(90deg, {stops})'></i>"
    return f"<div class='mg-note'>{low}{bar}{high}</div>"


def probability_colours(probability: float) -> tuple[str, str]:
    """Background and text colour for a probability from 0 to 1: viridis' sister cividis, readable everywhere."""
    place = min(max(probability, 0.0), 1.0) * (len(PROBABILITY_SCALE) - 1)
    low = min(int(place), len(PROBABILITY_SCALE) - 2)
    pair = zip(PROBABILITY_SCALE[low], PROBABILITY_SCALE[low + 1], strict=True)
    red, green, blue = (round(a + (b - a) * (place - low)) for a, b in pair)
    ink = "#000000" if luminance(red, green, blue) > 0.179 else "#ffffff"  # where both contrasts are equal
    return f"#{red:02x}{green:02x}{blue:02x}", ink


def luminance(red: int, green: int, blue: int) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (red / 255, green / 255, blue / 255)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def blank() -> str:
    """What stands where a text would, of which nothing can be seen."""
    return _("(nothing but spaces and line breaks)")


def read_aloud(text: str) -> str:
    """A text for those who hear the page: signs for what cannot be seen, and not too long."""
    shown = "".join(c if c == " " else face(c) for c in text[:READ_ALOUD])
    return shown + ("…" if len(text) > READ_ALOUD else "")


def _tiles(line: Row, stoi: Mapping[str, int], counts: Mapping[str, int] | None) -> str:
    total = sum(counts.values()) if counts else None
    gap = "<span class='mg-t mg-gap'><b>.</b><i>.</i></span>" * line.offset

    @cache
    def parts(character: str) -> tuple[str, str]:
        count = counts.get(character, 0) if counts else None
        return _tile(character, stoi.get(character), count, total, line.ids_only)

    cells = []
    for place, character in enumerate(line.text):
        start, rest = parts(character)
        extra = (" mg-faint" if place in line.faint else "") + (" mg-ring" if place in line.rings else "")
        cells.append(f"{start}{extra}{rest}")
    return gap + "".join(cells)


def _tile(
    character: str, id_: int | None, count: int | None, total: int | None, ids_only: bool
) -> tuple[str, str]:
    """The HTML of a tile up to the end of its class names, and the rest."""
    tip = description(character, id_, count, total)
    if id_ is None:
        tip += f" · {_('not in the vocabulary')}"
    look = "mg-unknown" if id_ is None else f"mg-{kind(character)}"
    number_ = "?" if id_ is None else str(id_)
    shown = number_ if ids_only else face(character)
    long = " class='mg-long'" if len(shown) > 2 and not ids_only else ""
    below = "" if ids_only else f"<i>{number_}</i>"
    start = f"<span class='mg-t {look} {_twin(character)}"
    return start, f"' data-tip='{escape(tip)}'><b{long}><bdi>{escape(shown)}</bdi></b>{below}</span>"


def _coloured(character: str, probability: float | None, ring: bool) -> str:
    shown = " " if character == " " else face(character)
    line_break = "\n" if character == "\n" else ""
    mark = " mg-ring" if ring else ""
    if probability is None:
        return f"<span class='mg-given{mark}'><bdi>{escape(shown)}</bdi></span>{line_break}"
    background, ink = probability_colours(probability)
    tip = f"{name(character)} · {percent(probability, 1)}"
    look = f"style='--p:{background};--ink:{ink}' data-tip='{escape(tip)}'"
    return f"<span class='mg-p{mark}' {look}><bdi>{escape(shown)}</bdi></span>{line_break}"


def _twin(character: str) -> str:
    """The class that all tiles of one character share."""
    return f"mg-u{ord(character)}"


def _picture(body: str, label: str, characters: str) -> str:
    """`body` as one picture for screen readers, and the rule that lights a tile's twins anywhere on the page."""
    twins = sorted({_twin(c) for c in characters})
    rules = "".join(f"[data-testid=stMain]:has(.{t}:hover) .{t}{{box-shadow:var(--mg-lit)}}" for t in twins)
    style = f"<style>{rules}</style>" if rules else ""
    return f"<div role='img' translate='no' aria-label='{escape(label)}'>{body}{style}</div>"
