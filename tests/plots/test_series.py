"""Figures of a time series: downsampling, labeled and plausible windows, attributions by channel."""

import numpy as np

from dlcore.plots import attribution, series
from dlcore.plots.style import DRAWN_POINTS

TIMES = np.arange(100_000, dtype=np.int64) * 300_000
VALUES = np.sin(np.arange(100_000) / 50)


def over_time(**about):
    return series.series_over_time(TIMES, VALUES, title="t", unit="u", **about)


def test_long_series_is_downsampled_and_keeps_its_extremes():
    values = VALUES.copy()
    values[12_345] = 9.0
    line = series.series_over_time(TIMES, values, title="t", unit="u").data[0]
    assert len(line.x) <= DRAWN_POINTS and max(line.y) == 9.0


def test_many_windows_are_drawn_as_one_curve():
    few = over_time(windows=[(0, 10**8, "a"), (2 * 10**8, 3 * 10**8, "b")])
    assert len(few.layout.shapes) == 2
    many = over_time(windows=[(i * 3_000_000, i * 3_000_000 + 600_000, "w") for i in range(9000)])
    assert not many.layout.shapes and len(many.data) == 2
    assert "9,000" in many.data[1].name and len(many.data[1].x) <= 5 * DRAWN_POINTS


def test_plausible_windows_have_another_color():
    figure = over_time(windows=[(0, 10**8, "a")], plausible=[(2 * 10**8, 3 * 10**8, "holiday")])
    colors = {shape.fillcolor for shape in figure.layout.shapes}
    assert len(colors) == 2 and "plausible" in {trace.name for trace in figure.data}


def test_attribution_maps_are_scaled_to_their_maximum():
    maps = {"one": np.array([[1.0, -4.0]]), "two": np.zeros((1, 2))}
    figure = attribution.series_attribution(TIMES[:2], maps, ["count"], alarm=int(TIMES[1]))
    first, second = figure.data
    assert np.abs(first.z).max() == 1.0 and first.customdata[0][1] == -4.0 and not np.asarray(second.z).any()
    assert list(first.y) == ["count"]
