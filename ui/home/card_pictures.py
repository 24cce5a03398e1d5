"""The small pictures inside the stations: numbers and text in, safe HTML out. Charts are drawn with CSS alone."""

import re
from collections.abc import Sequence

from minigpt_core.tokenizer import CharTokenizer
from ui.batches.batch_pictures import text_bar
from ui.words import tokens
from ui.words.i18n import _, number, percent
from ui.words.tokens import escape

BEGINNING = 70  # characters
ID_TILES = 6
PROMPT_TILES = 6
NEW_LINE = "\n"
LINE_WIDTH = 4.5  # per cent of the curve's height


def card(label: str, figure: str, unit: str, picture: str, sentence: str, look: str = "") -> str:
    """A station: what it is, its number, a picture and one line. All but `picture` is plain text.

    Args:
        look: "done" for a green edge and a tick, "next" for a blue ring, "problem", or nothing.
    """
    signs = {"done": "✓", "next": _("next"), "problem": "!"}
    sign = f"<span class='mg-sign'>{escape(signs[look])}</span>" if look else ""
    small = f" <small>{escape(unit)}</small>" if unit else ""
    head = f"<div class='mg-n'><bdi translate='no'>{escape(figure)}</bdi>{small}</div>" if figure else ""
    return (
        f"<div class='mg-stop{f' mg-{look}' if look else ''}'><div class='mg-label'>{escape(label)}{sign}</div>{head}"
        f"<div class='mg-pic'>{picture}</div><div class='mg-s'>{escape(sentence)}</div></div>"
    )


def beginning(text: str) -> str:
    """How the text begins."""
    shown = " ".join(text[: 2 * BEGINNING].split())[:BEGINNING]
    more = "…" if len(text) > len(shown) else ""
    return f"<div class='mg-begin'><bdi translate='no'>{escape(tokens.visible(shown))}{more}</bdi></div>"


def ids(text: str, tokenizer: CharTokenizer) -> str:
    """The first characters of the text, each with its id."""
    return tokens.strip(text[:ID_TILES], tokenizer.stoi, label=_("The first characters and their ids"))


def windows(text: str, n_train: int, places: Sequence[int], block_size: int) -> str:
    """Where one batch falls in the text."""
    return f"<div class='mg-small'>{text_bar(text, n_train, places, block_size)}</div>"


def curve(losses: Sequence[float], highest: float) -> str:
    """The loss so far as a falling line, from 0 at the bottom to `highest` at the top."""
    if len(losses) < 2:
        return empty()
    heights = [100 * (1 - min(loss / highest, 1)) for loss in losses]  # from above, in per cent
    across = [100 * i / (len(losses) - 1) for i in range(len(losses))]
    line = ", ".join(f"{x:.1f}% {y:.1f}%" for x, y in zip(across, heights, strict=True))
    back = zip(reversed(across), reversed(heights), strict=True)
    under = ", ".join(f"{x:.1f}% {y + LINE_WIDTH:.1f}%" for x, y in back)
    words = escape(_("The loss so far on the text it learns from: from {first} to {last}").format(
        first=number(losses[0], 2), last=number(losses[-1], 2)))  # fmt: skip
    return (
        f"<div class='mg-curve' role='img' aria-label='{words}'>"
        f"<i style='clip-path:polygon({line}, 100% 100%, 0% 100%)'></i>"
        f"<b style='clip-path:polygon({line}, {under})'></b></div>"
    )


def prompt(text: str, tokenizer: CharTokenizer, sees_all: bool) -> str:
    """The end of a prompt; if the model looks at its last character only, that has a ring."""
    shown = prompt_end(text)
    last = len(shown) - 1
    if sees_all:
        tiles = tokens.strip(
            shown, tokenizer.stoi, label=_("The end of the prompt; the model sees all of it")
        )
    else:
        label = _("The end of the prompt; the model sees its last character")
        tiles = tokens.strip(shown, tokenizer.stoi, label=label, faint=range(last), rings=[last])
    within_a_word = text.removesuffix(shown)[-1:].strip()
    cut = "<span class='mg-note'>…</span>" if within_a_word else ""
    return f"<div class='mg-tail'>{cut}{tiles}</div>"


def prompt_end(text: str) -> str:
    """As many characters as there is room for, from the begin of a word on if one begins there: not "atin,"."""
    begins = [word.start() for word in re.finditer(r"\S+", text) if len(text) - word.start() <= PROMPT_TILES]
    return text[begins[0] :] if begins else text[1 - PROMPT_TILES :]


def bars(pairs: Sequence[tuple[str, float]]) -> str:
    """The likeliest next characters, the tallest bar first."""
    highest = max(probability for _character, probability in pairs)
    columns = "".join(
        f"<span data-tip='{escape(_probability(c, p))}'><i style='height:{100 * p / highest:.0f}%'></i>"
        f"<b>{escape(tokens.face(c))}</b></span>"
        for c, p in pairs
    )
    aloud = escape("; ".join(_probability(c, p) for c, p in pairs))
    return f"<div class='mg-bars' role='img' aria-label='{aloud}'>{columns}</div>"


def sample(text: str, after: str | None = None) -> str:
    """What the model wrote.

    Args:
        after: the prompt, in bold before it, or "". All of it is in one piece then, with a sign for every new line.
    """
    if not text.strip(" \n…"):
        text = tokens.blank() if after is None else f" {tokens.blank()}"
    if after is None:
        return f"<div class='mg-says'><bdi translate='no'>{escape(tokens.visible(text))}</bdi></div>"
    given, written = (
        escape(tokens.visible(part).replace(NEW_LINE, tokens.face(NEW_LINE))) for part in (after, text)
    )
    return f"<div class='mg-says'><bdi translate='no'><b>{given}</b>{written}</bdi></div>"


def empty() -> str:
    """Where a picture will be."""
    return "<div class='mg-empty'></div>"


def share(probability: float) -> str:
    """As short as possible, but "100 %" only if it is."""
    return percent(probability, 1 if 0.99 <= probability < 0.9995 else 0)


def _probability(character: str, probability: float) -> str:
    return f"{tokens.name(character)}: {percent(probability, 1)}"
