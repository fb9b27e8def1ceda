"""The one number that stands for a run, beside the best of the simple baselines."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlcore.projects.project import Evaluation

PREFERRED = ("nab_standard", "accuracy", "f1", "r2_mean", "skill", "exact_match", "roc_auc")
NAMES = {
    "loss": "Loss",
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "auc_pr": "Area under PR",
    "ece": "Calibration error",
    "exact_match": "Exact match",
    "r2_mean": "R² (mean)",
    "skill": "Skill",
    "mae": "Mean absolute error",
    "nab_standard": "NAB score",
    "events_hit": "Events hit",
    "false_alarms": "False alarms",
    "vus_pr": "VUS-PR",
    "delay_h": "Delay (h)",
    "nab_low_fp": "NAB, quiet",
    "nab_low_fn": "NAB, alert",
    "range_precision": "Range precision",
    "range_recall": "Range recall",
    "range_f1": "Range F1",
}
"""Metric names as people read them."""
BASELINES = {
    "majority": "Always the commonest class",
    "nearest_centroid": "Nearest class mean",
    "logistic_regression": "Logistic regression",
    "tfidf_logistic_regression": "Logistic regression on word counts (TF-IDF)",
    "nb_svm": "NB-SVM on pairs of words",
    "trigram_svm": "Linear SVM on three words in a row",
    "weekly_median": "Weekly median",
    "median_mad": "Distance from the median",
    "weekly_mad": "Weekly median, by its spread",
    "seasonal_naive": "Same time last week",
    "nearest_window": "Nearest day of training",
    "random": "Random guessing",
    "persistence": "Copying the last value",
    "yesterday": "Same time yesterday",
    "ridge": "Ridge regression",
    "mean_picture": "Distance from the mean picture",
    "principal_components": "Principal components",
    "any_digit_there": "Any digit that is there",
    "copy": "Copying the source",
    "nearest_item": "Answer of the most similar training item",
    "date_parser": "Date parser of pandas",
}
"""Simple methods as people read them."""
FORMS = {"causal": "causal", "centred": "centred", "raw": "unsmoothed"}
"""How a baseline's score was smoothed, by the end of its name, and how that is said."""
_SINCE_SMOOTHED = {"median_mad": "weekly_mad"}
"""Runs whose baselines carry no form in their names took the median of all times under this name."""
_OF_EVENTS = ("nab_standard", "auc_pr", *PREFERRED)
"""Where events are looked for: NAB, else a measure that needs no threshold, since alarms are rare."""
_LOWER_IS_BETTER = {"loss", "ece", "mae", "false_alarms", "delay_h"}


@dataclass(frozen=True)
class Summary:
    """A metric of the run with its interval, and the best baseline's value of the same metric, where there is one."""

    metric: str
    value: float
    low: float | None
    high: float | None
    baseline: str = ""
    baseline_value: float | None = None

    @property
    def name(self) -> str:
        """The metric's name as people read it."""
        return NAMES.get(self.metric, self.metric.replace("_", " "))

    @property
    def beaten(self) -> bool:
        """Whether the baseline does at least as well as the run."""
        if self.baseline_value is None:
            return False
        if self.metric in _LOWER_IS_BETTER:
            return self.baseline_value <= self.value
        return self.baseline_value >= self.value


def summary(evaluation: "Evaluation") -> Summary | None:
    """The first of the preferred metrics that the run has, rather one that some baseline has too."""
    metrics, baselines = evaluation.metrics, causal_baselines(evaluation.baselines)
    order = _OF_EVENTS if "events_hit" in metrics else PREFERRED
    shared = [name for name in order if any(name in values for values in baselines.values())]
    mine = [name for name in (*shared, *order) if name in metrics]
    if not mine:
        return None
    metric = mine[0]
    rivals = {name: values[metric] for name, values in baselines.items() if metric in values}
    best = (min if metric in _LOWER_IS_BETTER else max)(rivals, key=lambda name: rivals[name], default="")
    return Summary(
        metric=metric,
        value=metrics[metric],
        low=metrics.get(f"{metric}_low"),
        high=metrics.get(f"{metric}_high"),
        baseline=_inside_a_sentence(baseline_title(best)),
        baseline_value=rivals.get(best),
    )


def causal_baselines(baselines: "Mapping[str, Mapping[str, float]]") -> "dict[str, Mapping[str, float]]":
    """The baselines that use nothing later than the point they judge: a centred one sees what a run's own score may
    not."""
    return {name: values for name, values in baselines.items() if not name.endswith("_centred")}


def format_metric(metric: str, value: float) -> str:
    """A metric's value as people read it: fractions as percentages where that is the custom."""
    if metric in ("accuracy", "exact_match"):
        return f"{value:.1%}"
    return f"{value:.1f}" if metric in ("nab_standard", "delay_h") or abs(value) >= 100 else f"{value:.3f}"


def baseline_title(name: str, *, form: bool = True) -> str:
    """A baseline's name as people read it, with (`form`) how its score was smoothed."""
    end = name.rpartition("_")[2]
    title = BASELINES.get(baseline_method(name), name.replace("_", " ").capitalize())
    return f"{title}, {FORMS[end]}" if form and end in FORMS else title


def baseline_method(name: str) -> str:
    """The method behind a baseline's name, as `BASELINES` has it."""
    method, _, end = name.rpartition("_")
    return _SINCE_SMOOTHED.get(method, method) if end in FORMS else name


def _inside_a_sentence(title: str) -> str:
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]  # an abbreviation stays as it is
