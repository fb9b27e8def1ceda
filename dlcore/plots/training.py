"""Training curves by epoch."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import ORDER
from dlcore.plots.style import SPLIT_COLORS, SPLIT_DASHES, blank, log_axis, thin, vertical


def curves_by_epoch(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    title: str,
    y: str,
    best: int | None = None,
    percent: bool = False,
    log: bool = False,
) -> go.Figure:
    """Plot named curves, each epochs (n,) and values (n,): train solid, validation dashed, the best epoch marked."""
    figure = blank(title, x="epoch", y=y)
    for number, (name, (epochs, values)) in enumerate(curves.items()):
        x, y_thin = thin(epochs, values * (100 if percent else 1))
        split = next((split for split in SPLIT_COLORS if name.startswith(split)), "")
        figure.add_scatter(
            x=x.astype(np.float32),
            y=y_thin.astype(np.float32),
            name=name,
            mode="lines+markers" if len(x) < 40 else "lines",
            line={"color": SPLIT_COLORS.get(split, ORDER[number % len(ORDER)]), "dash": SPLIT_DASHES.get(split)},
        )
    if best is not None:
        end = max(float(epochs[-1]) for epochs, _ in curves.values())
        vertical(figure, best, f"★ best: epoch {best}", left=best > end / 2, height=0.1 if percent else 1.0)
    if log:
        figure.update_yaxes(**log_axis(np.concatenate([values for _, values in curves.values()])))
    return figure
