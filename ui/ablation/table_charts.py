"""One row of TinyGPT's table as bars, and all of it as a square."""

import plotly.graph_objects as go
from torch import Tensor

from minigpt_core.tokenizer import CharTokenizer
from ui.components import charts
from ui.style import PROBABILITY_SCALE, REFERENCE, TRAIN
from ui.words.i18n import _, percent
from ui.words.tokens import face, name

MOST_BARS = 14


def row(tokenizer: CharTokenizer, before: Tensor, after: Tensor, chosen: int, height: int = 210) -> go.Figure:
    """The likeliest characters and the chosen one, before (grey) and after (blue); (V,) probabilities each."""
    best = (before + after).argsort(descending=True)[: MOST_BARS - 1].tolist()
    shown = sorted({*best, chosen}, key=lambda i: (-float(after[i] + before[i]), i))
    figure = go.Figure()
    for title, shares, colour in ((_("as learned"), before, REFERENCE), (_("as changed"), after, TRAIN)):
        figure.add_trace(
            go.Bar(
                x=list(range(len(shown))),
                y=[100 * float(shares[i]) for i in shown],
                name=title,
                marker_color=colour,
                hovertext=[
                    f"{charts.safe(name(tokenizer.itos[i]))}: {percent(float(shares[i]), 1)}, {title}"
                    for i in shown
                ],
                hoverinfo="text",
            )
        )
    charts.layout(figure, y=_("probability (%)"), height=height, legend=True)
    labels = [charts.safe(face(tokenizer.itos[i])) for i in shown]
    return figure.update_xaxes(tickvals=list(range(len(shown))), ticktext=labels, tickangle=0)


def heatmap(tokenizer: CharTokenizer, table: Tensor, height: int = 560) -> go.Figure:
    """P(next | current), (V, V): rows are the character just read."""
    faces = [charts.safe(face(c)) for c in tokenizer.characters]
    names = [charts.safe(name(c)) for c in tokenizer.characters]
    words = _("after {current} comes {next}: {share}")
    shares = table.tolist()
    figure = go.Figure(
        go.Heatmap(
            z=[[100 * share for share in line] for line in shares],
            zmin=0,
            zmax=100,
            colorscale=[
                [place / (len(PROBABILITY_SCALE) - 1), f"rgb{stop}"]
                for place, stop in enumerate(PROBABILITY_SCALE)
            ],
            hovertext=[
                [
                    words.format(current=names[i], next=names[j], share=percent(share, 1))
                    for j, share in enumerate(line)
                ]
                for i, line in enumerate(shares)
            ],
            hoverinfo="text",
            colorbar={"title": {"text": "%"}, "thickness": 12},
            xgap=1,
            ygap=1,
        )
    )
    charts.layout(figure, x=_("next character"), y=_("character just read"), height=height)
    places = list(range(len(faces)))
    figure.update_xaxes(tickvals=places, ticktext=faces, tickangle=0)
    return figure.update_yaxes(tickvals=places, ticktext=faces, autorange="reversed", showgrid=False)
