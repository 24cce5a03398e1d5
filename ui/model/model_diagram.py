"""The drawing of the model. It is the control: each part opens, and what has a size has a "−" and a "+"."""

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.anatomy import ModelPart, Shape
from ui.model import drawn_model
from ui.model.part_names import part_title
from ui.settings.table import value_words
from ui.words.i18n import N_, _, n_, number
from ui.words.tokens import escape

STEP_WORDS = {
    "n_layer": (N_("Fewer layers"), N_("More layers")),
    "n_head": (N_("Fewer heads"), N_("More heads")),
    "n_embd": (N_("Fewer numbers a character"), N_("More numbers a character")),
}
NO_STEP = N_("There is no further size that fits the rest of the model.")
SIZED = {"embedding": "n_embd", "layer": "n_layer", "attention": "n_head"}


def draw(config: ModelConfig, parts: dict[str, ModelPart]) -> None:
    """The whole model from the characters at the top to the probabilities at the bottom."""
    with st.container(key="model_drawing", gap=None):
        for name in ("characters", "embedding", "positions"):
            _part(config, parts[name])
            _arrow(config, parts[name].shape)
        _layers(config, parts)
        _arrow(config, parts["layer"].shape)
        if parts["final_norm"].present:
            _part(config, parts["final_norm"])
            _arrow(config, parts["final_norm"].shape)
        _part(config, parts["output"])
        _arrow(config, parts["output"].shape)
        _part(config, parts["softmax"])
        st.html(_shares(parts))


def _layers(config: ModelConfig, parts: dict[str, ModelPart]) -> None:
    with st.container(key=f"model_layer_{'there' if config.n_layer else 'none'}", gap=None):
        _part(config, parts["layer"])
        if config.n_layer:
            _half(config, parts, ("norm_1", "attention", "add_1"))
            _arrow(config, parts["layer"].shape)
            _half(config, parts, ("norm_2", "mlp", "add_2"))


def _half(config: ModelConfig, parts: dict[str, ModelPart], names: tuple[str, str, str]) -> None:
    """A part of a layer with its norm before it, and the shortcut around both."""
    norm, main, add = (parts[name] for name in names)
    with st.container(key=f"model_half_{main.name}_{'around' if add.present else 'straight'}", gap=None):
        if norm.present:
            _part(config, norm)
            _arrow(config, norm.shape)
        _part(config, main)
        if add.present:
            _arrow(config, main.shape)
            _part(config, add)


def _part(config: ModelConfig, part: ModelPart) -> None:
    """One row: its name and number of parameters, to be opened; and its size, to be changed."""
    opened = drawn_model.opened() == part.name
    with st.container(
        key=f"model_row_{part.name}", horizontal=True, gap="xxsmall", vertical_alignment="center", wrap=False
    ):
        st.button(
            _label(config, part),
            key=f"model_open_{part.name}",
            type="primary" if opened else "secondary" if part.present else "tertiary",
            on_click=drawn_model.open_part,
            args=(part.name,),
            width="stretch",
            wrap=False,
        )
        if part.name in SIZED and (part.present or part.name == "layer"):
            _stepper(SIZED[part.name])


def _label(config: ModelConfig, part: ModelPart) -> str:
    name = f"**{part_title(part.name, config)}**" if part.present else part_title(part.name, config)
    return f"{name} :small[{_detail(config, part)}]"


def _detail(config: ModelConfig, part: ModelPart) -> str:
    if not part.present:
        return _("not there yet")
    if part.name == "positions":
        kind = value_words("positions", config.positions)
        return f"{kind} · {number(part.parameters.count)}" if part.parameters.count else kind
    if part.name == "output" and not part.parameters.count:
        return _("shared with the embedding")
    if part.name == "softmax":
        return _("→ probabilities")
    if part.name.startswith("add"):
        return _("adds what came in")
    if part.name == "layer":
        return ""
    if not part.parameters.shapes:
        return ""
    return n_("{n} parameter", "{n} parameters", part.parameters.count).format(
        n=number(part.parameters.count)
    )


def _stepper(name: str) -> None:
    fields = drawn_model.drawn_fields()
    for direction, sign in ((-1, "−"), (1, "+")):
        possible = drawn_model.next_size(fields, name, direction) is not None
        st.button(
            sign,
            key=f"model_{name}_{'more' if direction > 0 else 'fewer'}",
            help=_(STEP_WORDS[name][direction > 0]) if possible else _(NO_STEP),
            on_click=drawn_model.step_size,
            args=(name, direction),
            disabled=not possible,
        )
        if direction < 0:
            st.html(f"<div class='mg-size'>{escape(_size(name, fields[name]))}</div>", width="content")


def _size(name: str, value: int) -> str:
    if name == "n_layer":
        return "× " + number(value)
    if name == "n_head":
        return n_("{n} head", "{n} heads", value).format(n=number(value))
    return n_("{n} number", "{n} numbers", value).format(n=number(value))


def _arrow(config: ModelConfig, shape: Shape) -> None:
    tip = escape(shape_words(config, shape))
    st.html(f"<div class='mg-arrow' tabindex='0' data-tip='{tip}'>{shape_text(shape)}</div>")


def shape_text(shape: Shape) -> str:
    """(4, 32, 64), as PyTorch writes it."""
    return str(tuple(shape))


def shape_words(config: ModelConfig, shape: Shape) -> str:
    """What each number of a shape counts."""
    words = [
        n_("{n} row", "{n} rows", shape[0]).format(n=number(shape[0])),
        n_("{n} character", "{n} characters", shape[1]).format(n=number(shape[1])),
    ]
    if len(shape) == 3 and shape[2] == config.n_embd and shape[2] != config.vocab_size:
        words.append(n_("{n} number for each", "{n} numbers for each", shape[2]).format(n=number(shape[2])))
    elif len(shape) == 3:
        words.append(n_("{n} score for each", "{n} scores for each", shape[2]).format(n=number(shape[2])))
    return " × ".join(words)


def _shares(parts: dict[str, ModelPart]) -> str:
    """Behind each part a bar: its share of all parameters."""
    total = sum(part.parameters.count for part in parts.values())
    rules = "".join(
        f".st-key-model_open_{part.name} button{{--share:{100 * part.parameters.count / total:.1f}%}}"
        for part in parts.values()
        if part.parameters.count
    )
    return f"<style>{rules}</style>"
