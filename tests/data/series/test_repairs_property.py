"""Repairs change nothing that the receipt does not name: random faults are planted and their repairs checked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlcore.core.errors import DataError
from dlcore.data.custom import series as custom_series
from dlcore.data.custom import table as custom_table

N = 240
START = np.datetime64("2021-02-01T00:00", "ms").astype(np.int64)
TIMES = START + np.arange(N) * 3_600_000

faults = st.fixed_dictionaries(
    {
        "duplicates": st.lists(st.integers(0, N - 1), max_size=6, unique=True),
        "gone": st.lists(st.integers(1, N - 2), max_size=8, unique=True),
        "empty": st.lists(st.integers(1, N - 2), max_size=8, unique=True),
        "order": st.sampled_from(["sorted", "reversed", "shuffled"]),
        "merge": st.sampled_from(["mean", "first", "last"]),
        "gaps": st.sampled_from(["interpolate", "cut", "treat_as_even", "interpolate:2"]),
        "missing": st.sampled_from(["interpolate", "drop"]),
        "seed": st.integers(0, 2**16),
    }
)


def plant(fault, columns):
    """Return the rows (time, cells) of a file with faults."""
    random = np.random.default_rng(fault["seed"])
    values = np.round(random.normal(50, 9, (N, columns)), 3)
    rows = [(k, [f"{v:.4f}" for v in values[k]]) for k in range(N) if k not in fault["gone"]]
    rows = [(k, cells if k not in fault["empty"] else ["", *cells[1:]]) for k, cells in rows]
    present = {k for k, _ in rows}
    rows += [(k, [f"{v + 1:.4f}" for v in values[k]]) for k in fault["duplicates"] if k in present]
    if fault["order"] == "sorted":
        rows.sort(key=lambda row: row[0])
    elif fault["order"] == "reversed":
        rows.sort(key=lambda row: -row[0])
    else:
        rows = [rows[k] for k in random.permutation(len(rows))]
    stamps = pd.to_datetime(TIMES, unit="ms").strftime("%Y-%m-%d %H:%M")
    header = ",".join(["time", *(f"v{k}" for k in range(columns))])
    return "\n".join([header, *(",".join([stamps[k], *cells]) for k, cells in rows), ""]).encode(), values


def choices(preview, hows):
    return {problem.kind: hows[problem.kind] for problem in preview.problems if problem.choices}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(faults)
def test_repairs_of_a_series_change_only_what_the_receipt_names(fault):
    payload, values = plant(fault, 1)
    hows = {
        "duplicate_times": fault["merge"],
        "gaps": fault["gaps"],
        "missing_values": fault["missing"],
        "unsorted": "sort",
    }
    try:
        preview = custom_series.IMPORTER.preview(payload, value="v0")
        for _ in range(3):  # a dropped row leaves a gap
            if preview.pending:
                preview = custom_series.IMPORTER.preview(payload, value="v0", repair=choices(preview, hows))
    except DataError as error:
        assert fault["gaps"] == "cut" and "training needs at least" in str(error)
        return
    receipt, times = " | ".join(preview.receipt), preview.data.times
    touched = set(fault["gone"]) | set(fault["empty"]) | set(fault["duplicates"])
    inside = np.isin(TIMES, times)
    at = np.searchsorted(times, TIMES[inside])
    for k, value in zip(np.flatnonzero(inside), preview.data.values[at], strict=True):
        assert k in touched or value == values[k, 0]
    assert (np.diff(times) > 0).all() and np.isfinite(preview.data.values).all()
    assert set(times) <= set(TIMES)
    lost = {int(k) for k in np.flatnonzero(~inside)} - touched
    assert not lost or "cut" in receipt
    present = [k for k in fault["duplicates"] if k not in fault["gone"]]
    assert ("repeated time merged" in receipt) == bool(present)
    assert ("sorted by time" in receipt) == (fault["order"] != "sorted" or not _is_sorted(payload))
    assert not preview.pending


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(faults)
def test_default_repairs_of_a_table_leave_missing_what_is_missing(fault):
    payload, values = plant(fault, 2)
    preview = custom_table.IMPORTER.preview(payload, repair="default")
    touched = set(fault["gone"]) | set(fault["empty"]) | set(fault["duplicates"])
    np.testing.assert_array_equal(preview.data.times, TIMES)
    for k in range(N):
        if k in fault["gone"]:
            assert np.isnan(preview.data.values[k]).all()
        elif k not in touched:
            assert (preview.data.values[k] == values[k]).all()
        elif k not in fault["duplicates"]:
            assert np.isnan(preview.data.values[k, 0]) and preview.data.values[k, 1] == values[k, 1]
    assert bool(preview.receipt) == (fault["order"] != "sorted" or bool(touched))


def _is_sorted(payload):
    stamps = [line.split(b",")[0] for line in payload.splitlines()[1:]]
    return stamps == sorted(stamps)


@pytest.mark.parametrize("how", ["mean", "first", "last"])
def test_duplicates_are_merged_as_chosen(how):
    rows = [f"2021-03-01 {k // 60:02d}:{k % 60:02d},{k}.5" for k in range(200)]
    payload = "\n".join(["time,load", *rows[:9], "2021-03-01 00:08,20.5", *rows[9:]]).encode()
    preview = custom_series.IMPORTER.preview(payload, repair={"duplicate_times": how})
    assert preview.data.values[8] == {"mean": 14.5, "first": 8.5, "last": 20.5}[how]
    assert preview.receipt == (f"1 row with a repeated time merged ({how}), first 2021-03-01 00:08:00 in row 11",)
