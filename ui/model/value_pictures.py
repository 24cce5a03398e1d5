"""The values that leave the parts of a model, as pictures: numbers in, safe HTML out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.trace import Stage
from minigpt_core.tokenizer import CharTokenizer
from ui.model.part_names import part_title
from ui.style import PROBLEM, TRAIN
from ui.words.i18n import _, number, percent
from ui.words.tokens import escape, face, name

WRITTEN = 4  # numbers of a strip that are also written out
LIKELIEST = 4

Numbers = NDArray[np.float32]


def strip(values: Numbers) -> str:
    """Numbers as colours: blue above 0, orange below, strongest for the largest of the strip."""
    highest = max(float(np.abs(values).max()), 1e-12)
    width = 100 / len(values)
    stops = ", ".join(
        f"{colour(float(value) / highest)} {i * width:.2f}% {(i + 1) * width:.2f}%"
        for i, value in enumerate(values)
    )
    words = ", ".join(number(float(value), 2) for value in values[:8])
    label = escape(_("The first numbers: {numbers}").format(numbers=words))
    look = f"background:linear-gradient(90deg, {stops})"
    return f"<div class='mg-numbers' role='img' aria-label='{label}' style='{look}'></div>"


def colour(share: float) -> str:
    """From -1 (orange) over 0 (nothing) to 1 (blue)."""
    return f"{TRAIN if share > 0 else PROBLEM}{round(230 * abs(share)):02x}"


def written(values: Numbers) -> str:
    """The first numbers as text."""
    digits = 2 if float(np.abs(values).max()) >= 0.1 else 4
    shown = "  ".join(number(float(value), digits) for value in values[:WRITTEN])
    return escape(shown + (" …" if len(values) > WRITTEN else ""))


def glimpse(stage: Stage, place: int, target: int, tokenizer: CharTokenizer) -> str:
    """The values of one character at one stage; `target` is the id that really comes next."""
    values = stage.values[place]
    if stage.part == "softmax":
        return likeliest(values, target, tokenizer)
    return strip(values) + f"<div class='mg-written'>{written(values)}</div>"


def likeliest(probabilities: Numbers, target: int, tokenizer: CharTokenizer) -> str:
    """The characters that are most likely to come next, and the one that really does."""
    best = np.argsort(-probabilities, kind="stable")[:LIKELIEST].tolist()
    cells = "".join(_chance(id_, probabilities, tokenizer) for id_ in best)
    really = f"{escape(_('really next:'))} {_chance(target, probabilities, tokenizer)}"
    return f"<div class='mg-likeliest'>{cells} … <span>{really}</span></div>"


def _chance(id_: int, probabilities: Numbers, tokenizer: CharTokenizer) -> str:
    shown = escape(face(tokenizer.characters[id_]))
    return f"<span><b><bdi translate='no'>{shown}</bdi></b> {escape(percent(float(probabilities[id_]), 1))}</span>"


def head_patterns(pattern: Numbers, text: str, place: int) -> str:
    """For each head, the characters up to `place`, the darker the more is taken over from them.

    Args:
        pattern: (nh, T, T).
        text: T characters.
    """
    lines = []
    for head, row in enumerate(pattern[:, place, : place + 1], start=1):
        highest = float(row.max())
        cells = "".join(
            f"<span style='background:{TRAIN}{round(150 * float(p) / highest):02x}' "
            f"data-tip='{escape(name(c))} · {escape(percent(float(p), 1))}'>"
            f"<bdi translate='no'>{escape(face(c))}</bdi></span>"
            for c, p in zip(text, row, strict=False)
        )
        title = escape(_("head {n}").format(n=number(head)))
        lines.append(f"<div class='mg-label mg-plain'>{title}</div><div class='mg-looks'>{cells}</div>")
    return f"<div class='mg-heads'>{''.join(lines)}</div>"


def trace_lines(
    stages: Sequence[Stage], config: ModelConfig, tokenizer: CharTokenizer, id_: int, target: int, place: int
) -> str:
    """Every stage of one character, one line each: name, shape, values.

    Args:
        id_: of the character.
        target: the id that really comes next.
        place: of the character in its row, counted from 0.
    """
    character = f"<b><bdi translate='no'>{escape(face(tokenizer.characters[id_]))}</bdi></b>"
    begin = f"<div class='mg-likeliest'><span>{character} {escape(_('id {n}').format(n=id_))}</span></div>"
    lines = [(_stage_title("characters", 0, config), stages[0].shape[:2], begin)]
    for stage in stages:
        values = glimpse(stage, place, target, tokenizer)
        lines.append((_stage_title(stage.part, stage.layer, config), stage.shape, values))
    cells = "".join(
        f"<div>{escape(words)}</div><code>{escape(str(shape))}</code><div class='mg-glimpse'>{values}</div>"
        for words, shape, values in lines
    )
    return f"<div class='mg-path'>{cells}</div>"


def _stage_title(part: str, layer: int, config: ModelConfig) -> str:
    if part == "layer":
        return _("after layer {n}").format(n=number(layer))
    words = part_title(part, config)
    return _("layer {n}: {part}").format(n=number(layer), part=words) if layer else words
