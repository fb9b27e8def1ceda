"""Alarm CSV, alarm peaks, and sample CSV."""

import io

import numpy as np
import pandas as pd
import pytest

from dlcore import projects, runs
from dlcore.data.series.series import load_nyc_taxi, read_csv
from dlcore.ui.pages.anomaly import explain as explain_series
from dlcore.ui.pages.anomaly import predict as series_predict
from dlcore.ui.pages.anomaly import threshold as series_threshold


def test_alarm_csv_names_every_alarm() -> None:
    errors = np.array([0.1, 5.0, 0.2, 7.0])
    part = series_threshold.SplitScores(errors, np.array([0, 1, 0, 0]), np.arange(4, dtype=np.int64) * 1_800_000)
    table = pd.read_csv(io.StringIO(series_threshold.alarm_csv({"train": part, "test": part}, 1.0)))
    assert table["part"].tolist() == ["train", "train", "test", "test"]
    assert table["time"].tolist()[:2] == ["1970-01-01 00:30:00", "1970-01-01 01:30:00"]
    assert table["labeled"].tolist() == [1, 0, 1, 0]


def test_alarm_peaks_are_sorted_by_error() -> None:
    errors = np.zeros(300)
    errors[[10, 12, 200]] = [3.0, 9.0, 5.0]
    assert explain_series.alarm_peaks(errors, 1.0).tolist() == [12, 200]
    assert explain_series.alarm_peaks(errors, 10.0).tolist() == []


def test_sample_csv_can_be_read() -> None:
    series = load_nyc_taxi()
    table = read_csv(series_predict.sample_csv(series))
    assert table.times[-1] == series.times[-1]
    np.testing.assert_array_equal(table.values, series.values[-len(table.values) :])


@pytest.mark.parametrize("model", ["calendar", "conv", "dense_32"])
def test_sample_has_a_score_on_the_days_that_its_name_promises(model) -> None:
    bundle = runs.open_run(f"reference:anomaly/{model}").finished_bundle
    series, context = load_nyc_taxi(), bundle.facts["window"] - 1
    payload = series_predict.sample_csv(series, context=context)
    answer = projects.get("anomaly").answer(bundle.load(), payload)
    times, errors = np.array(answer["times"]), np.array(answer["errors"])
    assert answer["unscored"] == context and not errors[:context].any() and errors[context] > 0
    new_year = next(window for window in series.windows if window.name == "New Year's Day")
    inside = (times >= new_year.start) & (times <= new_year.end)
    assert (errors[inside] > 0).all()
    if model == "calendar":  # the largest anomaly of the series
        assert errors.argmax() in np.flatnonzero(inside)
