"""Figures of gradient flow: heat maps of layers by step on one color scale, and profiles by layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dlcore.plots.palette import GRAY, ORDER, VERMILLION
from dlcore.plots.style import CLEAR, blank

MAX_COLUMNS, MAX_FRAMES = 200, 40
_BAND, _GAP, _MARGIN, _MIN_HEIGHT = 118, 52, 36, 230
"""Pixels: height of the band of a network, gap between bands, margin, minimum height of all bands (color scale)."""
PROFILE_HEIGHT = 400
"""Pixels."""
LOWEST = -16.0
"""Smaller logarithms are clipped to this: the gradient has vanished."""


@dataclass(frozen=True)
class LayersByStep:
    """One network: `values` (n, L) at `steps` (n,), layers in forward order; `marked` layers are framed."""

    name: str
    steps: np.ndarray
    values: np.ndarray
    marked: tuple[int, ...] = ()


@dataclass(frozen=True)
class ColorScale:
    """Title, scale (log10 or linear) and optional fixed range of values."""

    title: str
    log: bool = True
    low: float | None = None
    high: float | None = None


def flow_map(
    networks: Sequence[LayersByStep], scale: ColorScale, *, until: int | None = None, low: bool = False
) -> go.Figure:
    """Plot a heat map per network on one color scale: layers from top (input) to bottom, steps from left to right.

    Marked layers are framed. until: last step of the x axis, so that a diverged run is shorter. low: bands of half the
    height, for many networks.
    """
    shared_axis = low and until is not None  # step labels below the last band only
    band, between = _BAND // 2 if low else _BAND, _GAP // 2 if shared_axis else _GAP
    titles = [network.name for network in networks]
    hover = f"layer %{{y}}, step %{{x}}<br>{scale.title} %{{customdata:.3~g}}"
    figure = make_subplots(
        rows=len(networks), cols=1, subplot_titles=titles, vertical_spacing=_gap(len(networks), band, between)
    )
    for row, network in enumerate(networks, start=1):
        thinned = _downsample(network)
        z = drawn_values(thinned.values, scale)
        layers = np.arange(1, z.shape[1] + 1)
        figure.add_heatmap(
            x=thinned.steps,
            y=layers,
            z=z.T,
            coloraxis="coloraxis",
            customdata=thinned.values.T,
            hovertemplate=f"{hover}<extra>{network.name}</extra>",
            row=row,
            col=1,
        )
        left, right = _edges(thinned.steps)
        for first, last in _consecutive_ranges(network.marked):
            figure.add_shape(
                type="rect",
                x0=left,
                x1=right,
                y0=first + 0.5,
                y1=last + 1.5,
                line={"color": VERMILLION, "width": 2.5},
                row=row,
                col=1,
            )
        figure.update_yaxes(
            autorange="reversed", title="layer", showgrid=False, tickvals=_ticks(z.shape[1]), row=row, col=1
        )
        reach = None if until is None else [0.5, until + 1]
        figure.update_xaxes(
            showgrid=False, showticklabels=not shared_axis or row == len(networks), range=reach, row=row, col=1
        )
    figure.update_xaxes(title="optimizer step", row=len(networks), col=1)
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    figure.update_layout(
        height=_MARGIN + max(_MIN_HEIGHT, len(networks) * (band + between)),
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        showlegend=False,
        coloraxis={
            "colorscale": "Viridis",
            "cmin": scale.low,
            "cmax": scale.high,
            "colorbar": {"title": {"text": "log₁₀" if scale.log else ""}, "thickness": 12, "outlinewidth": 0},
        },
        title="",
    )
    return figure


def profile(
    networks: Sequence[LayersByStep], scale: ColorScale, *, reported: Mapping[float, float] | None = None
) -> go.Figure:
    """Plot values by relative depth, 0 (input) to 1 (output), networks overlaid, with a slider for the step.

    reported: depth -> value of a published report, drawn as crosses.
    """
    figure = blank("", x="relative depth (0: input, 1: output)", y=scale.title, height=PROFILE_HEIGHT)
    steps = _shared_steps(networks)
    figure.add_traces(_lines(networks, steps[-1], scale))
    if reported:
        figure.add_scatter(
            x=list(reported),
            y=list(reported.values()),
            mode="markers",
            name="VGG-deep as reported",
            marker={"symbol": "x", "size": 9, "color": GRAY},
            hovertemplate="reported %{y:.0e}<extra></extra>",
        )
    count = len(networks)
    figure.frames = [
        go.Frame(data=_lines(networks, step, scale), traces=list(range(count)), name=str(step)) for step in steps
    ]
    figure.update_layout(
        sliders=[
            {
                "active": len(steps) - 1,
                "currentvalue": {"prefix": "step ", "xanchor": "left"},
                "pad": {"t": 48, "b": 4},
                "steps": [
                    {
                        "label": str(step),
                        "method": "animate",
                        "args": [
                            [str(step)],
                            {
                                "mode": "immediate",
                                "frame": {"duration": 0, "redraw": False},
                                "transition": {"duration": 0},
                            },
                        ],
                    }
                    for step in steps
                ],
            }
        ]
    )
    if scale.log:
        limits = log_range([network.values for network in networks], reported)
        figure.update_yaxes(type="log", exponentformat="power", range=limits)
    elif scale.low is not None:
        figure.update_yaxes(range=[scale.low, scale.high])
    return figure


def drawn_values(values: np.ndarray, scale: ColorScale) -> np.ndarray:
    """Return the values of the color scale: logarithms clipped at `LOWEST`; NaN stays NaN."""
    if not scale.log:
        return np.where(np.isfinite(values), values, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(values)
    logs = np.where(values == 0, LOWEST, logs)
    return np.where(np.isfinite(logs), np.maximum(logs, LOWEST), np.nan)


def _lines(networks: Sequence[LayersByStep], step: int, scale: ColorScale) -> list[go.Scatter]:
    lines = []
    for number, network in enumerate(networks):
        row = int(np.abs(network.steps - step).argmin())
        values = network.values[row]
        y = np.where(values > 0, np.maximum(values, 10**LOWEST), np.nan) if scale.log else values
        lines.append(
            go.Scatter(
                x=np.linspace(0, 1, len(values)),
                y=y,
                name=network.name,
                mode="lines+markers",
                marker={"size": 5},
                line={"color": ORDER[number % len(ORDER)], "width": 2, "dash": _dash(number)},
                hovertemplate=f"{network.name}: %{{y:.3~g}}<extra></extra>",
            )
        )
    return lines


def _dash(number: int) -> str:
    return "solid" if number < len(ORDER) else "dot"


def _shared_steps(networks: Sequence[LayersByStep]) -> list[int]:
    """Return at most `MAX_FRAMES` of the recorded steps of the longest run."""
    steps = max((network.steps for network in networks), key=lambda steps: int(steps[-1]))
    places = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MAX_FRAMES)).round().astype(int))
    return [int(step) for step in steps[places]]


def _downsample(network: LayersByStep) -> LayersByStep:
    every = max(1, -(-len(network.steps) // MAX_COLUMNS))
    return LayersByStep(network.name, network.steps[::every], network.values[::every], network.marked)


def _consecutive_ranges(places: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return first and last index of each interval of consecutive indices."""
    intervals: list[tuple[int, int]] = []
    for place in places:
        if intervals and place == intervals[-1][1] + 1:
            intervals[-1] = (intervals[-1][0], place)
        else:
            intervals.append((place, place))
    return intervals


def _edges(steps: np.ndarray) -> tuple[float, float]:
    """Return the left edge of the first cell and the right edge of the last."""
    if len(steps) < 2:
        return float(steps[0]) - 0.5, float(steps[-1]) + 0.5
    return float(steps[0] - (steps[1] - steps[0]) / 2), float(steps[-1] + (steps[-1] - steps[-2]) / 2)


def _ticks(layers: int) -> list[int]:
    every = 10 if layers <= 50 else 50
    return [1, *range(every, layers - every // 3, every), layers]


def _gap(rows: int, band: int, between: int) -> float:
    return 0.0 if rows < 2 else between / (rows * band + (rows - 1) * between)


def _positive(values: np.ndarray) -> np.ndarray:
    positive = values[np.isfinite(values) & (values > 0)]
    return positive if len(positive) else np.ones(1)


def log_range(values: Sequence[np.ndarray], reported: Mapping[float, float] | None) -> list[float]:
    """Return the log10 range of the axis over all steps, with a margin."""
    positive = [_positive(part) for part in values]
    everything = np.concatenate([*positive, np.array(list((reported or {1.0: 1.0}).values()))])
    logs = np.log10(np.clip(everything, 10**LOWEST, 10.0**12))
    return [float(np.floor(logs.min())) - 0.2, float(np.ceil(logs.max())) + 0.2]
