"""Selective classification: a temperature and a threshold below which a prediction is flagged as uncertain."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dlcore.core.errors import DataError
from dlcore.evaluation import calibration, uncertainty

FLAGGED_SHARE = 0.05
"""Share of the validation samples, all of known classes, that the threshold flags."""
MAX_THRESHOLD = 0.99
"""A prediction of this probability is never flagged, even if fewer validation samples are flagged."""


@dataclass(frozen=True)
class AbstentionRule:
    """Flag a prediction whose largest calibrated probability is below `threshold`.

    temperature: divides the logits before the softmax; fitted on validation.
    threshold: quantile of the largest calibrated probability on validation; 0 flags nothing.
    flagged_share: share of the validation samples below it.
    false_flag_rate, low, high: share of the `n` test samples, all of known classes, that are flagged, and its 95 %
        interval.
    """

    temperature: float
    threshold: float
    flagged_share: float
    false_flag_rate: float
    low: float
    high: float
    n: int

    def is_uncertain(self, probability: float) -> bool:
        """Return whether a prediction with this largest calibrated probability is flagged."""
        return probability < self.threshold

    def as_json(self) -> dict[str, float]:
        """Return the fields as a JSON-serializable dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "AbstentionRule":
        """Create the rule from the dict that `as_json` returns.

        Raises:
            DataError: a field is missing, is not a number, or is out of bounds.
        """
        names = tuple(cls.__dataclass_fields__)
        if not isinstance(value, Mapping) or set(value) != set(names):
            raise DataError(f"calibration must hold exactly {', '.join(names)}.")
        for name in names:
            low, high = _BOUNDS.get(name, (0.0, 1.0))
            number = value[name]
            if isinstance(number, bool) or not isinstance(number, int | float) or not low <= number <= high:
                raise DataError(f"calibration: {name} must be a number from {low:g} to {high:g}.")
        numbers = {name: float(value[name]) for name in names if name != "n"}
        return cls(**numbers, n=int(value["n"]))


_BOUNDS = {"temperature": (1e-3, 1e3), "n": (0, 10**9)}


def fit_abstention_rule(
    scores: np.ndarray, targets: np.ndarray, test_scores: np.ndarray, *, share: float = FLAGGED_SHARE
) -> AbstentionRule:
    """Fit the rule on validation probabilities (N, K) and targets (N,); count its false flags on test (M, K).

    Source: Hendrycks & Gimpel 2017 (maximum softmax probability).
    """
    temperature = calibration.fit_temperature(scores, targets)
    confidence = calibration.apply_temperature(scores, temperature).max(axis=1)
    threshold = min(float(np.quantile(confidence, share)), MAX_THRESHOLD)
    flagged = calibration.apply_temperature(test_scores, temperature).max(axis=1) < threshold
    low, high = uncertainty.wilson(int(flagged.sum()), len(flagged))
    flagged_share = float((confidence < threshold).mean())
    return AbstentionRule(temperature, threshold, flagged_share, float(flagged.mean()), low, high, len(flagged))


def fit_from_predictions(predictions: Mapping[str, np.ndarray], *, classes: int) -> AbstentionRule | None:
    """Fit the rule on a run's stored predictions; None without validation probabilities of `classes`."""
    scores, targets = predictions.get("validation_scores"), predictions.get("validation_targets")
    test_scores = predictions.get("test_scores")
    if scores is None or targets is None or test_scores is None or classes < 2 or not len(test_scores):
        return None
    if any(part.ndim != 2 or part.shape[1] != classes for part in (scores, test_scores)):
        return None
    try:
        return fit_abstention_rule(scores, targets, test_scores)
    except DataError:  # an imported bundle whose arrays do not match
        return None
