"""When a classifier had better say "none of my classes": a rule set on validation, and how often it is wrong."""

from dataclasses import dataclass

import numpy as np

from dlcore.evaluation import calibration, uncertainty

SHARE = 0.05
"""Of the validation samples, all of them of known classes, so many may be doubted."""


@dataclass(frozen=True)
class AbstentionRule:
    """Doubt an answer whose calibrated probability, at that temperature, is below `least`.

    `alarms` is the share of the `n` test samples that were doubted though each is of a known class, `low` to `high`
    its 95 % interval: the rule's false alarms.
    """

    temperature: float
    least: float
    alarms: float
    low: float
    high: float
    n: int

    def doubts(self, probability: float) -> bool:
        """Whether an answer of that calibrated probability may be of none of the classes."""
        return probability < self.least


def fit_abstention_rule(
    scores: np.ndarray, targets: np.ndarray, test_scores: np.ndarray, *, share: float = SHARE
) -> AbstentionRule:
    """The rule from validation probabilities (N, K) and their truth (N,); its false alarms from the test's (M, K).

    The threshold is the quantile of the largest calibrated probability (Hendrycks & Gimpel 2017, the baseline there).
    """
    temperature = calibration.fit_temperature(scores, targets)
    least = float(np.quantile(calibration.apply_temperature(scores, temperature).max(axis=1), share))
    doubted = calibration.apply_temperature(test_scores, temperature).max(axis=1) < least
    low, high = uncertainty.wilson(int(doubted.sum()), len(doubted))
    return AbstentionRule(temperature, least, float(doubted.mean()), low, high, len(doubted))
