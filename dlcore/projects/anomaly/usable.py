"""The seasonal median as a detector: stored with a run, it scores new series."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlcore.data.series import intervals
from dlcore.data.series.series import Series, read_csv
from dlcore.data.splits import Prepared
from dlcore.evaluation import anomaly as scoring
from dlcore.evaluation import baselines as simple
from dlcore.evaluation.smoothing import centered_mean, trailing_mean
from dlcore.projects.project import LoadedModel, UsableBaseline
from dlcore.projects.run_config import RunConfig


def fit(prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """Training medians (P,) by position in the period; step, smoothing, and threshold: the largest validation score."""
    series: Series = prepared.source["series"]
    spans = prepared.source["spans"]
    train = np.zeros(len(series.values), bool)
    train[spans["train"]] = ~prepared.source["left_out"][spans["train"]]
    period = series.period or simple.seasonal_period(series.times, train)
    places = series.times // series.step_ms % period
    medians = np.full(period, np.median(series.values[train]))
    for place in np.unique(places[train]):
        medians[place] = np.median(series.values[train & (places == place)])
    smooth = simple.points_per_day(period)
    scores = trailing_mean(np.abs(series.values - medians[places]), smooth)
    sizes = {"step_ms": series.step_ms, "smooth": smooth, "threshold": scores[spans["validation"]].max()}
    return {"medians": medians} | {name: np.array([value], np.float64) for name, value in sizes.items()}


def answer(loaded: LoadedModel, arrays: Mapping[str, np.ndarray], payload: bytes) -> dict[str, Any]:
    """Distances from the seasonal median and alarms for a CSV with a time and a value column, as `Project.answer`.

    Raises:
        DataError: the file cannot be read; names row and column.
    """
    series = read_csv(payload)
    medians, step = arrays["medians"], int(arrays["step_ms"][0])
    smooth, limit = int(arrays["smooth"][0]), float(arrays["threshold"][0])
    distance = np.abs(series.values - medians[series.times // step % len(medians)])
    scores = trailing_mean(distance, smooth)
    is_alarm = scoring.alarms(scores, limit)
    return {
        "threshold": limit,
        "alarms": int(is_alarm.sum()),
        "unscored": 0,
        "context_ms": 0,
        "rows": list(range(2, len(scores) + 2)),
        "times": series.times.tolist(),
        "values": series.values.tolist(),
        "errors": scores.tolist(),
        "centred": centered_mean(distance, smooth).tolist(),
        "alarm_rows": (np.flatnonzero(is_alarm) + 2).tolist(),
        "note": intervals.describe_step_difference(series.step_ms, step),
        "receipt": list(series.receipt),
    }


USABLE_BASELINES = {"weekly_median_causal": UsableBaseline(fit, answer)}
