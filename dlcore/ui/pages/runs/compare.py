"""Comparison of the selected runs: verdict, curves, and one more view at a time."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.core.markdown import as_text
from dlcore.evaluation.metrics import METRICS, format_metric, is_better, metric_title
from dlcore.plots import comparison as plots
from dlcore.plots.search import Axis, parallel
from dlcore.runs import run_comparison
from dlcore.runs.comparisons import Comparison
from dlcore.runs.run_comparison import MAX_COMPARED, RunComparison
from dlcore.ui.compare import classes, costs, curves, splits, tests
from dlcore.ui.modalities.modality import load_modality
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.shell.times import format_duration
from dlcore.ui.widgets import samples
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.export_import import comparison_report_button
from dlcore.ui.widgets.figure import show_figure

SETTINGS, METRIC_VIEW, TESTS = "Settings", "Metrics and cost", "Paired tests"
SCATTER, PARALLEL = "Scatter", "Parallel coordinates"
CLASSES, DISAGREEMENTS = "Confusion matrices", "Disagreements"
COSTS = {"parameters": "Parameters", "seconds": "Training time (s)", "multiply_adds": "Multiply-adds"}
_MAX_AXES, _SAMPLES = 7, 8


def show(run_ids: Sequence[str]) -> None:
    """Draw the comparison of two or more runs."""
    if len(run_ids) > MAX_COMPARED:
        st.warning(f"The first {MAX_COMPARED} of {len(run_ids)} selected runs are compared.", icon=":material/rule:")
    verdict, comparison = st.container(), run_comparison.open_comparison(run_ids[:MAX_COMPARED])
    curves.draw(comparison, key="compared-runs", hidden=_hidden(comparison))
    compared = run_comparison.summarize_comparison(comparison)
    verdict.markdown(compared.verdict or f"{len(comparison.records)} seeds of one setting.")
    if text := _scores(compared):
        st.caption(text)
    views = [SETTINGS, METRIC_VIEW, TESTS, SCATTER, PARALLEL]
    tested = tests.tested_variants(compared.comparison.variants)
    if tested and tests.classifiers(tested) and tests.has_same_samples(tested):
        views += [CLASSES, DISAGREEMENTS]
    view = choose("View of the comparison", views, key="view", default=SETTINGS)
    draw = {
        SETTINGS: partial(_settings, compared),
        METRIC_VIEW: partial(_metrics, compared, tested),
        TESTS: partial(_tests, compared),
        SCATTER: partial(_scatter, compared),
        PARALLEL: partial(_parallel, compared),
        CLASSES: partial(_classes, tested),
        DISAGREEMENTS: partial(_disagreements, tested),
    }
    with_error_boundary(draw[view or SETTINGS])
    with_error_boundary(lambda: comparison_report_button(compared.comparison.records))


def _scores(compared: RunComparison) -> str:
    """Return the main test metric of every variant in one line."""
    values = {
        variant.name: variant.metrics[compared.metric].mean
        for variant in compared.variants
        if compared.metric in variant.metrics
    }
    listed = "; ".join(f"{as_text(name)} {format_metric(compared.metric, value)}" for name, value in values.items())
    return f"Test split, {metric_title(compared.metric)}: {listed}." if values else ""


def _hidden(comparison: Comparison) -> tuple[str, ...]:
    """Return the metrics whose values have another meaning in some of the runs; what a loop logs is up to the user."""
    slugs = {record.project for record in comparison.records}
    if any(record.is_watched for record in comparison.records):
        return ()
    if len(slugs) == 1:
        return () if curves.has_comparable_losses(projects.get(slugs.pop()), comparison) else curves.LOSSES
    same_task = len({projects.get(slug).task.name for slug in slugs}) == 1
    same_data = len({record.dataset for record in comparison.records}) == 1
    return () if same_task and same_data else curves.LOSSES


def _settings(compared: RunComparison) -> None:
    names = list(compared.comparison.variants)
    if not compared.settings:
        st.caption("All settings are equal; the runs differ in their seed only.")
        return
    frame = pd.DataFrame(
        [
            {"Setting": name.replace("_", " "), **dict(zip(names, map(_as_cell, values), strict=True))}
            for name, values in compared.settings.items()
        ]
    )
    st.dataframe(frame, hide_index=True, width="stretch", alt="Settings that differ, one column per variant")
    st.caption("Only settings that differ. A dash: this model has no such setting.")


def _as_cell(value: object) -> str:
    return (
        "–"
        if value is None
        else {True: "on", False: "off"}.get(value, str(value))
        if isinstance(value, bool)
        else str(value)
    )


def _metrics(compared: RunComparison, tested: Sequence[tests.TestedVariant]) -> None:
    if not tested:
        st.info("Metrics appear when the first run is finished.", icon=":material/hourglass_top:")
        return
    tests.metrics(tested)
    rows = [
        {
            "Model": variant.name,
            "Parameters": f"{variant.parameters:,}",
            "Multiply-adds": "–" if variant.multiply_adds is None else f"{variant.multiply_adds / 1e6:,.1f} M",
            "Training time": format_duration(variant.seconds),
            "Runs": len(variant.records),
        }
        for variant in compared.variants
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Cost of each variant")
    if tests.classifiers(tested) and tests.has_same_samples(tested):
        with_error_boundary(lambda: costs.table(tested))
        with_error_boundary(lambda: splits.show(tested))


def _tests(compared: RunComparison) -> None:
    rows = []
    for test in compared.tests:
        row = {"Pair": f"{test.first} − {test.second}"}
        gap = test.difference
        if gap is None:
            rows.append({**row, "Verdict": f"No test: {test.reason}"})
            continue
        better = {"first": f"{test.first} is better", "second": f"{test.second} is better"}
        rows.append(
            {
                **row,
                "Verdict": better.get(gap.verdict, "Tie: within noise"),
                "Metric": test.metric,
                "Gap": f"{gap.value:+.4f}",
                "95 % interval": f"{gap.low:+.4f} to {gap.high:+.4f}",
                "p": f"{gap.p_value:.3g}",
                "Test": test.method,
            }
        )
    if not rows:
        st.caption("One variant: nothing to test.")
        return
    st.dataframe(pd.DataFrame(rows).fillna(""), hide_index=True, width="stretch", alt="Paired tests of all pairs")
    st.caption(
        "On the same test samples. p-values are Holm-corrected for the number of pairs; significance level 0.05.",
        help="One seed each: McNemar's exact test. Several: Student's t over samples and seeds. Detectors and "
        "forecasts: paired bootstrap of whole weeks, which does not contain the variance over seeds.",
    )


def _points(compared: RunComparison) -> pd.DataFrame:
    """Return one row per tested run: variant, color, settings, costs and test metrics."""
    rows = []
    for color, variant in enumerate(compared.variants):
        for record in variant.records:
            if record.metrics:
                rows.append(
                    {
                        **run_comparison.settings_of(record),
                        **record.metrics,
                        "variant": variant.name,
                        "color": color,
                        "seed": record.seed,
                        "parameters": record.parameters,
                        "seconds": record.duration_s,
                        "multiply_adds": variant.multiply_adds,
                    }
                )
    return pd.DataFrame(rows)


def _metric_names(points: pd.DataFrame, compared: RunComparison) -> list[str]:
    """Return the metrics that every tested run has, the main one first."""
    names = [name for name in METRICS if name in points and points[name].notna().all()]
    return sorted(names, key=lambda name: name != compared.metric)


def _scatter(compared: RunComparison) -> None:
    points = _points(compared)
    names = _metric_names(points, compared) if len(points) else []
    if not names:
        st.caption("These runs have no test metric in common.")
        return
    settings = [name for name in (*compared.settings, "seed") if points[name].notna().any()]
    axes = {**{name: title for name, title in COSTS.items() if points[name].notna().all()}}
    axes |= {name: name.replace("_", " ") for name in settings if name not in axes}
    left, right = st.columns(2)
    x = left.selectbox("x axis", list(axes), key="scatter-x", bind="query-params", format_func=axes.__getitem__)
    y = right.selectbox("y axis", names, key="scatter-y", bind="query-params", format_func=metric_title)
    known = points[points[x].notna()]
    is_percent = METRICS[y].form == "percent"
    values = [
        value if isinstance(value, int | float) and not isinstance(value, bool) else str(value) for value in known[x]
    ]
    figure = plots.scatter(
        values if all(not isinstance(value, str) for value in values) else [str(value) for value in values],
        (known[y] * (100 if is_percent else 1)).tolist(),
        known["variant"].tolist(),
        axes=(axes[x], f"{metric_title(y)}{', %' if is_percent else ''}"),
        colors=known["color"].tolist(),
    )
    show_figure(figure, key="runs-scatter", alt=f"{metric_title(y)} of {len(known)} runs against {axes[x]}")


def _parallel(compared: RunComparison) -> None:
    points = _points(compared)
    names = _metric_names(points, compared) if len(points) else []
    settings = [name for name in compared.settings if name in points and points[name].notna().all()]
    if not names or not settings:
        st.caption("These runs have no differing setting in common, or no test metric.")
        return
    metric = st.selectbox("Metric", names, key="parallel-metric", bind="query-params", format_func=metric_title)
    axes = [_axis(name, points[name].tolist()) for name in settings[:_MAX_AXES]]
    axes.append(_axis(metric_title(metric), points[metric].tolist()))
    columns = [*settings[:_MAX_AXES], metric]
    params = [
        {
            axis.name: str(row[name]) if axis.choices else float(row[name])
            for axis, name in zip(axes, columns, strict=True)
        }
        for _, row in points.iterrows()
    ]
    maximize = is_better(metric, 1.0, 0.0)
    figure = parallel(axes, params, points[metric].to_numpy(), metric=metric_title(metric), maximize=maximize)
    show_figure(
        figure, key="runs-parallel", alt=f"Parallel coordinates of {len(points)} runs by {metric_title(metric)}"
    )
    if len(settings) > _MAX_AXES:
        st.caption(f"The first {_MAX_AXES} of {len(settings)} settings that differ.")


def _axis(name: str, values: Sequence[object]) -> Axis:
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values):
        return Axis(name, choices=tuple(sorted({str(value) for value in values})))
    low, high = min(numbers), max(numbers)
    return Axis(name, low, high, log=low > 0 and high > 30 * low)


def _classes(tested: Sequence[tests.TestedVariant]) -> None:
    classes.show(projects.get(tested[0].records[0].project), tested)


def _disagreements(tested: Sequence[tests.TestedVariant]) -> None:
    """Draw the test samples on which the first seeds of the variants disagree."""
    if len(tested) < 2:
        st.caption("One variant: nothing to compare.")
        return
    bundles = [variant.bundles[0] for variant in tested]
    labels = bundles[0].labels
    listed = run_comparison.list_disagreements(bundles)
    total = len(bundles[0].predictions()["test_ids"])
    st.markdown(f"**{len(listed):,} of {total:,} test samples** get different classes from at least two variants.")
    rows = [
        {
            "Sample": each.sample,
            "Actual": labels[each.target],
            **{variant.name: labels[k] for variant, k in zip(tested, each.predicted, strict=True)},
            "Correct": sum(k == each.target for k in each.predicted),
        }
        for each in listed[:1000]
    ]
    config = bundles[0].config
    positions = samples.shipped_positions(config.dataset, np.array([each.sample for each in listed]))
    visible = [listed[place] for place in (range(len(listed)) if positions is None else positions.tolist())][:_SAMPLES]
    if visible and samples.has_test_images(config):
        captions = [f"{labels[each.target]}: " + " / ".join(labels[k] for k in each.predicted) for each in visible]
        load_modality(projects.get(config.project)).show(config, [each.sample for each in visible], captions)
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Test samples with different predictions")
    st.caption("First seed of each variant. Correct: how many variants predict the actual class.")
