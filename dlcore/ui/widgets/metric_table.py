"""The metrics of a run beside those of simpler methods, each with its interval, and who wins in plain words."""

from collections.abc import Iterable, Mapping

import pandas as pd
import streamlit as st

from dlcore.projects.project import Evaluation
from dlcore.ui.widgets.headline import BASELINES, NAMES, baseline_method, baseline_title, causal_baselines

METHODS = {
    "majority": "the commonest class of the training part, whatever the sample",
    "nearest_centroid": "the class whose mean training sample is nearest",
    "logistic_regression": "one weight for each input value and class, no hidden layer",
    "tfidf_logistic_regression": "one weight for each word, common words counted less",
    "nb_svm": "one weight for each word and each pair, begun from how much oftener a class says it",
    "trigram_svm": "one weight for each run of up to three words; it calls and orders but gives no probabilities",
    "weekly_median": "how far a value is from the training part's median for that time of the week",
    "median_mad": "how far a value is from the training part's median, whatever the time",
    "weekly_mad": "the weekly median's distance, divided by how large it usually is at that time (MAD)",
    "seasonal_naive": "how far a value is from the one a week before",
    "nearest_window": "how far the last day is from the most similar day of the training part",
    "random": "a score drawn by chance",
    "persistence": "the last value measured, for every step to come",
    "yesterday": "the value of the same time the day before",
    "ridge": "a linear method: every value of the window, the hour of the day, and products of both, fitted in seconds",
    "mean_picture": "how far a picture is from the mean of the training part",
    "principal_components": "rebuilt from as many principal components as the bottleneck has numbers: the best that a "
    "network without activations can do",
    "copy": "the source itself, symbol by symbol",
    "nearest_item": "what stood with the training source that shares most runs of up to three symbols; where no answer "
    "comes twice, as of days, it cannot be right",
    "date_parser": "rules that people wrote, the day before the month; they learn nothing",
    "any_digit_there": "each digit that stands in the sequence, by how often",
}
WORDS = {
    "nab_standard": "score of the Numenta Anomaly Benchmark: early alarms in labelled events earn most, alarms outside "
    "cost; 100 is perfect, 0 is silence, below 0 the false alarms cost more than the events earn",
    "events_hit": "labelled events with at least one alarm inside",
    "false_alarms": "bursts of alarms outside every labelled event",
    "delay_h": "hours from the start of a caught event's window to its first alarm, on average; windows of the Numenta "
    "benchmark begin well before the day they are about",
    "vus_pr": "area under the precision-recall curve, averaged over how exactly a label's edges are taken; needs no "
    "threshold; guessing gets about the share of labelled points",
    "accuracy": "share of all answers that are right",
    "exact_match": "share of the answers that are right in every symbol, from the first to the end",
    "precision": "share of the alarms (or positive answers) that are right",
    "recall": "share of the anomalies (or positives) that are found",
    "f1": "precision and recall in one number (their harmonic mean)",
    "roc_auc": "chance that a positive scores higher than a negative; 0.5 is guessing",
    "auc_pr": "area under the precision-recall curve; guessing gets the share of positives",
    "nab_low_fp": "NAB where false alarms cost double (reward_low_FP_rate)",
    "nab_low_fn": "NAB where missed events cost double (reward_low_FN_rate)",
    "range_precision": "like precision, each burst of alarms counting once however long it is",
    "range_recall": "like recall, each labelled event counting once however long it is",
    "range_f1": "range precision and range recall in one number",
    "ece": "mean gap between how sure the model is and how often it is right; 0 is best",
    "loss": "mean surprise at the truth (negative log of its probability); lower is better",
}
_PERCENT = {"accuracy", "exact_match", "precision", "recall", "f1", "ece"}
_PERCENT |= {"range_precision", "range_recall", "range_f1"}
_COUNTS = {"events_hit", "false_alarms", "false_alarms_plausible"}
_TENTHS = {"nab_standard", "nab_low_fp", "nab_low_fn", "delay_h"}
_LOWER_WINS = {"loss", "ece", "false_alarms", "delay_h"}


def score_table(evaluation: Evaluation, *, title: str, n: int, unit: str) -> None:
    """The run's metrics on top, a row for each baseline below; intervals of 95 % in brackets."""
    methods = {title: evaluation.metrics} | {
        baseline_title(name): values for name, values in evaluation.baselines.items()
    }
    shown = [name for name in WORDS if any(name in values for values in methods.values())]
    table = pd.DataFrame(
        [
            {"Method": method, **{NAMES[name]: format_cell(values, name) for name in shown}}
            for method, values in methods.items()
        ]
    )
    st.dataframe(table, hide_index=True, width="stretch", alt=f"Scores of {title} and of simpler methods on test")
    st.caption(
        f"Test split, {n:,} {unit}. In brackets: where the value would lie 95 times in 100 with other test data."
    )
    with st.expander("What the rows and columns mean"):
        show_definitions(shown, evaluation.baselines)


def show_definitions(metrics: Iterable[str], baselines: Iterable[str]) -> None:
    """Every metric and every simple method in plain words."""
    methods = dict.fromkeys(baseline_method(name) for name in baselines)
    rows = [f"- **{NAMES[name]}**: {WORDS[name]}" for name in metrics if name in WORDS]
    rows += [f"- **{BASELINES[name]}**: {METHODS[name]}" for name in methods if name in METHODS]
    st.markdown("\n".join(rows))


def compare_with_baseline(evaluation: Evaluation, metric: str) -> str:
    """A sentence on the run against the best baseline by one metric; within the run's interval is no difference."""
    own = evaluation.metrics.get(metric)
    rivals = {
        name: values[metric] for name, values in causal_baselines(evaluation.baselines).items() if metric in values
    }
    if own is None or not rivals:
        return ""
    sign = -1 if metric in _LOWER_WINS else 1
    best = max(rivals, key=lambda name: sign * rivals[name])
    name, value = baseline_title(best), rivals[best]
    low, high = evaluation.metrics.get(f"{metric}_low", own), evaluation.metrics.get(f"{metric}_high", own)
    against = (
        f"{NAMES[metric]} {format_metric(metric, own)} ({format_metric(metric, low)} to {format_metric(metric, high)}) "
        f"against {format_metric(metric, value)}"
    )
    if low <= value <= high:
        return f"**No clear difference** from the best simple method, “{name}”: {against}."
    if sign * value > sign * own:
        return f"**The simple method wins**: “{name}” does better than this network: {against}."
    return f"**The network wins** over the best simple method, “{name}”: {against}."


def format_metric(metric: str, value: float) -> str:
    """A metric's value as a person reads it: percent, a count, or a plain number."""
    if metric in _PERCENT:
        return f"{value:.1%}"
    if metric in _TENTHS:
        return f"{value:.1f}"
    return f"{value:.0f}" if metric in _COUNTS else f"{value:.3f}"


def format_cell(values: Mapping[str, float], name: str) -> str:
    """A table's cell: the value, and its interval where one is known; a dash where it is not defined."""
    if name not in values:
        return "–"
    low, high = values.get(f"{name}_low"), values.get(f"{name}_high")
    if low is None or high is None:
        return format_metric(name, values[name])
    ends = f"{100 * low:.1f}–{100 * high:.1f}" if name in _PERCENT else f"{low:.3f}–{high:.3f}"
    return f"{format_metric(name, values[name])} ({ends})"
