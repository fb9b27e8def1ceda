"""Is a classifier as sure as it should be, and what one number, the temperature, makes of it."""

import numpy as np

from dlcore.evaluation import classification

NARROWED = 60
"""Steps of the search, each of which leaves 0.618 of the range: more than a float can tell apart."""


def fit_temperature(scores: np.ndarray, targets: np.ndarray, *, low: float = 0.05, high: float = 20.0) -> float:
    """The temperature that makes the mean log loss of probabilities (N, K) least; fit it on validation, never on test.

    Above 1: the model is too sure. Golden-section search over its logarithm, in which the loss has one valley. Source:
    Guo et al. 2017, section 4.2.
    """
    classification.check_arrays(scores, targets)
    logs = _logs(scores)
    left, right, ratio = np.log(low), np.log(high), (5**0.5 - 1) / 2
    for _ in range(NARROWED):
        one, other = right - ratio * (right - left), left + ratio * (right - left)
        if _loss(logs, targets, np.exp(one)) < _loss(logs, targets, np.exp(other)):
            right = other
        else:
            left = one
        if right - left < 1e-4:
            break
    return float(np.exp((left + right) / 2))


def apply_temperature(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (N, K) as they would be with the logits divided by the temperature; no answer changes."""
    return _softmax(_logs(scores) / temperature)


def _logs(scores: np.ndarray) -> np.ndarray:
    # logits but for a constant in each row, which the softmax takes off again
    found: np.ndarray = np.log(np.maximum(scores.astype(np.float64), np.finfo(np.float32).tiny))
    return found


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return found


def _loss(logs: np.ndarray, targets: np.ndarray, temperature: float) -> float:
    scaled = logs / temperature
    top = scaled.max(axis=1)
    whole = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
    return float((whole - scaled[np.arange(len(targets)), targets.astype(np.int64)]).mean())
