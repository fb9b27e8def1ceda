"""Detectors of windows: distances by a plain search, causality, self-matches, and what each one finds."""

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.evaluation import detectors
from dlcore.evaluation.detectors import DETECTORS, NearestNeighbors, score_series

LENGTH, N, TRAIN = 16, 400, 240


def series(seed=0):
    t = np.arange(N)
    values = 5 + np.sin(2 * np.pi * t / 24) + np.random.default_rng(seed).normal(0, 0.05, N)
    values[320:330] = values[320:330][::-1] + 1.5
    return values, t < TRAIN


@pytest.mark.parametrize("name", DETECTORS)
def test_anomaly_has_the_highest_causal_and_centered_score(name):
    values, train = series()
    scores = score_series(DETECTORS[name](LENGTH).fit(values, train), values)
    assert scores.causal.shape == scores.centered.shape == (N,)
    assert 320 <= scores.causal.argmax() < 330 + LENGTH
    assert 320 - LENGTH < scores.centered.argmax() < 330 + LENGTH
    assert (scores.causal[: LENGTH - 1] == 0).all()


@pytest.mark.parametrize("name", DETECTORS)
def test_causal_scores_do_not_depend_on_later_points(name):
    values, train = series()
    whole = score_series(DETECTORS[name](LENGTH).fit(values, train), values, smooth=5).causal
    part = score_series(DETECTORS[name](LENGTH).fit(values[:350], train[:350]), values[:350], smooth=5).causal
    assert part == pytest.approx(whole[:350], rel=1e-5, abs=1e-6)


def test_neighbors_equal_a_plain_search_without_overlapping_windows():
    values, train = series()
    result = NearestNeighbors(LENGTH).fit(values, train).distances(values)
    scaled = (values - values[train].mean()) / values[train].std()
    windows = np.lib.stride_tricks.sliding_window_view(scaled, LENGTH)
    for place in (0, 100, 230, 370):
        distance = np.sqrt(((windows[: TRAIN - LENGTH + 1] - windows[place]) ** 2).mean(axis=1))
        distance[np.abs(np.arange(len(distance)) - place) < LENGTH] = np.inf
        assert result[place] == pytest.approx(np.sort(distance)[:3].mean(), rel=1e-3)


def test_self_matches_lower_the_scores_of_training_points_only():
    values, train = series()
    held_out, matched = (
        NearestNeighbors(LENGTH, exclude_self=exclude).fit(values, train).distances(values) for exclude in (True, False)
    )
    inside = np.arange(len(held_out)) <= TRAIN - LENGTH
    assert (matched[inside] < held_out[inside]).all()
    assert matched[TRAIN:] == pytest.approx(held_out[TRAIN:])


def test_long_windows_are_averaged_from_whole_bins():
    values = np.arange(400.0)
    detector = NearestNeighbors(2 * detectors.RESOLUTION).fit(values, np.arange(400) < 300)
    windows = detector.windows(values)
    assert windows.shape == (400 - 2 * detectors.RESOLUTION + 1, detectors.RESOLUTION)
    first = (np.arange(0, 2 * detectors.RESOLUTION, 2) + 0.5 - detector.mean) / detector.scale
    assert windows[0] == pytest.approx(first, rel=1e-4)


def test_training_part_shorter_than_a_window_is_an_error():
    with pytest.raises(DataError, match="no window of 16 points"):
        NearestNeighbors(LENGTH).fit(np.arange(30.0), np.arange(30) < 10)
