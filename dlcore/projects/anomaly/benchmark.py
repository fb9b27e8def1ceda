"""Benchmark of detectors on labeled series: each is fitted on the start of a series, without its labels.

Every detector has the same window, smoothing and alarm rules. NAB's protocol: one threshold per detector for all
series, the one with the best score (chosen with the labels, as NAB does); `nab_held_out` chooses it for each series on
the others.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcore.data.series.seasonality import detect_period
from dlcore.data.series.series import Series
from dlcore.evaluation import baselines as simple
from dlcore.evaluation import nab, uncertainty, volume
from dlcore.evaluation.detectors import DETECTORS, Scores, score_series, window_length
from dlcore.evaluation.metrics import BASELINES, baseline_title
from dlcore.evaluation.ranks import RankComparison, compare_ranks
from dlcore.evaluation.smoothing import centered_mean, trailing_mean
from dlcore.projects.anomaly import automatic

VERSION = 1
"""Of the stored results: raise it when a detector or a rule changes."""
TRAIN_SHARE = 0.15
"""NAB's probation: detectors are fitted on this share of a series, and alarms in it do not count."""
THRESHOLDS = np.geomspace(0.9, 50, 120)
"""Fixed thresholds to choose from, in units of the 99 % quantile of a detector's training scores."""
RECORD_THRESHOLDS = 1 + np.geomspace(1e-3, 10, 120)
"""Adaptive ones, in units of the largest recent score: see `automatic.record_ratio`."""
RULES = {"fixed": THRESHOLDS, "adaptive": RECORD_THRESHOLDS}
DRAWS = 1_000
DEFAULT = "default"


def _seasonal_median(series: Series, train: np.ndarray, period: int, smooth: int) -> Scores:
    raw = simple.weekly_median(series.times, series.values, train=train, period=max(1, period))
    return Scores(trailing_mean(raw, smooth), centered_mean(raw, smooth))


def _random(series: Series, train: np.ndarray, period: int, smooth: int) -> Scores:
    raw = simple.random_score(len(series.values))
    return Scores(raw, raw)


def _default(series: Series, train: np.ndarray, period: int, smooth: int) -> Scores:
    return automatic.score(series, train=train)


SERIES_DETECTORS: dict[str, Callable[[Series, np.ndarray, int, int], Scores]] = {
    DEFAULT: _default,
    "seasonal_median": _seasonal_median,
    "random": _random,
}
"""Detectors that are no windows' distances: (series, training points, period, smoothing) -> scores."""
TITLES = {
    DEFAULT: automatic.TITLE,
    **{name: baseline_title(name) for name in DETECTORS},
    "seasonal_median": BASELINES["weekly_median"].seasonal,
    "random": baseline_title("random"),
}
"""Every detector of the benchmark by name."""


@dataclass(frozen=True)
class DetectorSummary:
    """One detector over all series: means with 95 % bootstrap intervals over series, NAB by rule, seconds in all."""

    detector: str
    title: str
    values: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return name, title and values in one dict."""
        return {"detector": self.detector, "title": self.title, **self.values}


def evaluate(series: Series, detector: str, *, train_share: float = TRAIN_SHARE) -> dict[str, Any]:
    """Score one series with one detector: VUS-PR of causal and centered scores, and NAB's raw sums by threshold."""
    begin = time.perf_counter()
    count = int(train_share * len(series.values))
    train = np.arange(len(series.values)) < count
    scores = score_detector(series, detector, train=train)
    seconds = time.perf_counter() - begin
    labels = series.labels.astype(bool)
    windows = volume.true_ranges(labels)
    windows = windows[windows[:, 1] > count]
    result: dict[str, Any] = {"detector": detector, "points": len(labels), "windows": len(windows), "seconds": seconds}
    if labels.any() and not labels.all():
        result |= {
            "vus_pr": volume.vus_pr(scores.causal, labels),
            "vus_pr_centered": volume.vus_pr(scores.centered, labels),
        }
    relative = {
        "fixed": scores.causal / (_quantile(scores.causal[train]) or 1.0),
        "adaptive": automatic.record_ratio(scores.causal, train_points=count),
    }
    return result | {
        f"raw_{rule}_{profile}": [
            nab.raw_score(relative[rule] > limit, windows, profile=profile, start=count)[0] for limit in limits
        ]
        for rule, limits in RULES.items()
        for profile in nab.PROFILES
    }


def score_detector(series: Series, detector: str, *, train: np.ndarray) -> Scores:
    """Return the scores of a series by a detector of `TITLES` that is fitted on the points in `train` (N,)."""
    period = detect_period(series.values[train], series.step_ms)
    length = min(window_length(len(train)), int(train.sum()) // 2)
    if detector in SERIES_DETECTORS:
        return SERIES_DETECTORS[detector](series, train, period, length)
    return score_series(DETECTORS[detector](length).fit(series.values, train), series.values)


def summarize(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[DetectorSummary]:
    """Return one summary per detector, best mean VUS-PR first, from results by detector and series.

    Only series that every detector scored count.
    """
    names = _shared(results)
    summaries = [
        DetectorSummary(detector, TITLES.get(detector, detector), _summarize([rows[name] for name in names]))
        for detector, rows in results.items()
    ]
    return sorted(summaries, key=lambda summary: -summary.values.get("vus_pr", 0.0))


def rank(results: Mapping[str, Mapping[str, Mapping[str, Any]]], metric: str = "vus_pr") -> RankComparison:
    """Return average ranks by a metric over the series that every detector scored."""
    names = [name for name in _shared(results) if all(metric in rows[name] for rows in results.values())]
    return compare_ranks({detector: np.array([rows[n][metric] for n in names]) for detector, rows in results.items()})


def nab_by_series(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    """Return NAB's score of each labeled series, adaptive, at each detector's best threshold for all of them."""
    names = _shared(results)
    scores: dict[str, dict[str, float]] = {}
    for detector, rows in results.items():
        raw = np.array([rows[name]["raw_adaptive_standard"] for name in names])  # (S, thresholds)
        if not len(raw):
            continue
        best = int(raw.sum(axis=0).argmax())
        scores[detector] = {
            name: float(nab.corpus_score(raw[place, best], int(rows[name]["windows"])))
            for place, name in enumerate(names)
            if rows[name]["windows"]
        }
    return scores


def _shared(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return sorted(set.intersection(*(set(rows) for rows in results.values()))) if results else []


def _summarize(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    values: dict[str, float] = {"series": len(rows), "seconds": sum(row["seconds"] for row in rows)}
    for metric in ("vus_pr", "vus_pr_centered"):
        scores = np.array([row[metric] for row in rows if metric in row])
        if len(scores):
            draws = np.concatenate(list(uncertainty.resamples(len(scores), draws=DRAWS)))  # (B, S)
            low, high = np.quantile(draws @ scores / len(scores), (0.025, 0.975)).tolist()
            values |= {metric: float(scores.mean()), f"{metric}_low": low, f"{metric}_high": high}
    counts = np.array([row["windows"] for row in rows])
    if counts.sum():
        for rule in RULES:
            values |= _nab_scores(rows, counts, rule)
    return values


def _nab_scores(rows: Sequence[Mapping[str, Any]], counts: np.ndarray, rule: str) -> dict[str, float]:
    """NAB of the best common threshold, its interval over series, and that of thresholds chosen on other series."""
    values: dict[str, float] = {}
    for profile in nab.PROFILES:
        raw = np.array([row[f"raw_{rule}_{profile}"] for row in rows])  # (S, thresholds)
        scores = nab.corpus_score(raw.sum(axis=0), int(counts.sum()), profile=profile)
        values[f"nab_{rule}_{profile}"] = float(scores.max())
        if profile != "standard":
            continue
        values[f"threshold_{rule}"] = float(RULES[rule][scores.argmax()])
        remaining = raw.sum(axis=0) - raw
        held_out = raw[np.arange(len(raw)), remaining.argmax(axis=1)].sum()
        values[f"nab_{rule}_held_out"] = float(nab.corpus_score(held_out, int(counts.sum())))
        draws = np.concatenate(list(uncertainty.resamples(len(raw), draws=DRAWS)))  # (B, S)
        weight = nab.PROFILES[profile]
        windows = np.maximum(draws @ counts, 1)
        spread = 100 * ((draws @ raw).max(axis=1) + weight.miss * windows) / ((weight.hit + weight.miss) * windows)
        low, high = np.quantile(spread, (0.025, 0.975))
        values |= {f"nab_{rule}_standard_low": float(low), f"nab_{rule}_standard_high": float(high)}
    return values


def _quantile(scores: np.ndarray) -> float:
    scores = scores[scores > 0]
    return float(np.quantile(scores, 0.99)) if len(scores) else 0.0
