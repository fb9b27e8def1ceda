"""SVG charts keep peaks and gaps, escape names and mark the axis."""

import re
from xml.etree import ElementTree

import numpy as np

from dlcore.plots import svg

AXES = svg.Axes(0.0, 10.0)


def polylines(chart: str) -> list[list[tuple[float, float]]]:
    lines = re.findall(r'<polyline points="([^"]+)"', chart)
    return [[tuple(map(float, point.split(","))) for point in line.split()] for line in lines]  # type: ignore[misc]


def test_line_starts_and_ends_at_the_edges_and_keeps_a_single_peak():
    y = np.ones(10_000)
    y[1234] = 9.0
    (points,) = polylines(svg.line_chart([svg.Line(y)], AXES, height=100))
    x, heights = np.array(points).T
    assert len(points) == 2 * svg.COLUMNS and x[0] == 0 and x[-1] > 995
    plot = 100 - svg.TOP - svg.BOTTOM
    assert heights.min() == np.round(0.1 * plot, 1) and (heights < 0.5 * plot).sum() == 1


def test_missing_values_are_gaps():
    y = np.array([1.0, 2.0, np.nan, 4.0, 5.0])
    assert [len(line) for line in polylines(svg.line_chart([svg.Line(y)], AXES, height=100))] == [2, 2]


def test_logarithmic_axis_has_equal_distances_per_decade():
    axes = svg.Axes(0.01, 100.0, log=True)
    (points,) = polylines(svg.line_chart([svg.Line(np.array([0.1, 1.0, 10.0]))], axes, height=130))
    heights = [y for _, y in points]
    assert np.allclose(np.diff(heights), heights[1] - heights[0]) and heights[1] < heights[0]
    assert svg.ticks(axes) == [0.01, 0.1, 1.0, 10.0, 100.0]
    assert svg.ticks(svg.Axes(0.0, 4.2)) == [0, 1, 2, 3, 4]


def test_names_are_text_and_the_document_is_well_formed():
    hostile = '</text><script>alert(1)</script>"'
    axes = svg.Axes(0.0, 10.0, x_ticks=[(1, hostile)])
    chart = svg.line_chart(
        [svg.Line(np.arange(5.0), name=hostile)],
        axes,
        height=90,
        band=(np.zeros(5), np.ones(5)),
        windows=[(1, 2)],
        threshold=3.0,
    )
    document = ElementTree.fromstring(chart)
    assert not list(document.iter("{http://www.w3.org/2000/svg}script"))
    assert [text.text for text in document.iter("{http://www.w3.org/2000/svg}text")][-2:] == [hostile, hostile]


def test_cells_have_a_color_for_each_sign_and_none_for_zero():
    chart = svg.cells(np.array([[1.0, 0.0], [-1.0, 0.5]]), width="10px", height=10)
    assert re.findall(r'd="([^"]+)" fill="([^"]+)" opacity="([^"]+)"', chart) == [
        ("M0 1h1v1h-1z", "#0072B2", "1.00"),
        ("M1 1h1v1h-1z", "#D55E00", "0.50"),
        ("M0 0h1v1h-1z", "#D55E00", "1.00"),
    ]
