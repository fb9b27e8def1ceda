"""Cutting rows into parts that keep every class's share."""

import numpy as np


def stratified_split(labels: np.ndarray, share: float, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the rest and of a random `share` of every class; both rising, (labels, seed) decide alone.

    labels: (N,) class numbers. Every class with two rows or more has at least one row on each side.
    """
    labels, drawn = np.asarray(labels), np.random.default_rng(seed)
    taken = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        count = min(max(1, round(share * len(rows))), len(rows) - 1)
        taken[drawn.permutation(rows)[:count]] = True
    return np.flatnonzero(~taken), np.flatnonzero(taken)


def stratified_sample(labels: np.ndarray, rows: int, *, seed: int) -> np.ndarray:
    """Row numbers, rising, of about `rows` rows, every class at its share; all when `rows` is 0 or not fewer."""
    if rows <= 0 or rows >= len(labels):
        return np.arange(len(labels))
    return stratified_split(labels, rows / len(labels), seed=seed)[1]
