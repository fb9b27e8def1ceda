"""Import of custom series: valid files, rejected files and their messages, labeled windows, seasonality."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom import registry as custom
from dlcore.data.custom import series as custom_series
from dlcore.data.series import seasonality, series, window_file

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
    preview = custom_series.IMPORTER.preview(payload(anomaly=LABELS, spare=np.arange(N)))
    assert preview.guesses == {"time": "when", "value": "load", "label": "anomaly", "period": 24}
    assert preview.data.period == 24 and preview.data.step_ms == 3_600_000
    assert preview.data.labels.tolist() == LABELS.tolist()
    other = custom_series.IMPORTER.preview(payload(spare=np.arange(N)), value="spare", period="12")
    assert other.columns == ("when", "spare") and other.data.period == 12 and not other.data.windows
    assert custom_series.IMPORTER.preview(payload(), period=0).data.period == 0
    assert not custom_series.IMPORTER.preview(payload(anomaly=LABELS), label="none").data.windows


def test_saved_series_is_loaded_again():
    preview = custom_series.IMPORTER.preview(payload(anomaly=LABELS))
    entry = custom_series.IMPORTER.save("mine", preview, source="/somewhere/mine.csv")
    loaded = series.load("custom:mine", checksum=entry.checksum)
    np.testing.assert_array_equal(loaded.times, preview.data.times)
    np.testing.assert_array_equal(loaded.values, preview.data.values)
    assert (loaded.windows, loaded.period) == (preview.data.windows, 24)
    assert (entry.rows, entry.source, entry.checksum) == (N, "mine.csv", preview.data.checksum)


def test_changed_file_is_rejected():
    entry = custom_series.IMPORTER.save("mine", custom_series.IMPORTER.preview(payload()))
    file = entry.folder / series.FILE
    with np.load(file) as archive:
        times, values = archive["times"], archive["values"].copy()
    values[5] += 1
    np.savez_compressed(file, times=times, values=values)
    with pytest.raises(DataError, match="damaged"):
        series.load("custom:mine")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read"):
        series.load("custom:mine")


def test_same_file_is_saved_once():
    first = custom_series.IMPORTER.find_or_save(Path("my load.csv"), payload())
    assert (first.name, custom_series.IMPORTER.find_or_save(Path("copy.csv"), payload()).name) == ("my-load", "my-load")
    assert custom_series.IMPORTER.find_or_save(Path("my load.csv"), payload(n=300)).name == "my-load-2"
    assert len(custom.list_datasets()) == 2


NASTY = {
    "nothing": (b"", "empty"),
    "header only": (b"time,value\n", "row 2"),
    "two rows": (payload(n=2), "row 3"),
    "too few to train on": (payload(n=20), "row 21"),
    "two columns of one name": (payload().replace(b"when,load", b"when,when"), "two columns are named 'when'"),
    "labels in words": (payload(label=["bad" if i % 7 else "good" for i in range(N)]), "row 2, column 'label': 'good'"),
    "blank lines without end": (b"time,value\n" + b"\n" * 500_000, "row 2"),
}


@pytest.mark.parametrize("name", NASTY)
def test_invalid_file_is_rejected_and_nothing_is_saved(name, home):
    data, words = NASTY[name]
    options = {"label": "label"} if name == "labels in words" else {}
    with pytest.raises(DataError) as refusal:
        custom_series.IMPORTER.save("mine", custom_series.IMPORTER.preview(data, **options))
    message = str(refusal.value)
    assert words in message and "\n" not in message and len(message) < 250
    assert custom.list_datasets() == []


def test_problems_need_a_repair_before_the_series_is_saved():
    clocks = pd.date_range("2014-03-08", periods=N, freq="1h", tz="America/New_York").tz_localize(None)
    data = table().assign(when=clocks.strftime("%Y-%m-%d %H:%M")).to_csv(index=False).encode()
    data = data.replace(b"\n2014-03-08 05:00,", b"\n2014-03-08 05:00,off ", 1)
    data += data.splitlines()[-1] + b"\n"
    preview = custom_series.IMPORTER.preview(data)
    assert [problem.kind for problem in preview.pending] == [
        "time_zone",
        "not_numbers",
        "duplicate_times",
        "missing_values",
        "gaps",
    ]
    with pytest.raises(RequestError, match="5 problems need a repair"):
        custom_series.IMPORTER.save("mine", preview)
    assert custom.list_datasets() == []
    entry = custom_series.IMPORTER.save("mine", custom_series.IMPORTER.preview(data, repair="default"))
    assert entry.rows == N + 1 and entry.facts["receipt"][-1].startswith("1 missing row inserted and interpolated")
    zoned = custom_series.IMPORTER.preview(data, repair={"time_zone": "America/New_York"})
    assert "gaps" not in [problem.kind for problem in zoned.problems] and zoned.rows == N
    assert zoned.content["time"]["first"] == "2014-03-08T00:00:00-05:00"


def test_unknown_or_repeated_column_is_rejected():
    options = {"time": "x"}, {"time": "when", "value": "when"}
    for columns, words in zip(options, ("no column 'x'", "used twice"), strict=True):
        with pytest.raises(DataError, match=words):
            custom_series.IMPORTER.preview(payload(), **columns)
    for period in (-1, 1, N):
        with pytest.raises(DataError, match=f"period={period} is out of range"):
            custom_series.IMPORTER.preview(payload(), period=period)


def test_constant_series_has_no_period():
    assert custom_series.IMPORTER.preview(table().assign(load=7).to_csv(index=False).encode()).data.period == 0


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
def test_windows_are_read_from_a_second_file(name):
    (window,) = custom_series.IMPORTER.preview(payload(), windows=GOOD[name]).data.windows
    moments = [pd.Timestamp(moment, unit="ms").isoformat(" ", "minutes") for moment in (window.start, window.end)]
    assert (moments, window.name) == ([ROW["start"], ROW["end"]], "storm")


def test_end_given_as_a_day_includes_the_whole_day():
    (window,) = custom_series.IMPORTER.preview(payload(), windows=b"start,end\n2021-03-03,2021-03-04\n").data.windows
    labels = custom_series.IMPORTER.preview(payload(), windows=b"start,end\n2021-03-03,2021-03-04\n").data.labels
    assert labels.sum() == 48 and window.name == "labeled"


BAD = {
    "words": (b"start,end\nyesterday,2021-03-04\n", "row 2 of the windows, start: 'yesterday' is not a time"),
    "no header": (b"2021-03-03,2021-03-04\n", "no column 'start'"),
    "backwards": (b"start,end\n2021-03-05 10:00,2021-03-04 10:00\n", "before it starts"),
    "outside": (b"start,end\n2031-03-05,2031-03-06\n", "window 1 (2031-03-05"),
    "between two points": (b"start,end\n2021-03-05 10:10,2021-03-05 10:20\n", "falls between"),
    "not json": (b"[[1,2]", "not JSON"),
    "json of numbers": (b"[[1,2]]", "window 1, start: '1' is not a time"),
    "json of something else": (b'{"a": 1}', "must be a list"),
    "an image": (b"\x89PNG" + bytes(50), "image"),
    "empty": (b"", "empty"),
    "too large": (b"start,end\n" * 200_000, "larger"),
}


@pytest.mark.parametrize("name", BAD)
def test_invalid_windows_are_rejected(name):
    data, words = BAD[name]
    with pytest.raises(DataError) as refusal:
        custom_series.IMPORTER.preview(payload(), windows=data)
    assert words in str(refusal.value) and "\n" not in str(refusal.value)


def test_window_names_have_no_markup():
    assert window_file.sanitize_name("=cmd|' /C calc'!A0") == "cmd' /C calc'!A0"
    assert window_file.sanitize_name("<b>![x](http://y)</b>\nz") == "b!xhttp://y/bz"
    assert window_file.sanitize_name(None) == "labeled" and len(window_file.sanitize_name("x" * 999)) == 60


@pytest.mark.parametrize(
    ("values", "step_ms", "expected"),
    [
        (np.sin(np.arange(700) * 2 * np.pi / 70), 1000, 70),
        (np.tile(np.r_[np.zeros(120), np.ones(48)], 6), 3_600_000, 168),
        (np.random.default_rng(0).normal(size=500), 60_000, 0),
        (np.random.default_rng(1).normal(size=3000).cumsum(), 3_600_000, 0),
        (np.arange(500.0), 60_000, 0),
        (np.full(500, 3.3), 60_000, 0),
    ],
)
def test_period_is_detected(values, step_ms, expected):
    assert seasonality.detect_period(values, step_ms) == expected


def wave(period, points=3000, phase=0.0):
    return np.sin(2 * np.pi * np.arange(points) / period + phase)


STEP = np.arange(3000)
PERIODS = {
    "a strong cycle and a weak day": (wave(50) + 0.3 * wave(144), 10, 50),
    "a cycle and half a day": (wave(50) + 0.5 * wave(144), 10, 50),
    "a weak cycle and a strong day": (wave(50) + 2 * wave(144), 10, 144),
    "pulses and a weak day": (3.0 * (STEP % 50 < 5) + 0.3 * wave(144), 10, 50),
    "a cycle on a trend": (wave(50) + STEP / 500, 10, 50),
    "harmonics": (wave(30) + 0.8 * wave(15, phase=1) + 0.6 * wave(10, phase=2), 60, 30),
    "every second cycle is higher": (wave(15) + 0.5 * wave(30), 60, 30),
    "a day and a weak week": (wave(24) + 0.3 * wave(168), 60, 24),
    "three repeats": (wave(50, 150, phase=2), 10, 50),
    "three repeats of 37": (wave(37, 111, phase=1), 60, 37),
}


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("name", PERIODS)
def test_period_is_that_of_the_stronger_cycle(name, noise):
    values, minutes, expected = PERIODS[name]
    noise = noise if len(values) > 1000 else 0.0
    values = values + np.random.default_rng(2).normal(0, 1, len(values)) * noise
    assert seasonality.detect_period(values, minutes * 60_000) == expected


def test_taxi_series_has_a_weekly_period():
    taxi = series.load_nyc_taxi()
    assert seasonality.detect_period(taxi.values, taxi.step_ms) == taxi.period == 336
