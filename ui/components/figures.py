"""Plotly's figures. pandas is loaded first: plotly looks whether it is there, and would find it half loaded while
another page, drawn at the same moment, is loading it."""

import pandas  # noqa: F401
import plotly.graph_objects as go

__all__ = ["go"]
