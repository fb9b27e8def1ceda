"""Classification metrics agree with scikit-learn's and reject invalid input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from dlcore.core.errors import DataError
from dlcore.evaluation import classification


def sample(seed: int, *, n: int = 80, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that know something, and targets that hold every class."""
    rng = np.random.default_rng(seed)
    targets = rng.permutation(np.r_[np.arange(classes), rng.integers(classes, size=n - classes)])
    logits = rng.normal(size=(n, classes)) + 1.5 * (targets[:, None] == np.arange(classes))
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), targets


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 6))
def test_many_classes_equal_scikit_learn(seed: int, classes: int) -> None:
    scores, targets = sample(seed, classes=classes)
    called = scores.argmax(axis=1)
    metrics = classification.metrics(scores, targets)
    expected = {
        "accuracy": reference.accuracy_score(targets, called),
        "precision": reference.precision_score(targets, called, average="macro", zero_division=0),
        "recall": reference.recall_score(targets, called, average="macro", zero_division=0),
        "f1": reference.f1_score(targets, called, average="macro", zero_division=0),
        "roc_auc": reference.roc_auc_score(targets, scores, multi_class="ovr", average="macro"),
        "auc_pr": reference.average_precision_score(np.eye(classes)[targets], scores, average="macro"),
        "loss": reference.log_loss(targets, scores, labels=range(classes)),
    }
    assert {name: metrics[name] for name in expected} == pytest.approx(expected)
    np.testing.assert_array_equal(
        classification.confusion_matrix(scores, targets),
        reference.confusion_matrix(targets, called, labels=range(classes)),
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 0.99))
def test_two_classes_equal_scikit_learn_at_any_threshold(seed: int, threshold: float) -> None:
    scores, targets = sample(seed, classes=2)
    called = scores[:, 1] >= threshold
    metrics = classification.metrics(scores, targets, threshold=threshold)
    expected = {
        "accuracy": reference.accuracy_score(targets, called),
        "precision": reference.precision_score(targets, called, zero_division=0),
        "recall": reference.recall_score(targets, called, zero_division=0),
        "f1": reference.f1_score(targets, called, zero_division=0),
        "roc_auc": reference.roc_auc_score(targets, scores[:, 1]),
        "auc_pr": reference.average_precision_score(targets, scores[:, 1]),
    }
    assert {name: metrics[name] for name in expected} == pytest.approx(expected)


def test_calibration_error_match_manual_values() -> None:
    # Four predictions at 0.9, three correct; two at 0.6, one correct: 4/6 * |0.75 - 0.9| + 2/6 * |0.5 - 0.6|.
    scores = np.array([[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 2)
    targets = np.array([0, 0, 0, 1, 0, 1])
    assert classification.metrics(scores, targets)["ece"] == pytest.approx(4 / 6 * 0.15 + 2 / 6 * 0.1)
    bins = classification.calibration(scores, targets)
    np.testing.assert_allclose(bins.confidence, [0.6, 0.9])
    np.testing.assert_allclose(bins.accuracy, [0.5, 0.75])
    np.testing.assert_array_equal(bins.count, [2, 4])


def test_perfect_answers_have_no_calibration_error() -> None:
    targets = np.array([0, 1, 2])
    assert classification.metrics(np.eye(3), targets)["ece"] == 0.0
    assert classification.metrics(np.eye(3), targets)["accuracy"] == 1.0


@pytest.mark.parametrize("classes", [2, 5])
def test_intervals_hold_the_value_and_are_repeatable(classes: int) -> None:
    scores, targets = sample(3, n=300, classes=classes)
    result, ends = classification.metrics(scores, targets), classification.intervals(scores, targets)
    assert ends == classification.intervals(scores, targets)
    for name in ("accuracy", "precision", "recall", "f1", "loss", *(["roc_auc", "auc_pr"] if classes == 2 else [])):
        assert ends[f"{name}_low"] < result[name] < ends[f"{name}_high"]


def test_most_confident_errors_come_first() -> None:
    scores = np.array([[0.2, 0.8], [0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    np.testing.assert_array_equal(classification.most_confident_errors(scores, np.array([0, 1, 1, 1])), [1, 0, 2])
    by_threshold = classification.most_confident_errors(
        scores, np.array([0, 1, 1, 1]), threshold=0.75
    )  # 0.7 is called 0 then
    np.testing.assert_array_equal(by_threshold, [1, 0, 2, 3])


def test_an_area_of_a_class_that_never_occurs_is_left_out() -> None:
    metrics = classification.metrics(np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 0]))
    assert "roc_auc" not in metrics and "auc_pr" not in metrics
    assert metrics["accuracy"] == 0.5


def test_class_accuracy_is_the_row_share() -> None:
    np.testing.assert_allclose(classification.class_accuracy(np.array([[3, 1], [0, 0]])), [0.75, np.nan])


@pytest.mark.parametrize(
    ("scores", "targets", "message"),
    [
        (np.ones(3), np.zeros(3, int), "K >= 2"),
        (np.ones((2, 3)), np.zeros(4, int), r"\(N,\)"),
        (np.array([[0.5, np.nan]]), np.array([0]), "row 0"),
        (np.ones((2, 2)) / 2, np.array([0, 2]), "2 classes"),
    ],
)
def test_invalid_arrays_are_rejected(scores: np.ndarray, targets: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        classification.metrics(scores, targets)


def test_least_confident_sample_has_the_lowest_highest_probability() -> None:
    assert classification.least_confident(np.array([[0.9, 0.1, 0.0], [0.4, 0.35, 0.25], [0.1, 0.5, 0.4]])) == 1
