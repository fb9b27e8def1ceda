"""Selective classification: a temperature and limits beyond which a prediction is flagged as uncertain."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from dlcore.core.errors import DataError
from dlcore.evaluation import calibration, conformal, uncertainty
from dlcore.evaluation.metrics import format_percent

FLAGGED_SHARE = 0.05
"""Share of the validation samples, all of known classes, that all limits together flag."""
MAX_THRESHOLD = 0.99
"""A prediction of this probability is never flagged for it, even if fewer validation samples are flagged."""
MEASURES = ("language", "topic", "distance")
"""What can be unlike the training data, larger meaning more unlike: the letters of a text, its subject, the features
of any input."""
REASONS = (*MEASURES, "probability")
"""Why a prediction is flagged, the most telling first."""
MOST_OUTSIDE = 50
_STEPS = 40


@dataclass(frozen=True)
class OutsideRate:
    """How many of `n` samples that belong to no class, described by `what`, are flagged."""

    what: str
    flagged: int
    n: int


@dataclass(frozen=True)
class AbstentionRule:
    """Flag a prediction whose largest calibrated probability is below `threshold`, or that exceeds one of `limits`.

    temperature: divides the logits before the softmax; fitted on validation.
    threshold: quantile of the largest calibrated probability on validation; 0 flags nothing.
    flagged_share: share of the validation samples that are flagged.
    false_flag_rate, low, high: share of the `n` test samples, all of known classes, that are flagged, and its 95 %
        interval.
    limits: largest value of each of `MEASURES` that is not flagged; none in bundles of earlier versions.
    outside: rates on samples that belong to no class, where they were measured.
    set_limit: smallest calibrated probability of a class in the 90 % prediction set; fitted on the stored validation
        probabilities when the rule is read, so not part of its JSON. 0: unknown.
    """

    temperature: float
    threshold: float
    flagged_share: float
    false_flag_rate: float
    low: float
    high: float
    n: int
    limits: Mapping[str, float] = field(default_factory=dict)
    outside: tuple[OutsideRate, ...] = ()
    set_limit: float = 0.0

    def reasons(self, probability: float, measures: Mapping[str, float] | None = None) -> tuple[str, ...]:
        """Return why a prediction with this largest calibrated probability is flagged: of `REASONS`, or none."""
        measures = measures or {}
        beyond = [name for name in MEASURES if name in measures and measures[name] > self.limits.get(name, np.inf)]
        return (*beyond, *(("probability",) if probability < self.threshold else ()))

    def as_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-serializable dict."""
        fields = asdict(self) | {"limits": dict(self.limits), "outside": [asdict(rate) for rate in self.outside]}
        del fields["set_limit"]
        return fields

    def with_set_limit(self, predictions: Mapping[str, np.ndarray]) -> "AbstentionRule":
        """Return the rule with the limit of prediction sets, where validation probabilities are stored."""
        scores, targets = predictions.get("validation_scores"), predictions.get("validation_targets")
        if scores is None or targets is None or scores.ndim != 2 or len(scores) != len(targets) or not len(scores):
            return self
        if targets.ndim != 1 or targets.min() < 0 or targets.max() >= scores.shape[1]:  # a damaged bundle
            return self
        calibrated = calibration.apply_temperature(scores, self.temperature)
        return replace(self, set_limit=conformal.fit_set_limit(calibrated, targets))

    def prediction_set(self, probabilities: Mapping[str, float]) -> list[str]:
        """Return the labels of the 90 % prediction set, the most probable first; empty if its limit is unknown."""
        if not self.set_limit:
            return []
        ranked = sorted(probabilities, key=lambda label: -probabilities[label])
        return [label for place, label in enumerate(ranked) if not place or probabilities[label] >= self.set_limit]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "AbstentionRule":
        """Create the rule from the dict that `as_json` returns, of this version or of one without limits.

        Raises:
            DataError: a field is missing, is not a number, or is out of bounds.
        """
        names = tuple(name for name in cls.__dataclass_fields__ if name not in _NOT_NUMBERS)
        if not isinstance(value, Mapping) or set(value) - {"limits", "outside"} != set(names):
            raise DataError(f"calibration must hold exactly {', '.join(names)}, limits and outside.")
        for name in names:
            _check_number(name, value[name], *_BOUNDS.get(name, (0.0, 1.0)))
        limits, outside = value.get("limits", {}), value.get("outside", [])
        if not isinstance(limits, Mapping) or not set(limits) <= set(MEASURES):
            raise DataError(f"calibration: limits may hold {', '.join(MEASURES)}.")
        for name, limit in limits.items():
            _check_number(name, limit, -1e6, 1e6)
        if not isinstance(outside, list) or len(outside) > MOST_OUTSIDE:
            raise DataError(f"calibration: outside must be a list of at most {MOST_OUTSIDE} rates.")
        numbers = {name: float(value[name]) for name in names if name != "n"}
        return cls(
            **numbers,
            n=int(value["n"]),
            limits={name: float(limit) for name, limit in limits.items()},
            outside=tuple(_read_rate(rate) for rate in outside),
        )


_NOT_NUMBERS = ("limits", "outside", "set_limit")
_BOUNDS = {"temperature": (1e-3, 1e3), "n": (0, 10**9)}


def _check_number(name: str, number: Any, low: float, high: float) -> None:
    if isinstance(number, bool) or not isinstance(number, int | float) or not low <= number <= high:
        raise DataError(f"calibration: {name} must be a number from {low:g} to {high:g}.")


def _read_rate(rate: Any) -> OutsideRate:
    if not isinstance(rate, Mapping) or set(rate) != {"what", "flagged", "n"} or not isinstance(rate["what"], str):
        raise DataError("calibration: a rate of outside must hold what, flagged and n.")
    _check_number("n", rate["n"], 1, 10**9)
    _check_number("flagged", rate["flagged"], 0, rate["n"])
    return OutsideRate(rate["what"][:100], int(rate["flagged"]), int(rate["n"]))


def fit_abstention_rule(
    scores: np.ndarray,
    targets: np.ndarray,
    test_scores: np.ndarray,
    *,
    share: float = FLAGGED_SHARE,
    measures: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    limits: Mapping[str, float] | None = None,
) -> AbstentionRule:
    """Fit the rule on validation probabilities (N, K) and targets (N,); count its false flags on test (M, K).

    measures: values (N,) on validation and (M,) on test, by name.
    limits: those of some measures. The others and the probability each flag the same share of validation, such that
        all limits together flag `share` of it.

    Source: Hendrycks & Gimpel 2017 (maximum softmax probability).
    """
    measures, limits = measures or {}, dict(limits or {})
    temperature = calibration.fit_temperature(scores, targets)
    negative = [-calibration.apply_temperature(part, temperature).max(axis=1) for part in (scores, test_scores)]
    columns = {"probability": (negative[0], negative[1]), **measures}
    free = [name for name in columns if name not in limits]

    def cut(each: float) -> dict[str, float]:
        fitted = {name: float(np.quantile(columns[name][0], 1 - each)) for name in free}
        return limits | fitted | {"probability": max(fitted["probability"], -MAX_THRESHOLD)}

    low, high = 0.0, share
    for _ in range(_STEPS if len(columns) > 1 else 0):
        middle = (low + high) / 2
        is_over = _beyond(columns, cut(middle), 0).mean() > share
        low, high = (low, middle) if is_over else (middle, high)
    cuts = cut(share if len(columns) == 1 else low)
    flagged = _beyond(columns, cuts, 1)
    interval = uncertainty.wilson(int(flagged.sum()), len(flagged))
    flagged_share = float(_beyond(columns, cuts, 0).mean())
    threshold = -cuts.pop("probability")
    return AbstentionRule(
        temperature, threshold, flagged_share, float(flagged.mean()), *interval, len(flagged), limits=cuts
    )


def _beyond(columns: Mapping[str, tuple[np.ndarray, np.ndarray]], cuts: Mapping[str, float], part: int) -> np.ndarray:
    """Return which samples (N,) of validation (part 0) or test (1) exceed one of the limits."""
    beyond: np.ndarray = np.any([values[part] > cuts[name] for name, values in columns.items()], axis=0)
    return beyond


def encode_reasons(rule: AbstentionRule, scores: np.ndarray, measures: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the reasons (N,) uint8 of predictions (N, K) with measures (N,): bit i is `REASONS[i]`."""
    confidence = calibration.apply_temperature(scores, rule.temperature).max(axis=1)
    beyond = {name: values > rule.limits.get(name, np.inf) for name, values in measures.items()}
    beyond["probability"] = confidence < rule.threshold
    codes = [beyond[name].astype(np.uint8) << place for place, name in enumerate(REASONS) if name in beyond]
    return np.asarray(np.sum(codes, axis=0, dtype=np.uint8))


def decode_reasons(code: int) -> tuple[str, ...]:
    """Return the reasons of one prediction from its code."""
    return tuple(name for place, name in enumerate(REASONS) if code >> place & 1)


def fit_from_predictions(predictions: Mapping[str, np.ndarray], *, classes: int) -> AbstentionRule | None:
    """Fit the rule on a run's predictions and measures; None without validation probabilities of `classes`."""
    scores, targets = predictions.get("validation_scores"), predictions.get("validation_targets")
    test_scores = predictions.get("test_scores")
    if scores is None or targets is None or test_scores is None or classes < 2 or not len(test_scores):
        return None
    if any(part.ndim != 2 or part.shape[1] != classes for part in (scores, test_scores)):
        return None
    names = [name for name in MEASURES if f"validation_{name}" in predictions and f"test_{name}" in predictions]
    measures = {name: (predictions[f"validation_{name}"], predictions[f"test_{name}"]) for name in names}
    fixed = {name: float(predictions[f"limit_{name}"]) for name in names if f"limit_{name}" in predictions}
    try:
        return fit_abstention_rule(scores, targets, test_scores, measures=measures, limits=fixed)
    except DataError:  # an imported bundle whose arrays do not match
        return None


def describe_reasons(reasons: Sequence[str], *, classes: int, text: bool) -> str:
    """Return one sentence for the reader on why a prediction is flagged, and what it may mean."""
    what = "texts" if text else "images"
    starts = {
        "language": f"Written unlike the training {what}, perhaps in another language",
        "topic": f"On other subjects than the training {what}",
        "distance": f"Unlike the training {what}",
        "probability": "Low confidence",
    }
    none = f": possibly none of the {classes} classes" if classes > 2 or tuple(reasons) != ("probability",) else ""
    return f"{starts[reasons[0]]}{none.replace('the 2 classes', 'the two classes')}."


_LIMITS = {
    "language": "mean log-loss per letter above {:.2f} under the training texts' trigrams",
    "topic": "log-odds of general English above {:.2f}",
    "distance": "mean cosine distance to the five nearest training features above {:.3f}",
}


def describe_rule(rule: AbstentionRule) -> str:
    """Describe calibration and limits with their numbers, and how often known classes are flagged."""
    limits = [_LIMITS[name].format(rule.limits[name]) for name in MEASURES if name in rule.limits]
    return (
        f"Probabilities are calibrated (temperature {rule.temperature:.2f}, fitted on validation). Predictions below "
        f"{format_percent(rule.threshold, digits=0)} are flagged as uncertain"
        f"{''.join(f', and those with {limit}' for limit in limits)} ({format_percent(rule.flagged_share)} of "
        f"validation). False flags on test: {format_percent(rule.false_flag_rate)} "
        f"[{100 * rule.low:.1f}, {100 * rule.high:.1f}] of {rule.n:,}."
    )


def describe_outside(rule: AbstentionRule) -> str:
    """Say how many samples of no class are flagged; empty where this was not measured."""
    if not rule.outside:
        return ""
    return f"Flagged of no class: {'; '.join(f'{rate.flagged} of {rate.n} {rate.what}' for rate in rule.outside)}."


def accuracy_by_coverage(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Return the accuracy (N,) of the 1 to N most confident predictions (N,): the abstention curve.

    Predictions of equal confidence are answered together. Source: Geifman & El-Yaniv 2017 (risk-coverage curve).
    """
    order = np.argsort(-confidence, kind="stable")
    ranked, hits = confidence[order], np.cumsum(correct[order])
    last = np.searchsorted(-ranked, -ranked, side="right")  # number of predictions at least as confident
    return np.asarray(hits[last - 1] / last)


def accuracy_at(curve: np.ndarray, coverage: float) -> float:
    """Return the accuracy where that share of predictions is answered."""
    return float(curve[max(0, int(np.ceil(coverage * len(curve))) - 1)])
