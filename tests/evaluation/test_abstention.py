import numpy as np
import pytest

from dlcore.evaluation import abstention, calibration


def drawn(n: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are right as often as they say."""
    generator = np.random.default_rng(seed)
    scores = generator.dirichlet([0.4] * 5, n)
    return scores, np.array([generator.choice(5, p=row) for row in scores])


def test_so_many_of_validation_are_doubted_and_about_as_many_of_test():
    scores, targets = drawn(2000, seed=0)
    rule = abstention.fit_abstention_rule(scores, targets, drawn(2000, seed=1)[0])
    doubted = calibration.apply_temperature(scores, rule.temperature).max(axis=1) < rule.least
    assert doubted.mean() == pytest.approx(abstention.SHARE, abs=1e-3)
    assert rule.low < abstention.SHARE < rule.high and rule.low < rule.alarms < rule.high and rule.n == 2000
    assert rule.temperature == pytest.approx(1, abs=0.1)


def test_an_even_answer_is_doubted_and_a_sure_one_is_not():
    scores, targets = drawn(500, seed=0)
    rule = abstention.fit_abstention_rule(scores, targets, scores)
    assert rule.doubts(0.2) and not rule.doubts(0.99)
