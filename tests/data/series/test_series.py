"""The taxi series, calendar features, windows and splits."""

import numpy as np
import pandas as pd
import pytest

from dlcore.core.errors import DataError
from dlcore.data.series import series, windows


def test_taxi_series_is_the_published_one():
    taxi = series.load_nyc_taxi()
    assert len(taxi.values) == 10_320
    assert taxi.values[:5].tolist() == [10844, 8127, 6210, 4656, 3820]
    table = pd.Series(taxi.values)
    assert table.mean() == pytest.approx(15137.56938, abs=1e-5)
    assert table.std() == pytest.approx(6939.495808, abs=1e-5)
    assert (table.min(), table.quantile(0.25), table.median(), table.quantile(0.75), table.max()) == (
        8,
        10262,
        16778,
        19838.75,
        39197,
    )


def test_taxi_series_has_five_labeled_windows_of_207_points():
    taxi = series.load_nyc_taxi()
    edges = np.flatnonzero(np.diff(taxi.labels.astype(int))) + 1
    assert edges[0] == 5839
    assert np.diff(edges)[::2].tolist() == [207] * 5
    assert all(window.name for window in taxi.windows)


def test_three_unlabeled_holidays_are_known():
    taxi = series.load_nyc_taxi()
    days = [pd.Timestamp(span.start, unit="ms").date().isoformat() for span in taxi.unlabeled]
    assert days == ["2014-07-04", "2014-09-01", "2015-01-19"]
    for span in taxi.unlabeled:
        inside = (taxi.times >= span.start) & (taxi.times <= span.end)
        assert span.name and inside.sum() == 48 and not taxi.labels[inside].any()


def test_calendar_features_match_pandas():
    taxi = series.load_nyc_taxi()
    stamps = pd.to_datetime(taxi.times, unit="ms")
    day = (stamps.hour * 60 + stamps.minute) / 1440
    week = (stamps.day_of_week + day) / 7
    calendar = series.calendar(taxi.times)
    values = np.stack([f(2 * np.pi * np.asarray(x)) for x in (day, week) for f in (np.sin, np.cos)], axis=1)
    assert calendar == pytest.approx(values, abs=1e-9)


def test_scaler_is_fitted_on_training_rows_only():
    rows = np.array([[0.0], [10.0], [1000.0]])
    scaler = series.MinMaxScaler.fit(rows[:2])
    assert scaler.scale(rows).ravel().tolist() == [0.0, 1.0, 100.0]
    assert series.MinMaxScaler.from_json(scaler.as_json()).scale(rows).tolist() == scaler.scale(rows).tolist()


def test_pointwise_mean_inverts_sliding_windows():
    rows = np.arange(12.0).reshape(6, 2)
    sliding_windows = windows.sliding_windows(rows, 3)
    assert sliding_windows.shape == (4, 3, 2)
    assert sliding_windows[1].tolist() == rows[1:4].tolist()
    per_window = sliding_windows[:, :, 0].numpy()
    means = windows.PointwiseMean(6)
    means.add(per_window)
    assert means.means.tolist() == rows[:, 0].tolist()


@pytest.mark.parametrize("shares", [(0.999, 0.5), (0.5, 0.5), (0.0001, 0.1)])
def test_empty_split_is_rejected(shares):
    with pytest.raises(DataError, match="empty"):
        series.split_ends(100, train_share=shares[0], validation_share=shares[1])
