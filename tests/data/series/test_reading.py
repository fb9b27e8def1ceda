"""Files of series: valid ones are read, problems with a repair are repaired, others rejected in one line."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcore.core.errors import DataError
from dlcore.data.series.series import read_csv

N = 100
TIMES = list(pd.date_range("2014-07-01", periods=N, freq="30min").strftime("%Y-%m-%d %H:%M:%S"))
VALUES = [str(i) for i in range(N)]


def make_csv(values=None, times=None, header="timestamp,value"):
    rows = zip(times or TIMES, values or VALUES, strict=False)
    return "\n".join([header, *(f"{a},{b}" for a, b in rows), ""]).encode()


def with_value(text, at=50):
    return make_csv([*VALUES[:at], text, *VALUES[at + 1 :]])


def with_time(text, at=10):
    return make_csv(times=[*TIMES[:at], text, *TIMES[at + 1 :]])


GOOD = {
    "plain": make_csv(),
    "semicolons": make_csv(header="timestamp;value").replace(b",", b";"),
    "utf-16 with its mark": make_csv().decode().encode("utf-16"),
    "windows line ends": make_csv().replace(b"\n", b"\r\n"),
    "blank lines at the end": make_csv() + b"\n\n",
    "other names": make_csv(header="when,rides"),
    "a byte-order mark": b"\xef\xbb\xbf" + make_csv(),
    "one more column": make_csv(header="timestamp,value,note")
    .replace(b"\n2014", b",x\n2014")
    .replace(b"note,x", b"note")[:-1]
    + b",x\n",
}


@pytest.mark.parametrize("name", GOOD)
def test_valid_file_is_read(name):
    series = read_csv(GOOD[name])
    assert series.values.tolist() == [float(v) for v in VALUES]
    assert (np.diff(series.times) == 1_800_000).all() and series.times[0] == 1404172800000


REPAIRED = {
    "text in numbers": (
        with_value("abc"),
        VALUES,
        "1 cell that are not numbers read as missing, first 'abc' in row 52",
    ),
    "a script": (with_value("<script>alert(1)</script>"), VALUES, "1 cell that are not numbers read as missing"),
    "an empty cell": (with_value(""), VALUES, "1 missing value interpolated, first in row 52"),
    "unsorted": (make_csv([*VALUES[50:], *VALUES[:50]], [*TIMES[50:], *TIMES[:50]]), VALUES, "rows sorted by time"),
    "newest first": (make_csv(VALUES[::-1], TIMES[::-1]), VALUES, "rows sorted by time (the newest came first)"),
    "doubled": (
        make_csv([*VALUES[:10], "8.0", *VALUES[10:]], [*TIMES[:10], TIMES[9], *TIMES[10:]]),
        [*VALUES[:9], "8.5", *VALUES[10:]],
        "1 row with a repeated time merged (mean), first 2014-07-01 04:30:00 in row 12",
    ),
    "a gap": (
        make_csv([*VALUES[:10], *VALUES[15:]], [*TIMES[:10], *TIMES[15:]]),
        VALUES,
        "5 missing rows inserted and interpolated, first before row 12",
    ),
    "latin-1": (make_csv(header="zeit,menge é").decode().encode("latin-1"), VALUES, "read as cp1252"),
}


@pytest.mark.parametrize("name", REPAIRED)
def test_problem_with_a_default_repair_is_repaired_and_in_the_receipt(name):
    payload, values, line = REPAIRED[name]
    series = read_csv(payload)
    assert series.values.tolist() == [float(v) for v in values]
    assert (np.diff(series.times) == 1_800_000).all() and series.times[0] == 1404172800000
    assert any(line in entry for entry in series.receipt), series.receipt


BAD = {
    "empty": (b"", "empty"),
    "binary": (bytes(range(256)) * 50, "row 2"),
    "zero bytes": (make_csv()[:500] + b"\0" + make_csv()[500:], "row 23"),
    "an image": (b"\x89PNG\r\n" + bytes(1000), "image"),
    "one column": (b"value\n" + b"\n".join(v.encode() for v in VALUES), "row 1: one column ('value')"),
    "infinity": (with_value("inf"), "row 52, column 'value': 'inf' is infinite"),
    "overflow": (with_value("1e400"), "row 52, column 'value'"),
    "too large": (with_value("1e200"), "row 52, column 'value'"),
    "a formula": (with_value("=1+1"), "row 52, column 'value': '=1+1' is a formula"),
    "a command": (with_value("@SUM(A1:A9)"), "row 52, column 'value': '@SUM(A1:A9)' is a formula"),
    "no time": (with_time("yesterday"), "row 12: 1 row without a time: 'yesterday' is not a time"),
    "no times at all": (b"a,b\n" + b"1,2\n" * 100, "row 2, column 'a'"),
    "more columns in a row": (with_value("3,4,5"), "row 52"),
    "an open quote": (with_value('"3'), "open quote"),
    "three rows": (make_csv(VALUES[:3], TIMES[:3]), "row 4: the file ends after 3 rows"),
    "too many rows": (b"t,v\n" + b"2014-07-01,1\n" * 1_000_001, "row 1,000,002"),
    "ten million rows": (b"timestamp,value\n" + b"2014-07-01 00:00:00,1\n" * 10_000_000, "MB"),
}


@pytest.mark.parametrize("name", BAD)
def test_invalid_file_is_rejected_in_one_line(name):
    payload, words = BAD[name]
    with pytest.raises(DataError) as raised:
        read_csv(payload)
    message = str(raised.value)
    assert words in message and "\n" not in message and len(message) < 250


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400) | st.text(max_size=200).map(lambda t: ("timestamp,value\n" + t).encode("utf-8", "replace"))
)
def test_arbitrary_bytes_raise_only_data_errors(payload):
    try:
        series = read_csv(payload)
    except DataError as raised:
        assert "\n" not in str(raised)
    else:
        assert len(series.times) == len(series.values) > 0 and np.isfinite(series.values).all()
