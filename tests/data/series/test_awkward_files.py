"""Series and tables as people have them: each file is read with a right receipt, or refused with a way on."""

import io
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlcore.core.errors import ConfigError, DataError
from dlcore.data.custom.importers import check_file

N = 400
WAVE = np.round(50 + 20 * np.sin(np.arange(N) * 2 * np.pi / 24) + np.random.default_rng(3).normal(0, 1, N), 2)
HOURS = pd.date_range("2021-03-01", periods=N, freq="1h")
ISO = HOURS.strftime("%Y-%m-%d %H:%M")
CELLS = [f"{value:.2f}" for value in WAVE]


def csv(header, *columns, separator=",", end="\n"):
    return end.join([header, *(separator.join(row) for row in zip(*columns, strict=True)), ""]).encode()


def excel(*frames):
    packed = io.BytesIO()
    with pd.ExcelWriter(packed) as writer:
        for number, frame in enumerate(frames, start=1):
            frame.to_excel(writer, sheet_name=f"Sheet{number}", index=False)
    return packed.getvalue()


def parquet(frame):
    packed = io.BytesIO()
    frame.to_parquet(packed)
    return packed.getvalue()


FRAME = pd.DataFrame({"time": HOURS, "load": WAVE})
BERLIN = pd.date_range("2021-03-20", periods=N, freq="1h", tz="Europe/Berlin")
AUTUMN = pd.date_range("2021-10-20", periods=N, freq="1h", tz="Europe/Berlin")
NEW_YORK = pd.date_range("2021-03-10", periods=N, freq="1h", tz="America/New_York")
LOCAL = "%Y-%m-%d %H:%M"
GERMAN_CELLS = [cell.replace(".", ",") for cell in CELLS]
EPOCH = HOURS.astype("datetime64[ms]").astype("int64")
MONTHS = pd.date_range("2001-01-01", periods=N // 2, freq="MS")
WEEKDAYS = pd.bdate_range("2019-01-01", periods=N)
GERMAN = [f"{int(v * 20):,}".replace(",", ".") for v in WAVE]
UNEVEN = np.cumsum(np.random.default_rng(5).integers(20, 180, N)).astype("timedelta64[s]") + np.datetime64("2021-03-01")
BINS = round((UNEVEN[-1] - UNEVEN[0]) / np.median(np.diff(UNEVEN))) + 1


def in_german_time(times):
    return times.strftime("%d.%m.%Y %H:%M")


@dataclass(frozen=True)
class Case:
    """A file, the options of its import, and what is expected: parts of the description, the problems that need a
    decision, a line of the receipt, or the words of the refusal."""

    payload: bytes
    name: str = "file.csv"
    kind: str = "series"
    rows: int = N
    first: float | None = WAVE[0]
    repair: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    time: dict[str, Any] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    receipt: str = ""
    refusal: str = ""


HOURLY = {"first": "2021-03-01T00:00:00", "step_seconds": 3600, "period": 24}
CASES = {
    "newest first": Case(csv("time,load", ISO[::-1], CELLS[::-1]), time=HOURLY, pending=("unsorted",)),
    "cr line ends": Case(csv("time,load", ISO, CELLS, end="\r"), time=HOURLY),
    "utf-16 from excel": Case(csv("time\tload", ISO, CELLS, separator="\t").decode().encode("utf-16"), time=HOURLY),
    "excel": Case(excel(FRAME), "load.xlsx", time=HOURLY),
    "parquet": Case(parquet(FRAME), "load.parquet", time=HOURLY),
    "json records": Case(
        json.dumps([{"when": t, "data": {"load": float(v)}} for t, v in zip(ISO, WAVE, strict=True)]).encode(),
        "load.json",
        time=HOURLY,
    ),
    "json lines with epoch ms": Case(
        "\n".join(
            json.dumps({"t": int(t), "load": float(v)})
            for t, v in zip(HOURS.astype("datetime64[ms]").astype("int64"), WAVE, strict=True)
        ).encode(),
        "load.jsonl",
        time={"first": "2021-03-01T00:00:00+00:00", "zone": "UTC"},
        receipt="numbers read as milliseconds since 1970",
    ),
    "epoch seconds under another name": Case(
        csv("ref,load", HOURS.astype("datetime64[s]").astype("int64").astype(str), CELLS),
        time={"first": "2021-03-01T00:00:00+00:00", "zone": "UTC"},
    ),
    "epoch nanoseconds": Case(
        csv("x,load", HOURS.astype("datetime64[ns]").astype("int64").astype(str), CELLS),
        receipt="nanoseconds since 1970",
    ),
    "excel serial dates": Case(
        csv("when,load", [f"{44256 + k / 24:.6f}" for k in range(N)], CELLS), time=HOURLY, receipt="Excel serial dates"
    ),
    "offsets over the clock change": Case(
        csv("time,load", [stamp.isoformat() for stamp in BERLIN], CELLS),
        time={"first": "2021-03-20T00:00:00+01:00", "last": BERLIN[-1].isoformat(), "zone": "+01:00/+02:00"},
    ),
    "local times over the clock change": Case(
        csv("time;load", in_german_time(BERLIN), CELLS, separator=";"),
        repair={"time_zone": "Europe/Berlin"},
        time={"first": "2021-03-20T00:00:00+01:00", "last": BERLIN[-1].isoformat(), "step_seconds": 3600},
        receipt="local times of Europe/Berlin",
    ),
    "an hour twice in autumn": Case(
        csv("time,load", AUTUMN.strftime(LOCAL), CELLS),
        repair={"time_zone": "Europe/Berlin"},
        time={"first": "2021-10-20T00:00:00+02:00", "last": AUTUMN[-1].isoformat(), "step_seconds": 3600},
    ),
    "an hour twice, newest first": Case(
        csv("time,load", AUTUMN.strftime(LOCAL)[::-1], CELLS[::-1]),
        repair={"time_zone": "Europe/Berlin", "unsorted": "sort"},
        time={"first": "2021-10-20T00:00:00+02:00", "last": AUTUMN[-1].isoformat(), "step_seconds": 3600},
    ),
    "clock change without a zone": Case(
        csv("time,load", NEW_YORK.strftime(LOCAL), CELLS), rows=N + 1, pending=("time_zone", "gaps")
    ),
    "date and time in two columns": Case(
        csv("Datum;Uhrzeit;Last", HOURS.strftime("%d.%m.%Y"), HOURS.strftime("%H.%M.%S"), CELLS, separator=";"),
        time=HOURLY,
    ),
    "year, month, day and hour": Case(
        csv(
            "No,year,month,day,hour,load", map(str, range(1, N + 1)), *(HOURS.strftime(f"%{p}") for p in "YmdH"), CELLS
        ),
        time=HOURLY,
        receipt="'No' (only counts the rows)",
    ),
    "am and pm": Case(csv("time,load", HOURS.strftime("%m/%d/%Y %I:%M %p"), CELLS), time=HOURLY),
    "ambiguous days": Case(
        csv("time,load", pd.date_range("2021-03-04", periods=N, freq="3min").strftime("%d/%m/%Y %H:%M"), CELLS),
        time={"first": "2021-03-04T00:00:00", "step_seconds": 180},
        repair={"date_order": "day_first"},
    ),
    "months": Case(
        csv("month,sales", MONTHS.strftime("%b %Y"), CELLS[: N // 2]),
        rows=N // 2,
        time={"first": "2001-01-01T00:00:00", "last": "2017-08-01T00:00:00", "period": 24},
    ),
    "business days": Case(
        csv("Date,Close", WEEKDAYS.strftime("%Y-%m-%d"), CELLS),
        time={"step_seconds": 86_400},
        pending=("business_days",),
    ),
    "thousands with dots": Case(
        csv("Zeit;Kunden", in_german_time(HOURS), GERMAN, separator=";"),
        first=float(int(WAVE[0] * 20)),
        pending=("number_format",),
        receipt="read as 1",
    ),
    "units": Case(csv("time,load", ISO, [f"{cell} kW" for cell in CELLS]), receipt="units removed"),
    "percent with commas": Case(
        csv("time;share", ISO, [f"{cell} %".replace(".", ",") for cell in CELLS], separator=";"),
        receipt="decimal comma",
    ),
    "spaces as thousands": Case(
        csv(
            "time;load", ISO, [f"{v * 1000:,.1f}".replace(",", "\u00a0").replace(".", ",") for v in WAVE], separator=";"
        ),
        first=WAVE[0] * 1000,
    ),
    "empty cells": Case(
        csv("time,load", ISO, [cell if k % 50 else "" for k, cell in enumerate(CELLS, 1)]),
        pending=("missing_values",),
        receipt="7 missing values interpolated",
        rows=N - 1,
    ),
    "a missing code": Case(
        csv("time,load", ISO, [cell if k % 40 else "-999" for k, cell in enumerate(CELLS, 5)]),
        pending=("missing_code", "missing_values"),
        receipt="-999 read as a missing value in 10 cells",
    ),
    "irregular steps": Case(
        csv("time,load", UNEVEN.astype(str), CELLS),
        rows=BINS,
        first=None,
        repair="default",
        receipt="resampled by the mean",
    ),
    "a footer": Case(
        csv("time,load", ISO, CELLS) + b"Total,20000\n", pending=("not_times",), receipt="'Total' in row 402"
    ),
    "long format": Case(
        csv("time,city,load", np.repeat(ISO, 2), ["Bonn", "Ulm"] * N, np.repeat(CELLS, 2)),
        kind="table",
        pending=("long_format",),
        receipt="turned into 2 columns: 'Bonn', 'Ulm'",
    ),
    "long format as a series": Case(
        csv("time,city,load", np.repeat(ISO, 2), ["Bonn", "Ulm"] * N, np.repeat(CELLS, 2)),
        options={"kind": "series"},
        repair={"long_format": "Ulm"},
        time=HOURLY,
    ),
    "several value columns": Case(csv("time,gas,heat", ISO, CELLS, CELLS[::-1]), kind="table", time=HOURLY),
    "one column of a table": Case(
        csv("time,gas,heat", ISO, CELLS[::-1], CELLS), options={"value": "heat"}, time=HOURLY
    ),
    "a preamble": Case(
        b"Station 7\nexported 2021\n" + csv("time,load", ISO, CELLS), time=HOURLY, receipt="2 lines above"
    ),
    "a range of times": Case(
        csv("period;load", [f"{t} - {t}" for t in HOURS.strftime("%d.%m.%Y %H:%M")], CELLS, separator=";"), time=HOURLY
    ),
    "times of day only": Case(csv("time,load", HOURS.strftime("%H:%M"), CELLS), refusal="is a time without a date"),
    "words": Case(csv("name,city", ["Ann Lee"] * N, ["Bonn"] * N), refusal="", kind="text"),
    "serial dates with decimal commas": Case(
        csv("Datum;Wert", [f"{44256 + k / 24:.6f}".replace(".", ",") for k in range(N)], GERMAN_CELLS, separator=";"),
        time=HOURLY,
        receipt="Excel serial dates",
    ),
    "numbers in parentheses": Case(
        csv("time,load", ISO, [f"({cell})" if k % 5 == 0 else cell for k, cell in enumerate(CELLS)]),
        first=-WAVE[0],
        receipt=f"numbers in parentheses are negative, '({CELLS[0]})' read as -{CELLS[0]}",
    ),
    "files joined end to end": Case(
        csv("time,load", [*ISO[:200], "time", *ISO[200:]], [*CELLS[:200], "load", *CELLS[200:]]),
        time=HOURLY,
        receipt="row 202: 1 row repeating the header left out",
    ),
    "thousands of India": Case(
        csv("time,load", ISO, [f'"5,{k % 90 + 10},{k % 900 + 100}.5"' for k in range(N)]),
        first=510100.5,
        receipt="'5,10,100.5' read as 510100.5",
    ),
    "labels in words": Case(csv("time,load,anomaly", ISO, CELLS, ["no", "yes", *["no"] * 398]), time=HOURLY),
    "fields above the header": Case(
        b"Station:,Bonn\nUnit:,kW\n" + csv("time,load", ISO, CELLS), time=HOURLY, receipt="2 lines above"
    ),
    "another table above a blank line": Case(
        b"latitude,longitude,elevation\n52.52,13.41,38.0\n\n" + csv("time,load", ISO, CELLS),
        time=HOURLY,
        receipt="2 lines above the header",
    ),
    "json of a weather service": Case(
        json.dumps({"latitude": 52.5, "units": {"t": "C"}, "hourly": {"time": list(ISO), "t": list(WAVE)}}).encode(),
        "f.json",
        time=HOURLY,
        receipt="rows read from 'hourly', other fields left out: 'latitude', 'units'",
    ),
    "json value by time": Case(json.dumps(dict(zip(ISO, WAVE, strict=True))).encode(), "f.json", time=HOURLY),
    "json rows without a header": Case(
        json.dumps({"prices": [[int(t), float(v)] for t, v in zip(EPOCH, WAVE, strict=True)]}).encode(),
        "f.json",
        time={"first": "2021-03-01T00:00:00+00:00", "step_seconds": 3600},
        receipt="no header",
    ),
    "json of influx": Case(
        json.dumps(
            {"results": [{"series": [{"columns": ["time", "v"], "values": list(zip(ISO, WAVE, strict=True))}]}]}
        ).encode(),
        "f.json",
        time=HOURLY,
    ),
    "parquet with a time zone": Case(
        parquet(FRAME.assign(time=HOURS.tz_localize("Europe/Berlin"))),
        "f.parquet",
        time={"first": "2021-03-01T00:00:00+01:00", "zone": "Europe/Berlin"},
    ),
    "a longer second sheet": Case(
        excel(pd.DataFrame({"made": ["by"], "in": ["Bonn"]}), FRAME), "f.xlsx", time=HOURLY, pending=("sheet",)
    ),
    "a gzip file": Case(b"\x1f\x8b" + bytes(99), refusal="unpack it, and use the file inside"),
    "52 weeks": Case(
        csv("week,sales", [f"2021-W{k:02d}" for k in range(1, 53)], CELLS[:52]),
        rows=52,
        time={"first": "2021-01-04T00:00:00", "step_seconds": 604_800},
        receipt="52 points are few",
    ),
    "a zone that is not known": Case(csv("time,load", [f"{t} XYZ" for t in ISO], CELLS), refusal="is not a time zone"),
    "two orders": Case(
        csv("time,load", [*HOURS[:300].strftime("%d/%m/%Y %H:%M"), *HOURS[300:].strftime("%m/%d/%Y %H:%M")], CELLS),
        refusal="write dates one way",
    ),
    "microseconds": Case(
        csv("t,load", [f"2021-03-01 00:00:00.{k:06d}" for k in range(N)], CELLS),
        refusal="less than a millisecond apart",
    ),
}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.refusal and case.kind != "text"])
def test_awkward_file_is_read(name, tmp_path):
    case = CASES[name]
    path = tmp_path / case.name
    path.write_bytes(case.payload)
    _, preview = check_file(path, repair=case.repair, **case.options)
    content = preview.describe()
    assert (content["kind"], content["rows"]) == (case.kind, case.rows)
    assert {key: content["time"][key] for key in case.time} == case.time
    values = next(iter(content["values"].values()))
    assert case.first is None or values["first"] == pytest.approx(case.first)
    if case.repair is None:
        assert tuple(problem.kind for problem in preview.pending) == case.pending
    assert any(case.receipt in line for line in content["receipt"]) or not case.receipt, content["receipt"]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.refusal])
def test_file_without_a_way_is_refused_in_one_true_sentence(name, tmp_path):
    case = CASES[name]
    path = tmp_path / case.name
    path.write_bytes(case.payload)
    with pytest.raises((DataError, ConfigError)) as raised:
        check_file(path)
    assert case.refusal in str(raised.value) and "\n" not in str(raised.value) and len(str(raised.value)) < 250


def corpus():
    """Return the series of the Numenta benchmark that are at hand."""
    folders = [Path(folder) / "nab-corpus" for folder in os.environ.get("DLCORE_DATA", "").split(os.pathsep) if folder]
    return sorted(path for folder in folders for path in folder.glob("*/*.csv"))


@pytest.mark.realdata
def test_every_series_of_the_numenta_benchmark_is_read():
    paths = corpus()
    if not paths:
        pytest.skip("data missing: nab-corpus (set DLCORE_DATA)")
    for path in paths:
        importer, preview = check_file(path, repair="default")
        raw = pd.read_csv(path)
        assert importer.kind == "series" and preview.rows >= 1000, path
        unique = raw.groupby("timestamp", sort=False).filter(lambda rows: len(rows) == 1)
        times = pd.to_datetime(unique.timestamp).to_numpy().astype("datetime64[ms]").astype(np.int64)
        place = np.searchsorted(preview.data.times, times)
        inside = (times >= preview.data.times[0]) & (times <= preview.data.times[-1])
        assert (preview.data.times[place[inside]] == times[inside]).all(), path
        assert (preview.data.values[place[inside]] == unique.value.to_numpy()[inside]).all(), path
        assert inside.all() or any("cut" in line for line in preview.receipt), path
        assert bool(preview.receipt) == (len(raw) != preview.rows or bool(preview.problems)), path


@pytest.mark.realdata("air_quality")
def test_the_uci_file_is_read_as_it_is():
    from dlcore.data.series.air_quality import load_air_quality
    from dlcore.data.sources import locate

    importer, preview = check_file(locate.require("air_quality"))
    published = load_air_quality()
    assert importer.kind == "table" and preview.data.names == published.names
    np.testing.assert_array_equal(preview.data.times, published.times)
    np.testing.assert_array_equal(preview.data.values, published.values)
    assert [problem.kind for problem in preview.pending] == ["missing_code"]
