"""Baselines: arrays in, scores out, fitted on the training part only. Titles and help: `evaluation.metrics`."""

import math
from collections.abc import Callable

import numpy as np

from dlcore.core.errors import DataError
from dlcore.evaluation.detectors import DETECTORS, LEAST_WINDOW, score_series, window_length
from dlcore.evaluation.smoothing import centered_mean, lookahead, trailing_mean

DAY_MS = 24 * 3_600_000
WEEK_MS = 7 * DAY_MS

COMPARISONS = 6 * 10**7
"""Largest number of window pairs in a nearest-window search; longer series use fewer training windows."""
RESOLUTION = 96
"""Largest number of values of a window; longer windows are averaged over neighboring points."""
CHUNK = 2**22
"""Distances in memory at once."""
LEAST_SPREAD = 0.1
"""Lower bound of a slot's spread as a share of the median slot's: a few weeks can agree at random."""


def seasonal_period(times: np.ndarray, train: np.ndarray) -> int:
    """Return points per week, or per day if training has less than two weeks; 1 (no seasonality) if neither fits.

    times (N,): epoch milliseconds; train (N,): true for training points.
    """
    step = _step(times)
    lengths = (round(span / step) for span in (WEEK_MS, DAY_MS) if span % step == 0)
    return next((points for points in lengths if 2 <= points <= int(train.sum()) // 2), 1)


def weekly_median(times: np.ndarray, values: np.ndarray, *, train: np.ndarray, period: int | None = None) -> np.ndarray:
    """Return the distance (N,) of each value from the training median of its slot in the period (default: a week).

    times (N,): epoch milliseconds, evenly spaced except for gaps; train (N,): true for training points. Slots without
    training points use the overall training median.

    Raises:
        DataError: there is no training point, or shapes differ.
    """
    median, _, slots = slot_statistics(times, values, train, period)
    return np.abs(values - median[slots])


def median_mad(times: np.ndarray, values: np.ndarray, *, train: np.ndarray, period: int | None = None) -> np.ndarray:
    """Return `weekly_median` divided by the slot's median absolute deviation (N,), which has a lower bound.

    Raises:
        DataError: there is no training point, or shapes differ.
    """
    median, spread, slots = slot_statistics(times, values, train, period)
    return np.abs(values - median[slots]) / spread[slots]


def seasonal_naive(
    times: np.ndarray, values: np.ndarray, *, train: np.ndarray, period: int | None = None
) -> np.ndarray:
    """Return the distance (N,) of each value from the value one period (default: a week) before.

    If that value is missing, the median training distance.
    """
    _check(times, values, train)
    before = times - (period or seasonal_period(times, train)) * _step(times)
    index = np.minimum(np.searchsorted(times, before), len(times) - 1)
    known = times[index] == before
    distance = np.abs(values - values[index])
    train_distances = distance[known & train]
    return np.where(known, distance, np.median(train_distances) if len(train_distances) else 0.0)


def nearest_window(
    times: np.ndarray,
    values: np.ndarray,
    *,
    train: np.ndarray,
    period: int | None = None,
    length: int | None = None,
) -> np.ndarray:
    """Return the distance (N,) of the window that ends at each point from its nearest training window (causal).

    A window holds `length` points (default: a seventh of the period); the distance is the root mean squared difference.
    Only training windows at least half a period away are compared. Points before the first full window score 0. Similar
    to the left matrix profile without z-normalization: Yeh et al., "Matrix profile I", ICDM 2016.
    """
    _check(times, values, train)
    period = period or seasonal_period(times, train)
    length = length or points_per_day(period)
    if len(values) < length or int(train.sum()) <= length:
        return np.zeros(len(values))
    train_values = values[train]
    scale = float(train_values.std()) or 1.0
    bin_size = -(-length // RESOLUTION)
    coarse = trailing_mean((values - train_values.mean()) / scale, bin_size).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(coarse, length)  # (N - length + 1, length)
    windows = np.ascontiguousarray(windows[:, length - 1 :: -bin_size])  # from the last point backwards
    inside = trailing_mean(train, length)[length - 1 :] == 1  # (N - length + 1,) wholly in the training part
    known = _thin(np.flatnonzero(inside), COMPARISONS // len(windows), length)
    if not len(known):
        return np.zeros(len(values))
    min_gap = max(length, period // 2) if len(train_values) >= 2 * period else length
    nearest = _nearest(windows, known, min_gap=min_gap)
    return np.r_[np.zeros(length - 1), np.sqrt(nearest / windows.shape[1]) * scale]


def random_score(n: int, *, seed: int = 0) -> np.ndarray:
    """Return uniform random scores (n,) in [0, 1)."""
    return np.random.default_rng(seed).random(n)


def series_scores(
    times: np.ndarray,
    values: np.ndarray,
    *,
    train: np.ndarray,
    period: int | None = None,
    smooth: int | None = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Return scores (N,) of every series baseline, by name.

    Each method is unsmoothed (`_raw`), with a trailing mean of `smooth` points (`_causal`; default: a seventh of the
    period) and with a centered one (`_centred`, which looks ahead). The nearest window's centered form is the same
    distance at the window's middle. A detector of windows (`WINDOW_METHODS`) has windows of `smooth` points instead of
    a running mean, and the same centered form. period: in points; default: a week, or a day.
    """
    period = period or seasonal_period(times, train)
    smooth = smooth or points_per_day(period)
    scores: dict[str, np.ndarray] = {}
    for name, method in METHODS.items():
        raw = method(times, values, train=train, period=period)
        scores |= {f"{name}_{form}": _smooth(raw, form, smooth) for form in FORMS}
    window = nearest_window(times, values, train=train, period=period, length=smooth)
    scores |= {"nearest_window_causal": window, "nearest_window_centred": _shift_earlier(window, lookahead(smooth))}
    for name in WINDOW_METHODS:
        scores |= _window_scores(name, values, train=train, smooth=smooth)
    return scores | {"random": random_score(len(values), seed=seed)}


def _window_scores(name: str, values: np.ndarray, *, train: np.ndarray, smooth: int) -> dict[str, np.ndarray]:
    """Return the scores of a detector of windows in every form; zeros if the training part has no whole window.

    Its windows hold `smooth` points; if these are too few for a shape, a length by the number of points.
    """
    length = smooth if smooth >= LEAST_WINDOW else window_length(len(values))
    if trailing_mean(train, length)[length - 1 :].max(initial=0.0) < 1:
        return {f"{name}_{form}": np.zeros(len(values)) for form in FORMS}
    causal = score_series(DETECTORS[name](length).fit(values, train), values).causal
    centered = _shift_earlier(causal, lookahead(length))
    return {f"{name}_{form}": centered if form == "centred" else causal for form in FORMS}


def series_score(
    name: str,
    times: np.ndarray,
    values: np.ndarray,
    *,
    train: np.ndarray,
    period: int | None = None,
    smooth: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Return one of `series_scores` by name without computing the rest.

    Raises:
        DataError: there is no such baseline.
    """
    period = period or seasonal_period(times, train)
    smooth = smooth or points_per_day(period)
    method, _, form = name.rpartition("_")
    if name == "random":
        return random_score(len(values), seed=seed)
    if method == "nearest_window" and form in FORMS[1:]:
        window = nearest_window(times, values, train=train, period=period, length=smooth)
        return window if form == "causal" else _shift_earlier(window, lookahead(smooth))
    if method in WINDOW_METHODS and form in FORMS:
        return _window_scores(method, values, train=train, smooth=smooth)[name]
    if method not in METHODS or form not in FORMS:
        raise DataError(f"there is no baseline '{name}'; known are {', '.join(METHODS)}, each {', '.join(FORMS)}.")
    return _smooth(METHODS[method](times, values, train=train, period=period), form, smooth)


def points_per_day(period: int) -> int:
    """Return the points in a seventh of a period (a day of a week), at least 1."""
    return max(1, round(period / 7))


def majority(train_targets: np.ndarray, n: int, *, classes: int) -> np.ndarray:
    """Return the class shares of the training part (n, K), equal for every sample: predicts the majority class."""
    shares = np.bincount(train_targets.astype(np.int64), minlength=classes) / len(train_targets)
    return np.tile(shares, (n, 1))


def nearest_centroid(
    train_inputs: np.ndarray, train_targets: np.ndarray, inputs: np.ndarray, *, classes: int
) -> np.ndarray:
    """Return probabilities (N, K) from the distance of inputs (N, D) to each class mean.

    softmax(-distance^2 / s), where s is the training samples' mean squared distance to the mean of their class. Classes
    without training samples get 0.
    """
    train, tests = (part.reshape(len(part), -1).astype(np.float64) for part in (train_inputs, inputs))
    labels = train_targets.astype(np.int64)
    count = np.bincount(labels, minlength=classes)
    one_hot = np.zeros((len(labels), classes))
    one_hot[np.arange(len(labels)), labels] = 1.0
    centers = one_hot.T @ train / np.maximum(count, 1)[:, None]  # (K, D)
    spread = ((train - centers[labels]) ** 2).sum(axis=1).mean()
    squared = (tests**2).sum(axis=1)[:, None] - 2 * tests @ centers.T + (centers**2).sum(axis=1)  # (N, K)
    squared[:, count == 0] = np.inf
    logits = -(squared - squared.min(axis=1, keepdims=True)) / (spread if spread > 0 else 1.0)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


METHODS: dict[str, Callable[..., np.ndarray]] = {
    "weekly_median": weekly_median,
    "median_mad": median_mad,
    "seasonal_naive": seasonal_naive,
}
WINDOW_METHODS = ("knn", "matrix_profile", "kmeans", "isolation_forest")
"""Detectors of `evaluation.detectors` that are baselines of every model."""
FORMS = ("raw", "causal", "centred")


def _smooth(score: np.ndarray, form: str, n: int) -> np.ndarray:
    if form == "raw":
        return score
    return trailing_mean(score, n) if form == "causal" else centered_mean(score, n)


def _shift_earlier(score: np.ndarray, points: int) -> np.ndarray:
    """Return the score (N,) shifted `points` earlier, so it looks ahead; the last value fills the end."""
    return np.r_[score[points:], np.full(min(points, len(score)), score[-1])]


def slot_statistics(
    times: np.ndarray, values: np.ndarray, train: np.ndarray, period: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return median and spread (P,) of each slot of the period over training points, and each point's slot (N,).

    Raises:
        DataError: there is no training point, or shapes differ.
    """
    _check(times, values, train)
    period = period or seasonal_period(times, train)
    slots = slots_of(times, first=int(times[0]), step=_step(times), period=period)
    train_values, train_slots = values[train], slots[train]
    overall_median = np.median(train_values)
    median = _slot_medians(train_values, train_slots, period, default=overall_median)
    spread = _slot_medians(
        np.abs(train_values - median[train_slots]),
        train_slots,
        period,
        default=np.median(np.abs(train_values - overall_median)),
    )
    min_spread = LEAST_SPREAD * float(np.median(spread))
    return median, np.maximum(spread, min_spread) if min_spread > 0 else np.where(spread > 0, spread, 1.0), slots


def _slot_medians(values: np.ndarray, slots: np.ndarray, period: int, *, default: float) -> np.ndarray:
    """Return the median (P,) of the values (n,) of each slot, `default` for a slot without values."""
    ranked = values[np.lexsort((values, slots))]
    counts = np.bincount(slots, minlength=period)
    known, first = counts > 0, np.cumsum(counts) - counts
    low, high = (ranked[(first + middle)[known]] for middle in ((counts - 1) // 2, counts // 2))
    medians = np.full(period, default)
    medians[known] = (low + high) / 2
    return medians


def slots_of(times: np.ndarray, *, first: int, step: int, period: int) -> np.ndarray:
    """Return the slot (N,) of each time in a period of `period` steps that begins at the time `first`."""
    slots: np.ndarray = np.round((times - first) / step).astype(np.int64) % period
    return slots


def _nearest(windows: np.ndarray, known: np.ndarray, *, min_gap: int) -> np.ndarray:
    """Return the smallest squared distance (M,) of each window (M, D) to known ones at least `min_gap` away."""
    lengths = np.einsum("ij,ij->i", windows, windows)
    distances = np.empty(len(windows))
    rows = max(1, CHUNK // len(known))
    for start in range(0, len(windows), rows):
        index = np.arange(start, min(start + rows, len(windows)))
        squared = lengths[index, None] - 2 * windows[index] @ windows[known].T + lengths[known]
        if start < known[-1] + min_gap:
            squared[np.abs(index[:, None] - known) < min_gap] = np.inf
        distances[index] = squared.min(axis=1)
    finite = np.isfinite(distances)
    return np.maximum(np.where(finite, distances, distances[finite].max() if finite.any() else 0.0), 0.0)


def _thin(places: np.ndarray, most: int, length: int) -> np.ndarray:
    """Return about `most` evenly spaced places, with a stride coprime to `length` to cover all its phases."""
    stride = -(-len(places) // max(most, 1)) if len(places) else 1
    while stride > 1 and math.gcd(stride, length) > 1:
        stride += 1
    return places[::stride]


def _step(times: np.ndarray) -> int:
    """Return the median milliseconds between points."""
    return max(int(np.median(np.diff(times))), 1) if len(times) > 1 else WEEK_MS


def _check(times: np.ndarray, values: np.ndarray, train: np.ndarray) -> None:
    if not times.shape == values.shape == train.shape or not train.any():
        raise DataError(
            f"a series baseline needs times and values of equal length, and training points: "
            f"{times.shape}, {values.shape}, {int(train.sum())} training points."
        )


NEIGHBORS = 10


def nearest_neighbors(train: np.ndarray, targets: np.ndarray, test: np.ndarray, *, classes: int) -> np.ndarray:
    """Return the share (N, K) of each class among the ten training features (M, D) nearest by cosine distance; near
    ones weigh more."""
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(min(NEIGHBORS, len(train)), metric="cosine", weights="distance").fit(train, targets)
    scores = np.zeros((len(test), classes), np.float32)
    scores[:, model.classes_.astype(int)] = model.predict_proba(test)
    return scores
