"""Time series with labeled windows: the NYC taxi counts, custom series, and CSV files."""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.core.settings import ASSETS
from dlcore.data.custom import registry
from dlcore.data.repairs import Repairs
from dlcore.data.series.reading import Reading, Request, open_sheet, read_samples
from dlcore.data.sources import locate as sources
from dlcore.data.sources.registry import load_pack_dataset

HALF_HOUR_MS = 30 * 60 * 1000
DAY_MS = 24 * 3600 * 1000
CYCLES = ("day", "week")
"""Cycles of the calendar that time features encode."""
FILE = "series.npz"
"""The file of a custom series, in its folder."""


@dataclass(frozen=True)
class LabeledWindow:
    """An interval labeled as anomalous: epoch milliseconds, both ends included, and the event."""

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class Series:
    """A univariate time series. times (T,) int64 epoch milliseconds, evenly spaced; values (T,) float64.

    `unlabeled` are intervals known to be unusual but not labeled: an alarm there is plausible. `period` is the
    seasonal period in points (336 for a week of half-hours), 0 if unknown. Of a series that was read from a file,
    `file_rows` (T,) are the row numbers, 0 for a row that a repair inserted, and `receipt` lists what repairs changed.

    A multivariate series has `columns` (T, V) and their `names`; `values` are then the mean of the scaled columns.
    """

    times: np.ndarray
    values: np.ndarray
    windows: tuple[LabeledWindow, ...] = ()
    name: str = ""
    unlabeled: tuple[LabeledWindow, ...] = ()
    period: int = 0
    file_rows: np.ndarray | None = None
    receipt: tuple[str, ...] = ()
    columns: np.ndarray | None = None
    names: tuple[str, ...] = ()

    @property
    def variables(self) -> np.ndarray:
        """(T, V): the columns, or the values as one."""
        return self.values[:, None] if self.columns is None else self.columns

    @property
    def checksum(self) -> str:
        """The sha256 of times and values, recorded with each run."""
        return hashlib.sha256(self.times.tobytes() + self.values.tobytes()).hexdigest()

    @property
    def labels(self) -> np.ndarray:
        """(T,) uint8: 1 inside a labeled window."""
        edges = np.zeros(len(self.times) + 1, np.int64)
        np.add.at(edges, np.searchsorted(self.times, [w.start for w in self.windows]), 1)
        np.add.at(edges, np.searchsorted(self.times, [w.end for w in self.windows], side="right"), -1)
        return (np.cumsum(edges)[:-1] > 0).astype(np.uint8)

    @property
    def step_ms(self) -> int:
        """Milliseconds between two points."""
        return int(np.median(np.diff(self.times))) if len(self.times) > 1 else HALF_HOUR_MS


def load(dataset: str, *, checksum: str = "") -> Series:
    """Load the series of a run's dataset: the taxi counts, or a custom series with this `checksum`, if given.

    Raises:
        DataError: The series is missing, or has another checksum.
    """
    if registry.is_custom(dataset):
        return load_custom(dataset, checksum=checksum)
    series = load_pack_dataset(dataset)
    return load_nyc_taxi() if series is None else cast(Series, series)


def load_custom(dataset: str, *, checksum: str = "") -> Series:
    """Load a custom series.

    Raises:
        DataError: The series is missing, damaged, or has another checksum.
    """
    entry = registry.require(dataset, "series", checksum=checksum)
    advice = f"remove '{entry.name}' and add its file again"
    try:
        with (entry.folder / FILE).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            times, values = archive["times"], archive["values"]
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{entry.folder / FILE} cannot be read ({error}): {advice}.") from None
    series = Series(times, values, stored_windows(entry), entry.name, period=int(entry.facts["period"]))
    if series.checksum != entry.checksum:
        raise DataError(f"{entry.folder / FILE} is damaged (its sha256 has changed): {advice}.")
    return series


def stored_windows(entry: registry.CustomDataset) -> tuple[LabeledWindow, ...]:
    """Return the labeled windows of a custom series or table."""
    return tuple(LabeledWindow(int(start), int(end), str(name)) for start, end, name in entry.facts.get("windows", ()))


def load_nyc_taxi() -> Series:
    """Load the 10,320 half-hourly counts of the Numenta Anomaly Benchmark, with its five labeled windows and three
    public holidays that it leaves unlabeled.

    Raises:
        DataError: The file is missing or invalid.
    """
    path = sources.require("nyc_taxi")
    series = read_csv(path.read_bytes(), name="NYC taxi rides")
    return Series(
        series.times,
        series.values,
        windows=_windows(_nyc_labels()["windows"]),
        name=series.name,
        unlabeled=public_holidays("nyc_taxi"),
        period=7 * DAY_MS // HALF_HOUR_MS,
    )


def public_holidays(dataset: str) -> tuple[LabeledWindow, ...]:
    """Return the known unusual but unlabeled days of a dataset."""
    return _windows(_nyc_labels()["unlabelled"]) if dataset == "nyc_taxi" else ()


def read_csv(payload: bytes, *, name: str = "your file") -> Series:
    """Read a series from a tabular file with a time and a value column, with the default repairs.

    Raises:
        DataError: The file cannot be read, or a problem has no default repair; names the row and column.
    """
    reading, receipt = read_with_defaults(payload, Request(single=True))
    samples = reading.samples
    return Series(samples.times, samples.values[:, 0], name=name, file_rows=samples.rows, receipt=receipt)


def read_with_defaults(payload: bytes, request: Request) -> tuple[Reading, tuple[str, ...]]:
    """Read samples with the default repairs, and return the receipt.

    Raises:
        DataError: The file cannot be read, or a problem has no default repair.
    """
    repairs = Repairs(accept_defaults=True)
    reading = read_samples(open_sheet(payload, repairs), request, repairs)
    undecided = next((each for each in repairs.problems if each.choices and not each.repair), None)
    if undecided is not None:
        raise DataError(f"{undecided.where}: {undecided.message}")
    return reading, tuple(repairs.receipt)


def calendar(times: np.ndarray, cycles: Sequence[str] = CYCLES) -> np.ndarray:
    """Encode epoch milliseconds (T,) as (T, 2 C): sine and cosine of the position in each of C cycles."""
    day = times % DAY_MS / DAY_MS
    week = (times // DAY_MS + 3 + day) % 7 / 7  # 1 January 1970 was a Thursday; weeks begin on Monday
    positions = {"day": day, "week": week}
    columns = [wave(2 * np.pi * positions[cycle]) for cycle in cycles for wave in (np.sin, np.cos)]
    return np.stack(columns, axis=1) if columns else np.empty((len(times), 0))


def covered_cycles(times: np.ndarray) -> tuple[str, ...]:
    """Return the cycles that times (T,) cover at least once: nothing can be learned about the others."""
    span = times[-1] - times[0] + (np.median(np.diff(times)) if len(times) > 1 else 0)
    return tuple(cycle for cycle, length in zip(CYCLES, (DAY_MS, 7 * DAY_MS), strict=True) if span >= length)


@dataclass(frozen=True)
class MinMaxScaler:
    """Scales each feature from its training range to [0, 1]. low, high (F,)."""

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def fit(cls, training: np.ndarray) -> "MinMaxScaler":
        """Compute the ranges of training rows (N, F)."""
        return cls(training.min(axis=0), training.max(axis=0))

    def scale(self, features: np.ndarray) -> np.ndarray:
        """Scale features (N, F) to float32; values outside the training range fall outside [0, 1]."""
        span = np.where(self.high > self.low, self.high - self.low, 1.0)
        return ((features - self.low) / span).astype(np.float32)

    def as_json(self) -> dict[str, list[float]]:
        """Return the ranges as lists."""
        return {"low": self.low.tolist(), "high": self.high.tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "MinMaxScaler":
        """Restore a scaler from `as_json`."""
        return cls(np.asarray(data["low"], np.float64), np.asarray(data["high"], np.float64))


def split_ends(length: int, *, train_share: float, validation_share: float) -> tuple[int, int]:
    """Return the ends of the training and validation parts of a chronological split, in points.

    Raises:
        DataError: A part would be empty.
    """
    first = round(length * train_share)
    second = first + round(length * validation_share)
    if not 0 < first < second < length:
        raise DataError(
            f"{length} points with shares {train_share:g} and {validation_share:g} leave a part empty: "
            "choose other shares."
        )
    return first, second


def _nyc_labels() -> dict[str, Any]:
    labels: dict[str, Any] = json.loads((ASSETS / "data" / "nyc_taxi_labels.json").read_text(encoding="utf-8"))
    return labels


def _windows(rows: Sequence[Mapping[str, str]]) -> tuple[LabeledWindow, ...]:
    return tuple(LabeledWindow(_milliseconds(w["start"]), _milliseconds(w["end"]), w["event"]) for w in rows)


def _milliseconds(text: str) -> int:
    return int(pd.Timestamp(text).value // 1_000_000)
