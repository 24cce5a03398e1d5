"""Plain data → plotly figures. Draw them with `st.plotly_chart(figure, key=…, alt=…, config=charts.CONFIG)`.

Colours of text, grid and background come from the page's theme, so a figure works in light and dark.
"""

import html
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ui import state
from ui.components.figures import go
from ui.style import KIND_COLOURS, REFERENCE, TRAIN, VALIDATION
from ui.words.i18n import _, n_, number, percent, plotly_separators
from ui.words.tokens import face, kind, name

CONFIG = {"displaylogo": False, "displayModeBar": False}
PROJECTED_LETTERS = 18  # pixels
GRID = "rgba(128,128,128,0.22)"
CLEAR = "rgba(0,0,0,0)"

Axis = Mapping[str, Any]  # entries of plotly's layout, by their names


def layout(
    figure: go.Figure,
    *,
    x: str = "",
    y: str = "",
    height: int = 320,
    legend: bool = False,
    margin: Axis = MappingProxyType({}),
    xaxis: Axis = MappingProxyType({}),
    yaxis: Axis = MappingProxyType({}),
) -> go.Figure:
    """Give a figure our plain look: axis titles with units, the reader's separators, nothing else around it.

    Plotly takes three times as long to change a layout, entry by entry, as to be given one.

    Args:
        margin, xaxis, yaxis: what is different in this figure, by plotly's names.
    """
    large = state.projected()
    font = {"font": {"size": PROJECTED_LETTERS}} if large else {}
    tick_font = {"tickfont": font["font"]} if large else {}
    axis = {"automargin": True, "zeroline": False, "separatethousands": True, **tick_font}
    figure.layout = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 28 if legend else 8, "b": 8, **margin},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "separators": plotly_separators(),
        "showlegend": legend,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", **font},
        "hoverlabel": {"align": "left"},
        "bargap": 0.18,
        "dragmode": False,
        "xaxis": {**axis, "title": {"text": x, **font}, "showgrid": False, **xaxis},
        "yaxis": {**axis, "title": {"text": y, **font}, "gridcolor": GRID, **yaxis},
        **font,
    }
    return figure


def letters(usual: int) -> int:
    """Pixels of the letters in a figure: these, or as large as the back row of a room needs them."""
    return max(usual, PROJECTED_LETTERS) if state.projected() else usual


def safe(text: str) -> str:
    """`text` as it stands, inside a figure: plotly reads some HTML in titles, labels and hover texts."""
    return html.escape(text, quote=False)


def frequency_bars(counts: Mapping[str, int], *, top: int = 30, height: int = 320) -> go.Figure:
    """How often each character stands in the text, the most frequent first; a bar says "e: 612 times, 10.6 %"."""
    total = sum(counts.values())
    first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]
    figure = go.Figure(
        go.Bar(
            x=list(range(len(first))),
            y=[100 * count / total for _character, count in first],
            marker_color=[KIND_COLOURS[kind(character)] for character, _count in first],
            hovertext=[_frequency(character, count, total) for character, count in first],
            hoverinfo="text",
        )
    )
    labels = _characters_on_axis([character for character, _count in first])
    return layout(figure, y=_("share of the text (%)"), height=height, xaxis=labels)


def probability_bars(
    characters: Sequence[str],
    probabilities: Sequence[float],
    before: Sequence[float] | None = None,
    *,
    chosen: int | None = None,
    height: int = 300,
    margin: Axis = MappingProxyType({}),
    xaxis: Axis = MappingProxyType({}),
) -> go.Figure:
    """How probable each next character is, in per cent; with `before`, also what the model itself says.

    Args:
        chosen: index of the bar of the character that was drawn; it is painted orange.
        margin, xaxis: as in `layout`.
    """
    figure = go.Figure()
    if before is not None:
        figure.add_trace(_probability_trace(characters, before, _("as the model says"), REFERENCE))
    figure.add_trace(_probability_trace(characters, probabilities, _("after the settings"), TRAIN))
    if chosen is not None:  # a trace of its own, which covers the blue bar and stands in the legend
        figure.add_trace(_probability_trace(characters, probabilities, _("drawn"), VALIDATION, only=chosen))
    return layout(
        figure, y=_("probability (%)"), height=height, legend=before is not None,
        margin=margin, xaxis={**_characters_on_axis(characters), **xaxis},
    )  # fmt: skip


def _probability_trace(
    characters: Sequence[str], shares: Sequence[float], title: str, colour: str, only: int | None = None
) -> go.Bar:
    return go.Bar(
        x=list(range(len(characters))),
        y=[100 * share if only in (None, i) else None for i, share in enumerate(shares)],
        name=title,
        offsetgroup="before" if colour == REFERENCE else "after",
        marker_color=colour,
        hovertext=[
            f"{safe(name(c))}: {percent(p, 1)}, {title}" for c, p in zip(characters, shares, strict=True)
        ],
        hoverinfo="text",
    )


def _frequency(character: str, count: int, total: int) -> str:
    times = n_("{character}: {n} time, {share}", "{character}: {n} times, {share}", count)
    return times.format(character=safe(name(character)), n=number(count), share=percent(count / total, 1))


def _characters_on_axis(characters: Sequence[str]) -> Axis:
    """Label bar number i with the i-th character. Characters as categories would be sorted and merged."""
    labels = [safe(face(character)) for character in characters]
    return {"tickvals": list(range(len(labels))), "ticktext": labels, "tickangle": 0}
