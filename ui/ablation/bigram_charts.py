"""One row of TinyGPT's table as bars, and the table itself as a square.

V stands for the characters of the vocabulary, N for those that are shown.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from minigpt_core.tokenizer import CharTokenizer
from ui.components import charts
from ui.components.figures import go
from ui.style import PROBABILITY_SCALE, REFERENCE, TRAIN
from ui.words.i18n import _, percent
from ui.words.tokens import face, name

MOST_BARS = 14
MOST_SHOWN = 80  # characters on each side of the square: more could not be pointed at
LEAST_HEIGHT, LABEL_HEIGHT, AROUND = 560, 14, 70  # pixels: of the square, of one label, of the axes' words
BESIDE = 0.1  # of a cell: where the labels stand, so that pointing at one says the name of its character

Shares = NDArray[np.float64]


def row(tokenizer: CharTokenizer, before: Shares, after: Shares, chosen: int, height: int = 210) -> go.Figure:
    """The likeliest characters and the chosen one, before (grey) and after (blue); (V,) probabilities each."""
    best = np.argsort(-(before + after), kind="stable")[: MOST_BARS - 1].tolist()
    shown = sorted({*best, chosen}, key=lambda i: (-(after[i] + before[i]), i))
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
    labels = [charts.safe(face(tokenizer.itos[i])) for i in shown]
    xaxis = {"tickvals": list(range(len(shown))), "ticktext": labels, "tickangle": 0}
    return charts.layout(figure, y=_("probability (%)"), height=height, legend=True, xaxis=xaxis)


def heatmap(characters: Sequence[str], shares: Shares) -> go.Figure:
    """P(next | current), (N, N): rows are the character just read. One sentence serves all cells."""
    height = max(LEAST_HEIGHT, (LABEL_HEIGHT + charts.letters(11) - 11) * len(characters) + AROUND)
    names = [charts.safe(name(c)) for c in characters]
    share = percent(0, 0).replace("0", "%{z:.3~r}")
    words = _("after {current} comes {next}: {share}").format(current="%{y}", next="%{x}", share=share)
    last = len(PROBABILITY_SCALE) - 1
    figure = go.Figure(
        go.Heatmap(
            x=names,
            y=names,
            z=(100 * shares).round(3).tolist(),
            zmin=0,
            zmax=100,
            colorscale=[[place / last, f"rgb{stop}"] for place, stop in enumerate(PROBABILITY_SCALE)],
            hovertemplate=words + "<extra></extra>",
            colorbar={"title": {"text": "%"}, "thickness": 12},
            xgap=1,
            ygap=1,
        )
    )
    labels = {
        "type": "category",
        "tickvals": [place + BESIDE for place in range(len(names))],
        "ticktext": [charts.safe(face(c)) for c in characters],
        "categoryarray": names,
        "ticks": "",
        "tickfont": {"size": charts.letters(11)},
    }
    return charts.layout(
        figure, x=_("next character"), y=_("character just read"), height=height,
        xaxis={**labels, "tickangle": 0}, yaxis={**labels, "autorange": "reversed", "showgrid": False},
    )  # fmt: skip
