"""Stratified splits and samples of rows."""

import numpy as np


def stratified_split(labels: np.ndarray, share: float, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split rows so that the second part has a random `share` of every class; return sorted row numbers of both parts.

    labels: (N,) class numbers. Every class with two or more rows has at least one row in each part.
    """
    labels, rng = np.asarray(labels), np.random.default_rng(seed)
    selected = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        count = min(max(1, round(share * len(rows))), len(rows) - 1)
        selected[rng.permutation(rows)[:count]] = True
    return np.flatnonzero(~selected), np.flatnonzero(selected)


def stratified_sample(labels: np.ndarray, rows: int, *, seed: int) -> np.ndarray:
    """Sample about `rows` rows, stratified by class; return sorted row numbers, all if `rows` is 0 or too large."""
    if rows <= 0 or rows >= len(labels):
        return np.arange(len(labels))
    return stratified_split(labels, rows / len(labels), seed=seed)[1]


def stratified_folds(labels: np.ndarray, folds: int, *, seed: int = 0) -> np.ndarray:
    """Return the fold (N,) of each row, 1 to `folds`; every fold has about the same share of every class."""
    labels, rng = np.asarray(labels), np.random.default_rng(seed)
    numbers, start = np.zeros(len(labels), np.int64), 0
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        numbers[rows] = (start + np.arange(len(rows))) % folds + 1
        start += len(rows)  # small classes do not all begin in the first fold
    return numbers
