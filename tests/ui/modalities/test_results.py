"""Sanity checks, calibration and losses in words; selection of samples."""

import dataclasses

import numpy as np
import pytest

from dlcore.data.text.corpora import TextDataset
from dlcore.evaluation.abstention import AbstentionRule
from dlcore.explanation import findings
from dlcore.explanation.sanity_checks import DeletionCurve
from dlcore.projects.project import Evaluation
from dlcore.runs import Curve
from dlcore.ui.modalities.browse import ALL, CORRECT, INCORRECT, ORDERS, select_rows
from dlcore.ui.modalities.results import describe_hardest, losses
from dlcore.ui.modalities.text import describe_majority
from dlcore.ui.widgets.calibration import describe_calibration


def test_completeness():
    good, bad = findings.check_completeness(5.0, -1.0, 0.01), findings.check_completeness(5.0, -1.0, -2.0)
    assert good.status == "passed" and "6.01 of the difference of 6" in good.sentence
    assert bad.status == "failed" and "33.3%" in bad.sentence
    assert findings.check_completeness(0.02, 0.0200001, 0.0).status == "not applicable"


def test_completeness_of_small_quantities_is_relative():
    wording = findings.CheckWording(unit=0.0)
    assert findings.check_completeness(2e-4, 1e-4, 1e-6, of=wording).status == "passed"
    assert findings.check_completeness(2e-4, 1e-4, 5e-5, of=wording).status == "failed"
    assert findings.check_completeness(2e-4, 2e-4, 0.0, of=wording).status == "not applicable"


@pytest.mark.parametrize(
    ("values", "status"),
    [([0.1, -0.1], "passed"), ([0.3, 0.4, 0.3], "mixed"), ([0.9], "failed"), ([float("nan")], "not applicable")],
)
def test_random_weights(values, status):
    assert findings.check_random_weights(values).status == status


@pytest.mark.parametrize(("value", "status"), [(0.9, "passed"), (0.4, "mixed"), (-0.2, "failed")])
def test_agreement_of_two_methods(value, status):
    check = findings.check_agreement(value, first="Grad-CAM", second="Occlusion")
    assert check.status == status and "Grad-CAM and occlusion" in check.sentence
    assert findings.check_agreement(float("nan"), first="a", second="b").status == "not applicable"


def curve(ours: float, chance: float, low: float) -> DeletionCurve:
    flat = np.ones(5)
    return DeletionCurve(np.linspace(0, 1, 5), ours * flat, chance * flat, low * flat, chance * flat)


@pytest.mark.parametrize(
    ("deletion", "status"),
    [
        (curve(0.1, 0.5, 0.4), "passed"),
        (curve(0.48, 0.5, 0.4), "mixed"),
        (curve(0.6, 0.5, 0.4), "failed"),
        (curve(0.0, 0.005, 0.0), "not applicable"),
    ],
)
def test_deletion_curve(deletion, status):
    assert findings.check_deletion(deletion).status == status


def test_calibration_in_words():
    scores, targets = np.tile([0.9, 0.1], (10, 1)), np.array([0] * 6 + [1] * 4)
    rule = AbstentionRule(2.0, 0.5, 0.05, 0.05, 0.02, 0.08, 100)
    words = describe_calibration(scores, targets, rule, [0.3, 0.1])
    assert "Mean confidence 90.0 %, accuracy 60.0 % (of the more probable class" in words
    assert "overconfident. Temperature 2.00" in words and "10.0 %" in words
    near_one = dataclasses.replace(rule, temperature=1.0)
    assert "no correction needed" in describe_calibration(scores, targets, near_one, [0.3, 0.3])


def test_rows_are_selected_by_correctness_class_and_order():
    scores = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]])
    targets = np.array([0, 1, 1, 0])
    assert select_rows(scores, targets, correctness=ALL, actual=None, order=ORDERS[0]).tolist() == [0, 1, 2, 3]
    assert select_rows(scores, targets, correctness=INCORRECT, actual=None, order=ORDERS[1]).tolist() == [3, 1]
    assert select_rows(scores, targets, correctness=CORRECT, actual=1, order=ORDERS[2]).tolist() == [2]


def test_losses_of_train_validation_and_test_in_a_sentence():
    steps = np.array([1, 2])
    history = {
        f"{part}_{metric}": Curve(steps, np.array([0.5, value]))
        for part, metric, value in (
            ("train", "loss", 0.2),
            ("validation", "loss", 0.3),
            ("train", "accuracy", 0.95),
            ("validation", "accuracy", 0.9),
        )
    }
    text = losses(history, Evaluation({"loss": 0.35, "accuracy": 0.89}, {}), 2)
    assert (
        "train 0.200, validation 0.300, test 0.350" in text and "train 95.0 %, validation 90.0 %, test 89.0 %" in text
    )
    assert losses({}, Evaluation({"loss": 1.0}, {}), 2) == ""


def test_temperature_that_does_not_help_is_not_called_an_improvement():
    scores, targets = np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1]]), np.array([0, 1])
    rule = AbstentionRule(1.2, 0.4, 0.05, 0.05, 0.02, 0.08, 100)
    assert "reduces the error to 1.5 %" in describe_calibration(scores, targets, rule, [0.02, 0.015])
    text = describe_calibration(scores, targets, rule, [0.015, 0.016])
    assert "does not help on test: the error becomes 1.6 %" in text and "reduces" not in text


def test_classes_that_are_never_predicted_correctly_are_counted():
    names = [f"class {k}" for k in range(9)]
    assert describe_hardest(np.array([0.0] * 7 + [50.0, 80.0]), names).startswith(
        "7 of 9 classes have recall 0: “class 0”"
    )
    assert describe_hardest(np.array([70.0, 60.0, 90.0]), names[:3]) == "Lowest recall: “class 1”, 60.0 %."


def test_most_frequent_class_has_one_accuracy():
    """The share of the class in all texts is not called its accuracy: that is counted on the test split."""
    data = TextDataset([""] * 6, np.array([1, 1, 1, 0, 0, 1]), np.arange(6), ("a", "b"), 0, "", np.arange(6) > 2)
    text = describe_majority(data)
    assert "“b”, 66.7 % of all texts" in text and "Always predicting it: 33.3 % on the test split" in text
    assert "Always" not in describe_majority(dataclasses.replace(data, test=None))
