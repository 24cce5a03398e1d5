"""The pictures of the Model page: numbers in, safe HTML out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.anatomy import ModelPart, total_memory
from minigpt_core.interpret.trace import Stage
from minigpt_core.memory import TrainingMemory
from minigpt_core.tokenizer import CharTokenizer
from ui.model.words import title
from ui.style import PROBLEM, TRAIN
from ui.words.i18n import _, file_size, n_, number, percent
from ui.words.tokens import escape, face, name

WRITTEN = 4  # numbers of a strip that are also written out
LIKELIEST = 4


def figures(pairs: Sequence[tuple[str, str]]) -> str:
    """Large numbers in a row: (label as HTML, number)."""
    cells = "".join(
        f"<div><div class='mg-label'>{label}</div><div class='mg-n'>{escape(value)}</div></div>"
        for label, value in pairs
    )
    return f"<div class='mg-figures mg-totals'>{cells}</div>"


def strip(values: Tensor) -> str:
    """Numbers as colours: blue above 0, orange below, strongest for the largest of the strip."""
    highest = max(float(values.abs().max()), 1e-12)
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


def written(values: Tensor) -> str:
    """The first numbers as text."""
    digits = 2 if float(values.abs().max()) >= 0.1 else 4
    shown = "  ".join(number(float(value), digits) for value in values[:WRITTEN])
    return escape(shown + (" …" if len(values) > WRITTEN else ""))


def glimpse(stage: Stage, place: int, target: int, tokenizer: CharTokenizer) -> str:
    """The values of one character at one stage; `target` is the id that really comes next."""
    values = stage.values[place]
    if stage.part == "softmax":
        return likeliest(values, target, tokenizer)
    return strip(values) + f"<div class='mg-written'>{written(values)}</div>"


def likeliest(probabilities: Tensor, target: int, tokenizer: CharTokenizer) -> str:
    """The characters that are most likely to come next, and the one that really does."""
    best = probabilities.topk(min(LIKELIEST, len(probabilities))).indices.tolist()
    cells = "".join(_chance(id_, probabilities, tokenizer) for id_ in best)
    really = f"{escape(_('really next:'))} {_chance(target, probabilities, tokenizer)}"
    return f"<div class='mg-likeliest'>{cells} … <span>{really}</span></div>"


def _chance(id_: int, probabilities: Tensor, tokenizer: CharTokenizer) -> str:
    shown = escape(face(tokenizer.characters[id_]))
    return f"<span><b><bdi translate='no'>{shown}</bdi></b> {escape(percent(float(probabilities[id_]), 1))}</span>"


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
            f"data-tip='{escape(name(c))} · {escape(percent(float(p), 1))}'>"
            f"<bdi translate='no'>{escape(face(c))}</bdi></span>"
            for c, p in zip(text, row, strict=False)
        )
        title = escape(_("head {n}").format(n=number(head)))
        lines.append(f"<div class='mg-label mg-plain'>{title}</div><div class='mg-looks'>{cells}</div>")
    return f"<div class='mg-heads'>{''.join(lines)}</div>"


def path(
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
    words = title(part, config)
    return _("layer {n}: {part}").format(n=number(layer), part=words) if layer else words


@dataclass(frozen=True)
class Cost:
    """A row of the table of costs."""

    title: str
    parameters: int
    memory: int
    """Bytes for weights, gradients and optimizer."""

    operations: int


def costs(parts: Mapping[str, ModelPart], config: ModelConfig, batch_size: int) -> str:
    """What each part costs: parameters with a bar, memory, operations for one character; then what the batch keeps,
    and all together."""
    lines, kept = cost_rows(parts, config), total_memory(parts)
    total, work = sum(line.parameters for line in lines), sum(line.operations for line in lines)
    heads = (_("part"), _("parameters"), "", _("memory"), _("operations a character"), "")
    cells = [f"<div class='mg-label mg-plain'>{escape(head)}</div>" for head in heads]
    for line in lines:
        cells += [_cell(line.title), _cell(number(line.parameters)), _bar(line.parameters, total)]
        cells += [_cell(file_size(line.memory)), _cell(number(line.operations)), _bar(line.operations, work)]
    batch = n_(
        "numbers in between, for a batch of {n} row",
        "numbers in between, for a batch of {n} rows",
        batch_size,
    ).format(n=number(batch_size))
    cells += [_cell(batch), "<div></div>" * 2, _cell(file_size(kept.activations)), "<div></div>" * 2]
    together = (_("together"), number(total), "", file_size(kept.total), number(work), "")
    cells += [f"<div><b>{escape(value)}</b></div>" for value in together]
    return f"<div class='mg-costs'>{''.join(cells)}</div>"


def _cell(value: str) -> str:
    return f"<div>{escape(value)}</div>"


def cost_rows(parts: Mapping[str, ModelPart], config: ModelConfig) -> list[Cost]:
    """Each part that has parameters or works; all norms together."""
    lines = [
        _cost(title(name, config), [parts[name]])
        for name in ("embedding", "positions", "attention", "mlp", "output")
        if parts[name].present
    ]
    norms = [parts[name] for name in ("norm_1", "norm_2", "final_norm")]
    if any(norm.present for norm in norms):
        lines.insert(-1, _cost(_("Norms"), norms))
    return lines


def _cost(title: str, parts: Sequence[ModelPart]) -> Cost:
    kept = sum((part.memory for part in parts), TrainingMemory())
    parameters = sum(part.parameters.count for part in parts)
    operations = sum(part.flops for part in parts)
    return Cost(title, parameters, kept.total - kept.activations, operations)


def _bar(value: int, total: int) -> str:
    share = value / total if total else 0.0
    tip = escape(percent(share, 1))
    return f"<div class='mg-share' data-tip='{tip}'><i style='width:{100 * share:.1f}%'></i></div>"
