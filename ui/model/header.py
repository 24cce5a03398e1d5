"""The title of the Model page with live totals, and what the drawn model is in a sentence."""

from collections.abc import Sequence

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.anatomy import ModelPart, total_memory
from ui.model import controls, drawn_model
from ui.model.part_names import model_title
from ui.words import glossary
from ui.words.i18n import _, file_size, number
from ui.words.tokens import escape, escape_markdown


def header(config: ModelConfig, parts: dict[str, ModelPart]) -> None:
    """The title, the live totals, and what this model is in a sentence."""
    parameters = sum(part.parameters.count for part in parts.values())
    work = sum(part.flops for part in parts.values())
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="model_head"
    ):
        st.title(_("Model"), width="content")
        st.html(
            figures(
                [
                    (glossary.term("parameter", _("parameters")), number(parameters)),
                    (escape(_("memory in training, at least")), file_size(total_memory(parts).total)),
                    (escape(_("operations a character")), number(work)),
                ]
            ),
            width="content",
        )
        _use_it()
    st.markdown(f"**{escape_markdown(model_title(config))}.** {controls.idea(config)}")


def _use_it() -> None:
    used = drawn_model.chosen_fields() == drawn_model.drawn_fields()
    st.button(
        _("The next training uses it") if used else _("Use this model for the next training"),
        icon=":material/check:" if used else ":material/arrow_forward:",
        type="primary",
        key="model_use",
        disabled=used,
        on_click=drawn_model.choose,
    )


def figures(pairs: Sequence[tuple[str, str]]) -> str:
    """Large numbers in a row: (label as HTML, number)."""
    cells = "".join(
        f"<div><div class='mg-label'>{label}</div><div class='mg-n'>{escape(value)}</div></div>"
        for label, value in pairs
    )
    return f"<div class='mg-figures mg-totals'>{cells}</div>"
