"""Temperature scaling: it finds a known temperature, improves calibration, and changes no prediction."""

import numpy as np
import pytest

from dlcore.evaluation import calibration, classification


def miscalibrated_sample(temperature: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Targets drawn from softmax(logits), while the model predicts softmax(logits * temperature)."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(n, 5)) * 2
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (honest.cumsum(axis=1) > generator.random((n, 1))).argmax(axis=1)
    raised = np.exp(logits * temperature)
    return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32), targets


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_known_temperature_is_found_and_calibrates(temperature):
    scores, targets = miscalibrated_sample(temperature)
    result = calibration.fit_temperature(scores, targets)
    assert result == pytest.approx(temperature, rel=0.05)
    calibrated = calibration.apply_temperature(scores, result)
    assert classification.metrics(calibrated, targets)["ece"] < 0.015
    assert np.array_equal(calibrated.argmax(axis=1), scores.argmax(axis=1))
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)


def test_temperature_one_changes_nothing_and_zeros_do_no_harm():
    scores, targets = miscalibrated_sample(1.0, 200)
    np.testing.assert_allclose(calibration.apply_temperature(scores, 1.0), scores, atol=1e-6)
    certain = np.eye(5)[targets]
    assert np.isfinite(calibration.fit_temperature(certain, targets))
