"""Pictures of an explanation: what each pixel, token or point did for the answer; and pictures side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dlcore.plots.palette import BLUE, GREY, VERMILLION
from dlcore.plots.style import CLEAR, blank, milliseconds

DIVERGING = ((0.0, BLUE), (0.5, "#F7F7F7"), (1.0, VERMILLION))
"""Blue against, orange-red for; told apart by every kind of colour vision."""
FADING = ((0.0, BLUE), (0.5, "rgba(138, 143, 152, 0.08)"), (1.0, VERMILLION))
"""The same over the page's own ground, light or dark."""
WARMING = ((0.0, "#F7F7F7"), (1.0, VERMILLION))
"""For maps without a side that speaks against."""
SIDE, BELOW = 400, 72
"""Pixels: height of a picture with its title, and of the colour scale below one."""


def token_contributions(tokens: Sequence[str], contributions: np.ndarray, *, label: str, top: int = 20) -> go.Figure:
    """The tokens (T,) that moved the answer most, each with its place; to the right speaks for `label`."""
    order = np.argsort(-np.abs(contributions))[:top][::-1]
    figure = blank(f"Words for and against “{label}”", x="contribution", y="", height=120 + 22 * len(order))
    figure.add_bar(
        y=[f"{tokens[i]} ({i + 1})" for i in order],
        x=contributions[order].astype(np.float32),
        orientation="h",
        marker={"color": [VERMILLION if contributions[i] >= 0 else BLUE for i in order]},
        showlegend=False,
        hovertemplate="%{y}: %{x:.4f}<extra></extra>",
    )
    figure.update_yaxes(type="category", showgrid=False)
    figure.update_xaxes(exponentformat="power")  # a network that learnt nothing gives numbers near 1e-11
    return figure


def picture(pixels: np.ndarray) -> go.Figure:
    """A picture (H, W), or in colour (H, W, 3), uint8."""
    figure = go.Figure()
    if pixels.ndim == 3:
        figure.add_image(z=pixels, hoverinfo="skip")
    else:
        figure.add_heatmap(z=pixels.astype(np.float32), colorscale="Greys_r", showscale=False, hoverinfo="skip")
    _as_pictures(figure)
    figure.update_layout(title="The picture", height=SIDE)
    return figure


def picture_attribution(contributions: np.ndarray, *, label: str, one_sided: bool = False) -> go.Figure:
    """What each pixel (H, W) did for the answer `label`; a colour scale below it.

    `one_sided` where the method knows no pixels that speak against; `label` is empty where it knows no classes.
    """
    figure = go.Figure()
    reach = float(np.abs(contributions).max()) or 1.0
    figure.add_heatmap(
        z=contributions.astype(np.float32),
        colorscale=WARMING if one_sided else DIVERGING,
        zmin=0 if one_sided else -reach,
        zmax=reach,
        colorbar={
            "title": {"text": "contribution" if label else "share", "side": "bottom"},
            "thickness": 12,
            "exponentformat": "power",
            "orientation": "h",
            "y": -0.02,
            "yanchor": "top",
            "nticks": 5,
        },
        hovertemplate="row %{y}, column %{x}: %{z:.4g}<extra></extra>",
    )
    _as_pictures(figure)
    sides = f"Evidence for class “{label}”" if one_sided else f"Evidence for and against class “{label}”"
    figure.update_layout(title=sides if label else "Where it looks", height=SIDE + BELOW)
    return figure


def picture_maps(maps: Mapping[str, np.ndarray], *, one_sided: bool = False) -> go.Figure:
    """Maps (H, W) side by side, each scaled to its own largest value; `one_sided` where none goes below 0."""
    figure = make_subplots(rows=1, cols=len(maps), subplot_titles=list(maps), horizontal_spacing=0.04)
    for column, values in enumerate(maps.values(), start=1):
        reach = float(np.abs(values).max()) or 1.0
        figure.add_heatmap(
            z=(values / reach).astype(np.float32),
            colorscale=WARMING if one_sided else DIVERGING,
            zmin=0 if one_sided else -1,
            zmax=1,
            showscale=False,
            row=1,
            col=column,
            hovertemplate="row %{y}, column %{x}: %{z:.2f} of the largest<extra></extra>",
        )
    _as_pictures(figure)
    figure.update_annotations(font={"size": 12})
    figure.update_layout(height=250)
    return figure


def deletion_curve(
    removed: np.ndarray,
    ours: np.ndarray,
    chance: np.ndarray,
    *,
    low: np.ndarray,
    high: np.ndarray,
    label: str,
    parts: tuple[str, str] = ("pixels", "blackened"),
) -> go.Figure:
    """Probability of `label`, 0 to 1, against the share of pixels removed (S,): our order and random ones. `parts`
    says what is removed, and how."""
    what, gone = parts
    figure = blank(
        f"What is left as {what} are {gone}", x=f"{what} {gone}, %", y=f"probability of “{label}”, %", height=300
    )
    share = 100 * removed
    figure.add_scatter(
        x=np.r_[share, share[::-1]],
        y=100 * np.r_[high, low[::-1]],
        fill="toself",
        mode="lines",
        line={"width": 0},
        fillcolor="rgba(138, 143, 152, 0.25)",
        hoverinfo="skip",
        showlegend=False,
    )
    for name, values, line in (
        ("in random order", chance, {"color": GREY, "dash": "dash"}),
        ("best first", ours, {"color": VERMILLION, "width": 2}),
    ):
        area = float(np.trapezoid(values, removed))
        figure.add_scatter(
            x=share,
            y=100 * values,
            mode="lines",
            name=f"{name} (area {area:.2f})",
            line=line,
            hovertemplate=f"{name}: %{{y:.0f}} % left with %{{x:.0f}} % {gone}<extra></extra>",
        )
    figure.update_yaxes(range=[0, 103])
    return figure


def series_attribution(
    times: np.ndarray, maps: Mapping[str, np.ndarray], channels: Sequence[str], *, alarm: int
) -> go.Figure:
    """What each channel did at each time for a window's error, a heat map for each method: name to (C, L).

    times (L,) epoch milliseconds; `alarm` is the moment of the alarm. Each map is scaled to its own largest value.
    """
    figure = make_subplots(rows=len(maps), cols=1, shared_xaxes=True, vertical_spacing=0.14, subplot_titles=list(maps))
    for row, (name, values) in enumerate(maps.items(), start=1):
        reach = float(np.abs(values).max()) or 1.0
        figure.add_heatmap(
            x=milliseconds(times),
            y=list(channels),
            z=(values / reach).astype(np.float32),
            customdata=values,
            colorscale=FADING,
            zmin=-1,
            zmax=1,
            showscale=row == 1,
            row=row,
            col=1,
            colorbar={
                "title": {"text": "error"},
                "thickness": 12,
                "tickvals": [-1, 0, 1],
                "ticktext": ["less", "0", "more"],
            },
            hovertemplate=f"{name}<br>%{{y}}, %{{x|%a %d %b %H:%M}}: %{{customdata:.3g}}<extra></extra>",
        )
    figure.update_xaxes(type="date", showgrid=False)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    figure.update_annotations(font={"size": 12})
    figure.add_vline(x=float(alarm), line={"color": GREY, "dash": "dash", "width": 1.5})
    each = 34 * len(channels)
    figure.update_layout(
        title="What the error leans on, over time and channel",
        height=150 + len(maps) * (each + 46),
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
    )
    return figure


def _as_pictures(figure: go.Figure) -> None:
    """Square pixels, row 0 on top, no axes."""
    figure.update_layout(paper_bgcolor=CLEAR, plot_bgcolor=CLEAR)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed")
    for axis in figure.select_yaxes():
        axis.scaleanchor = axis.anchor or "x"  # a figure of one picture leaves it unsaid
