"""Figures of explanations: attribution of pixels, tokens and points, and the deletion curve."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dlcore.plots.palette import BLUE, GRAY, LIGHT_SIGNED, VERMILLION
from dlcore.plots.style import CLEAR, blank, milliseconds

DIVERGING = LIGHT_SIGNED
"""Blue: negative, orange-red: positive; color-blind safe."""
FADING = ((0.0, BLUE), (0.5, "rgba(138, 143, 152, 0.08)"), (1.0, VERMILLION))
"""`DIVERGING` with a transparent middle for light and dark backgrounds."""
WARMING = ((0.0, "#F7F7F7"), (1.0, VERMILLION))
"""For maps without negative values."""
SIDE, BELOW = 400, 72
"""Pixels: height of an image with its title, and of the color scale below it."""


def token_contributions(tokens: Sequence[str], contributions: np.ndarray, *, label: str, top: int = 20) -> go.Figure:
    """Plot the tokens (T,) with the largest contributions and their positions; positive is evidence for `label`."""
    order = np.argsort(-np.abs(contributions))[:top][::-1]
    figure = blank(f"Evidence for and against “{label}”", x="contribution", y="", height=120 + 22 * len(order))
    figure.add_bar(
        y=[f"{tokens[i]} ({i + 1})" for i in order],
        x=contributions[order].astype(np.float32),
        orientation="h",
        marker={"color": [VERMILLION if contributions[i] >= 0 else BLUE for i in order]},
        showlegend=False,
        hovertemplate="%{y}: %{x:.4f}<extra></extra>",
    )
    figure.update_yaxes(type="category", showgrid=False)
    figure.update_xaxes(exponentformat="power")  # an untrained network gives values near 1e-11
    return figure


def probability_by_word(words: Sequence[str], probabilities: np.ndarray, *, label: str) -> go.Figure:
    """Plot the probability (T,) of `label` after each word."""
    figure = blank(f"Probability of “{label}” after each word", x="word", y="probability, %", height=300)
    figure.add_scatter(
        x=np.arange(1, len(words) + 1),
        y=(100 * probabilities).astype(np.float32),
        mode="lines+markers",
        marker={"size": 5},
        text=list(words),
        hovertemplate="%{text} (%{x}): %{y:.1f} %<extra></extra>",
        showlegend=False,
    )
    figure.update_yaxes(range=[-2, 102])
    if len(words) <= 30:
        figure.update_xaxes(tickvals=np.arange(1, len(words) + 1), ticktext=list(words))
    return figure


def picture(pixels: np.ndarray) -> go.Figure:
    """Plot an image (H, W) or (H, W, 3), uint8."""
    figure = go.Figure()
    if pixels.ndim == 3:
        figure.add_image(z=pixels, hoverinfo="skip")
    else:
        figure.add_heatmap(z=pixels.astype(np.float32), colorscale="Greys_r", showscale=False, hoverinfo="skip")
    _as_images(figure)
    figure.update_layout(title="Image", height=SIDE)
    return figure


def image_attribution(contributions: np.ndarray, *, label: str, one_sided: bool = False) -> go.Figure:
    """Plot the attribution (H, W) of class `label` with a color scale below it.

    `one_sided`: the method has no negative values. `label` is empty if it is not specific to a class.
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
    _as_images(figure)
    title = f"Evidence for class “{label}”" if one_sided else f"Evidence for and against class “{label}”"
    figure.update_layout(title=title if label else "Saliency", height=SIDE + BELOW)
    return figure


def image_maps(maps: Mapping[str, np.ndarray], *, one_sided: bool = False) -> go.Figure:
    """Plot maps (H, W) in one row, each scaled to its maximum; `one_sided`: no negative values."""
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
    _as_images(figure)
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
    """Plot the probability of `label` by the share removed (S,), in order of attribution and in random order.

    `parts` names what is removed, and how.
    """
    what, gone = parts
    figure = blank("Deletion curve", x=f"{what} {gone}, %", y=f"probability of “{label}”, %", height=300)
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
        ("in random order", chance, {"color": GRAY, "dash": "dash"}),
        ("most important first", ours, {"color": VERMILLION, "width": 2}),
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
    """Plot the attribution (C, L) of the error of a window, one heat map per method, each scaled to its maximum.

    times (L,), alarm: epoch milliseconds.
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
    figure.add_vline(x=float(alarm), line={"color": GRAY, "dash": "dash", "width": 1.5})
    each = 34 * len(channels)
    figure.update_layout(
        title="Attribution of the error by time and channel",
        height=150 + len(maps) * (each + 46),
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
    )
    return figure


def _as_images(figure: go.Figure) -> None:
    """Square pixels, row 0 on top, no axes."""
    figure.update_layout(paper_bgcolor=CLEAR, plot_bgcolor=CLEAR)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed")
    for axis in figure.select_yaxes():
        axis.scaleanchor = axis.anchor or "x"  # not set in a figure with one image
