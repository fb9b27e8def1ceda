"""Metrics of anomaly scores: of the ensemble, of each seed, and of baselines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dlcore.data.series.intervals import describe_step_difference, format_duration
from dlcore.data.series.series import DAY_MS, Series, public_holidays
from dlcore.evaluation import anomaly as scoring
from dlcore.evaluation import baselines as simple
from dlcore.evaluation.detectors import Scores
from dlcore.evaluation.metrics import SMOOTHING, baseline_title
from dlcore.projects.project import Evaluation, Predictions

BOOTSTRAP_DRAWS = 300
HOUR_MS = 3_600_000
PARTS = ("train", "validation", "test")
Rule = Literal["quantile", "mean_std", "maximum", "midway"]
"""Rule that sets a threshold from scores before the test split."""
COMPARED = {"nab_standard": "NAB", "vus_pr": "VUS-PR"}
"""Metrics that compare a network with a baseline, and their labels."""


def evaluate(
    predictions: Predictions,
    threshold: float | None,
    *,
    threshold_data: "ThresholdData",
    seed: int,
    dataset: str,
    period: int = 0,
) -> Evaluation:
    """Metrics of the causal scores, `<name>_centred` of the centered ones, and of each seed.

    `threshold` applies to the causal scores; centered scores and seeds have separate ones from `threshold_data`.
    `period` is that of the series in points, 0 if unknown.
    """
    counted = CountingRule.of(predictions, threshold_data, dataset=dataset)
    causal = _joined(predictions, "scores")
    limit = counted.threshold_data.threshold(causal) if threshold is None else threshold
    metrics = counted.metrics(causal, threshold=limit, draws=BOOTSTRAP_DRAWS, seed=seed)
    if "test_centred" in predictions:
        metrics |= _add_suffix(counted.metrics(_joined(predictions, "centred")))
    return Evaluation(
        metrics=metrics,
        baselines={},
        threshold=limit,
        verdict=_verdict(metrics, events=counted.events),
        parts=_seeds(predictions, counted),
        season=_season(predictions, period),
    )


def describe_scores(
    series: Series, scores: Scores, *, threshold: float, window: int, trained_ms: int
) -> dict[str, Any]:
    """Return scores and alarms of a file, as `Project.answer` does.

    `window` is the number of points that a score depends on, 0 for one; `trained_ms` the step of the training series.
    """
    is_alarm = scoring.alarms(scores.causal, threshold)
    columns = {"columns": dict(zip(series.names, series.variables.T.tolist(), strict=True))} if series.names else {}
    return {
        "threshold": threshold,
        "alarms": int(is_alarm.sum()),
        "rows": list(range(2, len(is_alarm) + 2)),
        "times": series.times.tolist(),
        "values": series.values.tolist(),
        **columns,
        "errors": scores.causal.tolist(),
        "centred": scores.centered.tolist(),
        "alarm_rows": (np.flatnonzero(is_alarm) + 2).tolist(),
        "unscored": max(0, window - 1),
        "context_ms": window * series.step_ms,
        "note": describe_step_difference(series.step_ms, trained_ms),
        "receipt": list(series.receipt),
    }


def threshold_of(scores: np.ndarray, rule: Rule, *, mask: np.ndarray, known: np.ndarray) -> float:
    """Threshold from the scores (n,) of the points in `mask` (n,) before the test split; reads no label.

    "midway" lies between the largest score of ordinary points and that of `known` (n,) unusual points (maximum margin);
    without such points, or if they do not stand out, it is the maximum.
    """
    if rule != "midway":
        return scoring.threshold_of(scores[mask], rule)
    ordinary, unusual = scores[mask & ~known], scores[mask & known]
    if not len(ordinary):
        return float(scores[mask].max())
    return float((ordinary.max() + max(ordinary.max(), unusual.max(initial=ordinary.max()))) / 2)


@dataclass(frozen=True)
class ThresholdData:
    """Points before the test split (n,) that set the threshold, those `known` to be unusual (n,), and the rule.

    `fixed` is the threshold of scores that have their own unit.
    """

    points: np.ndarray
    known: np.ndarray
    rule: Rule
    fixed: float | None = None

    def threshold(self, scores: np.ndarray) -> float:
        """Threshold from scores (T,) of a series; test scores are not read."""
        if self.fixed is not None:
            return self.fixed
        return threshold_of(scores[: len(self.points)], self.rule, mask=self.points, known=self.known)


def baselines(
    series: Series, threshold_data: ThresholdData, *, train: np.ndarray, ends: tuple[int, int], smooth: int
) -> dict[str, dict[str, float]]:
    """Metrics of scores that need no training.

    train (T,) masks the points they are fitted on; smooth is the length of the running means in points (0: a seventh
    of the period).
    """
    metrics: dict[str, dict[str, float]] = {}
    done: dict[int, dict[str, float]] = {}  # a detector of windows has one score for two forms
    counted = CountingRule(series.labels, series.step_ms / HOUR_MS, ends, threshold_data, _ranges(series.times, series))
    scores = simple.series_scores(
        series.times, series.values, train=train, period=series.period or None, smooth=smooth or None
    )
    for name, score in scores.items():
        if id(score) not in done:
            done[id(score)] = counted.metrics(score, draws=BOOTSTRAP_DRAWS)
        metrics[name] = done[id(score)]
    return metrics


def compare_with_baselines(evaluation: Evaluation, *, smooth: bool) -> str:
    """Compare the detector with every baseline of the same smoothing, one sentence per kind."""
    sentences = [_compare_kind(evaluation, "", "causal" if smooth else "raw")]
    if f"{next(iter(COMPARED))}_centred" in evaluation.metrics and smooth:
        sentences.append(_compare_kind(evaluation, "_centred", "centred"))
    return " ".join(sentence for sentence in sentences if sentence)


@dataclass(frozen=True)
class CountingRule:
    """Everything that metrics of scores (T,) depend on.

    targets (T,); `ends` of train and validation; the points that set thresholds; plausible (P, 2): index ranges known
    to be unusual.
    """

    targets: np.ndarray
    step_hours: float
    ends: tuple[int, int]
    threshold_data: ThresholdData
    plausible: np.ndarray

    @classmethod
    def of(cls, predictions: Predictions, threshold_data: ThresholdData, *, dataset: str) -> "CountingRule":
        """From a run's stored predictions."""
        times = _joined(predictions, "ids")
        lengths = [len(predictions[f"{name}_scores"]) for name in PARTS]
        step = float(np.median(np.diff(times))) / HOUR_MS if len(times) > 1 else 1.0
        holidays = Series(times, times, unlabeled=public_holidays(dataset))
        ends = (lengths[0], lengths[0] + lengths[1])
        return cls(_joined(predictions, "targets"), step, ends, threshold_data, _ranges(times, holidays))

    @property
    def events(self) -> int:
        """Number of labeled windows in the test split."""
        return len(scoring.true_ranges(self.targets[self.ends[0] :].astype(bool)))

    def metrics(
        self, scores: np.ndarray, *, threshold: float | None = None, draws: int = 0, seed: int = 0
    ) -> dict[str, float]:
        """All metrics of scores (T,)."""
        return scoring.scorecard(
            scores,
            self.targets,
            threshold=self.threshold_data.threshold(scores) if threshold is None else threshold,
            counted_from=self.ends[0],
            test_from=self.ends[1],
            step_hours=self.step_hours,
            plausible=self.plausible,
            draws=draws,
            seed=seed,
        )


def _seeds(predictions: Predictions, counted: CountingRule) -> dict[str, dict[str, float]]:
    """Metrics of each seed with their mean, minimum and maximum; empty for one seed."""
    if "test_members" not in predictions:
        return {}
    causal, centered = _joined(predictions, "members"), _joined(predictions, "members_centred")
    rows = {
        f"seed_{seed + 1}": counted.metrics(causal[:, seed]) | _add_suffix(counted.metrics(centered[:, seed]))
        for seed in range(causal.shape[1])
    }
    shared = [name for name in next(iter(rows.values())) if all(name in row for row in rows.values())]
    table = {name: [row[name] for row in rows.values()] for name in shared}
    return rows | {
        "seeds_mean": {name: float(np.mean(values)) for name, values in table.items()},
        "seeds_lowest": {name: min(values) for name, values in table.items()},
        "seeds_highest": {name: max(values) for name, values in table.items()},
    }


def _add_suffix(metrics: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}_centred": value for name, value in metrics.items()}


def _joined(predictions: Predictions, what: str) -> np.ndarray:
    """One array over all splits in chronological order."""
    return np.concatenate([predictions[f"{name}_{what}"] for name in PARTS])


def _ranges(times: np.ndarray, series: Series) -> np.ndarray:
    """Index ranges (P, 2) of unlabeled public holidays."""
    spans = [(np.searchsorted(times, w.start), np.searchsorted(times, w.end, "right")) for w in series.unlabeled]
    return np.array([span for span in spans if span[1] > span[0]], dtype=np.int64).reshape(-1, 2)


def _compare_kind(evaluation: Evaluation, suffix: str, kind: str) -> str:
    """One sentence: the detector against the best baseline of that kind, for each compared metric."""
    comparisons, better = [], True
    for metric, title in COMPARED.items():
        baseline_values = {
            name: values[metric]
            for name, values in evaluation.baselines.items()
            if metric in values and (name.endswith(f"_{kind}") or name == "random")
        }
        value = evaluation.metrics.get(metric + suffix)
        if value is None or not baseline_values:
            return ""
        best = max(baseline_values, key=lambda name: baseline_values[name])
        better &= value > baseline_values[best]
        digits = 1 if metric == "nab_standard" else 3
        title_of_best = baseline_title(best, smoothing=False, season=evaluation.season)
        named = f"best baseline ({title_of_best}) {baseline_values[best]:.{digits}f}"
        comparisons.append(f"{title} {value:.{digits}f}, {named}")
    text = "beats every baseline" if better else "does not beat every baseline"
    return f"With {SMOOTHING[kind]} scores the detector {text} at the same smoothing: {'; '.join(comparisons)}."


def _season(predictions: Predictions, period: int) -> str:
    """Length of the baselines' period; empty if it is a week."""
    times = _joined(predictions, "ids")
    train = np.arange(len(times)) < len(predictions["train_ids"])
    period = period or simple.seasonal_period(times, train)
    if period <= 1:
        return "no season"
    length = period * float(np.median(np.diff(times)))
    return "" if length == 7 * DAY_MS else format_duration(length)


def describe_flood(metrics: Mapping[str, float]) -> str:
    """Say that most points are alarms, so that no count of events means anything; empty if they are not."""
    share = metrics.get("alarm_share", 0.0)
    if share <= scoring.MOST_ALARMS:
        return ""
    return (
        f"{share:.0%} of the points after training are alarms, so the threshold separates nothing. Train longer, "
        "choose another model, or move the threshold."
    )


def _verdict(metrics: Mapping[str, float], *, events: int) -> str:
    if flood := describe_flood(metrics):
        return flood
    if "events_hit" not in metrics:
        count = metrics["alarms"]
        return f"This series has no labels: {count:.0f} alarm{'' if count == 1 else 's'} after training."
    if not events:
        return "This split has no labels: only alarms are counted."
    false = metrics["false_alarms"]
    plausible = metrics.get("false_alarms_plausible", 0.0)
    known = f", {plausible:.0f} of them on an unlabeled public holiday" if plausible else ""
    lasting = f" ({metrics['alarm_share']:.0%} of the unlabeled points)" if "alarm_share" in metrics else ""
    alarms = f"{false:.0f} false alarm{'' if false == 1 else 's'}{known}{lasting}"
    return (
        f"After training, {metrics['events_hit']:.0f} of {events} labeled events are detected by causal scores, with "
        f"{alarms}; NAB {metrics.get('nab_standard', 0.0):.1f}."
    )
