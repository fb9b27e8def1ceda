"""Recommendation of a detector for a series without labels, from evidence that needs none.

Synthetic anomalies: average precision of the scores where events are injected after the training part. Agreement: mean
rank correlation with the scores of the other detectors. Stability: rank correlation with the scores after training on
two thirds of the training part. Source of the kinds of evidence: Goswami et al., "Unsupervised model selection for
time-series anomaly detection", ICLR 2023.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy.stats import rankdata

from dlcore.data.series.series import Series
from dlcore.evaluation import curves, uncertainty
from dlcore.evaluation.detectors import window_length
from dlcore.projects.anomaly import benchmark

CANDIDATES = tuple(name for name in benchmark.TITLES if name != "random")
EVENTS = 10
"""Injected events, of each kind in turn."""
SHORTER = 2 / 3
"""Share of the training part from which stability is measured."""
NEAR = 0.05
"""A pick whose VUS-PR is at most this much below the best one is near it."""
RULES: dict[str, tuple[str, ...]] = {
    "synthetic": ("synthetic",),
    "agreement": ("agreement",),
    "stability": ("stability",),
    "synthetic and agreement": ("synthetic", "agreement"),
    "all evidence": ("synthetic", "agreement", "stability"),
    "all evidence and earlier ranks": ("synthetic", "agreement", "stability", "earlier"),
    "synthetic and earlier ranks": ("synthetic", "earlier"),
    "earlier ranks": ("earlier",),
}
"""Rules to choose from: the detector with the best mean rank by these kinds of evidence. "earlier": mean VUS-PR on
other series with labels."""


@dataclass(frozen=True)
class Evidence:
    """Evidence for one detector on one series, each from 0 (or below) to 1; higher is better."""

    synthetic: float
    agreement: float
    stability: float

    def as_json(self) -> dict[str, float]:
        """Return a plain dict."""
        return asdict(self)


@dataclass(frozen=True)
class RuleResult:
    """How well a rule picks on series with labels: the shares of best and near-best picks, mean VUS-PR of the picks
    with its 95 % interval, and the mean difference from always picking the default detector with its interval."""

    rule: str
    best: float
    near: float
    vus_pr: float
    gain: float
    gain_low: float
    gain_high: float


def gather(series: Series, *, train_share: float = benchmark.TRAIN_SHARE, seed: int = 0) -> dict[str, Evidence]:
    """Return the evidence for each candidate on a series; reads no label."""
    points = np.arange(len(series.values))
    count = int(train_share * len(points))
    train, after = points < count, points >= count
    injected, labels = inject(series.values, count, seed=seed)
    changed = replace(series, values=injected)
    scores, synthetic, shorter = {}, {}, {}
    for name in CANDIDATES:
        scores[name] = benchmark.score_detector(series, name, train=train).causal[after]
        other = benchmark.score_detector(changed, name, train=train).causal[after]
        whole = np.ones((1, len(other)))
        synthetic[name] = float(curves.average_precision(other, labels[after], weights=whole)[0])
        part = benchmark.score_detector(series, name, train=points < int(SHORTER * count))
        shorter[name] = part.causal[after]
    ranks = np.array([_standardize(values) for values in scores.values()])  # (D, n)
    correlation = ranks @ ranks.T / ranks.shape[1]
    agreement = (correlation.sum(axis=1) - correlation.diagonal()) / (len(ranks) - 1)
    return {
        name: Evidence(
            synthetic[name], float(agreement[place]), float(ranks[place] @ _standardize(shorter[name]) / ranks.shape[1])
        )
        for place, name in enumerate(scores)
    }


def inject(values: np.ndarray, start: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a copy of values (N,) with events after the point `start`, and which points they change (N,).

    A spike, a new level, a constant, a reversed part, and noise, in turn; sizes in units of the training part's
    standard deviation.
    """
    rng = np.random.default_rng(seed)
    changed, labels = values.astype(np.float64).copy(), np.zeros(len(values), bool)
    length = window_length(len(values))
    spread = float(values[:start].std()) or float(values.std()) or 1.0
    borders = np.linspace(start, len(values), EVENTS + 1).astype(np.int64)
    for number, (low, high) in enumerate(itertools.pairwise(borders)):
        size = int(min(rng.integers(length // 2, length + 1), max(1, (high - low) // 2)))
        at = int(rng.integers(low, max(low + 1, high - size)))
        part, sign = slice(at, at + size), rng.choice([-1, 1])
        kind = number % 5
        if kind == 0:
            part = slice(at, at + max(1, size // 8))
            changed[part] += sign * rng.uniform(3, 6) * spread
        elif kind == 1:
            changed[part] += sign * rng.uniform(1, 3) * spread
        elif kind == 2:
            changed[part] = changed[at]
        elif kind == 3:
            changed[part] = changed[part][::-1].copy()
        else:
            changed[part] += rng.normal(0, rng.uniform(0.5, 1.5) * spread, size)
        labels[part] = True
    return changed, labels


def recommend(evidence: Mapping[str, Evidence], *, rule: str, earlier: Mapping[str, float]) -> list[str]:
    """Return the detectors by a rule of `RULES`, best first; `earlier`: mean VUS-PR on series with labels."""
    names = list(evidence)
    total = np.zeros(len(names))
    for kind in RULES[rule]:
        values = [earlier[name] if kind == "earlier" else getattr(evidence[name], kind) for name in names]
        total += rankdata(-np.array(values))
    return [names[place] for place in np.argsort(total, kind="stable")]


def measure(
    evidence: Mapping[str, Mapping[str, Evidence]], vus_pr: Mapping[str, Mapping[str, float]]
) -> tuple[list[RuleResult], str]:
    """Return how well each rule picks, and the name of the rule with the highest mean VUS-PR of its picks.

    Both by series. "earlier" is measured on the other series, so that no series decides about itself. The last result,
    "chosen on the others", picks by the rule that is best on the other series; the first is always the default.
    """
    names = sorted(set(evidence) & set(vus_pr))
    picked: dict[str, list[float]] = {"always the default": [vus_pr[name][benchmark.DEFAULT] for name in names]}
    for rule in RULES:
        picked[rule] = [
            vus_pr[name][recommend(evidence[name], rule=rule, earlier=mean_vus_pr(vus_pr, names, name))[0]]
            for name in names
        ]
    table = np.array(list(picked.values()))  # (R, S)
    remaining = table.sum(axis=1, keepdims=True) - table
    picked["chosen on the others"] = table[remaining.argmax(axis=0), np.arange(len(names))].tolist()
    best = np.array([max(vus_pr[name][detector] for detector in CANDIDATES) for name in names])
    results = [_rule_result(rule, np.array(values), best, table[0]) for rule, values in picked.items()]
    return results, list(picked)[1 + int(table[1:].mean(axis=1).argmax())]


def mean_vus_pr(
    vus_pr: Mapping[str, Mapping[str, float]], names: Sequence[str], left_out: str = ""
) -> dict[str, float]:
    """Return the mean VUS-PR of each candidate over the named series but one."""
    return {
        detector: float(np.mean([vus_pr[name][detector] for name in names if name != left_out]))
        for detector in CANDIDATES
    }


def explain(evidence: Mapping[str, Evidence], detector: str, *, earlier: Mapping[str, float]) -> str:
    """Say in one sentence how a detector compares with the others by each kind of evidence."""
    place = 1 + sum(value > earlier[detector] for value in earlier.values())
    parts = [f"mean VUS-PR on labeled series {earlier[detector]:.2f} (rank {place} of {len(earlier)})"]
    labels = {
        "synthetic": "average precision on injected anomalies",
        "agreement": "agreement with the other detectors",
        "stability": "stability with less training data",
    }
    for kind, label in labels.items():
        values = np.array([getattr(other, kind) for other in evidence.values()])
        value = getattr(evidence[detector], kind)
        parts.append(f"{label} {value:.2f} (rank {1 + int((values > value).sum())} of {len(values)})")
    return f"{benchmark.TITLES[detector]}: {', '.join(parts)}."


def _rule_result(rule: str, picked: np.ndarray, best: np.ndarray, default: np.ndarray) -> RuleResult:
    draws = np.concatenate(list(uncertainty.resamples(len(picked), draws=benchmark.DRAWS)))  # (B, S)
    low, high = np.quantile(draws @ (picked - default) / len(picked), (0.025, 0.975))
    return RuleResult(
        rule,
        float((picked >= best - 1e-12).mean()),
        float((picked >= best - NEAR).mean()),
        float(picked.mean()),
        float((picked - default).mean()),
        float(low),
        float(high),
    )


def _standardize(scores: np.ndarray) -> np.ndarray:
    """Ranks (n,) with mean 0 and standard deviation 1; zeros for constant scores."""
    ranks = rankdata(scores)
    spread = ranks.std()
    return np.asarray((ranks - ranks.mean()) / spread) if spread > 0 else np.zeros(len(ranks))
