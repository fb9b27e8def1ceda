"""Scores of an anomaly run and of baselines at the same smoothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.evaluation import anomaly
from dlcore.evaluation.metrics import SMOOTHING, baseline_title, format_metric, format_with_interval, metric_title
from dlcore.projects import verdicts
from dlcore.projects.anomaly.evaluation import describe_flood
from dlcore.projects.project import Evaluation, Project
from dlcore.runs import Bundle, Run
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.metric_table import compare_with_baseline, score_table, show_definitions

PARTS = ("train", "validation", "test")
EVENTS = ("nab_standard", "events_hit", "false_alarms", "delay_h", "vus_pr")
POINTS = ("auc_pr", "roc_auc", "precision", "recall", "f1", "accuracy")
MORE = ("nab_low_fp", "nab_low_fn", "range_precision", "range_recall", "range_f1")
DECIDING = ("nab_standard", "vus_pr")
"""Metrics that decide the comparison: one with a threshold, one without."""
SMOOTHING_LABELS = {
    "causal": "Causal: uses no later points",
    "centred": "Centered: uses later points",
    "raw": "Unsmoothed",
}
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class ScoredSeries:
    """A run's causal scores over the whole series: scores, targets, times (N,), and the split ends."""

    scores: np.ndarray
    targets: np.ndarray
    times: np.ndarray
    ends: tuple[int, int]

    @property
    def step_hours(self) -> float:
        """Hours between points."""
        return float(np.median(np.diff(self.times))) / HOUR_MS if len(self.times) > 1 else 1.0

    @property
    def windows(self) -> np.ndarray:
        """Index ranges (E, 2) of the labeled windows after training."""
        windows = anomaly.true_ranges(self.targets.astype(bool))
        return windows[windows[:, 1] > self.ends[0]]


def load_scored_series(bundle: Bundle) -> ScoredSeries | None:
    """Return the run's stored scores in order of time; None if it did not store all splits."""
    stored = run_cache.predictions(bundle)
    if not all(f"{name}_scores" in stored for name in PARTS):
        return None
    scores, targets, times = (
        np.concatenate([stored[f"{name}_{what}"] for name in PARTS]) for what in ("scores", "targets", "ids")
    )
    first, second = (len(stored[f"{name}_scores"]) for name in PARTS[:2])
    return ScoredSeries(scores, targets, times, (first, first + second))


def show_summary(run: Run, bundle: Bundle) -> None:
    """Show what is detected at the run's threshold and how it compares with the baselines."""
    evaluation, scored = run_cache.evaluation(bundle), load_scored_series(bundle)
    if scored is not None and not scored.targets.any():
        st.markdown(
            "This series has **no labels**, so alarms cannot be verified. Label known anomalies "
            "below, or compare the number of alarms of each method."
        )
    elif scored is None or "nab_standard" not in evaluation.metrics:  # evaluated before NAB was added
        st.markdown(f"{as_text(evaluation.verdict)} {compare_with_baseline(evaluation, 'auc_pr')}")
    else:
        run_smoothing = get_smoothing(run)
        if evaluation.suggested_epochs:
            st.info(verdicts.describe_short_training(evaluation), icon=":material/hourglass_empty:")
        st.markdown(f"{_describe_detection(evaluation, scored)} {_describe_outcome(evaluation, run_smoothing)}")


def show_scores(project: Project, run: Run, bundle: Bundle) -> None:
    """Draw the table of scores beside baselines, one smoothing at a time."""
    evaluation, title = run_cache.evaluation(bundle), project.models[run.record.model].title
    scored, run_smoothing = load_scored_series(bundle), get_smoothing(run)
    st.subheader("Comparison with baselines", anchor=False)
    if scored is not None and not scored.targets.any():
        _without_labels(evaluation, run_smoothing)
        return
    if scored is None or "nab_standard" not in evaluation.metrics:
        score_table(evaluation, title=title, n=len(run_cache.predictions(bundle)["test_scores"]), unit="points")
        return
    smoothings = [
        smoothing for smoothing in SMOOTHING if select_baselines(evaluation, smoothing) or smoothing == run_smoothing
    ]
    smoothing = choose(
        "Smoothing",
        smoothings,
        key="smoothing",
        default=run_smoothing,
        format_func=SMOOTHING_LABELS.__getitem__,
        show_label=True,
    )
    _tables(evaluation, smoothing, run_smoothing=run_smoothing, title=title, scored=scored)
    compared = ("causal", "centred") if run_smoothing == "causal" else (run_smoothing,)
    st.markdown("\n".join(f"- {describe_comparison(evaluation, name, run_smoothing)}" for name in compared))
    _show_excluded(run)


def _without_labels(evaluation: Evaluation, run_smoothing: str) -> None:
    """Draw the number of alarms of each method, all that can be counted without labels."""
    methods = {"▶ This run": evaluation.metrics} | {
        baseline_title(name, smoothing=False, season=evaluation.season): values
        for name, values in select_baselines(evaluation, run_smoothing).items()
    }
    rows = [
        {
            "Method": name,
            "Alarms after training": format_with_interval(values, "alarms" if "alarms" in values else "false_alarms"),
            "Threshold": f"{values['threshold']:.4g}",
        }
        for name, values in methods.items()
        if "threshold" in values
    ]
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Alarms of this run and baselines")
        st.caption(
            "Counted after the training split; alarms less than a day apart count as one. Thresholds come from scores "
            "before the test split."
        )


def get_smoothing(run: Run) -> str:
    """Return how the run's score is smoothed: `causal` for a trailing mean, else `raw`."""
    smoothing = run.config.flat.get("smoothing_h", 0.0)
    return "causal" if smoothing > 0 else "raw"


def select_metrics(evaluation: Evaluation, smoothing: str, run_smoothing: str) -> dict[str, float]:
    """Return the run's metrics at one smoothing, without suffix; empty if it has none."""
    if smoothing == "centred":
        end = "_centred"
        return {name.removesuffix(end): value for name, value in evaluation.metrics.items() if name.endswith(end)}
    return (
        {k: v for k, v in evaluation.metrics.items() if not k.endswith("_centred")}
        if smoothing == run_smoothing
        else {}
    )


def select_baselines(evaluation: Evaluation, smoothing: str) -> dict[str, dict[str, float]]:
    """Return the baselines at one smoothing, including the random score."""
    matching = {name: values for name, values in evaluation.baselines.items() if name.endswith(f"_{smoothing}")}
    random = {name: values for name, values in evaluation.baselines.items() if name == "random"}
    return matching | random if matching else {}


def describe_comparison(evaluation: Evaluation, smoothing: str, run_smoothing: str) -> str:
    """Compare the run with the best baseline by NAB and by VUS-PR, at one smoothing."""
    compared = _against_best(evaluation, smoothing, run_smoothing)
    if not compared:
        return ""
    parts = [
        f"{metric_title(metric)} {format_metric(metric, value)} against {format_metric(metric, best)} "
        f"({baseline_title(name, smoothing=False, season=evaluation.season)})"
        for metric, (value, best, name) in compared.items()
    ]
    methods = len(select_baselines(evaluation, smoothing)) + 1
    label = SMOOTHING[smoothing].capitalize()
    return f"{label} scores: **{_outcome(compared)}** among {methods} methods. {'; '.join(parts)}."


Compared = dict[str, tuple[float, float, str]]
"""Metric -> value of the run, value and name of the best baseline."""


def _against_best(evaluation: Evaluation, smoothing: str, run_smoothing: str) -> Compared:
    metrics, baselines = select_metrics(evaluation, smoothing, run_smoothing), select_baselines(evaluation, smoothing)
    compared: Compared = {}
    for metric in DECIDING:
        values = {name: scores[metric] for name, scores in baselines.items() if metric in scores}
        if metric in metrics and values:
            best = max(values, key=lambda name: values[name])
            compared[metric] = (metrics[metric], values[best], best)
    return compared


def _outcome(compared: Compared) -> str:
    wins = [value > best for value, best, _ in compared.values()]
    return "the detector wins" if all(wins) else "no clear winner" if any(wins) else "the baselines win"


def _describe_outcome(evaluation: Evaluation, smoothing: str) -> str:
    """Compare the run with the best baseline in a few words."""
    compared = _against_best(evaluation, smoothing, smoothing)
    if not compared:
        return ""
    metric, (value, best, _) = next(iter(compared.items()))
    numbers = f"{metric_title(metric)} {format_metric(metric, value)}, best baseline {format_metric(metric, best)}"
    return f"{numbers}: **{_outcome(compared)}**."


def _describe_detection(evaluation: Evaluation, scored: ScoredSeries) -> str:
    metrics, total = evaluation.metrics, len(scored.windows)
    if flood := describe_flood(metrics):
        return f"**{flood.partition('.')[0]}.**{flood.partition('.')[2]}"
    false = int(metrics["false_alarms"])
    alarms = "no false alarm" if not false else f"{false} false alarm{'s' if false > 1 else ''}"
    return f"**{metrics['events_hit']:.0f} of {total}** labeled events detected, **{alarms}**."


def _show_excluded(run: Run) -> None:
    excluded = run.config.flat.get("leave_out", "")
    if excluded:
        st.caption(f"Excluded from training and from every threshold, also the baselines: {excluded}.")


def _tables(evaluation: Evaluation, smoothing: str, *, run_smoothing: str, title: str, scored: ScoredSeries) -> None:
    metrics = select_metrics(evaluation, smoothing, run_smoothing)
    methods: dict[str, Mapping[str, float]] = {"▶ This run": metrics} if metrics else {}
    methods |= {
        baseline_title(name, smoothing=False, season=evaluation.season): values
        for name, values in select_baselines(evaluation, smoothing).items()
    }
    tabs = st.tabs(["Events, NAB and VUS", "Point-wise", "More metrics"])
    for tab, names, note in zip(tabs, (EVENTS, POINTS, MORE), _notes(scored), strict=True):
        with tab:
            columns = [name for name in names if any(name in values for values in methods.values())]
            st.dataframe(
                metrics_table(methods, columns, events=len(scored.windows)),
                hide_index=True,
                width="stretch",
                alt=f"{SMOOTHING[smoothing].capitalize()} scores of {title} and baselines: {', '.join(columns)}",
            )
            st.caption(note)
    if not metrics:
        st.caption(f"This run has no {SMOOTHING[smoothing]} score; only the baselines are shown.")
    with st.expander("Definitions"):
        show_definitions((*EVENTS, *POINTS, *MORE), select_baselines(evaluation, smoothing))


def metrics_table(methods: Mapping[str, Mapping[str, float]], names: list[str], *, events: int) -> pd.DataFrame:
    """Return one row per method, best first by the first metric."""
    order = sorted(methods, key=lambda method: -methods[method].get(names[0], -np.inf)) if names else list(methods)
    rows = [
        {"Method": method, **{metric_title(name): _cell(methods[method], name, events) for name in names}}
        for method in order
    ]
    return pd.DataFrame(rows)


def _cell(values: Mapping[str, float], name: str, events: int) -> str:
    plausible = int(values.get("false_alarms_plausible", 0))
    if name == "false_alarms" and plausible:
        return f"{format_with_interval(values, name)} ({plausible} plausible)"
    return (
        f"{format_with_interval(values, name)} of {events}"
        if name == "events_hit" and name in values
        else format_with_interval(values, name)
    )


def _notes(scored: ScoredSeries) -> tuple[str, str, str]:
    after, test = len(scored.times) - scored.ends[0], len(scored.times) - scored.ends[1]
    counted = f"Counted on the {after:,} points after training, each method at its own threshold"
    return (
        f"{counted}, set by the same rule from scores before the test split. VUS-PR needs no threshold and uses "
        "the whole series. Plausible: on an unlabeled public holiday.",
        f"Test split, {test:,} points. In brackets: 95 % bootstrap confidence interval over weeks. "
        "Areas need no threshold.",
        f"{counted}.",
    )
