"""Faults that people met with series and tables, and relatives of each: the values that must be read."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from dlcore.core.errors import DataError
from dlcore.data.custom import series as custom_series
from dlcore.data.custom import table as custom_table
from dlcore.data.series.seasonality import detect_period

N = 300
HOURS = pd.date_range("2021-03-01", periods=N, freq="1h")
WAVE = 50.0 + 25 * np.sin(np.arange(N) / 4)
LOAD = [50.25, 54.91, 61.28, *WAVE[3:].round(2)]
"""The first three values are those of the reported files."""


def lines(header, *columns, separator=","):
    return "\n".join([header, *(separator.join(row) for row in zip(*columns, strict=True)), ""]).encode()


def read(payload, **options):
    return custom_series.IMPORTER.preview(payload, **options)


def stamps(form="%Y-%m-%d %H:%M:%S"):
    return list(HOURS.strftime(form))


def comma(values, digits=2):
    return [f"{value:.{digits}f}".replace(".", ",") for value in values]


SPLIT = {
    "decimal commas": (lines("time,load", stamps(), comma(LOAD)), {"load": 50.25}),
    "thousands": (lines("time,load", stamps(), [f"{int(v * 1000):,}" for v in LOAD]), {"load": 50250.0}),
    "negative numbers": (lines("time,load", stamps(), ["-" + cell for cell in comma(LOAD)]), {"load": -50.25}),
    "an index column": (lines("id,time,load", map(str, range(N)), stamps(), comma(LOAD)), {"load": 50.25}),
}


@pytest.mark.parametrize("name", SPLIT)
def test_numbers_divided_by_their_commas_are_joined_and_said(name):
    payload, first = SPLIT[name]
    preview = read(payload)
    assert {key: value["first"] for key, value in preview.content["values"].items()} == first
    assert "cells divided by a comma joined" in preview.receipt[0]
    assert [problem.kind for problem in preview.pending] == ["split_numbers"]


def test_numbers_divided_by_their_commas_are_joined_in_a_table():
    payload = lines("time,gas,heat", stamps(), comma(LOAD), comma([2 * v + 1.2 for v in LOAD], 1))
    preview = custom_table.IMPORTER.preview(payload)
    assert preview.data.names == ("gas", "heat") and preview.data.values[0].tolist() == [50.25, 101.7]


def test_single_row_with_a_cell_too_many_is_refused():
    rows = lines("time,load", stamps(), [f"{v:.2f}" for v in LOAD]).replace(b"54.91", b"54,91")
    with pytest.raises(DataError, match="row 3: 3 cells and 2 in the header"):
        read(rows)


def excel_days(*days):
    packed = io.BytesIO()
    pd.DataFrame([pd.to_datetime(days)], columns=["start", "end"]).to_excel(packed, index=False)
    return packed.getvalue()


DAYS = pd.date_range("2021-01-01", periods=365, freq="D")
DAILY = [f"{v:.2f}" for v in np.sin(np.arange(365)) * 3]


@pytest.mark.parametrize(
    ("form", "separator", "windows"),
    [
        ("%d.%m.%Y", ";", b"start;end;name\n05.03.2021;07.03.2021;storm\n"),
        ("%d.%m.%Y", ";", b'[["05.03.2021","07.03.2021","storm"]]'),
        ("%d/%m/%Y", ",", b"start,end\n05/03/2021,07/03/2021\n"),
        ("%m/%d/%Y", ",", b"start,end\n03/05/2021,03/07/2021\n"),
        ("%d.%m.%Y", ";", b"start,end\n2021-03-05,2021-03-07\n"),
        ("%Y-%m-%d", ",", b"start,end\n5 March 2021,7 March 2021\n"),
        ("%d.%m.%y", ";", b"start;end\n05.03.21;07.03.21\n"),
        ("%d/%m/%Y", ",", excel_days("2021-03-05", "2021-03-07")),
    ],
)
def test_windows_have_the_order_of_day_and_month_of_the_series(form, separator, windows):
    payload = lines(f"Tag{separator}Last", DAYS.strftime(form), DAILY, separator=separator)
    (window,) = read(payload, windows=windows).content["windows"]
    assert (window["start"], window["end"]) == ("2021-03-05T00:00:00", "2021-03-07T23:59:59.999")


def test_window_late_in_the_month_is_not_refused():
    payload = lines("Tag;Last", DAYS.strftime("%d.%m.%Y"), DAILY, separator=";")
    preview = read(payload, windows=b"start;end\n11.03.2021;13.03.2021\n")
    assert preview.data.labels.sum() == 3


def test_windows_are_read_in_the_time_zone_of_the_series():
    zoned = HOURS.tz_localize("Europe/Berlin", ambiguous="NaT", nonexistent="shift_forward")
    payload = lines("time,load", [stamp.isoformat() for stamp in zoned], [f"{v:.2f}" for v in LOAD])
    preview = read(payload, windows=b"start,end\n2021-03-05,2021-03-05\n")
    assert preview.content["windows"][0]["start"] == "2021-03-05T00:00:00+01:00"
    assert preview.data.labels.sum() == 24 and preview.content["time"]["first"] == "2021-03-01T00:00:00+01:00"


@pytest.mark.parametrize("windows", [b"start,end\n1614902400,1614945600\n", b"[[1614902400, 1614945600.0]]"])
def test_windows_in_epoch_seconds_are_read(windows):
    seconds = HOURS.astype("datetime64[s]").astype("int64").astype(str)
    preview = read(lines("t,load", seconds, [f"{v:.2f}" for v in LOAD]), windows=windows)
    assert preview.content["windows"][0]["start"] == "2021-03-05T00:00:00+00:00" and preview.data.labels.sum() == 13


DURATIONS = {
    "timedelta": [str(pd.Timedelta(seconds=k)) for k in range(N)],
    "ISO": [f"PT{k}S" for k in range(N)],
    "hours and minutes": [f"{k // 60}h {k % 60}min" for k in range(N)],
}


@pytest.mark.parametrize("name", DURATIONS)
def test_durations_are_refused_as_such(name):
    with pytest.raises(DataError, match="is a duration without a date: write it as 2014-07-01 00:30"):
        read(lines("time,load", DURATIONS[name], map(str, range(N))))


def test_year_one_is_no_year():
    with pytest.raises(DataError, match="'0001-01-01' is not a time"):
        read(lines("time,load", DAYS.strftime("0001-%m-%d"), DAILY))


CLOCKS = {
    "clock": ("%H:%M:%S", "'10:00:00' is a time without a date"),
    "no year": ("%m-%d %H:%M", "'03-01 10:00' is a date without a year"),
    "syslog": ("%b %d %H:%M:%S", "'Mar 01 10:00:00' is a date without a year"),
    "am and pm": ("%I:%M:%S %p", "'10:00:00 AM' is a time without a date"),
    "day and month": ("%d/%m %H:%M", "'01/03 10:00' is a date without a year"),
}


@pytest.mark.parametrize("name", CLOCKS)
def test_time_without_a_date_or_year_is_refused(name):
    form, words = CLOCKS[name]
    times = pd.date_range("2021-03-01 10:00", periods=N, freq="1min" if "%S" not in form else "1s").strftime(form)
    with pytest.raises(DataError) as raised:
        read(lines("time,load", times, map(str, range(N))))
    assert str(raised.value) == f"row 2, column 'time': {words}: write it as 2014-07-01 00:30."


def test_minutes_and_tenths_are_refused():
    times = [f"{k // 600:02d}:{k // 10 % 60:02d}.{k % 10}" for k in range(N)]
    with pytest.raises(DataError, match=r"'00:00\.0' is a time without a date: write it as 2014-07-01 00:30"):
        read(lines("time,load", times, map(str, range(N))))


TEXT = [f"{v:.2f}" for v in LOAD]
NUMBERS = [str(k) for k in range(N)]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (",when,load", (NUMBERS, stamps(), TEXT)),
        ("id,when,load", (NUMBERS, stamps(), TEXT)),
        ("station,when,load", (["7"] * N, stamps(), TEXT)),
        ("when,row,load", (stamps(), [str(k + 1) for k in range(N)], TEXT)),
        ("sensor_id,when,load", ([str(4711 + k % 3) for k in range(N)], stamps(), TEXT)),
        ("when,id,load", (stamps(), [str(k * 17 % 1009) for k in range(N)], TEXT)),
    ],
)
def test_row_number_id_or_constant_is_not_the_value(header, columns):
    preview = read(lines(header, *columns))
    assert preview.guesses["value"] == "load" and preview.content["values"]["load"]["first"] == 50.25
    assert "1 column left out" in preview.receipt[0]


def test_parts_of_the_times_are_no_variables():
    parts = [map(str, part) for part in (HOURS.month, HOURS.day, HOURS.hour, HOURS.day_of_week)]
    payload = lines("when,month,day,hour,weekday,load", stamps(), *parts, TEXT)
    preview = read(payload)
    assert (
        preview.guesses["value"] == "load" and "'hour', 'weekday' (repeats a part of the times)" in preview.receipt[0]
    )
    heat = [f"{101.7 + v:.1f}" for v in WAVE]
    table = custom_table.IMPORTER.preview(lines("when,hour,load,heat", stamps(), map(str, HOURS.hour), TEXT, heat))
    assert table.data.names == ("load", "heat") and "repeats a part of the times" in table.receipt[0]


@pytest.mark.parametrize("header", [",when,load,heat", "Unnamed: 0,when,load,heat", "no,when,load,heat"])
def test_row_number_is_no_variable_of_a_table(header):
    payload = lines(header, NUMBERS, stamps(), TEXT, [f"{101.7 + v:.1f}" for v in WAVE])
    preview = custom_table.IMPORTER.preview(payload)
    assert preview.data.names == ("load", "heat")
    assert "(only counts the rows)" in preview.receipt[0]


EUROPE = stamps("%d.%m.%Y %H:%M")
SEPARATED = {
    "a comma in the name": lines("time;load (kW, mean)", stamps(), TEXT, separator=";"),
    "a semicolon in a quoted name": lines('"time","load; kW; mean"', stamps(), TEXT),
    "sep=": b"sep=;\n" + lines("time;load", stamps(), TEXT, separator=";"),
    "decimal commas": lines("time;load", EUROPE, comma(LOAD), separator=";"),
    "tabs": lines("time\tload, mean; kW", stamps(), TEXT, separator="\t"),
    "a bar": lines("time|load", EUROPE, comma(LOAD), separator="|"),
    "quoted numbers with commas": lines("time,load", stamps(), [f'"{cell}"' for cell in comma(LOAD)]),
}


@pytest.mark.parametrize("name", SEPARATED)
def test_separator_is_that_of_the_rows(name):
    preview = read(SEPARATED[name])
    assert preview.data.values[:3].tolist() == [50.25, 54.91, 61.28] and preview.rows == N


@pytest.mark.parametrize(
    ("minutes", "period"), [(10, 50), (60, 30), (60, 10), (30, 50), (30, 5), (10, 36), (5, 100), (60, 100)]
)
def test_clean_period_beats_a_day(minutes, period):
    random = np.random.default_rng(0)
    values = np.sin(2 * np.pi * np.arange(2000) / period) + random.normal(0, 0.05, 2000)
    assert detect_period(values, minutes * 60_000) == period


def test_three_repeats_suffice_for_a_period():
    weeks = np.arange(156)
    values = 10 + 3 * np.sin(2 * np.pi * weeks / 52) + np.random.default_rng(1).normal(0, 0.2, 156)
    assert detect_period(values, 7 * 86_400_000) == 52
    payload = lines(
        "week,sales", pd.date_range("2020-01-06", periods=156, freq="7D").strftime("%G-W%V"), map(str, values)
    )
    content = read(payload).content
    assert content["time"]["period"] == 52 and content["time"]["step_seconds"] == 604_800


def test_json_description_has_the_documented_keys():
    content = read(lines("time,load", stamps(), TEXT)).describe()
    assert json.loads(json.dumps(content)) == content
    assert content["time"] == {
        "first": "2021-03-01T00:00:00",
        "last": "2021-03-13T11:00:00",
        "step_seconds": 3600,
        "period": 25,
        "zone": "",
    }
    assert content["columns"] == [
        {"name": "time", "role": "time", "type": "time"},
        {"name": "load", "role": "value", "type": "number"},
    ]
    assert content["values"]["load"] == {
        "count": N,
        "missing": 0,
        "min": min(LOAD),
        "max": max(LOAD),
        "first": 50.25,
        "last": LOAD[-1],
    }
