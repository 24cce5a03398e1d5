"""How good each layer's guess is, and how much each part adds."""

from collections.abc import Sequence

import plotly.graph_objects as go

from minigpt_core.interpret.lens import LensScores
from ui.components import charts
from ui.style import REFERENCE, TRAIN, VALIDATION
from ui.words.i18n import _, number, percent

HEIGHT = 250


def losses(scores: LensScores, titles: Sequence[str], height: int = HEIGHT) -> go.Figure:
    """The loss if the model ended after each layer."""
    places = list(range(len(titles)))
    figure = go.Figure(
        go.Scatter(
            x=places,
            y=scores.losses,
            mode="lines+markers+text",
            line={"color": VALIDATION, "width": 2},
            marker={"size": 9},
            text=[number(loss, 2) for loss in scores.losses],
            textposition="top center",
            cliponaxis=False,
            hovertext=[
                _("{place}: loss {loss}, {right} of the best guesses right").format(
                    place=charts.safe(title), loss=number(loss, 3), right=percent(right, 1)
                )
                for title, loss, right in zip(titles, scores.losses, scores.right, strict=True)
            ],
            hoverinfo="text",
        )
    )
    charts.layout(figure, y=_("loss (nats per character)"), height=height)
    figure.update_yaxes(rangemode="tozero", range=[0, 1.18 * max(scores.losses)])
    return figure.update_xaxes(tickvals=places, ticktext=list(titles), range=[-0.4, len(titles) - 0.6])


def sizes(
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
    charts.layout(figure, y=_("length of the row"), height=height, legend=True)
    return figure.update_xaxes(tickvals=places, ticktext=list(titles))
