"""Simple methods that every network stands beside: arrays in, scores out, fitted on the training part alone."""

from collections.abc import Callable

import numpy as np

from dlcore.core.errors import DataError

WEEK_MS = 7 * 24 * 3_600_000


def weekly_median(times: np.ndarray, values: np.ndarray, *, train: np.ndarray) -> np.ndarray:
    """Distance (N,) of each value from the training median of the same time of the week.

    times (N,) epoch milliseconds, evenly spaced but for gaps; train (N,) true where a point may be learnt from. A
    time of the week that the training part never saw takes the training median of all.

    Raises:
        DataError: there is no training point, or shapes differ.
    """
    _check(times, values, train)
    slots = _slots(times)
    usual = np.full(slots.max() + 1, np.median(values[train]))
    for slot in np.unique(slots[train]):
        usual[slot] = np.median(values[train & (slots == slot)])
    return np.abs(values - usual[slots])


def seasonal_naive(times: np.ndarray, values: np.ndarray, *, train: np.ndarray) -> np.ndarray:
    """Distance (N,) of each value from the one a week before; where there is none, the median training distance."""
    _check(times, values, train)
    place = np.minimum(np.searchsorted(times, times - WEEK_MS), len(times) - 1)
    known = times[place] == times - WEEK_MS
    distance = np.abs(values - values[place])
    learnt = distance[known & train]
    return np.where(known, distance, np.median(learnt) if len(learnt) else 0.0)


def median_mad(times: np.ndarray, values: np.ndarray, *, train: np.ndarray) -> np.ndarray:
    """Distance (N,) from the training median in units of the training part's median absolute deviation."""
    _check(times, values, train)
    middle = np.median(values[train])
    spread = np.median(np.abs(values[train] - middle))
    return np.abs(values - middle) / (spread if spread > 0 else 1.0)


def random_score(n: int, *, seed: int = 0) -> np.ndarray:
    """A score (n,) that knows nothing: even over [0, 1). What it gets is what chance gets."""
    return np.random.default_rng(seed).random(n)


def series_scores(times: np.ndarray, values: np.ndarray, *, train: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """The score (N,) of every series baseline, by name."""
    methods: dict[str, Callable[..., np.ndarray]] = {
        "weekly_median": weekly_median,
        "seasonal_naive": seasonal_naive,
        "median_mad": median_mad,
    }
    found = {name: method(times, values, train=train) for name, method in methods.items()}
    return found | {"random": random_score(len(values), seed=seed)}


def majority(train_targets: np.ndarray, n: int, *, classes: int) -> np.ndarray:
    """The training part's class shares (n, K), the same for each sample: the commonest class always wins."""
    shares = np.bincount(train_targets.astype(np.int64), minlength=classes) / len(train_targets)
    return np.tile(shares, (n, 1))


def nearest_centroid(
    train_inputs: np.ndarray, train_targets: np.ndarray, inputs: np.ndarray, *, classes: int
) -> np.ndarray:
    """Probabilities (N, K) by distance to the mean of each class, for inputs (N, D).

    The nearest class wins; softmax(-distance^2 / s) with s the training samples' mean squared distance to their own
    class's mean makes a number between 0 and 1 of it. A class without training samples gets 0.
    """
    train, tests = (part.reshape(len(part), -1).astype(np.float64) for part in (train_inputs, inputs))
    labels = train_targets.astype(np.int64)
    count = np.bincount(labels, minlength=classes)
    one_hot = np.zeros((len(labels), classes))
    one_hot[np.arange(len(labels)), labels] = 1.0
    centres = one_hot.T @ train / np.maximum(count, 1)[:, None]  # (K, D)
    own = ((train - centres[labels]) ** 2).sum(axis=1).mean()
    squared = (tests**2).sum(axis=1)[:, None] - 2 * tests @ centres.T + (centres**2).sum(axis=1)  # (N, K)
    squared[:, count == 0] = np.inf
    logits = -(squared - squared.min(axis=1, keepdims=True)) / (own if own > 0 else 1.0)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def _slots(times: np.ndarray) -> np.ndarray:
    """The time of the week of each point (N,), counted in steps of the series."""
    step = int(np.median(np.diff(times))) if len(times) > 1 else WEEK_MS
    return (times % WEEK_MS) // max(step, 1)


def _check(times: np.ndarray, values: np.ndarray, train: np.ndarray) -> None:
    if not times.shape == values.shape == train.shape or not train.any():
        raise DataError(
            f"a series baseline needs as many times as values and a training part: {times.shape}, {values.shape}, "
            f"{int(train.sum())} training points."
        )
