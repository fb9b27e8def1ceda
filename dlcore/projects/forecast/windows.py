"""A table cut into windows and hours to come: which moments belong to which part, and what a model sees of them."""

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
"""Hours of a day, then days of a week, one of each switched on."""
WEEK = 168
LEAST_MOMENTS = 40
"""A part with fewer moments says nothing."""


class ForecastData(Config):
    """How the table is cut and what is predicted. As it stands: the well-known way, values from values alone."""

    window: int = number(24, low=2, high=168, unit="rows", help="Rows of the past that a model sees.")
    horizon: int = number(1, low=1, high=48, unit="rows", help="How many rows ahead are predicted.")
    strategy: Literal["direct", "recursive"] = choice(
        "direct", help="All rows ahead at once, or one at a time, each fed back as if it had been measured."
    )
    target: Literal["values", "change"] = choice("values", help="Predict values, or their change against the last one.")
    difference_input: bool = choice(
        False, help="Show each row's change against the row before too, in units of what is usual."
    )
    mask_input: bool = choice(False, help="Tell the model which values were missing and filled.")
    calendar_input: bool = choice(False, help="Tell the model the hour and the day of the week.")
    loss_on: Literal["observed", "filled"] = choice(
        "filled", help="Learn from measured values alone, or from filled ones too."
    )
    validation: Literal["weeks", "last"] = choice(
        "weeks", help="Validate on whole weeks spread over the time before the test part, or on the last of it."
    )
    validation_share: float = number(0.1, low=0.02, high=0.5, help="Share of the time before the test part.")
    test_share: float = number(0.2, low=0.05, high=0.6, help="Share of the table, at its end, to test on.")


@dataclass(frozen=True)
class TableScale:
    """What the training hours tell of each variable: mean and deviation (V,), and of its change in 1 to H hours (H, V).

    `change` is None where values are predicted, not changes.
    """

    mean: np.ndarray
    deviation: np.ndarray
    change: np.ndarray | None = None

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """(..., V) in units of the deviation, 0 at the mean."""
        return (values - self.mean) / self.deviation

    def moved(self, changes: np.ndarray) -> np.ndarray:
        """Changes within an hour (..., V) in units of what is usual; of the deviation where values are predicted."""
        found: np.ndarray = changes / (self.deviation if self.change is None else self.change[0])
        return found

    def to_targets(self, values: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Values to come (N, H, V), last ones (N, V) -> what a model is to put out."""
        return self.scaled(values) if self.change is None else (values - last[:, None]) / self.change

    def to_values(self, outputs: np.ndarray, last: np.ndarray) -> np.ndarray:
        """What a model put out (N, H, V), last values (N, V) -> values to come."""
        if self.change is None:
            return outputs * self.deviation + self.mean
        return outputs * self.change + last[:, None]

    def as_json(self) -> dict[str, Any]:
        """Plain lists."""
        change = None if self.change is None else self.change.tolist()
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist(), "change": change}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TableScale":
        """What `as_json` gave, back again."""
        change = None if data["change"] is None else np.asarray(data["change"], np.float64)
        return cls(np.asarray(data["mean"], np.float64), np.asarray(data["deviation"], np.float64), change)


def cut_windows(points: int, data: ForecastData) -> dict[SplitName, np.ndarray]:
    """The first hour to come of every moment of each part, as its place in the table.

    Test moments are the last ones. No hour that a validation or test moment sees or predicts is seen or predicted by a
    training moment: the `window` hours before each of these parts are a gap that nobody is scored on.

    Raises:
        DataError: a part would hold too few moments; says what to change.
    """
    window, horizon = data.window, data.horizon
    test_from = int(points * (1 - data.test_share))
    before = max(0, test_from - window)  # the gap before the test part
    validating = np.zeros(points, bool)
    if data.validation == "last":
        validating[int(before * (1 - data.validation_share)) : before] = True
    else:
        every = max(2, round(1 / data.validation_share))
        week = max(1, min(WEEK, before // (2 * every)))
        place = np.arange(before)
        validating[:before] = place // week % every == every // 2
    ahead = np.arange(window, points - horizon + 1)
    taken = _reached(validating, window)  # validation moments look back so far
    taken[before:] = True
    inside = _count(validating, ahead, ahead + horizon) == horizon
    parts: dict[SplitName, np.ndarray] = {
        "train": ahead[_count(taken, ahead - window, ahead + horizon) == 0],
        "validation": ahead[inside],
        "test": ahead[ahead >= test_from],
    }
    for name in SPLITS:
        if len(parts[name]) < LEAST_MOMENTS:
            raise DataError(
                f"{points:,} rows with a window of {window} and a horizon of {horizon} leave {len(parts[name])} "
                f"moments for the {name} part, and {LEAST_MOMENTS} are needed: choose a shorter window, other "
                "shares, or validation=last."
            )
    return parts


def training_hours(train: np.ndarray, data: ForecastData, points: int) -> np.ndarray:
    """(T,) true at every hour that a training moment sees or predicts: scales are taken from these alone."""
    edges = np.zeros(points + 1, np.int64)
    np.add.at(edges, train - data.window, 1)
    np.add.at(edges, train + data.horizon, -1)
    found: np.ndarray = np.cumsum(edges)[:-1] > 0
    return found


def fit_scale(table: Table, train: np.ndarray, data: ForecastData) -> TableScale:
    """Means and deviations over measured values of the training hours; a variable that never moves counts as 1."""
    values = table.values[training_hours(train, data, len(table.times))]
    counts = (~np.isnan(values)).sum(axis=0)
    safe = np.where(np.isnan(values), 0.0, values)
    mean = safe.sum(axis=0) / np.maximum(counts, 1)
    spread = np.sqrt((np.where(np.isnan(values), 0.0, values - mean) ** 2).sum(axis=0) / np.maximum(counts, 1))
    spread = np.where(spread > 0, spread, 1.0)
    if data.target == "values":
        return TableScale(mean, spread)
    filled = tables.forward_fill(table.values, mean)
    moved = future_values(table.values, train, data.horizon) - filled[train - 1][:, None]
    known = ~np.isnan(moved)
    change = np.sqrt((np.where(known, moved, 0.0) ** 2).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    return TableScale(mean, spread, np.where(change > 0, change, 1.0))


def future_values(values: np.ndarray, first: np.ndarray, horizon: int) -> np.ndarray:
    """(T, V), (N,) -> (N, H, V): the hours from each first one on."""
    found: np.ndarray = values[first[:, None] + np.arange(horizon)]
    return found


def calendar_features(times: np.ndarray) -> np.ndarray:
    """(T,) epoch milliseconds -> (T, 31): the hour of the day and the day of the week, one of each switched on."""
    hour = times // HOUR_MS % 24
    day = (times // (24 * HOUR_MS) + 3) % 7  # 1 January 1970 was a Thursday; a week begins on Monday
    return np.concatenate([np.eye(24)[hour], np.eye(7)[day]], axis=1)


def input_features(table: Table, scale: TableScale, data: ForecastData) -> np.ndarray:
    """(T, F) float32: scaled values filled forward; then, as asked for, their changes against the hour before, 1 where
    one was missing, and the calendar."""
    filled = tables.forward_fill(table.values, scale.mean)
    parts = [scale.scaled(filled)]
    if data.difference_input:
        parts.append(scale.moved(np.diff(filled, axis=0, prepend=filled[:1])))
    if data.mask_input:
        parts.append(np.isnan(table.values).astype(np.float64))
    if data.calendar_input:
        parts.append(calendar_features(table.times))
    return np.concatenate(parts, axis=1).astype(np.float32)


def feature_count(variables: int, data: ForecastData) -> int:
    """F: how many numbers tell of an hour."""
    told = 1 + data.difference_input + data.mask_input
    return variables * told + (CALENDAR if data.calendar_input else 0)


def input_gatherer(
    features: np.ndarray, calendar: np.ndarray, window: int, linear: np.ndarray | None = None
) -> Transform:
    """From the place (N,) of each first hour to come to a model's inputs: the window before it (N, L, F), its calendar
    (N, C), and what the linear rival says (N, H, V) where that is an input too."""
    kept = [torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)) for part in (features, calendar)]
    if linear is not None:
        kept.append(torch.from_numpy(linear.astype(np.float32)))

    def gather(inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        (first,) = inputs
        if kept[0].device != first.device:
            kept[:] = [part.to(first.device) for part in kept]
        rows = first[:, None] + torch.arange(-window, 0, device=first.device)
        return (kept[0][rows], *(part[first] for part in kept[1:]))

    return gather


def _reached(marked: np.ndarray, window: int) -> np.ndarray:
    """Marked hours and the `window` hours before each."""
    total = np.r_[0, np.cumsum(marked)]
    stop = np.minimum(np.arange(len(marked)) + window + 1, len(marked))
    found: np.ndarray = total[stop] > total[: len(marked)]
    return found


def _count(marked: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """How many marked hours lie from each start to its stop."""
    total = np.r_[0, np.cumsum(marked)]
    found: np.ndarray = total[stop] - total[start]
    return found
