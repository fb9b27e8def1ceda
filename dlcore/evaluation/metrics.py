"""Registry of metrics and baselines: title, help, format and direction of each, read by every table, card and page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dlcore.core import packs

if TYPE_CHECKING:
    import numpy as np

Form = Literal["percent", "count", "tenths", "number"]


@dataclass(frozen=True)
class Metric:
    """One metric: its title, its help text, how a value is formatted, and which direction is better.

    in_tables: whether tables of scores have a column for it; other metrics have dedicated pages.
    """

    title: str
    help: str
    form: Form = "number"
    higher_is_better: bool = True
    in_tables: bool = True


@dataclass(frozen=True)
class PackMetric(Metric):
    """A metric of a pack: `compute` returns it for the test split of the runs of a `task` (such as "classification").

    `compute` gets the scores and targets of the predictions: probabilities (N, K) and class numbers (N,) of a
    classifier, scores and labels (N,) of time points. Its 95 % interval comes from bootstrap resamples.
    """

    compute: "Callable[[np.ndarray, np.ndarray], float]" = lambda scores, targets: float("nan")
    task: str = "classification"


@dataclass(frozen=True)
class Baseline:
    """A baseline: its title and what it does.

    `seasonal` is the title where the period is not a week; the length of the period follows in brackets.
    """

    title: str
    help: str
    seasonal: str = ""


_MACRO = "; with more than two classes the mean over classes (macro average), as in scikit-learn"

_BUILT_IN: dict[str, Metric] = {
    "nab_standard": Metric(
        "NAB score",
        "score of the Numenta Anomaly Benchmark, standard profile: early alarms in labeled events earn, alarms "
        "outside cost; 100 is perfect, 0 is no alarm at all",
        "tenths",
    ),
    "events_hit": Metric("Events hit", "labeled events with at least one alarm inside", "count"),
    "alarms": Metric("Alarms", "bursts of alarms of a series without labels", "count", False),
    "alarm_share": Metric(
        "Share of alarms", "share of unlabeled points that are alarms", "percent", False, in_tables=False
    ),
    "false_alarms": Metric("False alarms", "bursts of alarms outside every labeled event", "count", False),
    "delay_h": Metric(
        "Delay (h)",
        "mean hours from the start of a detected event's window to its first alarm; NAB windows start well before the "
        "event",
        "tenths",
        False,
    ),
    "vus_pr": Metric(
        "VUS-PR",
        "volume under the precision-recall surface: area under the curve, averaged over tolerances at the labels' "
        "edges; random scores get about the share of labeled points",
    ),
    "accuracy": Metric("Accuracy", "share of correct predictions", "percent"),
    "accuracy_cv": Metric(
        "Accuracy, cross-validated", "mean accuracy over folds; every sample is predicted once, unseen", "percent"
    ),
    "exact_match": Metric("Exact match", "share of outputs with every symbol correct", "percent"),
    "precision": Metric("Precision", f"share of the predicted positives that are correct{_MACRO}", "percent"),
    "recall": Metric("Recall", f"share of the actual positives that are predicted{_MACRO}", "percent"),
    "f1": Metric("F1", f"harmonic mean of precision and recall{_MACRO}", "percent"),
    "roc_auc": Metric("ROC AUC", "probability that a positive scores higher than a negative; 0.5 is random"),
    "auc_pr": Metric("Area under PR", "area under the precision-recall curve; random scores get the positives' share"),
    "nab_low_fp": Metric("NAB, quiet", "NAB with doubled cost of false alarms (reward_low_FP_rate)", "tenths"),
    "nab_low_fn": Metric("NAB, alert", "NAB with doubled cost of missed events (reward_low_FN_rate)", "tenths"),
    "range_precision": Metric("Range precision", "precision with each burst of alarms counted once", "percent"),
    "range_recall": Metric("Range recall", "recall with each labeled event counted once", "percent"),
    "range_f1": Metric("Range F1", "harmonic mean of range precision and range recall", "percent"),
    "ece": Metric(
        "Calibration error", "expected calibration error: mean gap between confidence and accuracy", "percent", False
    ),
    "loss": Metric("Loss", "cross-entropy: mean negative log-likelihood of the true class", "number", False),
    "r2_mean": Metric("R² (mean)", "mean R² over variables; 1 is perfect, 0 is the test part's mean", in_tables=False),
    "r2": Metric("R²", "coefficient of determination; 1 is perfect, 0 is the test part's mean", in_tables=False),
    "skill": Metric("Skill", "1 - squared error / squared error of repeating the last value", in_tables=False),
    "mae": Metric(
        "Mean absolute error",
        "of forecasts in standard deviations of the variable, else in the unit of the targets",
        higher_is_better=False,
        in_tables=False,
    ),
    "rmse": Metric("Root mean squared error", "in the unit of the targets", higher_is_better=False),
    "coverage_90": Metric("Coverage of 90 % intervals", "share of values inside", "percent", in_tables=False),
    "lead_r2": Metric("R² lead", "mean R² minus that of ridge regression, on the same weeks", in_tables=False),
    "lead_skill": Metric("Skill lead", "skill minus that of ridge regression, on the same weeks", in_tables=False),
    "threshold": Metric("Threshold", "score from which a point raises an alarm", in_tables=False),
    "error_strangers": Metric(
        "Error on the held-out class", "mean reconstruction error of the class excluded from training", in_tables=False
    ),
}
METRICS: packs.Registry[Metric] = packs.Registry("dlcore.metrics", _BUILT_IN, PackMetric)
"""Every metric by name, those of packs last."""

BASELINES: dict[str, Baseline] = {
    "majority": Baseline("Most frequent class", "the most frequent class of the training part, for every sample"),
    "nearest_centroid": Baseline("Nearest class mean", "the class whose mean training sample is nearest"),
    "logistic_regression": Baseline("Logistic regression", "one weight per input value and class, no hidden layer"),
    "hog_svm": Baseline(
        "Linear SVM on HOG", "linear support vector machine on histograms of oriented gradients; no probabilities"
    ),
    "logistic_regression_on_features": Baseline(
        "Logistic regression on features", "logistic regression on the features of the untouched pretrained network"
    ),
    "nearest_neighbors_on_features": Baseline(
        "Nearest neighbors on features", "vote of the ten training samples with the most similar pretrained features"
    ),
    "tfidf_logistic_regression": Baseline(
        "Logistic regression on TF-IDF", "one weight per word; frequent words count less"
    ),
    "nb_svm": Baseline("NB-SVM on bigrams", "linear SVM on words and pairs, weighted by naive Bayes log-count ratios"),
    "trigram_svm": Baseline("Linear SVM on trigrams", "one weight per run of up to three words; no probabilities"),
    "weekly_median": Baseline(
        "Weekly median", "distance from the training median of that time of the week or period", "Seasonal median"
    ),
    "median_mad": Baseline("Distance from the median", "distance from the training median, at any time"),
    "weekly_mad": Baseline(
        "Weekly median, by its spread",
        "distance from the weekly median, divided by the median absolute deviation (MAD) of that time",
        "Seasonal median, MAD-normalized",
    ),
    "seasonal_naive": Baseline(
        "Same time last week", "the value one week or period before, or the distance from it", "Value one period before"
    ),
    "nearest_window": Baseline(
        "Nearest day of training", "distance of the last day from its nearest training day", "Nearest training window"
    ),
    "knn": Baseline("Sub-sequence KNN", "mean distance of a window from the three nearest training windows"),
    "knn_z": Baseline("Sub-sequence KNN, z-normalized", "the same for z-normalized windows: ignores level and scale"),
    "matrix_profile": Baseline("Matrix profile", "z-normalized distance of a window from its nearest training window"),
    "kmeans": Baseline("K-means", "distance of a window from the nearest k-means center of the training windows"),
    "pca": Baseline("PCA", "distance of a window from its reconstruction by principal components of training windows"),
    "isolation_forest": Baseline(
        "Isolation forest", "how few random splits isolate a window, in 100 trees grown on training windows"
    ),
    "mean_target": Baseline("Mean of the targets", "the mean of the targets, for every sample"),
    "random": Baseline("Random scores", "a random score for every sample"),
    "persistence": Baseline("Repeating the last value", "the last measured value, for every step ahead"),
    "yesterday": Baseline("Same time yesterday", "the value one day before"),
    "ridge": Baseline("Ridge regression", "a linear method on the window, the hour of the day and their products"),
    "mean_picture": Baseline("Distance from the mean image", "distance of an image from the training part's mean"),
    "principal_components": Baseline(
        "Principal components",
        "reconstruction from as many principal components as the bottleneck has units: the best of all linear networks",
    ),
    "any_digit_there": Baseline("Any digit of the sequence", "each digit of the sequence, by how often it occurs"),
    "copy": Baseline("Copying the source", "the source itself, symbol by symbol"),
    "nearest_item": Baseline(
        "Nearest training item", "the target of the training source with most symbol trigrams in common"
    ),
    "date_parser": Baseline("Date parser of pandas", "hand-written rules, day before month; nothing is learned"),
}

SMOOTHING = {"causal": "causal", "centred": "centered", "raw": "unsmoothed"}
"""How a baseline's score was smoothed, by the end of its name."""
_RENAMED = {"median_mad": "weekly_mad"}
"""Baselines whose stored names carry a smoothing used this name for the weekly method."""
HEADLINE = ("nab_standard", "accuracy", "f1", "r2_mean", "skill", "exact_match", "roc_auc", "r2")
"""Main metric of a run: the first of these that it has."""
EVENT_HEADLINE = ("nab_standard", "auc_pr", *HEADLINE)
"""The same for event detection: threshold-free metrics first, since alarms are rare."""

Outcome = Literal["better", "tie", "worse"]


@dataclass(frozen=True)
class BaselineComparison:
    """One metric of a run with its 95 % interval, compared with the best baseline.

    outcome: of the run; "tie" if the baseline's value lies inside the run's interval; None without a baseline.
    """

    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    baseline: str = ""
    baseline_value: float | None = None
    outcome: Outcome | None = None

    @property
    def note(self) -> str:
        """Return the outcome as the page head shows it; empty if the run is better."""
        return {"tie": "no clear difference", "worse": "better than this run"}.get(self.outcome or "", "")


def find_metric(name: str) -> Metric | None:
    """Return the metric of a stored name; `r2_co_gt` or `accuracy_centred` are matched by prefix."""
    keys = [key for key in METRICS if name == key or name.startswith(f"{key}_")]
    return METRICS[max(keys, key=len)] if keys else None


def metric_title(name: str) -> str:
    """Return the title of a stored metric, with the suffix of its name in brackets."""
    keys = [key for key in METRICS if name == key or name.startswith(f"{key}_")]
    if not keys:
        return name.replace("_", " ")
    key = max(keys, key=len)
    suffix = name[len(key) :].strip("_").replace("_", " ")
    suffix = SMOOTHING.get(suffix, suffix)
    return f"{METRICS[key].title} ({suffix})" if suffix else METRICS[key].title


def format_metric(name: str, value: float) -> str:
    """Format a value of a metric with its unit: "94.4 %", "4", "0.988"."""
    form = _form(name)
    if form == "percent":
        return format_percent(value)
    if form == "tenths" or (form == "number" and abs(value) >= 100):
        return f"{value:.1f}"
    return f"{value:.0f}" if form == "count" else f"{value:.3f}"


def format_percent(value: float, *, digits: int = 1) -> str:
    """Format a share as "94.4 %"."""
    return f"{100 * value:.{digits}f} %"


def format_interval(name: str, low: float | None, high: float | None) -> str:
    """Format a 95 % interval as "[93.6, 95.1]"; empty if unknown."""
    if low is None or high is None:
        return ""
    return f"[{', '.join(format_metric(name, end).removesuffix(' %') for end in (low, high))}]"


def format_with_interval(values: Mapping[str, float], name: str) -> str:
    """Format a metric of `values` as "94.4 % [93.6, 95.1]"; a dash if it is undefined."""
    if name not in values:
        return "–"
    interval = format_interval(name, values.get(f"{name}_low"), values.get(f"{name}_high"))
    return f"{format_metric(name, values[name])} {interval}".rstrip()


def is_better(name: str, first: float, second: float) -> bool:
    """Return whether the first value of a metric is strictly better than the second."""
    metric = find_metric(name)
    return first > second if metric is None or metric.higher_is_better else first < second


def table_metrics(*rows: Mapping[str, float]) -> list[str]:
    """Return the metrics that tables of these rows show, in the registry's order."""
    return [name for name, metric in METRICS.items() if metric.in_tables and any(name in row for row in rows)]


def baseline_key(name: str) -> str:
    """Return the key in `BASELINES` of a stored baseline name."""
    method, _, smoothing = name.rpartition("_")
    return _RENAMED.get(method, method) if smoothing in SMOOTHING else name


def baseline_title(name: str, *, smoothing: bool = True, season: str = "") -> str:
    """Return the title of a stored baseline; `smoothing` appends how its score was smoothed.

    `season` is the length of its period, "1 day"; empty: as the baseline's title says.
    """
    end = name.rpartition("_")[2]
    baseline = BASELINES.get(baseline_key(name))
    title = baseline.title if baseline else name.replace("_", " ").capitalize()
    if baseline and baseline.seasonal and season:
        title = f"{baseline.seasonal} ({season})"
    return f"{title}, {SMOOTHING[end]}" if smoothing and end in SMOOTHING else title


def causal_baselines(baselines: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    """Return the baselines that use no point after the one they score."""
    return {name: values for name, values in baselines.items() if not name.endswith("_centred")}


def with_smoothing(
    baselines: Mapping[str, Mapping[str, float]], smoothing_h: float | None
) -> dict[str, Mapping[str, float]]:
    """Return the baselines whose scores are smoothed as those of a run: `smoothing_h` > 0 causal, 0 unsmoothed.

    None: the run's project has no smoothing, all are returned.
    """
    excluded = () if smoothing_h is None else ("_raw", "_centred") if smoothing_h else ("_causal", "_centred")
    return {name: values for name, values in baselines.items() if not name.endswith(excluded)}


def compare_with_best_baseline(
    metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]], name: str
) -> BaselineComparison | None:
    """Compare a run's metric with the best causal baseline; None if the run lacks the metric."""
    if name not in metrics:
        return None
    value, low, high = metrics[name], metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    values = {key: row[name] for key, row in causal_baselines(baselines).items() if name in row}
    if not values:
        return BaselineComparison(name, value, low, high)
    metric = find_metric(name)
    best = (max if metric is None or metric.higher_is_better else min)(values, key=lambda key: values[key])
    outcome: Outcome = "better" if is_better(name, value, values[best]) else "worse"
    if (value if low is None else low) <= values[best] <= (value if high is None else high):
        outcome = "tie"
    return BaselineComparison(name, value, low, high, best, values[best], outcome)


def summarize(metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]) -> BaselineComparison | None:
    """Compare the main metric of a run, preferably one that a baseline has too, with the best baseline."""
    order = EVENT_HEADLINE if "events_hit" in metrics else HEADLINE
    rows = causal_baselines(baselines).values()
    shared = [name for name in order if any(name in row for row in rows)]
    for name in (*shared, *order):
        if name in metrics:
            return compare_with_best_baseline(metrics, baselines, name)
    return None


def lower_first(title: str) -> str:
    """Return a title for use inside a sentence; abbreviations keep their capitals."""
    first_word = title.partition(" ")[0]
    return title if any(letter.isupper() for letter in first_word[1:]) else title[:1].lower() + title[1:]


def _form(name: str) -> Form:
    metric = find_metric(name)
    return "number" if metric is None else metric.form
