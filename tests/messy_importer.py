"""A small series importer with repairs of every form: default, value after a colon, free text without default."""

import numpy as np
import pandas as pd

from dlcore.core.config import Config
from dlcore.core.errors import DataError
from dlcore.data.custom.importer import Importer, Inspection, Preview, column
from dlcore.data.series.series import FILE, Series, load_custom
from dlcore.data.tabular.read import read_table

HOUR_MS = 3_600_000


class Options(Config):
    """Columns by role."""

    time: str = column("The time column.")
    value: str = column("The value column.")


def messy_csv(rows: int = 240, *, time: str = "when", encoding: str = "utf-8") -> bytes:
    """Return hours with values, newest first, with three times twice and two gaps, of 3 and of 2 hours."""
    hours = [h for h in range(rows) if h not in (50, 51, 52, 120, 121)]
    hours = [*hours, 10, 20, 30]
    start = np.datetime64("2024-01-01T00:00")
    lines = [
        f"{start + np.timedelta64(h, 'h')},{np.sin(h / 24) + (n >= len(hours) - 3):.4f},café"
        for n, h in enumerate(hours)
    ]
    return "\n".join([f"{time},load,place", *reversed(lines)]).encode(encoding)


def validate(file, options, repairs):
    """Sort, merge duplicate times and fill gaps, each with a line in the receipt."""
    frame = pd.DataFrame(
        {
            "time": pd.to_datetime(file.table[file.known(options.time or file.columns[0])]),
            "value": pd.to_numeric(file.table[file.known(options.value or file.columns[1])]),
        }
    )
    if "local" in (options.time or file.columns[0]):
        zone = repairs.choose(
            "time_zone", "The times have no zone.", ("UTC", "Europe/Berlin"), count=len(frame), free=True
        )
        if "/" not in zone and zone != "UTC":
            raise DataError(f"there is no time zone '{zone}': choose one such as Europe/Berlin.")
        repairs.record(f"times are of {zone}")
    if not frame["time"].is_monotonic_increasing:
        repairs.note("unsorted", "rows sorted by time", count=len(frame))
        frame = frame.sort_values("time", kind="stable")
    double = frame["time"].duplicated()
    if double.any():
        how = repairs.choose(
            "duplicate_times",
            "Times that occur twice.",
            ("mean", "first", "last"),
            default="mean",
            count=int(double.sum()),
            where=f"row {file.rows[0]}",
            example=str(frame["time"][double].iloc[0]),
        )
        repairs.record(f"{double.sum()} duplicate times: {how} of their values")
        frame = frame.groupby("time", as_index=False).agg(how)
    series = frame.set_index("time")["value"].asfreq("h")
    if series.isna().any():
        how = repairs.choose("gaps", "Hours without a row.", ("interpolate:6", "cut"), default="interpolate:6", count=5)
        name, _, limit = how.partition(":")
        if name == "interpolate":
            gap = series.isna().groupby(series.notna().cumsum()).sum().max()
            if gap > int(limit or 6):
                raise DataError(f"a gap of {gap} hours is longer than {limit}: choose cut.")
            series = series.interpolate()
        else:
            series = series[: series.isna().to_numpy().argmax()]
        repairs.record(f"5 missing hours: {how}")
    times = series.index.to_numpy().astype("datetime64[ms]").astype(np.int64)
    data = Series(times, series.to_numpy(), ())
    return Preview(
        kind="series",
        data=data,
        rows=len(times),
        checksum=data.checksum,
        facts={
            "step_ms": HOUR_MS,
            "period": 24,
            "first": int(times[0]),
            "last": int(times[-1]),
            "windows": [],
            "columns": {"time": file.columns[0], "value": file.columns[1], "label": ""},
        },
        columns=file.columns[:2],
        summary=(("Points", f"{len(times):,}", "1 hour apart"),),
        content={
            "columns": [
                {"name": "when", "role": "time", "type": "time"},
                {"name": "load", "role": "value", "type": "number"},
            ],
            "values": {
                "load": {"count": len(times), "missing": 0, "min": float(series.min()), "max": float(series.max())}
            },
            "classes": {},
        },
    )


IMPORTER = Importer(
    kind="series",
    title="series",
    summary="A CSV with a time and a value column.",
    unit="points",
    suffixes=("csv",),
    byte_limit=64 * 2**20,
    options=Options,
    open=read_table,
    inspect=lambda file: Inspection(file.columns, {"time": file.columns[0], "value": file.columns[1]}),
    validate=validate,
    write=lambda data, folder: np.savez_compressed(folder / FILE, times=data.times, values=data.values),
    load=load_custom,
    limits=("1,000,000 points",),
)
