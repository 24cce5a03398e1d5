"""What each part of the drawn model costs: parameters, memory, operations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.anatomy import ModelPart, total_memory
from minigpt_core.memory import TrainingMemory
from ui.model import drawn_model
from ui.model.part_names import part_title
from ui.settings.table import value_words
from ui.words.i18n import _, file_size, n_, number, percent
from ui.words.tokens import escape


def section(config: ModelConfig, parts: dict[str, ModelPart], batch_size: int) -> None:
    """What each part costs."""
    st.header(_("Where are the parameters and the work?"))
    st.html(cost_table(parts, config, batch_size))
    st.caption(_memory_words(config, parts) + " " + _work_words(config, parts, batch_size))


def _memory_words(config: ModelConfig, parts: dict[str, ModelPart]) -> str:
    """What lies in memory during a step, and why so much."""
    kept, most = total_memory(parts), max(parts.values(), key=lambda part: part.memory.activations)
    sentence = _(
        "Memory in training, 4 bytes a number: weights {weights}, gradients {gradients}, the optimizer {name} "
        "{optimizer}. To find the gradients, a step goes back the way it came: until then {batch} of the numbers in "
        "between are kept, {share} of them in “{part}”. What is needed only for a moment comes on top."
    ).format(
        weights=file_size(kept.parameters),
        gradients=file_size(kept.gradients),
        name=value_words("optimizer", drawn_model.optimizer()),
        optimizer=file_size(kept.optimizer),
        batch=file_size(kept.activations),
        share=percent(most.memory.activations / kept.activations),
        part=part_title(most.name, config),
    )
    if not config.dropout:
        return sentence
    block = number(config.block_size)
    more = _(
        "Dropout makes attention keep the whole pattern of every row and head, {block} × {block} numbers; without it, "
        "it keeps none of them."
    )
    return f"{sentence} {more.format(block=block)}"


def _work_words(config: ModelConfig, parts: dict[str, ModelPart], batch_size: int) -> str:
    """What is counted as work, and how much of it a step is."""
    characters = batch_size * config.block_size
    work = sum(part.flops for part in parts.values())
    return _(
        "Operations: multiplications and additions of the matrix products for one character, forward. Training takes "
        "about three times as many a character, and a step has {rows} × {block} = {n} characters: about {total} "
        "operations."
    ).format(
        rows=number(batch_size),
        block=number(config.block_size),
        n=number(characters),
        total=large(3 * work * characters),
    )


def large(n: float) -> str:
    """12345678 → "12.3 million": a number of which only the size matters."""
    if n < 1e6:
        return number(n, 0)
    if n < 1e9:
        return n_("{n} million", "{n} million", int(n / 1e6)).format(n=number(n / 1e6, 1))
    return n_("{n} billion", "{n} billion", int(n / 1e9)).format(n=number(n / 1e9, 1 if n < 1e11 else 0))


@dataclass(frozen=True)
class Cost:
    """A row of the table of costs."""

    title: str
    parameters: int
    memory: int
    """Bytes for weights, gradients and optimizer."""

    operations: int


def cost_table(parts: Mapping[str, ModelPart], config: ModelConfig, batch_size: int) -> str:
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
        _cost(part_title(name, config), [parts[name]])
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
