"""Benchmark of detectors on labeled series, beside the comparison of runs."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.custom.registry import CustomDataset
from dlcore.evaluation.metrics import lower_first
from dlcore.plots.ranks import MethodScores, critical_difference, scores_by_method
from dlcore.projects.project import Project
from dlcore.runs import Run, benchmark_custom, benchmark_report
from dlcore.runs.comparisons import Comparison
from dlcore.ui.compare import comparison
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.figure import show_figure

SHIPPED, YOURS = "Numenta corpus", "Your series"
METRICS = {"vus_pr": "VUS-PR, causal", "vus_pr_centered": "VUS-PR, centered", "nab": "NAB"}
SUMMARIES = {"vus_pr": "vus_pr", "vus_pr_centered": "vus_pr_centered", "nab": "nab_adaptive_standard"}
"""Metric by series -> its mean and interval."""


def results(project: Project, run: Run | None) -> None:
    """Draw one run, or a comparison with the benchmark of detectors."""
    comparison.results(project, run, more=_show)


def _show(_: Comparison) -> None:
    st.subheader("Detectors on labeled series", anchor=False)
    entries, state = benchmark_custom.labeled_series(), benchmark_custom.state()
    sources = [SHIPPED, *([YOURS] if entries or state != "none" else [])]
    source = SHIPPED
    if len(sources) > 1:
        source = choose("Series", sources, key="benchmark-series", default=SHIPPED, in_url=False)
    if source == YOURS:
        fragment(_show_custom, run_every=2.0 if state == "running" else None)(entries)
        return
    try:
        show_benchmark(benchmark_report.read())
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")


def _show_custom(entries: Sequence[CustomDataset]) -> None:
    """Start the benchmark on the user's labeled series, and draw its result."""
    state = benchmark_custom.state()
    if state == "running":
        st.session_state["benchmark-runs"] = True
        st.info(f"Running: {as_text(benchmark_custom.progress())}", icon=":material/hourglass_top:")
        return
    if st.session_state.pop("benchmark-runs", False):
        st.rerun()  # without the timer
    if state == "failed":
        st.error(f"The benchmark ended: {as_text(benchmark_custom.progress())}", icon=":material/error:")
    names = ", ".join(as_text(entry.name) for entry in entries)
    if entries and st.button(
        f"Compare all detectors on {len(entries)} series", icon=":material/play_arrow:", help=names
    ):
        try:
            benchmark_custom.start(entries)
        except WorkbenchError as error:
            st.error(error_line(error), icon=":material/error:")
        else:
            st.rerun()
    if state == "finished":
        show_benchmark(benchmark_custom.result())


def show_benchmark(document: dict[str, Any]) -> None:
    """Draw scores by series with means, the critical-difference diagram, and where the numbers come from."""
    st.markdown(summarize(document))
    metric = choose(
        "Metric",
        METRICS,
        key="benchmark-metric",
        default="vus_pr",
        format_func=METRICS.__getitem__,
        show_label=True,
        help="VUS-PR needs no threshold. NAB: alarms are new records of the score; one threshold per detector for all "
        "series, chosen with the labels as NAB does.",
    )
    methods = methods_of(document, metric)
    best = max(methods, key=lambda method: method.mean)
    alt = f"{METRICS[metric]} of {len(methods)} detectors by series; highest mean: {best.title} {best.mean:.3g}"
    show_figure(scores_by_method(methods, metric=METRICS[metric]), key="benchmark-scores", alt=alt)
    titles = {row["detector"]: row["title"] for row in document["detectors"]}
    if ranks := benchmark_report.ranks_of(document):
        named = {titles[name]: rank for name, rank in ranks.ranks.items()}
        groups = [[titles[name] for name in group] for group in ranks.groups]
        figure = critical_difference(
            named, groups, difference=ranks.critical_difference, unit=f"{ranks.data_sets} series"
        )
        show_figure(
            figure, key="benchmark-ranks", alt=f"Average ranks; critical difference {ranks.critical_difference:.2f}"
        )
    with st.expander("Every series"):
        st.dataframe(table(document, metric), width="stretch", alt=f"{METRICS[metric]} by series and detector")
    st.caption(
        f"`{as_text(document['command'])}`, version {document['version']}, {document['made']}, {document['machine']}. "
        f"Detectors are fitted on the first {document['train_share']:.0%} of a series, without labels."
    )


def summarize(document: dict[str, Any]) -> str:
    """Name the detector with the best mean, and those that do not differ from it significantly."""
    best = document["detectors"][0]
    text = (
        f"Highest mean VUS-PR: **{best['title']}** {best['vus_pr']:.3f} "
        f"[{best['vus_pr_low']:.3f}, {best['vus_pr_high']:.3f}], {benchmark_report.count_labeled(document)} series"
    )
    ranks = benchmark_report.ranks_of(document)
    if ranks is None:
        return f"{text}."
    titles = {row["detector"]: row["title"] for row in document["detectors"]}
    limit = ranks.ranks[best["detector"]] + ranks.critical_difference
    ties = [titles[name] for name, rank in ranks.ranks.items() if rank <= limit and name != best["detector"]]
    if not ties:
        return f"{text}; its rank is significantly better than all others."
    return f"{text}; its rank does not differ significantly from {', '.join(map(lower_first, ties))}."


def methods_of(document: dict[str, Any], metric: str) -> list[MethodScores]:
    """Return the scores of each detector, best mean first."""
    name = SUMMARIES[metric]
    methods = [
        MethodScores(
            row["title"],
            {
                series: values[metric]
                for series, values in document["series"][row["detector"]].items()
                if metric in values
            },
            row[name],
            row[f"{name}_low"],
            row[f"{name}_high"],
        )
        for row in document["detectors"]
        if name in row
    ]
    return sorted(methods, key=lambda method: -method.mean)


def table(document: dict[str, Any], metric: str) -> pd.DataFrame:
    """Return one row per series and one column per detector, best mean first."""
    return pd.DataFrame({method.title: dict(method.scores) for method in methods_of(document, metric)}).round(3)
