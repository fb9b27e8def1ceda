"""Weak slices: groups of test samples that a classifier predicts worse than the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlcore.evaluation.uncertainty import wilson

MIN_SAMPLES = 20
"""Smaller slices are excluded: their interval is too wide."""
QUANTILES = 4


@dataclass(frozen=True)
class Slice:
    """Accuracy of the n samples of a slice, `brightness: 0.10 to 0.32`, with its 95 % interval.

    `is_weak`: the whole interval, corrected for the number of slices (Bonferroni), is below the accuracy of all
    samples.
    """

    name: str
    n: int
    accuracy: float
    low: float
    high: float
    is_weak: bool


def find_slices(
    correct: np.ndarray, labels: np.ndarray, names: Sequence[str], properties: Mapping[str, np.ndarray]
) -> list[Slice]:
    """Return the slices by class and by quarters of each property (N,), the least accurate first.

    correct: (N,) whether the prediction is; labels: (N,) class numbers; names: of the K classes.
    """
    masks = {f"class: {name}": labels == label for label, name in enumerate(names)}
    for name, values in properties.items():
        masks |= _quarters(name, values)
    masks = {name: mask for name, mask in masks.items() if mask.sum() >= MIN_SAMPLES}
    return sorted((_measure(name, correct[mask], correct, len(masks)) for name, mask in masks.items()), key=_accuracy)


def _accuracy(part: Slice) -> float:
    return part.accuracy


def _quarters(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Return the masks (N,) of up to four ranges with about equally many samples."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, QUANTILES + 1)))
    if len(edges) < 2:
        return {}
    numbers = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return {f"{name}: {edges[i]:.4g} to {edges[i + 1]:.4g}": numbers == i for i in range(len(edges) - 1)}


def _measure(name: str, inside: np.ndarray, every: np.ndarray, count: int) -> Slice:
    hits, n = int(inside.sum()), len(inside)
    low, high = wilson(hits, n)
    _, corrected = wilson(hits, n, level=1 - 0.05 / count)
    return Slice(name, n, hits / n, low, high, is_weak=corrected < float(every.mean()))
