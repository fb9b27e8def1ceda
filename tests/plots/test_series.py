"""Pictures of any series: many windows without a shape each, spans without a label, attributions by channel."""

import numpy as np

from dlcore.plots import attribution, series
from dlcore.plots.style import DRAWN_POINTS

TIMES = np.arange(100_000, dtype=np.int64) * 300_000
VALUES = np.sin(np.arange(100_000) / 50)


def over_time(**about):
    return series.series_over_time(TIMES, VALUES, title="t", unit="u", **about)


def test_a_long_series_is_thinned_and_keeps_its_extremes():
    values = VALUES.copy()
    values[12_345] = 9.0
    line = series.series_over_time(TIMES, values, title="t", unit="u").data[0]
    assert len(line.x) <= DRAWN_POINTS and max(line.y) == 9.0


def test_few_windows_are_numbered_and_thousands_are_one_curve():
    few = over_time(windows=[(0, 10**8, "a"), (2 * 10**8, 3 * 10**8, "b")])
    assert len(few.layout.shapes) == 2
    many = over_time(windows=[(i * 3_000_000, i * 3_000_000 + 600_000, "w") for i in range(9000)])
    assert not many.layout.shapes and len(many.data) == 2
    assert "9,000" in many.data[1].name and len(many.data[1].x) <= 5 * DRAWN_POINTS


def test_plausible_spans_are_told_from_labelled_ones():
    figure = over_time(windows=[(0, 10**8, "a")], plausible=[(2 * 10**8, 3 * 10**8, "holiday")])
    colours = {shape.fillcolor for shape in figure.layout.shapes}
    assert len(colours) == 2 and "plausible" in {trace.name for trace in figure.data}


def test_each_method_has_its_map_scaled_to_its_own_largest_value():
    maps = {"one": np.array([[1.0, -4.0]]), "two": np.zeros((1, 2))}
    figure = attribution.series_attribution(TIMES[:2], maps, ["count"], alarm=int(TIMES[1]))
    first, second = figure.data
    assert np.abs(first.z).max() == 1.0 and first.customdata[0][1] == -4.0 and not np.asarray(second.z).any()
    assert list(first.y) == ["count"]
