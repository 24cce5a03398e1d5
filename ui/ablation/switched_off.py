"""Which parts are switched off, and what they hand on instead."""

from collections import Counter
from collections.abc import Collection

import streamlit as st

from minigpt_core.interpret.ablation import Component, components_of
from ui import facts, kept_choices, state
from ui.inside.inspected_model import InspectedModel
from ui.words.i18n import _, number

OFF, INSTEAD = state.SWITCHED_OFF, "ablation.instead"
ZERO, MEAN = "zero", "mean"


def parts_off(inspected: InspectedModel) -> frozenset[Component]:
    """The parts of this model that are switched off."""
    known = components_of(inspected.config)
    read = kept_choices.several_of(known, _code)
    off = kept_choices.keep(OFF, (), read, lambda parts: kept_choices.joined(parts, _code))
    return frozenset(off) & frozenset(known)


def _code(part: Component) -> str:
    return f"{part.kind}.{part.layer}.{part.head}"


def toggle(part: Component, known: Collection[Component]) -> None:
    """Switch a part off, or on again; `known`: all parts of its model."""
    off = frozenset(state.page_state(OFF, ())) ^ {part}
    state.set_page_state(OFF, tuple(sorted(off)))
    if part in off:
        facts.note("off", kind=part.kind, layer=part.layer, head=part.head)
    if together := Counter(one.kind for one in off & frozenset(known)):
        facts.note("off_together", **together)


def switch_all_on() -> None:
    """Bring everything back."""
    state.set_page_state(OFF, ())


def mean_ablation() -> bool:
    """Whether what is switched off hands on its mean instead of nothing."""
    state.keep_choices("ablation", [INSTEAD])
    words = {ZERO: _("nothing (zeros)"), MEAN: _("its own average")}
    kept_choices.keep(INSTEAD, ZERO, kept_choices.one_of(words))
    folded = st.expander(_("Go deeper: what it hands on instead"), key="ablation_deeper")
    chosen = folded.radio(
        _("A part that is switched off hands on"),
        list(words),
        format_func=words.__getitem__,
        key=state.page_key(INSTEAD),
        persist_state="session",
        help=_(
            "Zeros are an unusual sight for the parts that follow; the average is a milder test: what the part says "
            "in general stays, and only what it says about this place is lost."
        ),
    )
    return chosen == MEAN


def part_title(part: Component, layers: int = 2) -> str:
    """What a part is called; with a single layer, its number says nothing."""
    if part.kind == "token_shift":
        return _("Character before")
    if part.kind == "positions":
        return _("Positions")
    layer = _("Layer {n}").format(n=number(part.layer + 1))
    if part.kind == "layer":
        return layer
    name = short_part_title(part)
    return name if layers == 1 else _("{layer}, {part}").format(layer=layer, part=name)


def short_part_title(part: Component) -> str:
    """The same where the layer is clear."""
    if part.kind == "head":
        return _("head {n}").format(n=number(part.head + 1))
    return _("MLP") if part.kind == "mlp" else part_title(part)
