"""Figures show the numbers they are given, in the reader's language, and nothing that moves the text around."""

from pathlib import Path

import plotly.graph_objects as go

from ui import style
from ui.components import charts
from ui.words.i18n import using

COUNTS = {"a": 6, " ": 3, "<": 1}


def test_frequencies_are_shares_of_the_text_the_most_frequent_first() -> None:
    bars = charts.frequency_bars(COUNTS).data[0]
    assert list(bars.y) == [60, 30, 10]
    assert sum(bars.y) == 100


def test_a_bar_says_what_it_is() -> None:
    with using("en"):
        assert charts.frequency_bars(COUNTS).data[0].hovertext[0] == "a: 6 times, 60.0\u202f%"
    with using("fr"):
        hover = charts.frequency_bars(COUNTS).data[0].hovertext
        assert hover[1] == "espace\u00a0: 3 fois, 30,0\u202f%"


def test_plotly_reads_no_markup_in_a_character() -> None:
    figure = charts.frequency_bars(COUNTS)
    assert list(figure.layout.xaxis.ticktext) == ["a", "␣", "&lt;"]
    assert figure.data[0].hovertext[2].startswith("&lt;")


def test_every_bar_has_a_place_of_its_own() -> None:
    """As categories, "1" and "01" or two empty-looking characters would share one."""
    counts = dict.fromkeys("0123\u200b\u200c\u00a0é", 1)
    figure = charts.frequency_bars(counts)
    assert list(figure.data[0].x) == list(range(len(counts)))
    assert len(figure.layout.xaxis.ticktext) == len(counts)


def test_probabilities_before_and_after_the_settings() -> None:
    figure = charts.probability_bars("ab", [0.9, 0.1], [0.6, 0.4], chosen=1)
    before, after, drawn = figure.data
    assert [list(before.y), list(after.y), list(drawn.y)] == [[60, 40], [90, 10], [None, 10]]
    assert [after.marker.color, drawn.marker.color] == [style.TRAIN, style.VALIDATION]
    assert before.marker.color == style.REFERENCE
    assert [before.name, after.name, drawn.name] == ["as the model says", "after the settings", "drawn"]
    assert drawn.offsetgroup == after.offsetgroup != before.offsetgroup
    assert len(charts.probability_bars("ab", [0.9, 0.1]).data) == 1


def test_separators_follow_the_language() -> None:
    with using("fr"):
        layout = charts.layout(go.Figure()).layout
        assert layout.separators == ",\u202f" and layout.xaxis.separatethousands
    with using("en"):
        assert charts.layout(go.Figure()).layout.separators == ".,"


def test_no_figure_brings_a_background_of_its_own() -> None:
    for figure in (charts.frequency_bars(COUNTS), charts.probability_bars("a", [1.0])):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == charts.CLEAR
        assert figure.layout.font.color is None


def test_whoever_draws_a_figure_has_loaded_pandas_first() -> None:
    """Two first visitors at once: plotly found a pandas that another thread was still loading."""
    for path in [*Path("ui").rglob("*.py"), *Path("pages").rglob("*.py")]:
        if path.name != "figures.py":
            assert "import plotly.graph_objects" not in path.read_text("utf-8"), path
