"""Logistic regression with a cross-validated penalty, and nearest neighbors."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold

from dlcore.evaluation import baselines, linear


def blobs(n: int, seed: int, noise: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % 3
    centers = np.random.default_rng(9).normal(size=(3, 12))
    return (centers[targets] + noise * rng.normal(size=(n, 12))).astype(np.float32), targets


def test_the_penalty_is_the_one_scikit_learn_chooses():
    inputs, targets = blobs(150, 0)
    rows = np.random.default_rng(0).permutation(150)
    reference = LogisticRegressionCV(
        Cs=linear.INVERSE_PENALTIES,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        scoring="neg_log_loss",
        max_iter=100,
        l1_ratios=(0,),
        use_legacy_attributes=False,
    ).fit(inputs[rows], targets[rows])
    assert linear.choose_inverse_penalty(inputs, targets, classes=3) == reference.C_ < max(linear.INVERSE_PENALTIES)


def test_tuned_regression_predicts_and_few_samples_have_a_fixed_penalty():
    inputs, targets = blobs(150, 0)
    test, truth = blobs(300, 1)
    scores, penalty = linear.tuned_logistic_regression(inputs, targets, test, classes=4)
    assert penalty in linear.INVERSE_PENALTIES and np.allclose(scores.sum(1), 1) and (scores[:, 3] == 0).all()
    assert (scores.argmax(1) == truth).mean() > 0.7
    assert linear.choose_inverse_penalty(inputs[:9], targets[:9], classes=3) == 0.1
    assert linear.choose_inverse_penalty(inputs[::3], targets[::3], classes=3) == 0.1  # one class


def test_nearest_neighbors_vote_by_direction():
    train = np.array([[1, 0], [10, 1], [0, 1], [0, 5]], np.float32)
    scores = baselines.nearest_neighbors(train, np.array([0, 0, 2, 2]), np.array([[3, 0.1], [0.1, 9]]), classes=4)
    assert scores.argmax(1).tolist() == [0, 2] and np.allclose(scores.sum(1), 1) and (scores[:, [1, 3]] == 0).all()


def test_linear_svm_is_that_of_scikit_learn():
    from sklearn.svm import LinearSVC

    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 200)
    features = (rng.standard_normal((200, 5)) + targets[:, None]).astype(np.float32)
    scores = linear.linear_svm(features, targets, features, classes=3, inverse_penalty=0.1)
    margins = LinearSVC(C=0.1, tol=1e-6, max_iter=100_000).fit(features, targets).decision_function(features)
    expected = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
    assert scores == pytest.approx(expected, abs=5e-3)
