"""Results panel of the forecast page: scores beside persistence and ridge regression, by variable, hour and week."""

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.core.markdown import as_text
from dlcore.data.series import tables
from dlcore.evaluation import forecast
from dlcore.evaluation.metrics import BASELINES, baseline_title, lower_first
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
    _show_verdict(evaluation, run)
    _table(evaluation, title, n=len(stored["test_ids"]))
    _variables(evaluation, title, names, slugs)
    step = tables.step_name(bundle.preprocessing.get("step_ms"))
    if stored["test_scores"].shape[1] > 1:
        _by_horizon(stored, title, step)
    _weeks(stored, step)
    _intervals(stored, evaluation, names)


def _verdict_line(evaluation: Evaluation) -> str:
    """Return skill, that of the best baseline, and the coverage of the intervals."""
    metrics = evaluation.metrics
    if "skill" not in metrics:
        return evaluation.verdict.partition(". ")[0] + "."
    skills = {name: values["skill"] for name, values in evaluation.baselines.items() if "skill" in values}
    best = max(skills, key=lambda name: skills[name], default="")
    against = f", {lower_first(baseline_title(best, smoothing=False))} {skills[best]:.3f}" if best else ""
    covered = f"; 90 % intervals cover **{metrics['coverage_90']:.1%}**" if "coverage_90" in metrics else ""
    return f"Skill **{metrics['skill']:.3f}**{against} (persistence: 0){covered}."


def _show_verdict(evaluation: Evaluation, run: Run) -> None:
    """Describe the scores, and put the commonly reported one into context."""
    metrics, baselines = evaluation.metrics, evaluation.baselines
    is_beaten = metrics.get("skill", 0.0) <= max((r.get("skill", 0.0) for r in baselines.values()), default=0.0)
    is_tied = metrics.get("lead_skill_low", 0.0) <= 0 <= metrics.get("lead_skill_high", 0.0)
    if evaluation.suggested_epochs:
        st.info(as_text(evaluation.verdict), icon=":material/hourglass_empty:")
    elif is_tied:
        st.info(as_text(evaluation.verdict), icon=":material/trending_flat:")
    elif is_beaten:
        st.warning(as_text(evaluation.verdict), icon=":material/trending_down:")
    else:
        st.success(as_text(evaluation.verdict), icon=":material/trending_up:")
    persistence = baselines.get("persistence", {})
    if run.config.dataset == "air_quality" and "r2_mean_filled" in persistence:
        filled, measured = persistence["r2_mean_filled"], persistence["r2_mean"]
        side = "below" if measured > scored.KNOWN_RESULT else "above"
        st.expander(f"The commonly reported {scored.KNOWN_RESULT:.4f} is {side} persistence").markdown(
            f"A one-layer LSTM is "
            f"reported with a mean R² of {scored.KNOWN_RESULT:.4f} on this table. On its last fifth, *repeating "
            f"the last hour* gets {filled:.3f} with filled values counted, and {measured:.3f} on measured values "
            "only. Therefore **skill** is the metric to read: the share of "
            "persistence's squared error that a model saves."
        )


def _table(evaluation: Evaluation, title: str, *, n: int) -> None:
    baselines = {baseline_title(name, smoothing=False): values for name, values in evaluation.baselines.items()}
    methods = {title: evaluation.metrics} | baselines
    columns = {
        "R² (mean)": "r2_mean",
        "Skill": "skill",
        "MAE (standard deviations)": "mae",
        "R², filled values counted": "r2_mean_filled",
        "Skill, filled values counted": "skill_filled",
    }
    rows = [
        {"Method": method, **{label: _cell(values, name) for label, name in columns.items()}}
        for method, values in methods.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Scores of this run and baselines")
    st.caption(
        f"Test split, {n:,} times, measured values. In brackets: 95 % bootstrap confidence interval "
        "over whole weeks. The last two columns count filled values as if they were "
        "measured, which rewards predicting that a sensor stays silent."
    )
    with st.expander("Definitions"):
        lines = [
            "- **R²**: 1 is perfect, 0 equals predicting the test split's mean",
            "- **Skill**: 1 - squared error / squared error of persistence; 0 equals persistence",
            "- **MAE**: mean absolute error, in standard deviations of the variable",
        ] + [f"- **{baseline_title(name, smoothing=False)}**: {BASELINES[name].help}" for name in LISTED]
        st.markdown("\n".join(lines))


def _cell(values: dict[str, float], name: str) -> str:
    if name not in values:
        return "–"
    low, high = values.get(f"{name}_low"), values.get(f"{name}_high")
    spread = f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""
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
    if worse:
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
                f"{metrics[f'coverage_90_{key}']:.1%}" if f"coverage_90_{key}" in metrics else "–"
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
        f"A forecast is made at every {step} with the data known then (rolling origin); the "
        f"model is not retrained. Skill ranges from {worst:.2f} to {best:.2f}; below the "
        "line persistence is better."
    )


def _intervals(stored: dict[str, np.ndarray], evaluation: Evaluation, names: tuple[str, ...]) -> None:
    metrics = evaluation.metrics
    if "coverage_90" not in metrics:
        return
    st.subheader("Prediction intervals", anchor=False)
    fixed = metrics.get("coverage_90_fixed")
    st.markdown(
        f"90 % prediction intervals covered **{metrics['coverage_90']:.1%}** of the test values. "
        "Their width comes from the model's validation errors (conformal prediction) "
        "and adapts after each miss or hit."
        + (f" With a constant width it would be {fixed:.1%}." if fixed is not None else "")
    )
