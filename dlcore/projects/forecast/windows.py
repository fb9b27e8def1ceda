"""Windows and horizons of a table: splits, features and targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from dlcore.core.config import Config, choice, number
from dlcore.core.errors import DataError
from dlcore.data.series import tables
from dlcore.data.series.tables import HOUR_MS, Table
from dlcore.data.splits import SPLITS, SplitName, Transform

CALENDAR = 31
"""One-hot hour of the day and day of the week."""
WEEK = 168
LEAST_MOMENTS = 4
"""Fewest windows in a split."""


class ForecastData(Config):
    """Splits, inputs and targets. The defaults predict values from values."""

    window: int = number(24, low=2, high=168, unit="rows", help="Length of the input window.")
    horizon: int = number(1, low=1, high=48, unit="rows", help="Rows ahead to forecast.")
    strategy: Literal["direct", "recursive"] = choice(
        "direct", help="Direct: all rows at once. Recursive: one row at a time, fed back as input."
    )
    target: Literal["values", "change"] = choice("values", help="Predict values, or changes from the last value.")
    difference_input: bool = choice(False, help="Add differences of consecutive rows as inputs.")
    mask_input: bool = choice(False, help="Add the mask of missing values as input.")
    calendar_input: bool = choice(False, help="Add hour of the day and day of the week as inputs.")
    loss_on: Literal["observed", "filled"] = choice(
        "filled", help="Loss on observed values only, or on filled ones too."
    )
    validation: Literal["weeks", "last"] = choice(
        "weeks", help="Validate on weeks spread over the time before the test split, or on its last part."
    )
    validation_share: float = number(
        0.1, low=0.02, high=0.5, help="Validation share of the time before the test split."
    )
    test_share: float = number(0.2, low=0.05, high=0.6, help="Test share, at the end of the table.")


@dataclass(frozen=True)
class TableScale:
    """Mean and standard deviation (V,) of the training hours, and the deviation of changes over 1 to H hours (H, V).

    `change` is None if values are predicted.
    """

    mean: np.ndarray
    deviation: np.ndarray
    change: np.ndarray | None = None

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """(..., V) in units of the deviation, 0 at the mean."""
        return (values - self.mean) / self.deviation

    def scale_change(self, changes: np.ndarray) -> np.ndarray:
        """Hourly changes (..., V) in units of their deviation."""
        values: np.ndarray = changes / (self.deviation if self.change is None else self.change[0])
        return values

    def to_targets(self, values: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Future values (N, H, V), last values (N, V) -> targets of the model."""
        return self.scaled(values) if self.change is None else (values - last[:, None]) / self.change

    def to_values(self, outputs: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Model outputs (N, H, V), last values (N, V) -> forecasts."""
        if self.change is None:
            return outputs * self.deviation + self.mean
        return outputs * self.change + last[:, None]

    def as_json(self) -> dict[str, Any]:
        """A JSON-able dict of lists."""
        change = None if self.change is None else self.change.tolist()
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist(), "change": change}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TableScale":
        """Inverse of `as_json`."""
        change = None if data["change"] is None else np.asarray(data["change"], np.float64)
        return cls(np.asarray(data["mean"], np.float64), np.asarray(data["deviation"], np.float64), change)


def cut_windows(points: int, data: ForecastData) -> dict[SplitName, np.ndarray]:
    """Index of the first forecast hour of every window, by split.

    Test windows are the last ones. Training windows share no hour with validation or test windows: the `window` hours
    before each of these splits are an unused gap.

    Raises:
        DataError: a split has too few windows; the message says what to change.
    """
    window, horizon = data.window, data.horizon
    test_from = int(points * (1 - data.test_share))
    before = max(0, test_from - window)  # the gap before the test split
    validating = np.zeros(points, bool)
    if data.validation == "last":
        validating[int(before * (1 - data.validation_share)) : before] = True
    else:
        every = max(2, round(1 / data.validation_share))
        week = max(1, min(WEEK, before // (2 * every)))
        place = np.arange(before)
        validating[:before] = place // week % every == every // 2
    moments = np.arange(window, points - horizon + 1)
    reached = _reached(validating, window)  # validation windows reach back this far
    reached[before:] = True
    inside = _count(validating, moments, moments + horizon) == horizon
    parts: dict[SplitName, np.ndarray] = {
        "train": moments[_count(reached, moments - window, moments + horizon) == 0],
        "validation": moments[inside],
        "test": moments[moments >= test_from],
    }
    for name in SPLITS:
        if len(parts[name]) < LEAST_MOMENTS:
            raise DataError(
                f"{points:,} rows with a window of {window} and a horizon of {horizon} leave {len(parts[name])} "
                f"windows for the {name} split; at least {LEAST_MOMENTS} are needed: choose a shorter window, other "
                "shares, or validation=last."
            )
    return parts


def training_hours(train: np.ndarray, data: ForecastData, points: int) -> np.ndarray:
    """Mask (T,) of the hours that training windows read or predict; scaling is fitted on them."""
    edges = np.zeros(points + 1, np.int64)
    np.add.at(edges, train - data.window, 1)
    np.add.at(edges, train + data.horizon, -1)
    mask: np.ndarray = np.cumsum(edges)[:-1] > 0
    return mask


def fit_scale(table: Table, train: np.ndarray, data: ForecastData) -> TableScale:
    """Scaling from observed values of the training hours; a constant variable gets deviation 1."""
    values = table.values[training_hours(train, data, len(table.times))]
    counts = (~np.isnan(values)).sum(axis=0)
    safe = np.where(np.isnan(values), 0.0, values)
    mean = safe.sum(axis=0) / np.maximum(counts, 1)
    spread = np.sqrt((np.where(np.isnan(values), 0.0, values - mean) ** 2).sum(axis=0) / np.maximum(counts, 1))
    spread = np.where(spread > 0, spread, 1.0)
    if data.target == "values":
        return TableScale(mean, spread)
    filled = tables.forward_fill(table.values, mean)
    changes = future_values(table.values, train, data.horizon) - filled[train - 1][:, None]
    known = ~np.isnan(changes)
    change = np.sqrt((np.where(known, changes, 0.0) ** 2).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    return TableScale(mean, spread, np.where(change > 0, change, 1.0))


def future_values(values: np.ndarray, first: np.ndarray, horizon: int) -> np.ndarray:
    """(T, V), (N,) -> (N, H, V): values from each first hour on."""
    value: np.ndarray = values[first[:, None] + np.arange(horizon)]
    return value


def calendar_features(times: np.ndarray) -> np.ndarray:
    """(T,) epoch milliseconds -> (T, 31): one-hot hour of the day and day of the week."""
    hour = times // HOUR_MS % 24
    day = (times // (24 * HOUR_MS) + 3) % 7  # 1 January 1970 was a Thursday; a week begins on Monday
    return np.concatenate([np.eye(24)[hour], np.eye(7)[day]], axis=1)


def input_features(table: Table, scale: TableScale, data: ForecastData) -> np.ndarray:
    """Inputs (T, F) float32: scaled values filled forward, then optionally differences, missing mask and calendar."""
    filled = tables.forward_fill(table.values, scale.mean)
    parts = [scale.scaled(filled)]
    if data.difference_input:
        parts.append(scale.scale_change(np.diff(filled, axis=0, prepend=filled[:1])))
    if data.mask_input:
        parts.append(np.isnan(table.values).astype(np.float64))
    if data.calendar_input:
        parts.append(calendar_features(table.times))
    return np.concatenate(parts, axis=1).astype(np.float32)


def feature_count(variables: int, data: ForecastData) -> int:
    """Number of input features F."""
    channels = 1 + data.difference_input + data.mask_input
    return variables * channels + (CALENDAR if data.calendar_input else 0)


def input_gatherer(
    features: np.ndarray, calendar: np.ndarray, window: int, linear: np.ndarray | None = None
) -> Transform:
    """Transform from indices (N,) of first forecast hours to inputs: window (N, L, F), calendar (N, C), and the linear
    forecast (N, H, V) if the model takes it."""
    tensors = [torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)) for part in (features, calendar)]
    if linear is not None:
        tensors.append(torch.from_numpy(linear.astype(np.float32)))

    def gather(inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        (first,) = inputs
        if tensors[0].device != first.device:
            tensors[:] = [part.to(first.device) for part in tensors]
        rows = first[:, None] + torch.arange(-window, 0, device=first.device)
        return (tensors[0][rows], *(part[first] for part in tensors[1:]))

    return gather


def _reached(marked: np.ndarray, window: int) -> np.ndarray:
    """Marked hours with the `window` hours before each."""
    total = np.r_[0, np.cumsum(marked)]
    stop = np.minimum(np.arange(len(marked)) + window + 1, len(marked))
    mask: np.ndarray = total[stop] > total[: len(marked)]
    return mask


def _count(marked: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Number of marked hours from each start to its stop."""
    total = np.r_[0, np.cumsum(marked)]
    values: np.ndarray = total[stop] - total[start]
    return values
