"""Figures of a hyperparameter search: optimization history, parallel coordinates, importances."""

import numpy as np
import pytest

from dlcore.plots import search as plots


def test_axis_positions_of_numbers_and_choices():
    rate = plots.Axis("learning_rate", 1e-4, 1e-2, log=True)
    assert rate.position(1e-3) == pytest.approx(0.5)
    assert rate.ticks() == [(0.0, "0.0001"), (pytest.approx(0.5), "0.001"), (1.0, "0.01")]
    kind = plots.Axis("optimizer", choices=("adam", "adamw", "sgd"))
    assert [kind.position(choice) for choice in kind.choices] == [0, 0.5, 1]
    assert plots.Axis("units", 8, 16).position(12) == 0.5


def test_the_best_value_ignores_pruned_trials():
    values, is_complete = np.array([3.0, 0.1, 2.0, 4.0]), np.array([True, False, True, True])
    figure = plots.history(np.arange(4), values, is_complete=is_complete, metric="loss", maximize=False)
    assert list(figure.data[2].y) == [3, 2, 2] and list(figure.data[1].x) == [1]
    figure = plots.history(np.arange(4), values, is_complete=is_complete, metric="r2", maximize=True)
    assert list(figure.data[2].y) == [3, 3, 4]


def test_an_outlier_is_drawn_at_the_edge_and_shows_its_value():
    values = np.array([0.3, 0.35, 0.4, 0.38, -90.0])
    figure = plots.history(np.arange(5), values, is_complete=np.ones(5, bool), metric="skill", maximize=True)
    assert -1 < figure.data[0].y[4] < 0.3 and figure.data[0].customdata[4] == -90
    assert plots.count_outliers(values, maximize=True, log=False) == 1
    assert plots.count_outliers(values[:4], maximize=True, log=False) == 0
    assert plots.count_outliers(np.r_[np.linspace(1.0, 1.3, 9), 900.0], maximize=False, log=True) == 1


@pytest.mark.parametrize(("maximize", "best"), [(True, 2), (False, 0)])
def test_the_best_trial_is_drawn_last_and_thick(maximize, best):
    axes = (plots.Axis("a", 0, 1), plots.Axis("b", choices=("x", "y")))
    params = [{"a": 0.1, "b": "x"}, {"a": 0.5, "b": "y"}, {"a": 0.9, "b": "y"}]
    figure = plots.parallel(axes, params, np.array([1.0, 2.0, 3.0]), metric="m", maximize=maximize)
    assert len(figure.data) == 3 and figure.data[-1].line.width > figure.data[0].line.width
    assert figure.data[-1].y[0] == params[best]["a"]


def test_importances_are_percentages():
    figure = plots.importances({"a": 0.8, "b": 0.2})
    assert list(figure.data[0].y) == ["b", "a"] and list(figure.data[0].x) == [20, 80]
