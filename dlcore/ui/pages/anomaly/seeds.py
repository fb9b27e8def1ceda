"""Scores of each seed of an ensemble, with mean and range."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dlcore.evaluation.metrics import format_with_interval, metric_title
from dlcore.projects.project import Evaluation
from dlcore.ui.pages.anomaly.scores import rivals_of

METRICS = ("nab_standard", "events_hit", "false_alarms", "delay_h", "vus_pr", "auc_pr")
FORMS = {"causal": "", "centred": "_centred"}
"""Suffix of the metrics of each form."""


def seeds_of(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    """Return the metrics of each seed, in order; empty for a single seed."""
    return {name: values for name, values in evaluation.parts.items() if name.startswith("seed_")}


def seeds_part(evaluation: Evaluation) -> None:
    """Draw a table per smoothing: ensemble, seeds, mean and range."""
    seeds = seeds_of(evaluation)
    if not seeds:
        st.caption(
            "This run trained one network from one seed, so the variance between seeds is unknown: train it "
            "again with other seeds, or choose a model that trains several."
        )
        return
    st.markdown(f"**Each of the {len(seeds)} seeds**, at its own threshold by the same rule")
    for tab, (form, end) in zip(st.tabs([form.capitalize() for form in FORMS]), FORMS.items(), strict=True):
        with tab:
            table = seed_table(evaluation, end)
            st.dataframe(table, hide_index=True, width="stretch", alt=f"The {form} scores of each seed, mean and range")
            st.caption(_range(evaluation, form, end))


def seed_table(evaluation: Evaluation, end: str) -> pd.DataFrame:
    """Return one row for the ensemble, each seed, their mean and their range; `end` is the metrics' suffix."""
    shown = [name for name in METRICS if name + end in evaluation.metrics]
    rows = {"Ensemble": evaluation.metrics}
    rows |= {name.replace("_", " ").capitalize(): values for name, values in seeds_of(evaluation).items()}
    table = [
        {"Which": which, **{metric_title(name): _cell(values, name, end) for name in shown}}
        for which, values in rows.items()
    ]
    mean, low, high = (evaluation.parts.get(f"seeds_{kind}", {}) for kind in ("mean", "lowest", "highest"))
    if mean:
        ends = {name: (_cell(low, name, end), _cell(high, name, end)) for name in shown}
        table.append({"Which": "Mean of the seeds", **{metric_title(name): _mean(mean, name, end) for name in shown}})
        table.append({"Which": "Range", **{metric_title(name): f"{a} to {b}" for name, (a, b) in ends.items()}})
    return pd.DataFrame(table)


def _range(evaluation: Evaluation, form: str, end: str) -> str:
    worths = [
        values[f"nab_standard{end}"] for values in seeds_of(evaluation).values() if f"nab_standard{end}" in values
    ]
    rivals = [values["nab_standard"] for values in rivals_of(evaluation, form).values() if "nab_standard" in values]
    if not worths or not rivals:
        return ""
    above = sum(worth > max(rivals) for worth in worths)
    return (
        f"NAB of single seeds ranges from {min(worths):.1f} to {max(worths):.1f}; {above} of {len(worths)} are above "
        f"the best baseline with {form} scores, {max(rivals):.1f}. The ensemble's score is the mean of theirs."
    )


def _cell(values: Mapping[str, float], name: str, end: str) -> str:
    return format_with_interval({name: values[name + end]} if name + end in values else {}, name)


def _mean(values: Mapping[str, float], name: str, end: str) -> str:
    """Format a mean; a mean of counts gets a decimal."""
    if name + end not in values:
        return "–"
    return f"{values[name + end]:.1f}" if name in ("events_hit", "false_alarms") else _cell(values, name, end)
