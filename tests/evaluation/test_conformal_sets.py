"""Prediction sets cover what they state, on synthetic data and on the test split of every reference run."""

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.evaluation import abstention, calibration, conformal
from dlcore.runs.bundle import reference
from dlcore.runs.bundle.reader import Bundle

CLASSIFIERS = [name for name, path in reference.every() if len(Bundle(path).labels) > 1 and Bundle(path).calibration]


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.ones(5) * 0.5, size=n)
    return scores, np.array([rng.choice(5, p=row) for row in scores])


def test_sets_reach_their_coverage_for_nearly_every_validation_sample():
    test = draw(5000, seed=99)
    coverages = []
    for seed in range(30):
        limit = conformal.fit_set_limit(*draw(300, seed))
        coverages.append(conformal.measure_sets(*test, limit).coverage)
    assert np.mean(np.array(coverages) >= 0.895) >= 0.9 and np.mean(coverages) < 0.95


def test_set_always_has_the_most_probable_class_and_few_samples_give_all_classes():
    scores = np.array([[0.2, 0.3, 0.5], [0.05, 0.05, 0.9]])
    assert conformal.prediction_sets(scores, 0.95).tolist() == [[False, False, True]] * 2
    assert conformal.prediction_sets(scores, 0.25)[0].tolist() == [False, True, True]
    assert conformal.fit_set_limit(scores, np.array([0, 2])) == 0.0
    with pytest.raises(DataError, match="not a coverage"):
        conformal.fit_set_limit(scores, np.array([0, 2]), level=1.0)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_reference_runs_reach_their_coverage_on_test(name):
    bundle = Bundle(reference.find(name))
    rule, stored = bundle.calibration, bundle.predictions()
    scores = calibration.apply_temperature(stored["test_scores"], rule.temperature)
    sets = conformal.measure_sets(scores, stored["test_targets"], rule.set_limit)
    assert sets.coverage >= 0.9 - 2 * (0.9 * 0.1 / sets.n) ** 0.5


def test_accuracy_by_coverage():
    confidence, correct = np.array([0.9, 0.5, 0.7, 0.7]), np.array([True, False, True, False])
    curve = abstention.accuracy_by_coverage(confidence, correct)
    assert np.allclose(curve, [1, 2 / 3, 2 / 3, 0.5]), "equal confidences are answered together"
    assert abstention.accuracy_at(curve, 1.0) == 0.5 and abstention.accuracy_at(curve, 0.25) == 1.0
