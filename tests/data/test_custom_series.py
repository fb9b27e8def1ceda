"""A CSV of one's own becomes a series to train on, or is refused in one line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlcore.core.errors import DataError
from dlcore.data.custom import registry as own
from dlcore.data.custom import series as series_intake
from dlcore.data.series import seasonality, series
from dlcore.data.series import window_file as series_windows
from dlcore.data.series.csv_file import Columns

pytestmark = pytest.mark.usefixtures("home")
N = 400
START = pd.Timestamp("2021-03-01")


def table(n=N, freq="1h", **columns):
    hours = np.arange(n)
    values = 50 + 20 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 2, n)
    times = pd.date_range(START, periods=n, freq=freq).strftime("%Y-%m-%d %H:%M:%S")
    return pd.DataFrame({"when": times, "load": values.round(3), **columns})


def payload(**about):
    return table(**about).to_csv(index=False).encode()


LABELS = (np.arange(N) // 10 == 33).astype(int)  # points 330 to 339


def test_columns_and_period_are_guessed_and_can_be_changed():
    found = series_intake.validate(payload(anomaly=LABELS, spare=np.arange(N)))
    assert found.columns == Columns("when", "load", "anomaly")
    assert found.guessed == found.series.period == 24 and found.series.step_ms == 3_600_000
    assert found.series.labels.tolist() == LABELS.tolist()
    other = series_intake.validate(payload(spare=np.arange(N)), asked=Columns("", "spare"), period=12)
    assert other.columns == Columns("when", "spare") and other.series.period == 12 and not other.series.windows
    assert series_intake.validate(payload(), period=0).series.period == 0


def test_what_is_kept_is_what_is_loaded():
    found = series_intake.validate(payload(anomaly=LABELS))
    kept = series_intake.save("mine", found, source="/somewhere/mine.csv")
    loaded = series.load("own:mine", checksum=kept.checksum)
    np.testing.assert_array_equal(loaded.times, found.series.times)
    np.testing.assert_array_equal(loaded.values, found.series.values)
    assert (loaded.windows, loaded.period) == (found.series.windows, 24)
    assert (kept.rows, kept.source, kept.checksum) == (N, "mine.csv", found.series.checksum)


def test_a_file_that_was_changed_on_the_disk_is_noticed():
    kept = series_intake.save("mine", series_intake.validate(payload()))
    file = kept.folder / series.FILE
    with np.load(file) as archive:
        times, values = archive["times"], archive["values"].copy()
    values[5] += 1
    np.savez_compressed(file, times=times, values=values)
    with pytest.raises(DataError, match="damaged"):
        series.load("own:mine")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read"):
        series.load("own:mine")


def test_a_file_named_in_a_request_is_kept_once():
    first = series_intake.save_file(Path("my load.csv"), payload())
    assert (first.name, series_intake.save_file(Path("copy.csv"), payload()).name) == ("my-load", "my-load")
    assert series_intake.save_file(Path("my load.csv"), payload(n=300)).name == "my-load-2"
    assert len(own.list_datasets()) == 2


NASTY = {
    "nothing": (b"", "empty"),
    "header only": (b"time,value\n", "row 1"),
    "two rows": (payload(n=2), "row 3"),
    "too few to train on": (payload(n=50), "row 51"),
    "two columns of one name": (payload().replace(b"when,load", b"when,when"), "two columns are named 'when'"),
    "labels in words": (payload(label=["yes" if i % 7 else "no" for i in range(N)]), "row 2, column 'label': 'no'"),
    "not a number": (payload().replace(b"\n", b"\n", 1).replace(b"00:00,50", b"00:00,nan", 1), "column 'load'"),
    "a row twice": (payload() + payload().splitlines()[-1] + b"\n", f"row {N + 2}"),
    "clocks put forward": (
        table(freq="1h")
        .assign(
            when=lambda t: (
                pd.date_range("2014-03-08", periods=N, freq="1h", tz="America/New_York")
                .tz_localize(None)
                .strftime("%Y-%m-%d %H:%M")
            )
        )
        .to_csv(index=False)
        .encode(),
        "1 row is missing before 2014-03-09 03:00:00",
    ),
    "blank lines without end": (b"time,value\n" + b"\n" * 500_000, "row 1"),
}


@pytest.mark.parametrize("name", NASTY)
def test_nasty_files_are_refused_in_one_line_and_nothing_is_kept(name, home):
    data, words = NASTY[name]
    asked = Columns("", "", "label") if name == "labels in words" else None
    with pytest.raises(DataError) as refusal:
        series_intake.save("mine", series_intake.validate(data, asked=asked))
    message = str(refusal.value)
    assert words in message and "\n" not in message and len(message) < 250
    assert own.list_datasets() == []


def test_a_column_that_is_not_there_or_asked_for_twice():
    for asked, words in ((Columns("x", ""), "no column 'x'"), (Columns("when", "when"), "asked for twice")):
        with pytest.raises(DataError, match=words):
            series_intake.validate(payload(), asked=asked)
    for period in (-1, 1, N):
        with pytest.raises(DataError, match=f"period={period} is refused"):
            series_intake.validate(payload(), period=period)


def test_a_series_that_never_changes_is_kept_without_a_period():
    assert series_intake.validate(table().assign(load=7).to_csv(index=False).encode()).series.period == 0


ROW = {"start": "2021-03-14 18:00", "end": "2021-03-15 03:00", "name": "storm"}
GOOD = {
    "csv": pd.DataFrame([ROW]).to_csv(index=False).encode(),
    "csv with semicolons, a mark and Windows line ends": b"\xef\xbb\xbfEnd;Start;Name\r\n"
    b"2021-03-15 03:00;2021-03-14 18:00;storm\r\n",
    "utf-16": pd.DataFrame([ROW]).to_csv(index=False).encode("utf-16"),
    "json objects": json.dumps([ROW]).encode(),
    "json under a name": json.dumps({"windows": [{**ROW, "event": "storm"}]}).encode(),
    "json rows": json.dumps([list(ROW.values())]).encode(),
}


@pytest.mark.parametrize("name", GOOD)
def test_windows_from_a_second_file(name):
    (window,) = series_intake.validate(payload(), windows=GOOD[name]).series.windows
    moments = [pd.Timestamp(moment, unit="ms").isoformat(" ", "minutes") for moment in (window.start, window.end)]
    assert (moments, window.name) == ([ROW["start"], ROW["end"]], "storm")


def test_a_day_alone_is_the_whole_day():
    (window,) = series_intake.validate(payload(), windows=b"start,end\n2021-03-03,2021-03-04\n").series.windows
    found = series_intake.validate(payload(), windows=b"start,end\n2021-03-03,2021-03-04\n").series.labels
    assert found.sum() == 48 and window.name == "labelled"


BAD = {
    "words": (b"start,end\nyesterday,2021-03-04\n", "row 2 of the windows, start: 'yesterday' is no time"),
    "no header": (b"2021-03-03,2021-03-04\n", "no column 'start'"),
    "backwards": (b"start,end\n2021-03-05 10:00,2021-03-04 10:00\n", "before it starts"),
    "outside": (b"start,end\n2031-03-05,2031-03-06\n", "window 1 (2031-03-05"),
    "between two points": (b"start,end\n2021-03-05 10:10,2021-03-05 10:20\n", "falls between"),
    "not json": (b"[[1,2]", "not JSON"),
    "json of numbers": (b"[[1,2]]", "window 1, start: '1' is no time"),
    "json of something else": (b'{"a": 1}', "must be a list"),
    "a picture": (b"\x89PNG" + bytes(50), "picture"),
    "empty": (b"", "empty"),
    "too large": (b"start,end\n" * 200_000, "larger"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_windows_are_refused_in_one_line(name):
    data, words = BAD[name]
    with pytest.raises(DataError) as refusal:
        series_intake.validate(payload(), windows=data)
    assert words in str(refusal.value) and "\n" not in str(refusal.value)


def test_names_of_windows_carry_no_markup():
    assert series_windows.sanitize_name("=cmd|' /C calc'!A0") == "cmd' /C calc'!A0"
    assert series_windows.sanitize_name("<b>![x](http://y)</b>\nz") == "b!xhttp://y/bz"
    assert series_windows.sanitize_name(None) == "labelled" and len(series_windows.sanitize_name("x" * 999)) == 60


@pytest.mark.parametrize(
    ("values", "step_ms", "wanted"),
    [
        (np.sin(np.arange(700) * 2 * np.pi / 70), 1000, 70),
        (np.tile(np.r_[np.zeros(120), np.ones(48)], 6), 3_600_000, 168),
        (np.random.default_rng(0).normal(size=500), 60_000, 0),
        (np.random.default_rng(1).normal(size=3000).cumsum(), 3_600_000, 0),
        (np.arange(500.0), 60_000, 0),
        (np.full(500, 3.3), 60_000, 0),
    ],
)
def test_the_period_found(values, step_ms, wanted):
    assert seasonality.detect_period(values, step_ms) == wanted


def test_the_taxi_series_repeats_by_the_week():
    taxi = series.load_nyc_taxi()
    assert seasonality.detect_period(taxi.values, taxi.step_ms) == taxi.period == 336
