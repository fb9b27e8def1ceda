import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss

from dlcore import projects
from dlcore.core.errors import RequestError
from dlcore.evaluation.abstention import AbstentionRule
from dlcore.projects import classification

CONFIG = projects.configure("fashion", dataset="digits")


def make_scores(n: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Informative probabilities, and class numbers."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(classes, size=n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), targets] += 1.5
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return scores.astype(np.float32), targets


def test_metrics_equal_scikit_learns_and_have_intervals():
    scores, targets = make_scores(400, 5)
    metrics = classification.compute_metrics(scores, targets, draws=50)
    assert metrics["accuracy"] == pytest.approx(accuracy_score(targets, scores.argmax(axis=1)))
    assert metrics["loss"] == pytest.approx(log_loss(targets, scores), rel=1e-5)
    for name in ("accuracy", "precision", "recall", "f1", "ece", "loss"):
        assert metrics[f"{name}_low"] < metrics[f"{name}_high"]
    assert metrics["accuracy_low"] < metrics["accuracy"] < metrics["accuracy_high"]
    assert metrics["loss_low"] < metrics["loss"] < metrics["loss_high"]


def test_loss_is_finite_for_a_confident_error():
    scores, targets = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1, 1])
    assert np.isfinite(classification.compute_metrics(scores, targets)["loss"])


@pytest.mark.parametrize("seed", range(5))
def test_best_threshold_beats_every_other(seed):
    scores, targets = make_scores(60, 2, seed)
    scores = np.round(scores, 1)  # many ties

    def accuracy(threshold: float) -> float:
        return float(((scores[:, 1] >= threshold) == targets).mean())

    best = classification.best_threshold(scores, targets)
    assert accuracy(best) == max(accuracy(cut) for cut in np.linspace(0, 1.01, 500))


def test_best_threshold_of_separated_scores_is_in_the_middle():
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    assert classification.best_threshold(scores, np.array([0, 0, 1])) == pytest.approx(0.55)


def test_threshold_uses_validation_only():
    scores, targets = make_scores(200, 2)
    rng = np.random.default_rng(1)
    evaluations = []
    for test_targets in (targets, rng.permutation(targets)):
        predictions = {
            "validation_scores": scores,
            "validation_targets": targets,
            "validation_ids": np.arange(200),
            "test_scores": scores,
            "test_targets": test_targets,
            "test_ids": np.arange(200),
        }
        evaluations.append(classification.evaluate(predictions, None, CONFIG))
    first, second = evaluations
    assert first.threshold == second.threshold == classification.best_threshold(scores, targets)
    assert first.metrics["accuracy"] > second.metrics["accuracy"] + 0.1
    evaluation = classification.evaluate(predictions, 0.9, CONFIG)
    assert evaluation.threshold == 0.9 and evaluation.metrics["recall"] < second.metrics["recall"]


def test_more_than_two_classes_have_no_threshold():
    scores, targets = make_scores(50, 3)
    evaluation = classification.evaluate({"test_scores": scores, "test_targets": targets}, None, CONFIG)
    assert evaluation.threshold is None and "on 50 test samples" in evaluation.verdict


RULE = AbstentionRule(
    temperature=2.0, threshold=0.6, flagged_share=0.05, false_flag_rate=0.04, low=0.02, high=0.06, n=400
)


def describe(logits: list[float], threshold: float | None = None, rule: AbstentionRule | None = RULE):
    labels = ("a", "b", "c")[: len(logits)]
    return classification.describe_prediction(torch.tensor([logits]), labels=labels, threshold=threshold, rule=rule)


def test_probabilities_are_sorted_and_sum_to_one():
    named = describe([0.0, 2.0, 1.0], rule=None)
    assert list(named["probabilities"]) == ["b", "c", "a"] and named["label"] == "b"
    assert sum(named["probabilities"].values()) == pytest.approx(1.0)
    assert (named["temperature"], named["uncertain"]) == (1.0, False) and "threshold" not in named


def test_temperature_divides_the_logits_and_low_confidence_is_flagged():
    sure, unsure = describe([0.0, 6.0, 1.0]), describe([0.0, 2.0, 1.0])
    expected = torch.tensor([0.0, 3.0, 0.5]).softmax(0)[1].item()
    assert sure["probability"] == pytest.approx(expected, abs=1e-6)
    assert not sure["uncertain"] and unsure["uncertain"]


@pytest.mark.parametrize("raw", [0.1, 0.39, 0.41, 0.49, 0.7])
def test_two_classes_are_decided_by_the_raw_threshold_at_any_temperature(raw):
    logits = np.log([1 - raw, raw]).tolist()
    prediction = describe(logits, threshold=0.4)
    assert prediction["label"] == ("b" if raw >= 0.4 else "a") == describe(logits, threshold=0.4, rule=None)["label"]
    assert prediction["threshold"] == 0.4
    assert (prediction["probabilities"]["b"] >= prediction["calibrated_threshold"]) == (raw >= 0.4)


def test_an_unknown_class_is_rejected():
    assert classification.choose("", ("a", "b"), default="b", kind="class") == "b"
    with pytest.raises(RequestError, match="no class 'z' here: choose a, b"):
        classification.choose("z", ("a", "b"), default="b", kind="class")
