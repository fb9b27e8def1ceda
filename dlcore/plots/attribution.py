"""Pictures of an explanation: what each pixel, token or point did for the answer; and pictures side by side."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dlcore.plots.palette import BLUE, VERMILLION
from dlcore.plots.style import CLEAR, blank

DIVERGING = ((0.0, BLUE), (0.5, "#F7F7F7"), (1.0, VERMILLION))
"""Blue against, orange-red for; told apart by every kind of colour vision."""


def token_contributions(tokens: Sequence[str], contributions: np.ndarray, *, label: str, top: int = 20) -> go.Figure:
    """The tokens (T,) that moved the answer most, each with its place; to the right speaks for `label`."""
    order = np.argsort(-np.abs(contributions))[:top][::-1]
    figure = blank(f"Words for and against “{label}”", x="contribution", y="", height=120 + 22 * len(order))
    figure.add_bar(
        y=[f"{tokens[i]} ({i + 1})" for i in order], x=contributions[order].astype(np.float32), orientation="h",
        marker={"color": [VERMILLION if contributions[i] >= 0 else BLUE for i in order]}, showlegend=False,
        hovertemplate="%{y}: %{x:.4f}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(type="category", showgrid=False)
    return figure


def picture_attribution(picture: np.ndarray, contributions: np.ndarray, *, label: str) -> go.Figure:
    """A picture (H, W), or in colour (H, W, 3) uint8, beside what each pixel (H, W) did for the answer `label`."""
    figure = make_subplots(rows=1, cols=2, subplot_titles=("the picture", f"for and against “{label}”"))
    reach = float(np.abs(contributions).max()) or 1.0
    if picture.ndim == 3:
        figure.add_image(z=picture, hoverinfo="skip", row=1, col=1)
    else:
        figure.add_heatmap(
            z=picture.astype(np.float32), colorscale="Greys_r", showscale=False, hoverinfo="skip", row=1, col=1
        )
    figure.add_heatmap(
        z=contributions.astype(np.float32), colorscale=DIVERGING, zmin=-reach, zmax=reach, row=1, col=2,
        colorbar={"title": "contri-<br>bution", "thickness": 12},
        hovertemplate="row %{y}, column %{x}: %{z:.4f}<extra></extra>",
    )  # fmt: skip
    _as_pictures(figure)
    figure.update_layout(title="What each pixel did", height=400)
    return figure


def _as_pictures(figure: go.Figure) -> None:
    """Square pixels, row 0 on top, no axes."""
    figure.update_layout(paper_bgcolor=CLEAR, plot_bgcolor=CLEAR)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed")
    for axis in figure.select_yaxes():
        axis.scaleanchor = axis.anchor
