"""Scores of a new series, as a whole or in consecutive parts of any length."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from dlcore.data.series.series import CYCLES, MinMaxScaler, Series, calendar
from dlcore.evaluation import smoothing
from dlcore.models.nearest_windows import NearestWindows, NearestWindowsByColumn
from dlcore.projects.anomaly import alarm, records
from dlcore.projects.anomaly import scores as scored
from dlcore.projects.anomaly.evaluation import HOUR_MS
from dlcore.projects.anomaly.models import AnomalyData, view_of
from dlcore.projects.anomaly.records import RecordRule
from dlcore.projects.anomaly.scores import ScaledRows
from dlcore.projects.project import LoadedModel
from dlcore.projects.run_config import RunConfig

FLAT = 4.0
"""Squared error of a flat stretch in units of the largest training error."""


def time_features(series: Series, cycles: Sequence[str] = CYCLES) -> np.ndarray:
    """Features (T, V + 2 C): the value or columns, and sine and cosine of the position in each of the C cycles.

    A cycle that training does not cover is left out: its features would be out of range everywhere else.
    """
    return np.column_stack([series.variables, calendar(series.times, cycles)])


def scale_rows(loaded: LoadedModel, series: Series) -> ScaledRows:
    """The points of a new series as model input."""
    features = time_features(series, loaded.preprocessing.get("cycles", CYCLES))
    scaled = MinMaxScaler.from_json(loaded.preprocessing["scaler"]).scale(features)
    places = scored.places_of(series.times, loaded.preprocessing, count=loaded.facts.get("places", 1))
    return ScaledRows(scaled, np.full(len(scaled), -1), places)


def smoothing_points(config: RunConfig, step_ms: int) -> int:
    """Points in the running mean of the scores; 1: no smoothing."""
    return max(1, round(config.data_as(AnomalyData).smoothing_h * HOUR_MS / step_ms))


def raise_flat(errors: np.ndarray, rows: ScaledRows, module: nn.Module) -> np.ndarray:
    """Return errors (n, S) of the last n points of `rows`, where the series is flat at least `FLAT` times the largest
    training error: a stuck sensor is close to many noisy windows."""
    detectors = list(module) if isinstance(module, NearestWindowsByColumn) else [module]
    raised = errors.copy()
    for column, detector in enumerate(detectors):
        if isinstance(detector, NearestWindows) and float(detector.flat):
            scaled = torch.from_numpy(np.ascontiguousarray(rows.scaled[:, column]))
            is_flat = detector.is_flat(scaled).numpy()
            is_flat[: detector.length - 1] = False  # points without a score
            is_flat = is_flat[len(rows) - len(errors) :]
            raised[is_flat, column] = np.maximum(errors[is_flat, column], FLAT * float(detector.largest) ** 2)
    return raised


def apply_records(
    errors: np.ndarray,
    config: RunConfig,
    module: nn.Module,
    facts: Mapping[str, int],
    *,
    before: np.ndarray | None = None,
) -> np.ndarray:
    """Return `records.record_scores` of errors (n,) for a run with that rule, else the errors themselves."""
    rule = record_rule(config, facts)
    if rule is None:
        return errors
    return records.record_scores(errors, rule, largest=float(cast(NearestWindows, module).largest), before=before)


def record_rule(config: RunConfig, facts: Mapping[str, int]) -> RecordRule | None:
    """Return the rule of a run whose alarms are records; None if it has a threshold."""
    share = config.data_as(AnomalyData).record_share
    return RecordRule.of(share, train_points=facts["train_points"], window=facts["window"]) if share else None


def join_scores(
    errors: np.ndarray,
    config: RunConfig,
    module: nn.Module,
    facts: Mapping[str, int],
    *,
    before: np.ndarray | None = None,
) -> np.ndarray:
    """Return one score (n,) per point: of errors (n, S) of an ensemble the mean, of those of columns the largest.

    Columns are compared in units of their largest training errors, or by the scores of `column_scores`. `before` are
    the errors of the points before them.
    """
    before = errors[:0] if before is None else before
    if not isinstance(module, NearestWindowsByColumn):
        return apply_records(errors.mean(axis=1), config, module, facts, before=before.mean(axis=1))
    if config.data_as(AnomalyData).column_thresholds:
        return column_scores(errors, config, module, facts, before=before).max(axis=1)
    relative, earlier = (scored.relative_errors(part, module).max(axis=1) for part in (errors, before))
    rule = record_rule(config, facts)
    return records.record_scores(relative, rule, largest=1.0, before=earlier) if rule else relative


def column_scores(
    errors: np.ndarray,
    config: RunConfig,
    module: NearestWindowsByColumn,
    facts: Mapping[str, int],
    *,
    before: np.ndarray | None = None,
) -> np.ndarray:
    """Return the scores (n, V) of each column by itself, from errors (n, V) and those of the points `before`."""
    if not config.data_as(AnomalyData).record_share:
        return scored.relative_errors(errors, module)
    before = errors[:0] if before is None else before
    parts = zip(errors.T, before.T, module, strict=True)
    scores = [apply_records(column, config, each, facts, before=earlier) for column, earlier, each in parts]
    return np.stack(scores, axis=1)


class StreamScorer:
    """Causal scores of a series that comes in parts; the mean over an ensemble's networks.

    It remembers the points of an incomplete window and the errors within the running mean, so parts may be shorter than
    either.
    """

    def __init__(self, loaded: LoadedModel, step_ms: int) -> None:
        self.names = tuple(loaded.preprocessing.get("columns", ()))
        self.loaded, self.length = loaded, int(loaded.facts["window"])
        self.smooth = smoothing_points(loaded.config, step_ms)
        self.times, self.values = np.zeros(0, np.int64), np.zeros((0, len(self.names)) if self.names else 0)
        self.errors: np.ndarray | None = None
        rule = record_rule(loaded.config, loaded.facts)
        self.reach = rule.reach if rule else 0
        self.recent = np.zeros((0, max(1, len(self.names))))

    def score(self, times: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the score (n,) of each point of the next part, values (n,) or (n, V); 0 before the first window."""
        self.times, self.values = np.r_[self.times, times], np.concatenate([self.values, values])
        errors = np.zeros((len(times), self.recent.shape[1]))
        if len(self.times) >= self.length:
            rows = scale_rows(self.loaded, self._series(self.times, self.values))
            new = self._errors(rows, len(times))
            whole = new if self.errors is None else np.concatenate([self.errors, new])
            means = [smoothing.trailing_mean(column, self.smooth)[len(whole) - len(new) :] for column in whole.T]
            joined = np.stack(means if self.names else [np.mean(means, axis=0)], axis=1)
            errors[len(times) - len(new) :] = raise_flat(joined, rows, self.loaded.module)
            self.errors = whole[max(0, len(whole) - self.smooth + 1) :]
        done = max(0, len(self.times) - self.length + 1)
        self.times, self.values = self.times[done:], self.values[done:]
        loaded, before = self.loaded, self.recent
        if self.reach:
            self.recent = np.r_[before, errors][-self.reach :]
        return join_scores(errors, loaded.config, loaded.module, loaded.facts, before=before)

    def explain(self, times: np.ndarray, values: np.ndarray) -> dict[str, Any]:
        """Return the window behind the score of the last of the points (n,): `times`, `observed` and `expected` (L,),
        `part`, its two ends in epoch milliseconds where the error is largest, and the `column` with the largest error,
        empty for one series. Empty if n is less than a window.

        The part is the shortest stretch around the largest error that holds half of the window's error.
        """
        if len(times) < max(self.length, 2):
            return {}
        series = self._series(times, values)
        window = alarm.reconstruct_series(self.loaded, series, scale_rows(self.loaded, series), len(times) - 1)
        start, stop = _shortest_half(window.by_point)
        return {
            "times": window.times.tolist(),
            "observed": window.observed.tolist(),
            "expected": window.rebuilt.tolist(),
            "part": (int(window.times[start]), int(window.times[stop - 1])),
            "part_observed": float(window.observed[start:stop].mean()),
            "part_expected": float(window.rebuilt[start:stop].mean()),
            "column": window.column,
        }

    def _series(self, times: np.ndarray, values: np.ndarray) -> Series:
        """The points as a series: of values (n,), or of columns (n, V)."""
        return Series(times, values[:, 0], columns=values, names=self.names) if self.names else Series(times, values)

    def state(self) -> dict[str, Any]:
        """Return the remembered points and errors."""
        errors = None if self.errors is None else self.errors.tolist()
        return {
            "times": self.times.tolist(),
            "values": self.values.tolist(),
            "errors": errors,
            "recent": self.recent.tolist(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue after the part at which `state` was returned."""
        self.times = np.array(state["times"], np.int64)
        self.values = np.array(state["values"], np.float64).reshape(-1, *self.values.shape[1:])
        self.recent = np.array(state.get("recent", ()), np.float64).reshape(-1, self.recent.shape[1])
        self.errors = np.array(state["errors"], np.float64) if state["errors"] else None  # empty without smoothing

    def _errors(self, rows: ScaledRows, new: int) -> np.ndarray:
        """Scaled squared errors (n, S) of the points, at most `new`, at the end of a complete window."""
        view = view_of(self.loaded.config)
        part = scored.errors(self.loaded.module, rows, view=view, length=self.length)
        complete = slice(max(self.length - 1, len(rows) - new), None)
        scale = scored.get_error_scale(self.loaded.module)
        places = rows.places[complete] % scale.shape[2]
        squares = scale[:, rows.folds[complete] % scale.shape[1], places].T ** 2
        values: np.ndarray = part.causal[complete] / squares
        return values


def _shortest_half(errors: np.ndarray) -> tuple[int, int]:
    """Return the shortest index range [start, stop) of errors (L,) that holds half of their sum."""
    total = np.r_[0.0, np.cumsum(errors)]
    stops = np.searchsorted(total, total[:-1] + total[-1] / 2)
    lengths = np.where(stops < len(total), stops - np.arange(len(errors)), len(errors) + 1)
    start = int(lengths.argmin())
    return start, min(max(int(stops[start]), start + 1), len(errors))
