"""Figures of attention: similarity of position embeddings, attention distance, attention of heads to words."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GRAY, LIGHT_SIGNED, ORDER, VERMILLION
from dlcore.plots.style import blank

GAP = 1
"""Empty cells between two tiles."""


def position_similarity(similarity: np.ndarray, grid: tuple[int, int]) -> go.Figure:
    """Plot the cosine similarity of position embeddings (patches, patches), one tile per patch.

    Each tile maps the similarity of all patches to its patch (Dosovitskiy et al. 2021, figure 7, middle).
    """
    rows, columns = grid
    tall, wide = rows + GAP, columns + GAP
    z = np.full((rows * tall - GAP, columns * wide - GAP), np.nan, dtype=np.float32)
    words = np.full(z.shape, "", dtype=object)
    for place in range(rows * columns):
        i, j = divmod(place, columns)
        tile = (slice(i * tall, i * tall + rows), slice(j * wide, j * wide + columns))
        z[tile] = similarity[place].reshape(rows, columns)
        words[tile] = np.array(
            [
                [f"row {i + 1}, column {j + 1} and row {r + 1}, column {c + 1}" for c in range(columns)]
                for r in range(rows)
            ],
            dtype=object,
        )
    figure = blank("Similarity of position embeddings", x="", y="", height=440)
    figure.add_heatmap(
        z=z,
        customdata=words,
        zmin=-1,
        zmax=1,
        colorscale=LIGHT_SIGNED,
        colorbar={"title": "cosine", "thickness": 12, "tickvals": [-1, 0, 1]},
        hovertemplate="%{customdata}: %{z:.2f}<extra></extra>",
        hoverongaps=False,
    )
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x")
    return figure


def head_distances(distances: np.ndarray, *, even: float) -> go.Figure:
    """Plot the mean attention distance of each head, in patches, (B, heads); `even`: that of uniform attention."""
    blocks, heads = distances.shape
    figure = blank("Attention distance per head", x="block", y="mean distance, patches", height=440)
    for head in range(heads):
        figure.add_scatter(
            x=np.arange(1, blocks + 1),
            y=distances[:, head],
            mode="markers",
            name=f"head {head + 1}",
            marker={"size": 10, "color": ORDER[head % len(ORDER)] if heads > 1 else BLUE},
            hovertemplate=f"block %{{x}}, head {head + 1}: %{{y:.2f}} patches<extra></extra>",
        )
    figure.add_hline(
        y=even,
        line={"color": GRAY, "dash": "dot", "width": 1.5},
        annotation_text="uniform attention",
        annotation_position="top left",
    )
    figure.update_xaxes(dtick=1, range=[0.5, blocks + 0.5])
    figure.update_yaxes(range=[0, 1.12 * max(even, float(distances.max()))])
    return figure


def head_effects(effects: np.ndarray, layers: Sequence[str], *, label: str) -> go.Figure:
    """Plot the change (L, H), -1 to 1, of the probability of `label` when a head is switched off; NaN stays empty."""
    reach = float(np.nanmax(np.abs(100 * effects), initial=1.0))
    figure = blank(f"Change of “{label}” without the head", x="head", y="", height=150 + 26 * len(layers))
    figure.add_heatmap(
        z=(100 * effects).astype(np.float32),
        x=np.arange(1, effects.shape[1] + 1),
        y=list(layers),
        zmin=-reach,
        zmax=reach,
        colorscale=LIGHT_SIGNED,
        colorbar={"title": "points"},
        hovertemplate="%{y}, head %{x}: %{z:+.1f} points<extra></extra>",
    )
    figure.update_xaxes(dtick=1)
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


def heads_over_words(shares: np.ndarray, words: Sequence[str], *, query: str) -> go.Figure:
    """Plot the attention of each head to each word, (B, heads, T), one row per head; `query` is the attending word."""
    layers, heads, length = shares.shape
    rows = [f"layer {layer + 1}, head {head + 1}" for layer in range(layers) for head in range(heads)]
    figure = blank(f"Attention of {query}", x="", y="", height=150 + 20 * len(rows))
    figure.add_heatmap(
        z=100 * shares.reshape(-1, length).astype(np.float32),
        y=rows,
        zmin=0,
        colorscale=[[0.0, "rgba(138, 143, 152, 0.06)"], [1.0, VERMILLION]],
        colorbar={"title": "share, %", "thickness": 12},
        customdata=np.tile(np.array(words, dtype=object), (len(rows), 1)),
        hovertemplate="%{y}: %{z:.1f} % on “%{customdata}”<extra></extra>",
        xgap=1,
        ygap=1,
    )
    figure.update_xaxes(tickvals=list(range(length)), ticktext=list(words), tickangle=-60, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure
