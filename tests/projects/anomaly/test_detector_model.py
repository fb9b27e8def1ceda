"""Detectors as models: their scores, in parts and from a loaded bundle, and the window that explains them."""

import itertools

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from dlcore import projects
from dlcore.data.series.series import LabeledWindow, Series
from dlcore.evaluation.detectors import DETECTORS, score_series
from dlcore.projects.anomaly import project as anomaly
from dlcore.projects.anomaly.detector_model import CLASSES
from dlcore.projects.anomaly.models import MODELS
from dlcore.projects.anomaly.streaming import StreamScorer
from dlcore.projects.project import LoadedModel

STEP, N, WINDOW = 3_600_000, 900, 12


def make_series():
    hours = np.arange(N)
    values = 50 + 20 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 2, N)
    values[700:712] += 60
    times = 1_600_000_000_000 // (24 * STEP) * 24 * STEP + 7 * STEP + hours * STEP  # begins at 7 o'clock
    return Series(times, values, (LabeledWindow(int(times[695]), int(times[715]), ""),), period=24)


@pytest.fixture(scope="module", params=CLASSES)
def fitted(request):
    """Name, module, prepared data and config of each detector."""
    settings = {"window": WINDOW, "train_share": 0.5, "validation_share": 0.1}
    config = projects.configure("anomaly", model=request.param, settings=settings)
    prepared = anomaly.prepare_series(make_series(), config)
    module = MODELS[request.param].build(config.model_options, prepared.facts)
    prepared.start(module)
    return request.param, module, prepared, config


def load_model(module, prepared, config, threshold=0.1):
    return LoadedModel(module, config, prepared.facts, prepared.preprocessing, ("normal", "anomaly"), threshold)


def test_the_event_has_the_highest_score(fitted):
    _, module, prepared, config = fitted
    values = anomaly.predict(module, prepared, config)
    at = prepared.source["spans"]["test"].start + int(values["test_scores"].argmax())
    assert 700 <= at < 712 + WINDOW
    assert anomaly.evaluate(values, None, config).metrics["events_hit"] == 1


def test_scores_are_those_of_the_detector(fitted):
    name, module, prepared, config = fitted
    if name not in DETECTORS:
        return
    scaled = prepared.source["rows"].scaled[:, 0].astype(np.float64)
    seed = int(module.seed)
    detector = DETECTORS[name](WINDOW, seed=seed).fit(scaled, np.arange(N) < prepared.facts["train_points"])
    expected = score_series(detector, scaled).causal
    parts = anomaly.predict(module, prepared, config)
    scores = np.concatenate([parts[f"{split}_scores"] for split in ("train", "validation", "test")])
    assert scores == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_scores_in_parts_and_of_a_loaded_model_equal_those_of_the_whole(fitted):
    name, module, prepared, config = fitted
    other = MODELS[name].build(config.model_options, prepared.facts)
    other.load_state_dict(load(save(module.state_dict())))
    series = make_series()
    whole = StreamScorer(load_model(module, prepared, config), STEP).score(series.times, series.values)
    parts = StreamScorer(load_model(other, prepared, config), STEP)
    cuts = [0, 3, 11, 12, 40, 533, N]
    scores = np.concatenate(
        [parts.score(series.times[low:high], series.values[low:high]) for low, high in itertools.pairwise(cuts)]
    )
    np.testing.assert_allclose(scores, whole, rtol=1e-6, atol=0)
    assert (scores[: WINDOW - 1] == 0).all() and scores[WINDOW:].any()


def test_explanation_shows_the_window_that_the_event_differs_from(fitted):
    name, module, prepared, config = fitted
    series = make_series()
    window = StreamScorer(load_model(module, prepared, config), STEP).explain(series.times[:712], series.values[:712])
    observed, expected = np.array(window["observed"]), np.array(window["expected"])
    assert observed == pytest.approx(series.values[700:712])
    if name in ("knn_z", "matrix_profile"):  # a neighbor takes the level of the window
        assert expected.mean() == pytest.approx(observed.mean(), rel=1e-3)
    else:
        assert expected.max() < 85 < observed.max()
    train = prepared.source["rows"].scaled[: prepared.facts["train_points"], 0]
    inputs = torch.tensor([[[value] for value in train[100 : 100 + WINDOW]]])
    copy = module(inputs, torch.full((1, WINDOW), -1), torch.tensor([(100 + 7) % 24]))[0, 0].numpy()
    if name != "seasonal_median":  # another series: the same window is stored
        assert copy == pytest.approx(train[100 : 100 + WINDOW], abs=1e-5)


def test_training_points_set_the_threshold_only_if_they_are_scored_as_new_ones():
    times = make_series().times[:540]
    for name in CLASSES:
        config = projects.configure("anomaly", model=name, settings={"window": WINDOW})
        mask = anomaly.threshold_mask(times, (450, 540), config)
        assert mask[450:].all() and mask[:450].any() == MODELS[name].holds_out
