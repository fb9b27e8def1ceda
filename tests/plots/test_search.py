"""Pictures of a search: the best so far, lines through settings, shares of what matters."""

import numpy as np
import pytest

from dlcore.plots import search as plots


def test_axes_place_values_and_choices():
    rate = plots.Axis("learning_rate", 1e-4, 1e-2, log=True)
    assert rate.place(1e-3) == pytest.approx(0.5)
    assert rate.ticks() == [(0.0, "0.0001"), (pytest.approx(0.5), "0.001"), (1.0, "0.01")]
    kind = plots.Axis("optimizer", choices=("adam", "adamw", "sgd"))
    assert [kind.place(choice) for choice in kind.choices] == [0, 0.5, 1]
    assert plots.Axis("units", 8, 16).place(12) == 0.5


def test_the_best_so_far_passes_over_trials_ended_early():
    values, whole = np.array([3.0, 0.1, 2.0, 4.0]), np.array([True, False, True, True])
    figure = plots.history(np.arange(4), values, whole=whole, metric="loss", highest=False)
    assert list(figure.data[2].y) == [3, 2, 2] and list(figure.data[1].x) == [1]
    assert list(plots.history(np.arange(4), values, whole=whole, metric="r2", highest=True).data[2].y) == [3, 3, 4]


def test_one_that_ran_away_is_drawn_at_the_edge_and_told_as_it_was():
    values = np.array([0.3, 0.35, 0.4, 0.38, -90.0])
    figure = plots.history(np.arange(5), values, whole=np.ones(5, bool), metric="skill", highest=True)
    assert -1 < figure.data[0].y[4] < 0.3 and figure.data[0].customdata[4] == -90
    assert plots.beyond(values, highest=True, log=False) == 1 and plots.beyond(values[:4], highest=True, log=False) == 0
    assert plots.beyond(np.r_[np.linspace(1.0, 1.3, 9), 900.0], highest=False, log=True) == 1


@pytest.mark.parametrize(("highest", "best"), [(True, 2), (False, 0)])
def test_the_best_line_is_drawn_last_and_thick(highest, best):
    axes = (plots.Axis("a", 0, 1), plots.Axis("b", choices=("x", "y")))
    rows = [{"a": 0.1, "b": "x"}, {"a": 0.5, "b": "y"}, {"a": 0.9, "b": "y"}]
    figure = plots.parallel(axes, rows, np.array([1.0, 2.0, 3.0]), metric="m", highest=highest)
    assert len(figure.data) == 3 and figure.data[-1].line.width > figure.data[0].line.width
    assert figure.data[-1].y[0] == rows[best]["a"]


def test_importances_are_shares_in_percent():
    figure = plots.importances({"a": 0.8, "b": 0.2})
    assert list(figure.data[0].y) == ["b", "a"] and list(figure.data[0].x) == [20, 80]
