"""Several series over the same hours, with holes: what was measured, what was not, and how holes are filled."""

import gzip
import hashlib
import io
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.custom import registry as own
from dlcore.data.series import csv_file as series_csv
from dlcore.data.series import series
from dlcore.data.sources import locate as sources

HOUR_MS = 3_600_000
BEIJING = {
    "pm2.5": "µg/m³",
    "DEWP": "°C",
    "TEMP": "°C",
    "PRES": "hPa",
    "Iws": "m/s, summed",
    "Is": "h",
    "Ir": "h",
}
"""Beijing's variables and their units."""
FILE = "table.npz"
"""Times and values of a table of one's own, in its folder."""
_COMPRESSED = b"\x1f\x8b"


@dataclass(frozen=True)
class Table:
    """V variables at T evenly spaced times. times (T,) int64 epoch milliseconds; values (T, V) float64, NaN where
    nothing was measured; `units` are empty where none is known; `warmed` is the variable that a "what if" warms."""

    times: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]
    units: tuple[str, ...]
    title: str = ""
    warmed: str = ""

    @property
    def observed(self) -> np.ndarray:
        """(T, V) true where a value was measured."""
        return ~np.isnan(self.values)

    @property
    def step_ms(self) -> int:
        """Milliseconds from one time to the next."""
        return int(np.median(np.diff(self.times)))

    @property
    def checksum(self) -> str:
        """The sha256 of times, values and names, as a run records it."""
        content = self.times.astype("<i8").tobytes() + self.values.astype("<f8").tobytes()
        return hashlib.sha256(content + "\n".join(self.names).encode()).hexdigest()

    @property
    def slugs(self) -> tuple[str, ...]:
        """The variables' names as metrics carry them: `PT08.S1(CO)` is `pt08_s1_co`."""
        return make_slugs(self.names)


def step_name(step_ms: int | None) -> str:
    """What a row of a table stands for, in one word: an hour, a day; a row where the step has no name of its own."""
    return {60_000: "minute", HOUR_MS: "hour", 24 * HOUR_MS: "day", 168 * HOUR_MS: "week"}.get(step_ms or 0, "row")


def load(dataset: str, *, checksum: str = "") -> Table:
    """The table of a run's dataset: air quality, Beijing's fine dust, or one's own, a table or a series (one variable).

    Raises:
        DataError: it is not here, or not what it was.
    """
    if own.is_custom(dataset):
        entry = own.find(dataset)
        if entry is not None and entry.kind == "table":
            from dlcore.data.custom import table as table_intake

            return table_intake.load(dataset, checksum=checksum)
        kept = series.load_own(dataset, checksum=checksum)
        return Table(kept.times, kept.values[:, None], (kept.name,), ("",), kept.name)
    from dlcore.data.series.air_quality import load_air_quality

    return {"air_quality": load_air_quality, "beijing_pm25": load_beijing}[dataset]()


def load_beijing() -> Table:
    """The 43,824 hours of Beijing's fine dust and weather, 2010 to 2014 (UCI 381); the wind's direction, a word, is
    left out.

    Raises:
        DataError: the file is not here, or not what it should be.
    """
    path = sources.require("beijing_pm25")
    payload = path.read_bytes()
    text = gzip.decompress(payload) if payload.startswith(_COMPRESSED) else payload
    try:
        frame = pd.read_csv(io.BytesIO(text), na_values=["NA"])
        times = pd.to_datetime(frame[["year", "month", "day", "hour"]])
        values = frame[list(BEIJING)].to_numpy(np.float64)
    except (ValueError, KeyError) as error:
        raise DataError(f"{path} is not the Beijing PM2.5 table ({error}): take it from {_home()}.") from None
    return Table(
        to_milliseconds(times), values, tuple(BEIJING), tuple(BEIJING.values()), "Beijing PM2.5", warmed="TEMP"
    )


def read_csv(payload: bytes) -> Table:
    """A stranger's CSV with a time column and columns of numbers (empty cells are holes), evenly spaced.

    Raises:
        DataError: names the row and the column of what is wrong.
    """
    sheet = series_csv.open_sheet(payload)
    time = sheet.guess().time
    times = sheet.times(time)
    names = tuple(name for name in sheet.columns if name != time)
    columns = [parse_numbers(sheet.table[name], name) for name in names]
    return Table(times, np.column_stack(columns), names, ("",) * len(names), "your file")


def forward_fill(values: np.ndarray, start: np.ndarray) -> np.ndarray:
    """(T, V) with holes -> (T, V) without: the last value that was measured, `start` (V,) before the first one.

    Nothing later than a hole is used; interpolation would tell the model what comes after it.
    """
    rows = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows), axis=0)  # (T, V)
    found = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last >= 0, found, start)


def make_slugs(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names as metrics carry them: `PT08.S1(CO)` is `pt08_s1_co`; no two alike."""
    plain = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "v" for name in names]
    return tuple(f"{name}_{i}" if name in plain[:i] else name for i, name in enumerate(plain))


def to_milliseconds(times: pd.Series) -> np.ndarray:
    """Time stamps as epoch milliseconds (T,) int64."""
    found: np.ndarray = times.to_numpy().astype("datetime64[ms]").astype(np.int64)
    return found


def parse_numbers(cells: pd.Series, column: str) -> np.ndarray:
    """A column's cells (T,) as float64, NaN where one is empty.

    Raises:
        DataError: names the first row that is no number.
    """
    texts = cells.fillna("").astype(str).str.strip()
    empty = texts.str.lower().isin(("", "na", "nan", "null", "none"))
    found = pd.to_numeric(texts.where(~empty), errors="coerce")
    wrong = np.flatnonzero(found.isna().to_numpy() & ~empty.to_numpy())
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"row {row + 2}, column '{column[:40]}': '{texts.iloc[row][:20]}' is no number: write a number with a "
            "point, or leave the cell empty where nothing was measured."
        )
    values: np.ndarray = found.to_numpy(np.float64)
    if np.isinf(values).any() or (np.abs(values[~np.isnan(values)]) > series_csv.LARGEST).any():
        raise DataError(f"column '{column[:40]}' holds numbers beyond {series_csv.LARGEST:g}: leave such cells empty.")
    return values


def _home() -> str:
    return sources.get_dataset("beijing_pm25").homepage
