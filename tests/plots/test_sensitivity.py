"""Sensitivity to the threshold: one line per seed, marks, clipped scores."""

import numpy as np

from dlcore.plots.sensitivity import SweptScores, score_by_factor

FACTORS = np.geomspace(0.5, 2, 5)


def swept(top: float) -> SweptScores:
    return SweptScores(np.linspace(-50, top, 5), np.array([5, 5, 5, 4, 3]), np.array([9, 4, 0, 0, 0]))


def test_run_seeds_and_competitor_share_one_axis() -> None:
    figure = score_by_factor(
        FACTORS,
        swept(95),
        seeds=[swept(80).nab, swept(90).nab],
        competitors={"Weekly median": swept(70)},
        marks={"event lost": 1.4},
        events=5,
    )
    names = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert names == ["seeds", "Weekly median", "this run"]
    assert [trace.yaxis for trace in figure.data if trace.name == "this run"] == ["y", "y2", "y3"]
    assert all(trace.xaxis in (None, "x") for trace in figure.data)
    assert "event lost" in [note.text for note in figure.layout.annotations]


def test_scores_far_below_zero_are_clipped() -> None:
    figure = score_by_factor(FACTORS, swept(95), events=5)
    nab = next(trace.y for trace in figure.data if trace.yaxis == "y")
    assert np.isnan(nab[0]) and np.isfinite(nab[-1])
