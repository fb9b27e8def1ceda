"""Embeddings of a network's features in two dimensions, aligned from epoch to epoch.

Each epoch is projected orthogonally: the last one on its first two principal components, every other one on the plane
in which it looks most like the next (orthogonal Procrustes). Nothing is drawn at random, so a run has one embedding.
"""

from collections.abc import Sequence

import numpy as np

DIMENSIONS = 32
"""Features that are kept of each sample."""
NEIGHBORS, COMPARED = 10, 400
"""Neighbors of a sample, and samples, by which the preservation of neighborhoods is measured."""


def reduce_features(features: np.ndarray) -> np.ndarray:
    """Return features (N, D) centered, at mean norm 1, with at most 32 dimensions: those of the largest variance.

    Source of the projection: Halko, Martinsson and Tropp 2011, with one power iteration.
    """
    centered = np.nan_to_num(features.astype(np.float32))
    centered -= centered.mean(axis=0)
    if centered.shape[1] > DIMENSIONS:
        probe = np.random.default_rng(0).standard_normal((centered.shape[1], DIMENSIONS), np.float32)
        basis, _ = np.linalg.qr(centered.T @ (centered @ probe))
        centered = centered @ basis
    return (centered / max(1e-12, float(np.sqrt((centered**2).sum(axis=1).mean())))).astype(np.float16)


def embed_epochs(features: Sequence[np.ndarray]) -> np.ndarray:
    """Return points (E, N, 2) float32 of the reduced features (N, P) of E epochs, each epoch at mean norm 1."""
    epochs = [_with_two(values.astype(np.float64)) for values in features]
    points = [epochs[-1] @ _principal_axes(epochs[-1])]
    for values in reversed(epochs[:-1]):
        left, _, right = np.linalg.svd(values.T @ points[-1], full_matrices=False)
        points.append(values @ (left @ right))
    stacked = np.stack(points[::-1])
    norms = np.sqrt((stacked**2).sum(axis=2).mean(axis=1))
    return np.asarray(stacked / np.maximum(norms, 1e-12)[:, None, None], np.float32)


def _with_two(values: np.ndarray) -> np.ndarray:
    """Return features with at least two columns."""
    return np.pad(values, ((0, 0), (0, max(0, 2 - values.shape[1]))))


def _principal_axes(values: np.ndarray) -> np.ndarray:
    """Return the first two principal axes (P, 2); the largest coefficient of each is positive."""
    _, vectors = np.linalg.eigh(values.T @ values)
    axes = vectors[:, :-3:-1]
    return np.asarray(axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]]))


def trustworthiness(features: np.ndarray, points: np.ndarray) -> float:
    """Return how well points keep neighborhoods: 1 if no sample has a neighbor that is far away in the features.

    Measured on evenly spaced samples. Source: Venna and Kaski 2001.
    """
    from sklearn import manifold

    few = np.unique(np.linspace(0, len(points) - 1, min(COMPARED, len(points))).astype(int))
    neighbors = min(NEIGHBORS, (len(few) - 1) // 2)
    if neighbors < 1:
        return 1.0
    return float(manifold.trustworthiness(features[few].astype(np.float64), points[few], n_neighbors=neighbors))
