"""Scores of each seed of an ensemble, with mean and range."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dlcore.evaluation.metrics import SMOOTHING, format_with_interval, metric_title
from dlcore.projects.project import Evaluation
from dlcore.ui.pages.anomaly.scores import select_baselines

METRICS = ("nab_standard", "events_hit", "false_alarms", "delay_h", "vus_pr", "auc_pr")
SUFFIXES = {"causal": "", "centred": "_centred"}
"""Suffix of the metrics by smoothing."""


def seed_metrics(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    """Return the metrics of each seed, in order; empty for a single seed."""
    return {name: values for name, values in evaluation.parts.items() if name.startswith("seed_")}


def show_seeds(evaluation: Evaluation) -> None:
    """Draw a table per smoothing: ensemble, seeds, mean and range."""
    seeds = seed_metrics(evaluation)
    if not seeds:
        st.caption(
            "This run trained one network from one seed, so the variance between seeds is unknown: train it "
            "again with other seeds, or choose a model that trains several."
        )
        return
    st.markdown(f"**Each of the {len(seeds)} seeds**, at its own threshold by the same rule")
    for tab, (smoothing, suffix) in zip(
        st.tabs([SMOOTHING[smoothing].capitalize() for smoothing in SUFFIXES]), SUFFIXES.items(), strict=True
    ):
        with tab:
            table = seed_table(evaluation, suffix)
            st.dataframe(
                table,
                hide_index=True,
                width="stretch",
                alt=f"{SMOOTHING[smoothing].capitalize()} scores of each seed, mean and range",
            )
            st.caption(_range(evaluation, smoothing, suffix))


def seed_table(evaluation: Evaluation, suffix: str) -> pd.DataFrame:
    """Return one row for the ensemble, each seed, their mean and their range; `suffix` is the metrics' suffix."""
    columns = [name for name in METRICS if name + suffix in evaluation.metrics]
    rows = {"Ensemble": evaluation.metrics}
    rows |= {name.replace("_", " ").capitalize(): values for name, values in seed_metrics(evaluation).items()}
    table = [
        {"Model": label, **{metric_title(name): _cell(values, name, suffix) for name in columns}}
        for label, values in rows.items()
    ]
    mean, low, high = (evaluation.parts.get(f"seeds_{kind}", {}) for kind in ("mean", "lowest", "highest"))
    if mean:
        ends = {name: (_cell(low, name, suffix), _cell(high, name, suffix)) for name in columns}
        table.append(
            {"Model": "Mean of the seeds", **{metric_title(name): _mean(mean, name, suffix) for name in columns}}
        )
        table.append({"Model": "Range", **{metric_title(name): f"{a} to {b}" for name, (a, b) in ends.items()}})
    return pd.DataFrame(table)


def _range(evaluation: Evaluation, smoothing: str, suffix: str) -> str:
    seed_scores = [
        values[f"nab_standard{suffix}"]
        for values in seed_metrics(evaluation).values()
        if f"nab_standard{suffix}" in values
    ]
    baseline_scores = [
        values["nab_standard"]
        for values in select_baselines(evaluation, smoothing).values()
        if "nab_standard" in values
    ]
    if not seed_scores or not baseline_scores:
        return ""
    above = sum(score > max(baseline_scores) for score in seed_scores)
    kind = SMOOTHING[smoothing]
    return (
        f"NAB of single seeds ranges from {min(seed_scores):.1f} to {max(seed_scores):.1f}; {above} of "
        f"{len(seed_scores)} are above the best baseline with {kind} scores, {max(baseline_scores):.1f}. The "
        "ensemble averages the scores of the seeds."
    )


def _cell(values: Mapping[str, float], name: str, suffix: str) -> str:
    return format_with_interval({name: values[name + suffix]} if name + suffix in values else {}, name)


def _mean(values: Mapping[str, float], name: str, suffix: str) -> str:
    """Format a mean; a mean of counts gets a decimal."""
    if name + suffix not in values:
        return "–"
    return f"{values[name + suffix]:.1f}" if name in ("events_hit", "false_alarms") else _cell(values, name, suffix)
