"""The picture of a moved threshold: every seed a line, the marks where something changes, nothing empty drawn."""

import numpy as np

from dlcore.plots.sensitivity import SweptScores, score_by_factor

FACTORS = np.geomspace(0.5, 2, 5)


def moved(top: float) -> SweptScores:
    return SweptScores(np.linspace(-50, top, 5), np.array([5, 5, 5, 4, 3]), np.array([9, 4, 0, 0, 0]))


def test_run_seeds_and_rival_share_one_axis() -> None:
    figure = score_by_factor(
        FACTORS,
        moved(95),
        seeds=[moved(80).nab, moved(90).nab],
        competitors={"Weekly median": moved(70)},
        marks={"event lost": 1.4},
        events=5,
    )
    names = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert names == ["seeds", "Weekly median", "this run"]
    assert [trace.yaxis for trace in figure.data if trace.name == "this run"] == ["y", "y2", "y3"]
    assert all(trace.xaxis in (None, "x") for trace in figure.data)
    assert "event lost" in [note.text for note in figure.layout.annotations]


def test_what_falls_far_below_nothing_is_not_drawn() -> None:
    figure = score_by_factor(FACTORS, moved(95), events=5)
    nab = next(trace.y for trace in figure.data if trace.yaxis == "y")
    assert np.isnan(nab[0]) and np.isfinite(nab[-1])
