"""Compare two classifiers on the same samples with McNemar's test."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from dlcore.core.errors import DataError
from dlcore.evaluation import uncertainty
from dlcore.evaluation.uncertainty import Verdict


@dataclass(frozen=True)
class Agreement:
    """Contingency counts of two classifiers on the same n samples: both correct, only the first, only the second,
    neither.

    `difference` is the first's accuracy minus the second's with its 95 % interval; `p_value` is McNemar's exact one.
    """

    both: int
    only_first: int
    only_second: int
    neither: int
    difference: float
    low: float
    high: float
    p_value: float
    verdict: Verdict

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.both + self.only_first + self.only_second + self.neither

    def sentence(self, first: str, second: str) -> str:
        """Return the result in words with its numbers; "no difference" if the test is not significant."""
        numbers = (
            f"of {self.n:,} test samples, {self.only_first:,} are correct in {first} only and {self.only_second:,} in "
            f"{second} only (difference {100 * self.difference:+.1f} points, 95 % interval {100 * self.low:+.1f} to "
            f"{100 * self.high:+.1f}; McNemar p {_probability(self.p_value)})"
        )
        if self.verdict == "no difference":
            return f"No difference between {first} and {second}: {numbers}."
        winner, other = (first, second) if self.verdict == "first" else (second, first)
        return f"{winner} is better than {other}: {numbers}."


def paired_agreement(first: np.ndarray, second: np.ndarray, *, level: float = 0.95) -> Agreement:
    """Compare correct (true) or incorrect on the same samples, (N,) each, in the same order.

    McNemar's test (1947), exact by the binomial distribution for any number of discordant samples, decides. The
    interval is Agresti & Min's (2005, section 2): Wald's with half a sample added to each of four cells.

    Raises:
        DataError: the arrays differ in shape or are empty.
    """
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise DataError(
            f"both classifiers need one value per sample, but have shapes {first.shape} and {second.shape}."
        )
    first_correct, second_correct = first.astype(bool), second.astype(bool)
    only_first, only_second = int((first_correct & ~second_correct).sum()), int((second_correct & ~first_correct).sum())
    both, n = int((first_correct & second_correct).sum()), len(first_correct)
    p_value = uncertainty.mcnemar(first_correct, second_correct)
    low, high = _interval(only_first, only_second, n, level)
    better: Verdict = "first" if only_first > only_second else "second"
    return Agreement(
        both,
        only_first,
        only_second,
        n - both - only_first - only_second,
        (only_first - only_second) / n,
        low,
        high,
        p_value,
        better if p_value < 1 - level else "no difference",
    )


def agreement_of_predictions(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray], *, split: str = "test"
) -> Agreement:
    """Return the agreement of two runs' predictions (`test_scores` (N, K), `test_targets`, `test_ids`), matched by id.

    Raises:
        DataError: they share no samples, or have different targets for a sample.
    """
    _, first_rows, second_rows = np.intersect1d(first[f"{split}_ids"], second[f"{split}_ids"], return_indices=True)
    targets = first[f"{split}_targets"][first_rows]
    if not len(first_rows) or not np.array_equal(targets, second[f"{split}_targets"][second_rows]):
        raise DataError("the two runs were not tested on the same samples; compare runs of one dataset.")
    first_classes = first[f"{split}_scores"][first_rows].argmax(axis=1)
    second_classes = second[f"{split}_scores"][second_rows].argmax(axis=1)
    return paired_agreement(first_classes == targets, second_classes == targets)


def _interval(only_first: int, only_second: int, n: int, level: float) -> tuple[float, float]:
    z, n_adjusted = NormalDist().inv_cdf((1 + level) / 2), n + 2
    b, c = only_first + 0.5, only_second + 0.5
    middle, half = (b - c) / n_adjusted, z * math.sqrt(b + c - (b - c) ** 2 / n_adjusted) / n_adjusted
    return max(-1.0, middle - half), min(1.0, middle + half)


def _probability(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.2g}"
