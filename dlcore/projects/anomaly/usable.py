"""The seasonal median as a detector: stored with a run, it scores new series."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.series.series import Series, read_csv
from dlcore.evaluation import baselines as simple
from dlcore.evaluation.detectors import Scores
from dlcore.evaluation.smoothing import centered_mean, trailing_mean
from dlcore.projects.anomaly.evaluation import ThresholdData, describe_scores
from dlcore.projects.project import LoadedModel

SEASONAL_MEDIAN = "weekly_median_causal"
"""Name of the baseline among the stored ones."""
_NUMBERS = ("first_ms", "step_ms", "smooth", "threshold")


def fit_seasonal_median(
    series: Series, threshold_data: ThresholdData, *, train: np.ndarray, smooth: int
) -> dict[str, np.ndarray]:
    """Return the medians (P,) of each slot of the period over training points (T,), and what scoring needs.

    `smooth` is the length of the running mean in points; 0: a seventh of the period.
    """
    medians, _, slots = simple.slot_statistics(series.times, series.values, train, series.period or None)
    smooth = smooth or simple.points_per_day(len(medians))
    scores = trailing_mean(np.abs(series.values - medians[slots]), smooth)
    numbers = (series.times[0], series.step_ms, smooth, threshold_data.threshold(scores))
    return {"medians": medians} | {name: np.array([value]) for name, value in zip(_NUMBERS, numbers, strict=True)}


def answer_with_seasonal_median(
    loaded: LoadedModel, arrays: Mapping[str, np.ndarray], payload: bytes
) -> dict[str, Any]:
    """Return distances from the seasonal median and alarms for a CSV, as `Project.answer` does.

    Raises:
        DataError: the file cannot be read (names row and column), or the stored arrays are damaged.
    """
    medians, first, step, smooth, limit = _read(arrays)
    series = read_csv(payload)
    slots = simple.slots_of(series.times, first=first, step=step, period=len(medians))
    distance = np.abs(series.values - medians[slots])
    scores = trailing_mean(distance, smooth)
    both = Scores(scores, centered_mean(distance, smooth))
    return describe_scores(series, both, threshold=limit, window=0, trained_ms=step)


def _read(arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, int, int, int, float]:
    """Return medians (P,), first time and step in milliseconds, smoothing in points, and threshold."""
    medians = arrays.get("medians", np.zeros(0))
    numbers = [arrays.get(name, np.zeros(0)) for name in _NUMBERS]
    is_usable = medians.ndim == 1 and len(medians) and all(number.shape == (1,) for number in numbers)
    if not is_usable or not all(np.isfinite(values).all() for values in (medians, *numbers)):
        raise DataError("the stored baseline is damaged: export the run again.")
    first, step, smooth, limit = (number[0] for number in numbers)
    if step < 1 or smooth < 1:
        raise DataError("the stored baseline is damaged: export the run again.")
    return medians, int(first), int(step), int(smooth), float(limit)
