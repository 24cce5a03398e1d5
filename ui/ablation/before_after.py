"""Before and after: two losses, and two texts written with the same random numbers."""

import math

from minigpt_core.generation.continuation import Continuation
from ui.runs.health import loss_number
from ui.style import DONE, PROBLEM, REFERENCE
from ui.words import tokens
from ui.words.i18n import _, n_, number, signed
from ui.words.tokens import escape

DIGITS = 3  # of losses and their change: a part can be worth a few thousandths


def loss_figures(before: float, after: float, complete: str, now: str, alone: float | None = None) -> str:
    """Both losses under their labels, and the change between them: HTML for `st.html`.

    Args:
        alone: what the changes of several parts, each switched off alone, add up to.
    """
    change = round(after, DIGITS) - round(before, DIGITS)  # of the numbers beside it
    colour = REFERENCE if abs(change) < 0.1**DIGITS / 2 else PROBLEM if change > 0 else DONE
    shown = signed(change, DIGITS) if abs(change) < 1000 else signed(change, 0)
    figures = [
        (complete, precise(before), ""),
        (now, precise(after), ""),
        (_("change"), shown, f"style='--k:{colour}'"),
    ]
    if alone is not None:
        figures.append((_("each alone, added up"), signed(alone, DIGITS), ""))
    cells = "".join(
        f"<div><div class='mg-label'>{escape(label)}</div><div class='mg-n' {look}>{escape(value)}</div></div>"
        for label, value, look in figures
    )
    return f"<div class='mg-figures'>{cells}</div>"


def precise(loss: float) -> str:
    """A loss with as many digits as its changes; as on other pages once it is large."""
    return number(loss, DIGITS) if loss < 1000 or math.isinf(loss) else loss_number(loss)


def two_texts(prompt: str, titles: tuple[str, str], before: Continuation, after: Continuation) -> str:
    """Both texts one above the other, coloured by probability; a ring where they part."""
    apart = first_difference(before.text, after.text)
    pictures = (_text(title, prompt, one, apart) for title, one in zip(titles, (before, after), strict=True))
    return "".join(pictures) + _apart_words(apart, len(before.text))


def one_text(prompt: str, title: str, before: Continuation, hint: str) -> str:
    """One text, and room for another one that does not exist yet."""
    room = f"<div class='mg-without mg-room'>{escape(hint)}</div>"
    return _text(title, prompt, before, None) + room


def _text(title: str, prompt: str, one: Continuation, apart: int | None) -> str:
    rings = () if apart is None else (len(prompt) + apart,)
    probabilities = [None] * len(prompt) + list(one.probabilities)
    picture = tokens.coloured_by_probability(prompt + one.text, probabilities, label=title, rings=rings)
    picture = picture.replace(
        "</span>\n", "</span>"
    )  # the sign of a new line is enough: there is little room
    return f"<div class='mg-label mg-plain'>{escape(title)}</div><div class='mg-without'>{picture}</div>"


def first_difference(one: str, other: str) -> int | None:
    """The first place where two texts of one length differ; None if they do not."""
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), None)


def _apart_words(apart: int | None, length: int) -> str:
    if apart is None:
        words = n_(
            "The same {n} character both times: the same random numbers fell on the same characters.",
            "The same {n} characters both times: the same random numbers fell on the same characters.",
            length,
        ).format(n=number(length))
    elif apart == 0:
        words = _("The same random numbers both times; the texts part at once.")
    else:
        words = n_(
            "The same random numbers both times; the texts part at the ring, after {n} character.",
            "The same random numbers both times; the texts part at the ring, after {n} characters.",
            apart,
        ).format(n=number(apart))
    return f"<div class='mg-note'>{escape(words)}</div>"
