"""Table of the metrics of a run and its baselines, with intervals and a verdict."""

from collections.abc import Iterable, Mapping

import pandas as pd
import streamlit as st

from dlcore.evaluation.metrics import (
    BASELINES,
    METRICS,
    baseline_key,
    baseline_title,
    compare_with_best_baseline,
    format_interval,
    format_metric,
    format_with_interval,
    lower_first,
    summarize,
    table_metrics,
)
from dlcore.projects.project import Evaluation, Project
from dlcore.runs import Bundle

WIDE = 5
"""With more columns than this, a table with all intervals is wider than the page."""


def score_table(evaluation: Evaluation, *, title: str, n: int, unit: str) -> None:
    """Draw the run's metrics in the first row and a row for each baseline, with 95 % intervals."""
    table = build_table(evaluation, title=title)
    is_wide = len(table.columns) > WIDE
    st.dataframe(
        build_table(evaluation, title=title, intervals=1) if is_wide else table,
        hide_index=True,
        width="stretch",
        alt=f"Test metrics of {title} and of the baselines",
    )
    st.caption(f"Test split, {n:,} {unit}. In brackets: 95 % bootstrap confidence interval.")
    with st.expander("All intervals, metrics and baselines" if is_wide else "Metrics and baselines explained"):
        if is_wide:
            st.dataframe(table, hide_index=True, width="stretch", alt="All metrics with their intervals")
        show_definitions(table_metrics(evaluation.metrics, *evaluation.baselines.values()), evaluation.baselines)


def build_table(evaluation: Evaluation, *, title: str, intervals: int | None = None) -> pd.DataFrame:
    """Return a table with one row per method and one column per metric, the first `intervals` (or all) with theirs."""
    methods: dict[str, Mapping[str, float]] = {title: evaluation.metrics}
    methods |= {baseline_title(name, season=evaluation.season): values for name, values in evaluation.baselines.items()}
    names = table_metrics(*methods.values())
    return pd.DataFrame(
        [
            {"Method": method}
            | {
                METRICS[name].title: format_with_interval(values, name)
                if intervals is None or place < intervals or name not in values
                else format_metric(name, values[name])
                for place, name in enumerate(names)
            }
            for method, values in methods.items()
        ]
    )


def show_definitions(metrics: Iterable[str], baselines: Iterable[str]) -> None:
    """Draw the help text of every metric and every baseline."""
    keys = dict.fromkeys(baseline_key(name) for name in baselines)
    rows = [f"- **{METRICS[name].title}**: {METRICS[name].help}" for name in metrics if name in METRICS]
    rows += [f"- **{BASELINES[key].title}**: {BASELINES[key].help}" for key in keys if key in BASELINES]
    st.markdown("\n".join(rows))


def summarize_run(project: Project, bundle: Bundle) -> str:
    """Return one line: whether the network beats the best baseline, and how it reads texts; the header has numbers."""
    entry, evaluation = project.models[bundle.config.model], bundle.evaluation
    how = entry.summary if project.modality == "text" else ""
    top = summarize(evaluation.metrics, evaluation.baselines)
    if top is None or top.baseline_value is None:
        return how or f"**{entry.title}**."
    baseline = lower_first(baseline_title(top.baseline, season=evaluation.season))
    verdict = {"better": "Beats", "worse": "Loses to", "tie": "Ties with"}[top.outcome or "tie"]
    return f"**{verdict} the best baseline**, {baseline}. {how}".rstrip()


def compare_with_baseline(evaluation: Evaluation, name: str) -> str:
    """Return a sentence that compares the run with the best baseline by one metric."""
    result = compare_with_best_baseline(evaluation.metrics, evaluation.baselines, name)
    if result is None or result.baseline_value is None:
        return ""
    title = baseline_title(result.baseline, season=evaluation.season)
    interval = format_interval(name, result.low, result.high)
    numbers = (
        f"{METRICS[name].title} {format_metric(name, result.value)} {interval}".rstrip()
        + f" against {format_metric(name, result.baseline_value)}"
    )
    if evaluation.suggested_epochs:
        return f"So far compared with the best baseline, “{title}”: {numbers}."
    verdict = {
        "tie": "**Tie** with the best baseline",
        "worse": "**The baseline wins**",
        "better": "**The network wins** over the best baseline",
    }[result.outcome or "tie"]
    return f"{verdict}, “{title}”: {numbers}."
