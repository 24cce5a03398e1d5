"""The opened part beside the drawing: what it does, its formula, settings, values, parameters and code."""

import math
from collections.abc import Callable
from typing import Any

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.data import get_batch
from minigpt_core.interpret.anatomy import IN_LAYERS, ModelPart
from minigpt_core.interpret.trace import Stage
from minigpt_core.model import GPT, MLP, Block, CausalSelfAttention, TinyGPT, make_norm, rotary_table, rotate
from minigpt_core.sampling import next_probabilities
from ui.components import show_code
from ui.components.kept import kept_fold
from ui.model import controls, drawn_model, model_diagram, value_pictures
from ui.model.explanations import explanation
from ui.model.formulas import formula, letters
from ui.model.part_names import part_title
from ui.model.traced_batch import TracedBatch
from ui.words.i18n import _, n_, number
from ui.words.tokens import escape, face

DRAWING_SHARE = (9, 11)

Source = Callable[..., Any]


def diagram_and_part(
    config: ModelConfig, parts: dict[str, ModelPart], batch_size: int, traced: TracedBatch | None
) -> None:
    """The drawing, and beside it the part that is open."""
    left, right = st.columns(DRAWING_SHARE, gap="medium")
    with left:
        model_diagram.draw(config, parts)
    with right.container(key="model_panel", gap="small"):
        _opened(config, parts, batch_size, traced)


def _opened(
    config: ModelConfig, parts: dict[str, ModelPart], batch_size: int, traced: TracedBatch | None
) -> None:
    part = parts.get(drawn_model.opened(), parts["embedding"])
    st.header(part_title(part.name, config))
    st.markdown(explanation(part.name, config, batch_size))
    controls.settings(part.name, config)
    if traced:
        _values(part, config, traced)
    folded = kept_fold(_("Go deeper: formula, parameters, code"), "model_deeper", icon=":material/functions:")
    if folded.open:
        with folded:
            _deeper(part, config, batch_size)


def _deeper(part: ModelPart, config: ModelConfig, batch_size: int) -> None:
    if latex := formula(part.name, config):
        st.latex(latex)
        if meaning := letters(latex, config, batch_size):
            st.caption(meaning)
    if part.parameters.shapes:
        st.html(_weights(part, config))
    _code(part, config)


def _weights(part: ModelPart, config: ModelConfig) -> str:
    """The parameters of a part: their names in the code and their shapes."""
    per_layer = part.name in IN_LAYERS and config.n_layer > 1
    count = n_("{n} parameter", "{n} parameters", part.parameters.count).format(
        n=number(part.parameters.count)
    )
    if per_layer:
        count = _("{parameters} in {n} layers; those of the first:").format(
            parameters=count, n=number(config.n_layer)
        )
    rows = "".join(
        f"<code>{escape(name)}</code><code>{escape(str(shape))}</code><span>{number(math.prod(shape))}</span>"
        for name, shape in part.parameters.shapes
    )
    return f"<div class='mg-label mg-plain'>{escape(count)}</div><div class='mg-weights'>{rows}</div>"


def _values(part: ModelPart, config: ModelConfig, traced: TracedBatch) -> None:
    """What really leaves this part for one character; for attention also where it looks."""
    stage = stage_of(part.name, traced.stages)
    if stage is None:
        return
    title = _("What leaves it for the character in place {place}:")
    if part.name == "layer":
        title = _("What leaves the last layer for the character in place {place}:")
    elif part.name in IN_LAYERS and config.n_layer > 1:
        title = _("What leaves it in the first layer, for the character in place {place}:")
    label, character = (
        escape(title.format(place=number(traced.place + 1))),
        escape(face(traced.text[traced.place])),
    )
    picture = value_pictures.glimpse(stage, traced.place, traced.target, traced.tokenizer)
    st.html(
        f"<div class='mg-label mg-plain'>{label} <b class='mg-last' translate='no'><bdi>{character}</bdi></b></div>"
        f"{picture}"
    )
    if stage.pattern is not None:
        label = escape(_("Where each head looks from there:"))
        picture = value_pictures.head_patterns(stage.pattern, traced.text, traced.place)
        st.html(f"<div class='mg-label mg-plain'>{label}</div>{picture}")


def stage_of(part: str, stages: list[Stage]) -> Stage | None:
    """What left a part, in the first layer for one that stands in layers; for the layers what left the last one."""
    if part == "layer":
        return next((stage for stage in reversed(stages) if stage.layer), None)
    return next((stage for stage in stages if stage.part == part), None)


def _code(part: ModelPart, config: ModelConfig) -> None:
    for source in sources(part.name, config):
        st.caption(show_code.where(source))
        st.code(show_code.source(source), language="python")


def sources(part: str, config: ModelConfig) -> tuple[Source, ...]:
    """The functions and classes of the core in which a part is written."""
    whole: tuple[Source, ...] = (TinyGPT,) if config.is_tinygpt else (GPT.forward,)
    if part in ("norm_1", "norm_2", "final_norm"):
        return (make_norm,)
    if part == "positions" and config.positions == "rotary":
        return rotary_table, rotate
    if part == "embedding" and config.token_shift:
        return GPT.rows_before, GPT.forward
    known: dict[str, tuple[Source, ...]] = {
        "characters": (get_batch,),
        "attention": (CausalSelfAttention,),
        "mlp": (MLP,),
        "layer": (Block,),
        "add_1": (Block.forward,),
        "add_2": (Block.forward,),
        "softmax": (next_probabilities,),
    }
    return known.get(part, whole)
