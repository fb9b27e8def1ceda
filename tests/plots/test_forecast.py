"""Figures of multivariate series: missing values, correlations, forecasts."""

import numpy as np
import pytest

from dlcore.plots import forecast as plots

TIMES = np.arange(1000, dtype=np.int64) * 3_600_000


def test_missing_map_shows_the_share_of_observed_values():
    observed = np.ones((1000, 2), bool)
    observed[500:, 1] = False
    z = plots.missing_map(TIMES, observed, ("a", "b")).data[0].z
    assert z[0].min() == 100 and z[1][0] == 100 and z[1][-1] == 0


def test_correlations_are_over_common_hours():
    random = np.random.default_rng(0)
    a = random.normal(size=1000)
    values = np.stack([a, 2 * a + 1, np.full(1000, 3.0)], axis=1)
    values[::3, 0] = np.nan
    matrix = plots.correlation_matrix(values)
    assert matrix[0, 1] == pytest.approx(1) and np.isnan(matrix[0, 2])
    assert plots.correlations(values, ("a", "b", "c")).data[0].zmin == -1


def test_partial_autocorrelation_of_an_autoregression_is_zero_beyond_its_order():
    random = np.random.default_rng(1)
    x = np.zeros(20_000)
    for t in range(2, len(x)):
        x[t] = 0.5 * x[t - 1] + 0.3 * x[t - 2] + random.normal()
    partial = plots.partial_by_lag(x, 6)
    assert partial[1] == pytest.approx(0.5 / 0.7, abs=0.03) and partial[2] == pytest.approx(0.3, abs=0.03)
    assert np.abs(partial[3:]).max() < 0.03


def test_only_long_gaps_interrupt_the_line():
    values = np.sin(np.arange(1000) / 10)
    values[100:103] = np.nan
    values[300:600] = np.nan
    line = plots.table_over_time(TIMES, values, title="a", unit="", marks={"test begins": int(TIMES[800])}).data[0]
    assert np.isnan(line.y).sum() == 1 and len(line.x) == len(line.y)


def test_forecast_figure_shows_interval_actual_values_and_second_forecast():
    figure = plots.forecast_and_truth(
        (TIMES[:24], np.ones(24)),
        (TIMES[24:26], np.ones(2), np.array([0.5, np.nan])),
        np.array([1.2, np.nan]),
        title="gas",
        unit="ppb",
        other=np.ones(2),
    )
    assert len(figure.data) == 4 and list(figure.data[1].error_y.array) == [0.5, 0]
