"""Default settings for a custom series."""

import contextlib
import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from dlcore.core.errors import DataError
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.series.series import DAY_MS
from dlcore.data.series.tables import load_series
from dlcore.projects import quick
from dlcore.projects.anomaly import automatic
from dlcore.projects.anomaly.detector_model import CLASSES

TRAIN_SHARE, VALIDATION_SHARE = 0.5, 0.1
QUICK_SAMPLES = {"conv": 100_000, "dense_32": 200_000, "dense_16": 200_000, "lstm": 350_000, "calendar": 60_000}
"""Rows x epochs of the quick preset; for models of windows with `DEFAULT_WINDOW` points."""
PATCHES = "patch"
"""The model of the patch network."""
DEFAULT_WINDOW, LEAST_WINDOW, MOST_WINDOW, MULTIPLE = 48, 8, 336, 4
VERY_SHORT, SHORT_SHARES = 200, (0.4, 0.3)
"""A series with fewer points has other training and validation shares: each part is longer than a window."""


def settings(dataset: CustomDataset, model: str) -> Mapping[str, Any]:
    """Half of the series for training, a tenth for validation; a window that fits the seasonality; no excluded day.

    Excluded days of the preset belong to another series.

    The calendar autoencoder takes whole periods, the patch network two days or periods, the others one day; the nearest
    windows, and whether patches are compared at the same time of the period, are chosen by the training values.
    """
    train_share, share = shares(dataset.rows)
    values: dict[str, Any] = {"train_share": train_share, "validation_share": share, "leave_out": ""}
    if model in (automatic.MODEL, PATCHES):
        with contextlib.suppress(DataError):  # a missing file: training says so
            choice = choose_detector(dataset).settings
            if model == automatic.MODEL:
                return values | choice
            values["use_period"] = choice["use_period"]
    return values | {
        "window": window(
            dataset.rows,
            share=share,
            step_ms=0 if model == "calendar" else int(dataset.facts["step_ms"]),
            period=int(dataset.facts.get("period", 0)),
            periods=2 if model == PATCHES else 1,
        ),
    }


def shares(rows: int) -> tuple[float, float]:
    """Shares of the training and validation parts of a series with that many rows."""
    return SHORT_SHARES if rows < VERY_SHORT else (TRAIN_SHARE, VALIDATION_SHARE)


def choose_detector(dataset: CustomDataset) -> automatic.Choice:
    """The default detector of a custom series: settings by its training values, and the reason.

    Raises:
        DataError: the series is missing, or has another checksum.
    """
    return _choose(dataset.dataset, dataset.checksum)


@functools.lru_cache(maxsize=16)
def _choose(dataset: str, checksum: str) -> automatic.Choice:
    series = load_series(dataset, checksum=checksum)
    points = len(series.values)
    train_share, share = shares(points)
    training = series.values[: round(points * train_share)]
    choice = automatic.choose(training, series.step_ms, points=points, room=int(points * share) // 2)
    if not series.names:
        return choice
    reason = f"{len(series.names)} columns, each compared by itself; settings by their scaled mean. {choice.reason}"
    return dataclasses.replace(choice, reason=reason)


def quick_settings(dataset: CustomDataset, model: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Epochs of the quick preset; a long window costs more."""
    if model == automatic.MODEL or model in CLASSES:
        return {"epochs": 1}
    cost = 1.0 if model.startswith("dense") else float(values["window"]) / DEFAULT_WINDOW
    return quick.fit_epochs(
        values, dataset, samples=QUICK_SAMPLES.get(model, min(QUICK_SAMPLES.values())) / cost, train_share=TRAIN_SHARE
    )


def window(rows: int, *, step_ms: int, period: int, share: float = VALIDATION_SHARE, periods: int = 1) -> int:
    """Window length: days (with `step_ms`), else periods, else 48; a multiple of 4, at most half of the smallest split.

    `periods` is their number, or one if as many do not fit in the longest window.
    """
    day = DAY_MS // step_ms if step_ms else 0
    lengths = [cycle * count for cycle in (day, period) for count in (periods, 1)]
    fitting = [points for points in lengths if LEAST_WINDOW <= points <= MOST_WINDOW]
    points = fitting[0] if fitting else DEFAULT_WINDOW
    room = int(rows * share) // 2
    return max(LEAST_WINDOW, min(points, MOST_WINDOW, room) // MULTIPLE * MULTIPLE)
