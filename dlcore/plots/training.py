"""Pictures of a training that is over: curves by epoch, and the gradient layer by layer."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import GREY, ORDER
from dlcore.plots.style import SPLIT_COLOURS, SPLIT_DASHES, blank, log_axis, thin, vertical


def curves_by_epoch(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    title: str,
    y: str,
    best: int | None = None,
    percent: bool = False,
    log: bool = False,
) -> go.Figure:
    """Named curves, each epochs (n,) and values (n,); train solid, validation dashed; the best epoch is marked."""
    figure = blank(title, x="epoch", y=y)
    for number, (name, (epochs, values)) in enumerate(curves.items()):
        x, drawn = thin(epochs, values * (100 if percent else 1))
        split = next((split for split in SPLIT_COLOURS if name.startswith(split)), "")
        figure.add_scatter(
            x=x.astype(np.float32), y=drawn.astype(np.float32), name=name,
            mode="lines+markers" if len(x) < 40 else "lines",
            line={"color": SPLIT_COLOURS.get(split, ORDER[number % len(ORDER)]), "dash": SPLIT_DASHES.get(split)},
        )  # fmt: skip
    if best is not None:
        end = max(float(epochs[-1]) for epochs, _ in curves.values())
        vertical(figure, best, f"★ best: epoch {best}", left=best > end / 2, height=0.1 if percent else 1.0)
    if log:
        figure.update_yaxes(**log_axis(np.concatenate([values for _, values in curves.values()])))
    return figure


def gradient_heat_map(layers: Sequence[str], steps: np.ndarray, norms: np.ndarray) -> go.Figure:
    """Norms of the gradient (n, L) as colour, layer by step, log10: a dark row learns little, a bright one much."""
    figure = blank("Gradient by layer", x="step", y="", height=max(260, 140 + 24 * len(layers)))
    steps, norms = _every_nth(steps, norms)
    logs = np.log10(np.maximum(norms, 1e-12)).T.astype(np.float32)  # (L, n)
    figure.add_heatmap(
        x=steps.astype(np.float64), y=list(layers), z=logs, colorscale="Cividis",
        colorbar={"title": "log10 of<br>the norm", "thickness": 12},
        hovertemplate="layer %{y}, step %{x:,}: 10^%{z:.2f}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.update_xaxes(showgrid=False)
    return figure


def gradient_profile(layers: Sequence[str], norms: np.ndarray, *, step: int) -> go.Figure:
    """Norm of the gradient in each layer (L,) at one step, on a logarithmic axis."""
    figure = blank(
        f"Gradient at step {step:,}", x="norm of the gradient", y="", height=max(220, 120 + 24 * len(layers))
    )
    figure.add_bar(y=list(layers), x=norms, orientation="h", marker={"color": GREY}, showlegend=False)
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(**log_axis(norms))
    return figure


def _every_nth(steps: np.ndarray, norms: np.ndarray, limit: int = 400) -> tuple[np.ndarray, np.ndarray]:
    keep = np.unique(np.linspace(0, len(steps) - 1, min(limit, len(steps))).round().astype(np.int64))
    return steps[keep], norms[keep]
