"""What stopping early would cost: the loss of the guess after each layer, on text the model never saw."""

from collections.abc import Sequence

import streamlit as st

from minigpt_core.interpret.lens import LensScores
from ui.components import charts
from ui.components.figures import go
from ui.inside import reading_guide
from ui.inside.inspected_model import InspectedModel
from ui.layers import cache
from ui.layers.activation_names import point_name
from ui.runs.doubts import doubt
from ui.runs.health import loss_number
from ui.style import VALIDATION
from ui.words.i18n import _, number, percent

HEIGHT = 250


def section(inspected: InspectedModel) -> None:
    """How good the guess is after each layer, on text it never saw."""
    scores = cache.lens_scores(inspected.run.id, inspected.step)
    reading_guide.heading(
        _("What would it cost to stop early?"),
        "losses",
        shows=_("The loss if the model ended at each point: the lower, the better its guesses there."),
        computed=_(
            "By the same lens, on {n} characters of its text that were kept out of the training (validation; of the "
            "training text, if none were). The last point is the model’s own loss on them."
        ).format(n=number(scores.characters)),
        beware=_(
            "A high loss half way does not mean that the layer is useless: it may prepare what the next ones need. "
            "Above ln(vocabulary) a guess is worse than pure chance, because it is sure of the wrong things."
        ),
    )
    titles = [point_name(name, inspected.config) for name in scores.points]
    figure = loss_chart(scores, titles)
    alt = _("The loss after each layer: {losses}").format(
        losses=", ".join(
            f"{title} {loss_number(loss)}" for title, loss in zip(titles, scores.losses, strict=True)
        )
    )
    st.plotly_chart(figure, key="layers_losses", alt=alt, config=charts.CONFIG)
    doubt(inspected.run)


def loss_chart(scores: LensScores, titles: Sequence[str], height: int = HEIGHT) -> go.Figure:
    """The loss if the model ended after each layer."""
    places = list(range(len(titles)))
    figure = go.Figure(
        go.Scatter(
            x=places,
            y=scores.losses,
            mode="lines+markers+text",
            line={"color": VALIDATION, "width": 2},
            marker={"size": 9},
            text=[loss_number(loss) for loss in scores.losses],
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
    return charts.layout(
        figure, y=_("loss (nats per character)"), height=height,
        xaxis={"tickvals": places, "ticktext": list(titles), "range": [-0.4, len(titles) - 0.6]},
        yaxis={"rangemode": "tozero", "range": [0, 1.18 * max(scores.losses)]},
    )  # fmt: skip
