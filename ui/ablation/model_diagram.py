"""The drawing of the model: click a part to switch it off, click again to bring it back."""

from collections.abc import Collection, Mapping
from typing import Literal

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.ablation import Component, components_of
from ui.ablation import switched_off
from ui.words.i18n import _
from ui.words.tokens import escape

KIND_COLOURS = {
    "token_shift": "#E69F00", "positions": "#009E73", "layer": "#7A7A7A", "head": "#56B4E9", "mlp": "#CC79A7"
}  # fmt: skip
"""Okabe and Ito's, for the kinds of parts."""

MOST_IN_SIGHT = 5  # layers; more of them scroll


def draw(config: ModelConfig, off: Collection[Component], changes: Mapping[Component, float]) -> None:
    """The way through the model from top to bottom.

    Args:
        off: what is switched off.
        changes: what the loss gains without each part, as far as it was measured: shown as the length of a bar.
    """
    parts = components_of(config)
    with st.container(key="ablation_drawing", gap=None):
        st.html(_fixed(_("Characters")))
        _arrow()
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.html(_fixed(_("Embedding")), width="content")
            if config.token_shift:
                st.html("<b>+</b>", width="content")
                _button(Component("token_shift"), parts, off, _("Character before"), width=160)
            if config.positions == "rotary":
                _button(Component("positions"), parts, off, _("Positions (in the attention)"), width=230)
            elif config.positions == "learned":
                st.html("<b>+</b>", width="content")
                _button(Component("positions"), parts, off, _("Positions"), width=120)
        _arrow()
        tall = config.n_layer > MOST_IN_SIGHT
        with st.container(height=360 if tall else "content", border=False, gap=None, key="ablation_layers"):
            for layer in range(config.n_layer):
                _layer(layer, parts, off)
                _arrow()
        st.html(_fixed(_("Output layer")))
        st.html(_shares(changes))


def _layer(layer: int, parts: Collection[Component], off: Collection[Component]) -> None:
    whole = Component("layer", layer)
    gone = "off" if whole in off else "on"
    with st.container(key=f"ablation_layer_{layer}_{gone}", gap="xxsmall"):
        title = switched_off.part_title(whole)
        named = title if layer else _("{layer} (Transformer block)").format(layer=title)
        _button(whole, parts, off, named)
        with st.container(horizontal=True, gap="xxsmall"):
            for part in parts:
                if part.layer == layer and part.kind in ("head", "mlp"):
                    _button(part, parts, off, switched_off.short_part_title(part))


def _button(
    part: Component,
    parts: Collection[Component],
    off: Collection[Component],
    label: str,
    width: int | Literal["stretch"] = "stretch",
) -> None:
    is_off = part in off
    st.button(
        f"~~{label}~~" if is_off else label,
        key=_key(part),
        type="tertiary" if is_off else "secondary",
        on_click=switched_off.toggle,
        args=(part, parts),
        width=width,
        wrap=False,
    )


def _key(part: Component) -> str:
    return f"ablation_part_{part.kind}_{part.layer}_{part.head}"


def _fixed(title: str) -> str:
    return f"<div class='mg-fixed'>{escape(title)}</div>"


def _arrow() -> None:
    st.html("<div class='mg-arrow' aria-hidden='true'></div>")


def _shares(changes: Mapping[Component, float]) -> str:
    """In each part a bar: how much it is missed, beside the part that is missed most."""
    most = max([*changes.values(), 1e-9])
    rules = "".join(
        f".st-key-{_key(part)} button{{--share:{max(100 * change / most, 0):.1f}%;--k:{KIND_COLOURS[part.kind]}}}"
        for part, change in changes.items()
    )
    return f"<style>{rules}</style>"
