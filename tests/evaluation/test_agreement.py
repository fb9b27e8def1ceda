"""McNemar's test and its interval against published figures and by hand."""

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.evaluation.agreement import agreement_of_predictions, paired_agreement


def table(both: int, only_first: int, only_second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = (both, only_first, only_second, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_agresti_and_mins_example():
    """Approval of the prime minister (Agresti, Categorical Data Analysis, table 10.1): 794, 150, 86, 570."""
    result = paired_agreement(*table(794, 150, 86, 570))
    assert (result.n, result.only_first, result.only_second) == (1600, 150, 86)
    assert result.difference == pytest.approx(0.04)
    assert result.low == pytest.approx(0.0213, abs=2e-4) and result.high == pytest.approx(0.0587, abs=2e-4)
    assert result.p_value < 1e-4 and result.verdict == "first"


def test_few_discordant_samples_use_the_exact_test():
    result = paired_agreement(*table(80, 6, 1, 13))  # 2 * (1 + 7) / 2^7
    assert result.p_value == pytest.approx(0.125)
    assert result.verdict == "no difference"
    assert result.sentence("A", "B").startswith(
        "No difference between A and B: of 100 test samples, 6 are correct in A only"
    )


def test_identical_runs_have_no_difference():
    right = np.random.default_rng(0).random(500) < 0.8
    result = paired_agreement(right, right)
    assert (result.p_value, result.difference, result.verdict) == (1.0, 0.0, "no difference")
    assert result.low < 0 < result.high


def test_noise_is_called_a_difference_about_once_in_twenty_times():
    rng, called = np.random.default_rng(1), 0
    for _ in range(400):
        result, other = rng.random((2, 300)) < 0.85
        called += paired_agreement(result, other).verdict != "no difference"
    assert 2 <= called <= 30  # the exact test has fewer than 20


def test_the_sentence_names_the_winner():
    result = paired_agreement(*table(50, 2, 40, 8))
    assert result.verdict == "second"
    assert result.sentence("VGG", "ResNet").startswith("ResNet is better than VGG")
    assert "p below 0.001" in result.sentence("VGG", "ResNet")


def predictions(right: np.ndarray, ids: np.ndarray) -> dict[str, np.ndarray]:
    scores = np.where(right[:, None], [0.9, 0.1], [0.2, 0.8])
    return {"test_scores": scores, "test_targets": np.zeros(len(ids), dtype=np.int64), "test_ids": ids}


def test_predictions_are_matched_by_their_ids():
    first, second = table(5, 3, 0, 2)
    ids = np.arange(10)
    order = np.random.default_rng(0).permutation(10)
    result = agreement_of_predictions(predictions(first, ids), predictions(second[order], ids[order]))
    assert (result.both, result.only_first, result.only_second, result.neither) == (5, 3, 0, 2)


def test_other_samples_are_rejected():
    right = np.ones(3, dtype=bool)
    with pytest.raises(DataError, match="same samples"):
        agreement_of_predictions(predictions(right, np.arange(3)), predictions(right, np.arange(3) + 10))
    with pytest.raises(DataError):
        paired_agreement(right, right[:2])
