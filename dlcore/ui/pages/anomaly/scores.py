"""Scores of the anomaly page beside baselines at the same smoothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.evaluation import anomaly
from dlcore.evaluation.metrics import SMOOTHING, baseline_title, format_metric, format_with_interval, metric_title
from dlcore.projects.project import Evaluation, Project
from dlcore.runs import Bundle, Run
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.metric_table import compare_with_baseline, score_table, show_definitions

PARTS = ("train", "validation", "test")
EVENTS = ("nab_standard", "events_hit", "false_alarms", "delay_h", "vus_pr")
POINTS = ("auc_pr", "roc_auc", "precision", "recall", "f1", "accuracy")
OTHERS = ("nab_low_fp", "nab_low_fn", "range_precision", "range_recall", "range_f1")
DECIDING = ("nab_standard", "vus_pr")
"""Metrics that decide the comparison: one with a threshold, one without."""
FORM_LABELS = {"causal": "Causal: uses no later points", "centred": "Centered: uses later points", "raw": "Unsmoothed"}
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Whole:
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
        found = anomaly.true_ranges(self.targets.astype(bool))
        return found[found[:, 1] > self.ends[0]]


def whole(bundle: Bundle) -> Whole | None:
    """Return the run's stored scores in order of time; None if it did not store all splits."""
    stored = run_cache.predictions(bundle)
    if not all(f"{name}_scores" in stored for name in PARTS):
        return None
    scores, targets, times = (
        np.concatenate([stored[f"{name}_{what}"] for name in PARTS]) for what in ("scores", "targets", "ids")
    )
    first, second = (len(stored[f"{name}_scores"]) for name in PARTS[:2])
    return Whole(scores, targets, times, (first, first + second))


def who_wins(run: Run, bundle: Bundle) -> None:
    """Show what is detected at the run's threshold and how it compares with the baselines."""
    evaluation, joined = run_cache.evaluation(bundle), whole(bundle)
    if joined is not None and not joined.targets.any():
        st.markdown(
            "This series has **no labels**, so alarms cannot be verified. Label known anomalies "
            "below, or compare the number of alarms of each method."
        )
    elif joined is None or "nab_standard" not in evaluation.metrics:  # evaluated before NAB was added
        st.markdown(f"{evaluation.verdict} {compare_with_baseline(evaluation, 'auc_pr')}")
    else:
        own = own_form(run)
        st.markdown(_caught(evaluation, joined))
        st.markdown("\n".join(f"- {duel(evaluation, form, own)}" for form in _judged_forms(own)))
        _left_out(run)


def score_part(project: Project, run: Run, bundle: Bundle) -> None:
    """Draw the table of scores beside baselines, one smoothing at a time."""
    evaluation, title = run_cache.evaluation(bundle), project.models[run.record.model].title
    joined, own = whole(bundle), own_form(run)
    st.subheader("Comparison with baselines", anchor=False)
    if joined is not None and not joined.targets.any():
        _without_labels(evaluation, own)
        return
    if joined is None or "nab_standard" not in evaluation.metrics:
        score_table(evaluation, title=title, n=len(run_cache.predictions(bundle)["test_scores"]), unit="points")
        return
    forms = [form for form in SMOOTHING if rivals_of(evaluation, form) or form == own]
    form = st.segmented_control(
        "Smoothing",
        forms,
        default=own,
        required=True,
        key="smoothing",
        bind="query-params",
        format_func=FORM_LABELS.__getitem__,
    )
    _tables(evaluation, form, own=own, title=title, joined=joined)


def _judged_forms(own: str) -> tuple[str, ...]:
    """Return the run's own form and, for a causal one, the centered form."""
    return ("causal", "centred") if own == "causal" else (own,)


def _without_labels(evaluation: Evaluation, own: str) -> None:
    """Draw the number of alarms of each method, all that can be counted without labels."""
    methods = {"▶ This run": evaluation.metrics} | {
        baseline_title(name, smoothing=False): values for name, values in rivals_of(evaluation, own).items()
    }
    rows = [
        {
            "Method": name,
            "Alarms after training": format_with_interval(values, "false_alarms"),
            "Threshold": f"{values['threshold']:.4g}",
        }
        for name, values in methods.items()
        if "threshold" in values
    ]
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Alarms of this run and simple methods")
        st.caption(
            "Counted after the training split; alarms less than a day apart count as one. Thresholds come from scores "
            "before the test split."
        )


def own_form(run: Run) -> str:
    """Return how the run's score is smoothed: `causal` for a trailing mean, else `raw`."""
    smoothing = run.config.flat.get("smoothing_h", 0.0)
    return "causal" if smoothing > 0 else "raw"


def own_metrics(evaluation: Evaluation, form: str, own: str) -> dict[str, float]:
    """Return the run's metrics of one form, under plain names; empty if it has none."""
    if form == "centred":
        end = "_centred"
        return {name.removesuffix(end): value for name, value in evaluation.metrics.items() if name.endswith(end)}
    return {k: v for k, v in evaluation.metrics.items() if not k.endswith("_centred")} if form == own else {}


def rivals_of(evaluation: Evaluation, form: str) -> dict[str, dict[str, float]]:
    """Return the baselines of one form, including chance."""
    found = {name: values for name, values in evaluation.baselines.items() if name.endswith(f"_{form}")}
    chance = {name: values for name, values in evaluation.baselines.items() if name == "random"}
    return found | chance if found else {}


def duel(evaluation: Evaluation, form: str, own: str) -> str:
    """Describe who wins at one smoothing, by NAB and VUS-PR, against the best baseline of each."""
    mine, rivals = own_metrics(evaluation, form, own), rivals_of(evaluation, form)
    told, better = [], []
    for metric in DECIDING:
        values = {name: found[metric] for name, found in rivals.items() if metric in found}
        if metric not in mine or not values:
            continue
        best = max(values, key=lambda name: values[name])
        better.append(mine[metric] > values[best])
        told.append(
            f"{metric_title(metric)} {format_metric(metric, mine[metric])} against "
            f"{format_metric(metric, values[best])} ({baseline_title(best, smoothing=False)})"
        )
    if not told:
        return ""
    head = "the network wins" if all(better) else "no clear winner" if any(better) else "the baselines win"
    return f"{SMOOTHING[form].capitalize()} scores: **{head}** among {len(rivals) + 1} methods. {'; '.join(told)}."


def _caught(evaluation: Evaluation, joined: Whole) -> str:
    metrics, total = evaluation.metrics, len(joined.windows)
    false = int(metrics["false_alarms"])
    alarms = "no false alarm" if not false else f"{false} false alarm{'s' if false > 1 else ''}"
    delay = f", on average {metrics['delay_h']:.0f} hours after their start" if "delay_h" in metrics else ""
    return (
        f"After training, **{metrics['events_hit']:.0f} of {total}** labeled events raise an alarm{delay}; "
        f"there {'are' if false > 1 else 'is'} **{alarms}**."
    )


def _left_out(run: Run) -> None:
    kept = run.config.flat.get("leave_out", "")
    if kept:
        st.caption(f"Excluded from training and from every threshold, also the baselines': {kept}.")


def _tables(evaluation: Evaluation, form: str, *, own: str, title: str, joined: Whole) -> None:
    mine = own_metrics(evaluation, form, own)
    methods: dict[str, Mapping[str, float]] = {"▶ This run": mine} if mine else {}
    methods |= {baseline_title(name, smoothing=False): values for name, values in rivals_of(evaluation, form).items()}
    tabs = st.tabs(["Events, NAB and VUS", "Point-wise", "More metrics"])
    for tab, names, note in zip(tabs, (EVENTS, POINTS, OTHERS), _notes(joined), strict=True):
        with tab:
            shown = [name for name in names if any(name in values for values in methods.values())]
            st.dataframe(
                table_of(methods, shown, events=len(joined.windows)),
                hide_index=True,
                width="stretch",
                alt=f"{SMOOTHING[form].capitalize()} scores of {title} and baselines: {', '.join(shown)}",
            )
            st.caption(note)
    if not mine:
        st.caption(f"This run has no {SMOOTHING[form]} score; only the baselines are shown.")
    with st.expander("Definitions"):
        show_definitions((*EVENTS, *POINTS, *OTHERS), rivals_of(evaluation, form))


def table_of(methods: Mapping[str, Mapping[str, float]], names: list[str], *, events: int) -> pd.DataFrame:
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


def _notes(joined: Whole) -> tuple[str, str, str]:
    after, test = len(joined.times) - joined.ends[0], len(joined.times) - joined.ends[1]
    counted = f"Counted on the {after:,} points after training, each method at its own threshold"
    return (
        f"{counted}, set by the same rule from scores before the test split. VUS-PR needs no threshold and uses "
        "the whole series. Plausible: on an unlabeled public holiday.",
        f"Test split, {test:,} points. In brackets: 95 % bootstrap confidence interval over weeks. "
        "Areas need no threshold.",
        f"{counted}.",
    )
