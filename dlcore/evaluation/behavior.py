"""Failure rates of behavioral tests (CheckList, Ribeiro et al. 2020)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dlcore.evaluation import uncertainty

TOLERANCE = 0.1
"""Fall of the probability from which a directional test fails, as in the source."""
TITLES = {"minimum": "minimum functionality", "invariance": "invariance", "directional": "directional expectation"}


@dataclass(frozen=True)
class FailureRate:
    """Failed cases of one capability, over its tests."""

    capability: str
    kind: str
    failed: int
    n: int

    @property
    def kind_title(self) -> str:
        """The kind of test in words."""
        return TITLES[self.kind]

    @property
    def rate(self) -> float:
        """The share of failed cases."""
        return self.failed / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval for cases from these templates; other templates may differ by more."""
        return uncertainty.wilson(self.failed, self.n)

    def as_json(self) -> dict[str, Any]:
        """Return the fields, with rate and interval, as a JSON-serializable dict."""
        low, high = self.interval
        return asdict(self) | {"rate": self.rate, "rate_low": low, "rate_high": high}


def expected_label_severity(scores: np.ndarray, predicted: np.ndarray, accepted: Sequence[int]) -> np.ndarray:
    """Return how wrong each prediction (N,) with probabilities (N, K) is: that of the predicted label if it is none of
    `accepted`, else 0."""
    is_wrong = ~np.isin(predicted, accepted)
    return np.where(is_wrong, scores[np.arange(len(scores)), predicted], 0.0)


def changed_label_severity(
    scores: np.ndarray, predicted: np.ndarray, scores_after: np.ndarray, predicted_after: np.ndarray
) -> np.ndarray:
    """Return the fall of the probability (N,) of the first label where the label changes, else 0."""
    rows = np.arange(len(scores))
    fall = scores[rows, predicted] - scores_after[rows, predicted]
    return np.where(predicted != predicted_after, np.maximum(fall, 1e-6), 0.0)


def falling_probability_severity(scores: np.ndarray, scores_after: np.ndarray, favored: Sequence[int]) -> np.ndarray:
    """Return the fall of the probability (N,) of the favored labels where it is more than `TOLERANCE`, else 0."""
    fall = scores[:, favored].sum(axis=1) - scores_after[:, favored].sum(axis=1)
    return np.where(fall > TOLERANCE, fall, 0.0)


def sum_by_capability(parts: Iterable[tuple[str, str, np.ndarray]]) -> list[FailureRate]:
    """Return the failure rates of capabilities from (capability, kind, severity (N,)) of tests, in their order."""
    rows: dict[tuple[str, str], list[np.ndarray]] = {}
    for capability, kind, severity in parts:
        rows.setdefault((capability, kind), []).append(severity)
    return [
        FailureRate(*key, int(sum((values > 0).sum() for values in lists)), sum(len(values) for values in lists))
        for key, lists in rows.items()
    ]


def read_rates(rows: Sequence[Mapping[str, Any]]) -> list[FailureRate]:
    """Return failure rates from stored rows."""
    return [FailureRate(row["capability"], row["kind"], int(row["failed"]), int(row["n"])) for row in rows]
