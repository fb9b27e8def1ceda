"""Results panel of the forecast page: scores beside persistence and ridge regression, by variable, hour and week."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.core.markdown import as_text
from dlcore.data.series import tables
from dlcore.evaluation import forecast
from dlcore.evaluation.metrics import BASELINES, baseline_title, format_percent, lower_first
from dlcore.plots import forecast as plots
from dlcore.projects.forecast import scores as scored
from dlcore.projects.project import Evaluation, Project
from dlcore.runs import Run
from dlcore.ui.compare import comparison
from dlcore.ui.pages.forecast import lesson as forecast_lesson
from dlcore.ui.pages.forecast.week import show_week
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

PLOTTED_BASELINES = ("persistence", "ridge")
LISTED = ("persistence", "yesterday", "ridge", "seasonal_naive")


def results(project: Project, run: Run | None) -> None:
    """Draw one run, or compare several."""
    if comparison.choose_view(st.container()) == comparison.COMPARE:
        if project.slug == "forecast":
            forecast_lesson.show(project, run.config.dataset if run else projects.configure(project.slug).dataset)
        comparison.compare(project)
        return
    bundle = run_cache.finished_bundle(run, to_see="forecast scores")
    if bundle is None or run is None:
        return
    evaluation, stored = run_cache.evaluation(bundle), run_cache.predictions(bundle)
    names, slugs = (tuple(bundle.preprocessing[what]) for what in ("names", "slugs"))
    title = project.models[run.config.model].title
    st.markdown(_verdict_line(evaluation))
    show_week(bundle)
    if evaluation.suggested_epochs:
        st.info(as_text(evaluation.verdict), icon=":material/hourglass_empty:")
    _table(evaluation, title, n=len(stored["test_ids"]))
    _definitions(evaluation, run)
    _variables(evaluation, title, names, slugs)
    step = tables.step_name(bundle.preprocessing.get("step_ms"))
    if stored["test_scores"].shape[1] > 1:
        _by_horizon(stored, title, step)
    _weeks(stored, step)


def _verdict_line(evaluation: Evaluation) -> str:
    """Return skill, that of the best baseline, and the coverage of the intervals."""
    metrics = evaluation.metrics
    if "skill" not in metrics:
        return evaluation.verdict.partition(". ")[0] + "."
    skills = {name: values["skill"] for name, values in evaluation.baselines.items() if "skill" in values}
    best = max(skills, key=lambda name: skills[name], default="")
    against = ""
    if best:
        name = lower_first(baseline_title(best, smoothing=False))
        against = f", {name} {skills[best]:.3f}: {_outcome(metrics, skills[best])}"
    percent = format_percent(metrics.get("coverage_90", np.nan))
    covered = f" 90 % intervals cover **{percent}**." if "coverage_90" in metrics else ""
    return f"Skill **{metrics['skill']:.3f}**{against}.{covered}"


def _outcome(metrics: Mapping[str, float], baseline_skill: float) -> str:
    """Return who wins by skill; a tie if the paired interval of the difference contains 0."""
    if "lead_skill_low" in metrics and metrics["lead_skill_low"] <= 0 <= metrics["lead_skill_high"]:
        return "**no clear difference**"
    return "**the network wins**" if metrics["skill"] > baseline_skill else "**the baseline wins**"


def _table(evaluation: Evaluation, title: str, *, n: int) -> None:
    baselines = {baseline_title(name, smoothing=False): values for name, values in evaluation.baselines.items()}
    methods = {title: evaluation.metrics} | baselines
    columns = {
        "R² (mean)": "r2_mean",
        "Skill": "skill",
        "MAE (SD)": "mae",
        "R², filled": "r2_mean_filled",
        "Skill, filled": "skill_filled",
    }
    rows = [
        {"Method": method, **{label: _cell(values, name) for label, name in columns.items()}}
        for method, values in methods.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Scores of this run and baselines")
    st.caption(f"Test split, {n:,} times. In brackets: 95 % bootstrap confidence interval over whole weeks.")


def _definitions(evaluation: Evaluation, run: Run) -> None:
    """Fold the verdict in full, the interval method and the definitions; put the commonly reported score in context."""
    with st.expander("How the scores are computed"):
        metrics, persistence = evaluation.metrics, evaluation.baselines.get("persistence", {})
        lines = [
            as_text(evaluation.verdict),
            "",
            "- **R²**: 1 is perfect, 0 equals predicting the test split's mean",
            "- **Skill**: 1 - squared error / squared error of persistence; 0 equals persistence",
            "- **MAE**: mean absolute error, in standard deviations (SD) of the variable",
            "- **filled**: filled values count as if measured, which rewards predicting that a sensor stays silent",
            *(f"- **{baseline_title(name, smoothing=False)}**: {BASELINES[name].help}" for name in LISTED),
        ]
        if "coverage_90" in metrics:
            fixed = metrics.get("coverage_90_fixed")
            constant = f"; with a constant width it would be {format_percent(fixed)}" if fixed is not None else ""
            lines.append(
                f"- **90 % prediction intervals**: cover {format_percent(metrics['coverage_90'])} of the test values"
                f"{constant}. Their width comes from the model's validation errors (conformal prediction) and adapts "
                "after each miss or hit"
            )
        if run.config.dataset == "air_quality" and "r2_mean_filled" in persistence:
            filled, measured = persistence["r2_mean_filled"], persistence["r2_mean"]
            side = "below" if measured > scored.KNOWN_RESULT else "above"
            lines.append(
                f"- **The commonly reported {scored.KNOWN_RESULT:.4f}** is {side} persistence: a one-layer LSTM is "
                f"reported with this mean R² on this table. On its last fifth, *repeating the last hour* gets "
                f"{filled:.3f} with filled values counted, and {measured:.3f} on measured values only. Therefore "
                "**skill** is the metric to read"
            )
        st.markdown("\n".join(lines))


def _cell(values: dict[str, float], name: str) -> str:
    if name not in values:
        return "–"
    low, high = values.get(f"{name}_low"), values.get(f"{name}_high")
    spread = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    return f"{values[name]:.3f}{spread}"


def _variables(evaluation: Evaluation, title: str, names: tuple[str, ...], slugs: tuple[str, ...]) -> None:
    metrics = evaluation.metrics
    baselines = {k: evaluation.baselines[k] for k in PLOTTED_BASELINES if k in evaluation.baselines}
    scored_here = [(name, slug) for name, slug in zip(names, slugs, strict=True) if f"r2_{slug}" in metrics]
    if not scored_here:
        return
    shown_names, keys = zip(*scored_here, strict=True)
    methods = {title: metrics} | {baseline_title(k, smoothing=False): v for k, v in baselines.items()}
    curves = {m: np.array([v.get(f"r2_{key}", np.nan) for key in keys]) for m, v in methods.items()}
    figure = plots.methods_by_variable(curves, shown_names, title="R² by variable", unit="R²")
    show_figure(figure, key="r2-by-variable", alt=f"R² of {title} and baselines by variable")
    ridge = baselines.get("ridge", {})
    worse = [name for name, key in scored_here if metrics[f"r2_{key}"] < ridge.get(f"r2_{key}", -np.inf)]
    if len(worse) == len(shown_names):
        st.caption("Ridge regression is better in every variable.")
    elif worse:
        st.caption(
            f"Ridge regression is better in {len(worse)} of {len(shown_names)} variables: {as_text(', '.join(worse))}."
        )
    elif ridge:
        st.caption("The network is better than ridge regression in every variable.")
    with st.expander("All variables as a table"):
        rows = []
        for name, key in scored_here:
            row = {"Variable": name}
            for method, values in methods.items():
                row[f"R², {method}"] = f"{values[f'r2_{key}']:.3f}" if f"r2_{key}" in values else "–"
            row["Skill"] = f"{metrics[f'skill_{key}']:.3f}"
            row["MAE (unit of the variable)"] = f"{metrics[f'mae_{key}']:.3g}"
            row["Coverage of the 90 % interval"] = (
                format_percent(metrics[f"coverage_90_{key}"]) if f"coverage_90_{key}" in metrics else "–"
            )
            rows.append(row)
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Scores by variable")


def _by_horizon(stored: dict[str, np.ndarray], title: str, step: str) -> None:
    scores = forecast.scores(stored["test_scores"], stored["test_targets"], stored["test_last"])
    persistence = forecast.persistence(stored["test_last"], horizon=len(scores.r2))
    base = forecast.scores(persistence, stored["test_targets"], stored["test_last"])
    rows = pd.DataFrame(
        {
            f"{step.capitalize()}s ahead": range(1, len(scores.r2) + 1),
            f"R², {title}": [f"{v:.3f}" for v in np.nanmean(scores.r2, axis=1)],
            "R², persistence": [f"{v:.3f}" for v in np.nanmean(base.r2, axis=1)],
            "Skill": [f"{v:.3f}" for v in np.nanmean(scores.skill, axis=1)],
        }
    )
    st.subheader(f"By {step}s ahead", anchor=False)
    st.dataframe(rows, hide_index=True, width="stretch", alt=f"Scores by {step}s ahead")


def _weeks(stored: dict[str, np.ndarray], step: str) -> None:
    weeks = forecast.metrics_by_week(stored["test_scores"], stored["test_targets"], stored["test_last"])
    if len(weeks["start"]) < 2:
        return
    times = stored["test_ids"][weeks["start"]]
    figure = plots.scores_over_time(times, {"skill": weeks["skill"]}, title="Skill by week", unit="skill")
    worst, best = float(weeks["skill"].min()), float(weeks["skill"].max())
    show_figure(figure, key="skill-by-week", alt=f"Skill by week of the test split, from {worst:.2f} to {best:.2f}")
    st.caption(
        f"Skill from {worst:.2f} to {best:.2f}; below 0 persistence is better.",
        help=f"A forecast is made at every {step} with the data known then (rolling origin), without retraining.",
    )
