"""Confident learning, learning dynamics and slices on arrays with known answers."""

import numpy as np
import pytest

from dlcore.evaluation.label_errors import find_label_errors, out_of_fold_probabilities, rank_by_loss
from dlcore.evaluation.learning_dynamics import measure_dynamics
from dlcore.evaluation.slices import find_slices


def blobs(n=600, classes=3, share=0.1, seed=0):
    """Return features (N, 2) of separated classes, labels of which a share is flipped, and which ones are."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, n)
    angle = 2 * np.pi * true / classes
    features = np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.2, (n, 2))
    is_flipped = rng.random(n) < share
    return features, np.where(is_flipped, (true + rng.integers(1, classes, n)) % classes, true), is_flipped


def test_flipped_labels_are_found():
    features, labels, is_flipped = blobs()
    probabilities = out_of_fold_probabilities(features, labels, np.arange(len(labels)), classes=3)
    errors = find_label_errors(probabilities, labels)
    is_found = is_flipped[errors.suspects]
    assert is_found.mean() > 0.9 and is_found.sum() > 0.8 * is_flipped.sum()
    assert errors.estimate == pytest.approx(is_flipped.sum(), rel=0.15)
    assert is_flipped[errors.ranking[: is_flipped.sum()]].mean() > 0.9
    assert (errors.suggested[errors.suspects] != labels[errors.suspects]).all()


def test_hand_computed_confident_joint():
    labels = np.array([0, 0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.45, 0.55]])
    errors = find_label_errors(probabilities, labels)  # thresholds 0.6 and 0.675
    assert errors.suspects.tolist() == [2] and errors.suggested[2] == 1
    assert errors.joint.tolist() == [[2.0, 1.0], [0.0, 2.0]]  # row 4 is not confident; its class is scaled to 2
    assert errors.ranking[0] == rank_by_loss(probabilities, labels)[0] == 2


def test_clean_separable_labels_have_no_suspects():
    features, labels, _ = blobs(share=0.0)
    errors = find_label_errors(out_of_fold_probabilities(features, labels, np.arange(600), classes=3), labels)
    assert len(errors.suspects) <= 3


def test_copies_share_a_fold_and_test_labels_fit_nothing():
    rng = np.random.default_rng(0)
    features = np.repeat(rng.normal(size=(100, 60)), 2, axis=0)
    labels = np.repeat(rng.integers(0, 2, 100), 2)  # noise: only a copy could predict it
    groups = np.repeat(np.arange(100), 2)
    rows = np.arange(200)
    grouped = out_of_fold_probabilities(features, labels, groups, classes=2)[rows, labels].mean()
    ungrouped = out_of_fold_probabilities(features, labels, rows, classes=2)[rows, labels].mean()
    assert grouped < 0.52 < ungrouped
    is_test = rows >= 150
    flipped = np.where(is_test, 1 - labels, labels)
    answers = [
        out_of_fold_probabilities(features, each, rows, classes=2, is_test=is_test) for each in (labels, flipped)
    ]
    assert np.array_equal(*answers)


def test_a_class_without_enough_samples_is_not_suspected_for_lack_of_a_fold():
    features, labels, _ = blobs(n=60, share=0.0)
    labels = np.where(np.arange(60) == 0, 3, labels)
    probabilities = out_of_fold_probabilities(features, labels, np.arange(60), classes=5)
    assert probabilities.shape == (60, 5) and np.allclose(probabilities.sum(axis=1), 1)
    assert np.isfinite(find_label_errors(probabilities, labels).estimate)


def test_forgotten_and_never_learned():
    correct = np.array([[0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1]])
    dynamics = measure_dynamics(correct)
    assert dynamics.forgotten.tolist() == [0, 2, 0, 0]
    assert dynamics.is_never_learned.tolist() == [True, False, False, False]
    assert dynamics.learned.tolist() == [0, 0.5, 1, 0.75] and dynamics.epochs == 4


def test_a_dark_slice_is_the_only_weak_one():
    rng = np.random.default_rng(0)
    brightness, labels = rng.random(2000), rng.integers(0, 2, 2000)
    correct = rng.random(2000) < np.where(brightness < 0.25, 0.6, 0.95)
    parts = find_slices(correct, labels, ("a", "b"), {"brightness": brightness})
    assert [part.name for part in parts if part.is_weak] == [parts[0].name] and parts[0].name.startswith("brightness")
    assert sum(part.n for part in parts if part.name.startswith("brightness")) == 2000
    assert all(part.low <= part.accuracy <= part.high for part in parts)


def test_noise_makes_no_slice_weak():
    rng = np.random.default_rng(1)
    properties = {f"noise {i}": rng.random(1000) for i in range(10)}
    assert not any(
        part.is_weak for part in find_slices(rng.random(1000) < 0.8, np.zeros(1000, int), ("a",), properties)
    )
