"""Every figure: axis titles, transparent background, theme fonts, limited points, valid JSON."""

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from dlcore.evaluation.classification import ReliabilityBins
from dlcore.plots import attention, attribution, calibration, classification, errors, series, style, training

RNG = np.random.default_rng(0)
N = 10_320
TIMES = np.arange(N, dtype=np.int64) * 1_800_000 + 1_404_172_800_000
VALUES = 15_000 + 5_000 * np.sin(np.arange(N) * 2 * np.pi / 48) + RNG.normal(size=N) * 500
ERRORS = RNG.gamma(1.0, size=N) * 1e-3
WINDOWS = [(int(TIMES[5000]), int(TIMES[5200]), "Marathon")]
LABELS = ("cat", "dog", "owl")
PROBABILITIES = RNG.dirichlet(np.ones(3), 50)

FIGURES: dict[str, go.Figure] = {
    "series": series.series_over_time(
        TIMES,
        VALUES,
        title="Rides",
        unit="rides in 30 minutes",
        windows=WINDOWS,
        marks={"test begins": int(TIMES[6000])},
    ),
    "box": series.box_plot(VALUES, title="Spread", unit="rides"),
    "boxes": series.box_plot(VALUES, title="Spread", unit="rides", by=np.where(TIMES % 2 == 0, "Mon", "Tue")),
    "histogram": series.histogram_by_range(VALUES, title="Ranges", unit="rides"),
    "autocorrelation": series.autocorrelation(
        VALUES, lags=400, step=(0.5, "hours"), marks={"a day": 48, "a week": 336}
    ),
    "contributions": errors.window_contributions(TIMES[:48], ERRORS[:48], alarm=5),
    "confusion": classification.confusion_matrix(np.array([[5, 1, 0], [0, 9, 2], [0, 0, 0]]), LABELS),
    "calibration": calibration.reliability({"as it is": ReliabilityBins(*np.array([[0.6, 0.9], [0.5, 0.8], [4, 9]]))}),
    "deletion": attribution.deletion_curve(
        *np.linspace([0, 1, 1], [1, 0, 0], 20).T, low=np.zeros(20), high=np.ones(20), label="bag"
    ),
    "maps": attribution.image_maps({"one": RNG.normal(size=(28, 28)), "other": np.zeros((28, 28))}),
    "positions": attention.position_similarity(np.eye(12), (3, 4)),
    "distances": attention.head_distances(RNG.random((4, 3)), even=2.0),
    "bars": classification.class_bars(np.array([90.0, 80.0, 99.0]), LABELS, title="By class", unit="%", sort=True),
    "counts": classification.class_counts(np.array([[5, 6, 7], [1, 2, 3]]), ("train", "test"), LABELS),
    "lengths": classification.length_histogram(RNG.integers(10, 900, size=5000), unit="words", limit=250),
    "curves": training.curves_by_epoch(
        {name: (np.arange(1.0, 9), np.geomspace(1, 0.1, 8)) for name in ("train_loss", "validation_loss")},
        title="Loss",
        y="loss",
        best=7,
        log=True,
    ),
    "tokens": attribution.token_contributions(["good"] * 60, RNG.normal(size=60), label="positive"),
    "picture": attribution.picture(RNG.random((28, 28))),
    "attribution": attribution.image_attribution(RNG.normal(size=(28, 28)), label="bag"),
}
IMAGES = ("picture", "attribution", "grid", "maps")


@pytest.fixture(params=FIGURES, ids=str)
def named(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return request.param, json.loads(FIGURES[request.param].to_json())


def test_figure_and_axes_have_titles(named: tuple[str, dict[str, Any]]) -> None:
    name, figure = named
    layout = figure["layout"]
    if name in IMAGES:
        assert layout.get("annotations") or layout["title"]["text"]
        return
    assert layout["title"]["text"]
    if name == "positions":
        return  # tiles without axes
    assert layout["xaxis"]["title"]["text"] or layout["yaxis"]["title"]["text"]


def test_background_is_transparent_and_fonts_are_unset(named: tuple[str, dict[str, Any]]) -> None:
    layout = named[1]["layout"]
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == style.CLEAR
    assert "color" not in layout.get("font", {})


def test_curves_have_at_most_two_thousand_points(named: tuple[str, dict[str, Any]]) -> None:
    name, _ = named
    for trace in FIGURES[name].data:
        if trace.type == "scatter":
            assert len(trace.x) <= style.DRAWN_POINTS


def test_long_curves_are_serialized_as_typed_arrays() -> None:
    text = FIGURES["series"].to_json()
    assert len(text) < 90_000  # two curves of 2,000 points, 12 bytes a point, a third more as base64, and the layout
    assert isinstance(json.loads(text)["data"][0]["x"], dict)
    assert json.loads(text)["layout"]["xaxis"]["type"] == "date"


def test_box_plot_contains_quartiles() -> None:
    box = FIGURES["box"].data[0]
    np.testing.assert_allclose([box.q1[0], box.median[0], box.q3[0]], np.quantile(VALUES, [0.25, 0.5, 0.75]))


def test_histogram_counts_every_value() -> None:
    assert sum(FIGURES["histogram"].data[0].y) == N


def test_autocorrelation_matches_numpy() -> None:
    centered = VALUES - VALUES.mean()
    expected = np.correlate(centered, centered, "full")[N - 1 : N + 99] / (centered @ centered)
    np.testing.assert_allclose(series.correlation_by_lag(VALUES, 99), expected, atol=1e-9)
    assert not series.correlation_by_lag(np.ones(50), 5).any()


def test_confusion_matrix_is_colored_by_row_share_and_labeled_by_count() -> None:
    heat = FIGURES["confusion"].data[0]
    assert heat.text[0][0] == "5<br>83%"
    np.testing.assert_allclose(heat.z[2], 0)  # a class without samples
