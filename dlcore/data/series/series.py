"""Time series: the NYC taxi counts with their labels, and anyone's CSV, checked before use."""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.core.settings import ASSETS
from dlcore.data.custom import registry as own
from dlcore.data.series import csv_file as series_csv
from dlcore.data.sources import locate as sources

HALF_HOUR_MS = 30 * 60 * 1000
DAY_MS = 24 * 3600 * 1000
FILE = "series.npz"
"""Times and values of a series of one's own, in its folder."""


@dataclass(frozen=True)
class LabeledWindow:
    """A span that people marked as anomalous: epoch milliseconds, both ends included, and what happened then."""

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class Series:
    """One value per time point. times (T,) int64 epoch milliseconds, rising evenly; values (T,) float64.

    `unlabelled` are spans known to be out of the ordinary that carry no label: an alarm there is plausible.
    `period` is after how many points the series resembles itself most (a week of half-hours: 336); 0 where none is
    known.
    """

    times: np.ndarray
    values: np.ndarray
    windows: tuple[LabeledWindow, ...] = ()
    name: str = ""
    unlabelled: tuple[LabeledWindow, ...] = ()
    period: int = 0

    @property
    def checksum(self) -> str:
        """The sha256 of times and values, as a run records it."""
        return hashlib.sha256(self.times.tobytes() + self.values.tobytes()).hexdigest()

    @property
    def labels(self) -> np.ndarray:
        """(T,) uint8: 1 inside a labelled window."""
        edges = np.zeros(len(self.times) + 1, np.int64)
        np.add.at(edges, np.searchsorted(self.times, [w.start for w in self.windows]), 1)
        np.add.at(edges, np.searchsorted(self.times, [w.end for w in self.windows], side="right"), -1)
        return (np.cumsum(edges)[:-1] > 0).astype(np.uint8)

    @property
    def step_ms(self) -> int:
        """Milliseconds from one point to the next."""
        return int(np.median(np.diff(self.times))) if len(self.times) > 1 else HALF_HOUR_MS


def load(dataset: str, *, checksum: str = "") -> Series:
    """The series of a run's dataset: the taxi counts, or one's own (`own:NAME`), which `checksum` must fit if given.

    Raises:
        DataError: it is not here, or not what it was.
    """
    return load_own(dataset, checksum=checksum) if own.is_custom(dataset) else load_nyc_taxi()


def load_own(dataset: str, *, checksum: str = "") -> Series:
    """A series of one's own, as it was checked and kept.

    Raises:
        DataError: it is not here, another one than `checksum` tells, or damaged.
    """
    entry = own.require(dataset, "series", checksum=checksum)
    again = f"remove '{entry.name}' and add its file again"
    try:
        with (entry.folder / FILE).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            times, values = archive["times"], archive["values"]
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{entry.folder / FILE} cannot be read ({error}): {again}.") from None
    windows = tuple(LabeledWindow(int(start), int(end), str(name)) for start, end, name in entry.facts["windows"])
    series = Series(times, values, windows, entry.name, period=int(entry.facts["period"]))
    if series.checksum != entry.checksum:
        raise DataError(f"{entry.folder / FILE} is damaged (its sha256 has changed): {again}.")
    return series


def load_nyc_taxi() -> Series:
    """The 10,320 half-hourly counts of the Numenta Anomaly Benchmark, its five labelled windows, and the three public
    holidays that it leaves unlabelled.

    Raises:
        DataError: the file is not here, or not what it should be.
    """
    path = sources.require("nyc_taxi")
    series = read_csv(path.read_bytes(), name="NYC taxi rides")
    return Series(
        series.times,
        series.values,
        windows=_windows(_nyc_labels()["windows"]),
        name=series.name,
        unlabelled=public_holidays("nyc_taxi"),
        period=7 * DAY_MS // HALF_HOUR_MS,
    )


def public_holidays(dataset: str) -> tuple[LabeledWindow, ...]:
    """Days of a dataset that are known to be unusual and carry no label; none where nothing is known."""
    return _windows(_nyc_labels()["unlabelled"]) if dataset == "nyc_taxi" else ()


def read_csv(payload: bytes, *, name: str = "your file") -> Series:
    """A CSV with a time and a value column as a series.

    Raises:
        DataError: names the row and the column of the first thing that is wrong.
    """
    times, values = series_csv.parse(payload)
    return Series(times, values, name=name)


def calendar(times: np.ndarray) -> np.ndarray:
    """(T,) epoch milliseconds -> (T, 4): sine and cosine of the time of day and of the day of the week."""
    day = times % DAY_MS / DAY_MS
    week = (times // DAY_MS + 3 + day) % 7 / 7  # 1 January 1970 was a Thursday; a week begins on Monday
    angles = 2 * np.pi * np.stack([day, week])
    return np.stack([np.sin(angles[0]), np.cos(angles[0]), np.sin(angles[1]), np.cos(angles[1])], axis=1)


@dataclass(frozen=True)
class MinMaxScaler:
    """Takes each feature's range on the training part to [0, 1]. low, high (F,)."""

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def fit(cls, training: np.ndarray) -> "MinMaxScaler":
        """Learn the ranges from training rows (N, F), and from nothing else."""
        return cls(training.min(axis=0), training.max(axis=0))

    def scale(self, features: np.ndarray) -> np.ndarray:
        """(N, F) -> (N, F) float32; values beyond the training range leave [0, 1]."""
        span = np.where(self.high > self.low, self.high - self.low, 1.0)
        return ((features - self.low) / span).astype(np.float32)

    def as_json(self) -> dict[str, list[float]]:
        """The ranges as plain lists."""
        return {"low": self.low.tolist(), "high": self.high.tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "MinMaxScaler":
        """What `as_json` gave, back again."""
        return cls(np.asarray(data["low"], np.float64), np.asarray(data["high"], np.float64))


def split_ends(length: int, *, train_share: float, validation_share: float) -> tuple[int, int]:
    """Where the training part ends and where validation ends, in points, the series' order kept.

    Raises:
        DataError: a part would be empty.
    """
    first = round(length * train_share)
    second = first + round(length * validation_share)
    if not 0 < first < second < length:
        raise DataError(
            f"{length} points with shares {train_share:g} and {validation_share:g} leave a part empty: "
            "train, validation and test each need points; choose other shares."
        )
    return first, second


def _nyc_labels() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ASSETS / "data" / "nyc_taxi_labels.json").read_text(encoding="utf-8"))
    return found


def _windows(rows: Sequence[Mapping[str, str]]) -> tuple[LabeledWindow, ...]:
    return tuple(LabeledWindow(_milliseconds(w["start"]), _milliseconds(w["end"]), w["event"]) for w in rows)


def _milliseconds(text: str) -> int:
    return int(pd.Timestamp(text).value // 1_000_000)
