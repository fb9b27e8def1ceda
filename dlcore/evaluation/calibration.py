"""Temperature scaling: one number, fitted on validation, that calibrates a classifier's probabilities."""

import numpy as np

from dlcore.evaluation import classification

MAX_STEPS = 60
"""Steps of the golden-section search; each leaves 0.618 of the range."""


def fit_temperature(scores: np.ndarray, targets: np.ndarray, *, low: float = 0.05, high: float = 20.0) -> float:
    """Return the temperature with the lowest log loss of probabilities (N, K); fit it on validation, never on test.

    Above 1 the model is overconfident. Golden-section search over the logarithm, where the loss is unimodal. Source:
    Guo et al. 2017, section 4.2.
    """
    classification.check_arrays(scores, targets)
    logits = _log_probabilities(scores)
    left, right, ratio = np.log(low), np.log(high), (5**0.5 - 1) / 2
    for _ in range(MAX_STEPS):
        lower, upper = right - ratio * (right - left), left + ratio * (right - left)
        if _log_loss(logits, targets, np.exp(lower)) < _log_loss(logits, targets, np.exp(upper)):
            right = upper
        else:
            left = lower
        if right - left < 1e-4:
            break
    return float(np.exp((left + right) / 2))


def apply_temperature(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (N, K) after dividing the logits by the temperature; the classes keep their order."""
    return _softmax(_log_probabilities(scores) / temperature)


def _log_probabilities(scores: np.ndarray) -> np.ndarray:
    """Return logits up to a constant in each row, which the softmax removes."""
    logs: np.ndarray = np.log(np.maximum(scores.astype(np.float64), np.finfo(np.float32).tiny))
    return logs


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def _log_loss(logits: np.ndarray, targets: np.ndarray, temperature: float) -> float:
    scaled = logits / temperature
    largest = scaled.max(axis=1)
    total = largest + np.log(np.exp(scaled - largest[:, None]).sum(axis=1))
    return float((total - scaled[np.arange(len(targets)), targets.astype(np.int64)]).mean())
