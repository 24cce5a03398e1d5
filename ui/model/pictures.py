"""The pictures of the Model page: numbers in, safe HTML out."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from minigpt_core.model import ModelConfig
from minigpt_core.tokenizer import CharTokenizer
from ui.i18n import _, file_size, number, percent
from ui.model.anatomy import Part, memory
from ui.model.follow import Stage
from ui.model.words import title
from ui.style import PROBLEM, TRAIN
from ui.tokens import escape, face, name

WRITTEN = 4  # numbers of a strip that are also written out
LIKELIEST = 4
PLOTTED_CHARACTERS = 64


def figures(pairs: Sequence[tuple[str, str, str]]) -> str:
    """Large numbers in a row: (label as HTML, number, unit or what it is made of)."""
    cells = "".join(
        f"<div><div class='mg-label'>{label}</div><div class='mg-n'>{escape(value)} <small>{escape(more)}</small></div></div>"
        for label, value, more in pairs
    )
    return f"<div class='mg-figures mg-live'>{cells}</div>"


def strip(values: Tensor) -> str:
    """Numbers as colours: blue above 0, orange below, strongest for the largest of the strip."""
    highest = max(float(values.abs().max()), 1e-12)
    width = 100 / len(values)
    stops = ", ".join(
        f"{colour(float(value) / highest)} {i * width:.2f}% {(i + 1) * width:.2f}%" for i, value in enumerate(values)
    )
    words = ", ".join(number(float(value), 2) for value in values[:8])
    label = escape(_("The first numbers: {numbers}").format(numbers=words))
    return f"<div class='mg-numbers' role='img' aria-label='{label}' style='background:linear-gradient(90deg, {stops})'></div>"


def colour(share: float) -> str:
    """From -1 (orange) over 0 (nothing) to 1 (blue)."""
    return f"{TRAIN if share > 0 else PROBLEM}{round(230 * abs(share)):02x}"


def written(values: Tensor) -> str:
    """The first numbers as text."""
    digits = 2 if float(values.abs().max()) >= 0.1 else 4
    shown = "  ".join(number(float(value), digits) for value in values[:WRITTEN])
    return escape(shown + (" …" if len(values) > WRITTEN else ""))


def glimpse(stage: Stage, place: int, tokenizer: CharTokenizer) -> str:
    """The values of one character at one stage."""
    values = stage.values[place]
    if stage.part == "softmax":
        return likeliest(values, tokenizer)
    return strip(values) + f"<div class='mg-written'>{written(values)}</div>"


def likeliest(probabilities: Tensor, tokenizer: CharTokenizer) -> str:
    """The characters that are most likely to come next, with bars."""
    best = probabilities.topk(min(LIKELIEST, len(probabilities)))
    cells = "".join(
        f"<span><b><bdi>{escape(face(tokenizer.characters[int(i)]))}</bdi></b> {escape(percent(float(p), 1))}</span>"
        for p, i in zip(best.values, best.indices, strict=True)
    )
    return f"<div class='mg-likeliest'>{cells} …</div>"


def looks(pattern: Tensor, text: str, place: int) -> str:
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
            f"data-tip='{escape(name(c))} · {escape(percent(float(p), 1))}'><bdi>{escape(face(c))}</bdi></span>"
            for c, p in zip(text, row, strict=False)
        )
        title = escape(_("head {n}").format(n=number(head)))
        lines.append(f"<div class='mg-label mg-plain'>{title}</div><div class='mg-looks'>{cells}</div>")
    return f"<div class='mg-heads'>{''.join(lines)}</div>"


def path(
    stages: Sequence[Stage], config: ModelConfig, tokenizer: CharTokenizer, ids: Sequence[int], place: int
) -> str:
    """Every stage of one character, one line each: name, shape, values."""
    first = (
        _stage_title("characters", 0, config),
        str((stages[0].shape[0], stages[0].shape[1])),
        f"<div class='mg-likeliest'><span><b><bdi>{escape(face(tokenizer.characters[ids[place]]))}</bdi></b> "
        f"{escape(_('id {n}').format(n=ids[place]))}</span></div>",
    )
    lines = [first] + [
        (_stage_title(stage.part, stage.layer, config), str(stage.shape), glimpse(stage, place, tokenizer)) for stage in stages
    ]
    cells = "".join(
        f"<div>{escape(name)}</div><code>{escape(shape)}</code><div class='mg-glimpse'>{values}</div>" for name, shape, values in lines
    )
    return f"<div class='mg-path'>{cells}</div>"


def _stage_title(part: str, layer: int, config: ModelConfig) -> str:
    if part == "layer":
        return _("after layer {n}").format(n=number(layer))
    words = title(part, config)
    return _("layer {n}: {part}").format(n=number(layer), part=words) if layer else words


def costs(parts: Mapping[str, Part], config: ModelConfig) -> str:
    """What each part costs: parameters with a bar, memory, operations for one character."""
    total = sum(part.parameters for part in parts.values())
    work = sum(part.operations for part in parts.values())
    heads = (_("part"), _("parameters"), "", _("memory"), _("operations a character"), "")
    lines = "".join(
        f"<div>{escape(words)}</div><div>{number(parameters)}</div>{_bar(parameters, total)}"
        f"<div>{escape(file_size(memory(parameters).total))}</div><div>{number(operations)}</div>{_bar(operations, work)}"
        for words, parameters, operations in cost_rows(parts, config)
    )
    titles = "".join(f"<div class='mg-label mg-plain'>{escape(head)}</div>" for head in heads)
    return f"<div class='mg-costs'>{titles}{lines}</div>"


def cost_rows(parts: Mapping[str, Part], config: ModelConfig) -> list[tuple[str, int, int]]:
    """(name, parameters, operations) of each part that has any; all norms together."""
    norms = [parts[name] for name in ("norm_1", "norm_2", "final_norm")]
    rows = [
        (title(name, config), parts[name].parameters, parts[name].operations)
        for name in ("embedding", "positions", "attention", "mlp", "output")
        if parts[name].there
    ]
    if any(norm.there for norm in norms):
        rows.insert(-1, (_("Norms"), sum(norm.parameters for norm in norms), 0))
    return rows


def _bar(value: int, total: int) -> str:
    share = value / total if total else 0.0
    return f"<div class='mg-share' data-tip='{escape(percent(share, 1))}'><i style='width:{100 * share:.1f}%'></i></div>"
