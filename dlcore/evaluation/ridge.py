"""Ridge regression on targets with missing values, the linear baseline of the forecasters."""

from collections.abc import Sequence

import numpy as np

STRENGTHS = (3.0, 10.0, 30.0, 100.0, 300.0)
"""Candidate penalties, chosen on validation."""


def fit(features: np.ndarray, targets: np.ndarray, *, strengths: Sequence[float]) -> list[np.ndarray]:
    """Return weights (D + 1, K) for each penalty, intercept last, from features (N, D) and targets (N, K) with NaN
    where unknown.

    Each column is fitted on its own known rows: minimizes squared error + strength * |w|^2 with a free intercept (Hoerl
    & Kennard 1970). One product of all rows serves all columns; each subtracts its unknown rows.
    """
    x = np.column_stack([features, np.ones(len(features))]).astype(np.float64)
    known = ~np.isnan(targets)
    sides = x.T @ np.where(known, targets, 0.0)  # (D + 1, K)
    whole = x.T @ x
    solutions = [np.zeros_like(sides) for _ in strengths]
    alike, groups = np.unique(known, axis=1, return_inverse=True)  # columns with the same known rows
    for group in range(alike.shape[1]):
        rows, columns = alike[:, group], np.flatnonzero(groups.ravel() == group)
        if not rows.any():
            continue
        part = x[~rows]
        for place, strength in enumerate(strengths):
            penalty = np.full(len(whole), strength)
            penalty[-1] = 1e-6
            solutions[place][:, columns] = np.linalg.solve(whole - part.T @ part + np.diag(penalty), sides[:, columns])
    return solutions


def predict(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
    """(D + 1, K), (N, D) -> (N, K)."""
    values: np.ndarray = features @ weights[:-1] + weights[-1]
    return values


def choose(train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the penalty with the smallest mean squared error on validation; both are (features, targets)."""
    fitted = fit(*train, strengths=STRENGTHS)
    errors = [float(np.nanmean((predict(weights, validation[0]) - validation[1]) ** 2)) for weights in fitted]
    return STRENGTHS[int(np.argmin(errors))]
