"""How much each part adds to the residual stream, and how long the stream is after it."""

from collections.abc import Sequence

import streamlit as st

from ui.components import charts
from ui.components.figures import go
from ui.inside import reading_guide
from ui.inside.input_text import InputText
from ui.inside.inspected_model import InspectedModel
from ui.layers import cache
from ui.layers.activation_names import component_name
from ui.style import REFERENCE, TRAIN
from ui.words.i18n import _, number

HEIGHT = 250


def section(inspected: InspectedModel, given: InputText) -> None:
    """The length of the residual stream and of what each part adds to it."""
    config = inspected.config
    reading_guide.heading(
        _("How much does each part add?"),
        "sizes",
        shows=_(
            "Every character travels through the model as a row of {n} numbers. Bars: the length of what each part "
            "adds to it. Dotted line: the length of the row after that."
        ).format(n=number(config.n_embd)),
        computed=_(
            "Length is the square root of the sum of the squares of a row, averaged over the {n} characters of the "
            "text above."
        ).format(n=number(len(given.ids))),
        beware=_(
            "Long is not important: two parts can cancel each other out, and the norm before each part takes the "
            "total length away again. What a part is worth shows when it is taken out."
        ),
    )
    norms = cache.text_norms(inspected.run.id, inspected.step, given.ids)
    titles = [component_name(name) for name in norms.components]
    figure = norm_chart(titles, norms.added, norms.stream)
    alt = _("What each part adds: {lengths}").format(
        lengths=", ".join(
            f"{title} {number(length, 1)}" for title, length in zip(titles, norms.added, strict=True)
        )
    )
    st.plotly_chart(figure, key="layers_sizes", alt=alt, config=charts.CONFIG)
    if not config.residual:
        st.caption(_("Without residual connections a part does not add to the row: it replaces it."))


def norm_chart(
    titles: Sequence[str], lengths: Sequence[float], stream: Sequence[float], height: int = HEIGHT
) -> go.Figure:
    """What each part adds (bars), and how long the residual stream is after it (line)."""
    places = list(range(len(titles)))
    figure = go.Figure(
        go.Bar(
            x=places,
            y=lengths,
            name=_("what the part adds"),
            marker_color=TRAIN,
            hovertext=[
                _("{part} adds {n}").format(part=charts.safe(title), n=number(length, 2))
                for title, length in zip(titles, lengths, strict=True)
            ],
            hoverinfo="text",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=places,
            y=stream,
            name=_("the stream after it"),
            mode="lines+markers",
            line={"color": REFERENCE, "width": 2, "dash": "dot"},
            hovertext=[
                _("the stream after {part}: {n}").format(part=charts.safe(title), n=number(length, 2))
                for title, length in zip(titles, stream, strict=True)
            ],
            hoverinfo="text",
        )
    )
    labels = {"tickvals": places, "ticktext": list(titles)}
    return charts.layout(figure, y=_("length of the row"), height=height, legend=True, xaxis=labels)
