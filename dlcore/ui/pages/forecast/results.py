"""Results panel of the forecast page: scores beside persistence and ridge regression, by variable, hour and week."""

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.data.series import tables
from dlcore.evaluation import forecast
from dlcore.evaluation.metrics import BASELINES, baseline_title
from dlcore.plots import forecast as plots
from dlcore.projects.forecast import scores as scored
from dlcore.projects.project import Evaluation, Project
from dlcore.runs import Run
from dlcore.ui.compare import comparison
from dlcore.ui.pages.forecast import lesson as forecast_lesson
from dlcore.ui.train.comparison_form import ADDRESS
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

SHOWN = ("persistence", "ridge")
LISTED = ("persistence", "yesterday", "ridge", "seasonal_naive")


def results(project: Project, run: Run | None) -> None:
    """Draw one run, or compare several."""
    asked = st.query_params.get(ADDRESS, "")
    view = st.segmented_control(
        "Results of",
        [comparison.RUN, comparison.COMPARE],
        default=comparison.COMPARE if asked else comparison.RUN,
        required=True,
        key=f"view-{project.slug}-{asked}",
        label_visibility="collapsed",
    )
    if view == comparison.COMPARE:
        forecast_lesson.show(project, run.config.dataset if run else projects.configure(project.slug).dataset)
        comparison.compare(project)
        return
    bundle = run_cache.finished_bundle(run, to_see="forecast scores")
    if bundle is None or run is None:
        return
    evaluation, stored = run_cache.evaluation(bundle), run_cache.predictions(bundle)
    names, slugs = (tuple(bundle.preprocessing[what]) for what in ("names", "slugs"))
    title = project.models[run.config.model].title
    _words(evaluation, run)
    _table(evaluation, title, n=len(stored["test_ids"]))
    _variables(evaluation, title, names, slugs)
    step = tables.step_name(bundle.preprocessing.get("step_ms"))
    if stored["test_scores"].shape[1] > 1:
        _ahead(stored, title, step)
    _weeks(stored, step)
    _intervals(stored, evaluation, names)


def _words(evaluation: Evaluation, run: Run) -> None:
    """Describe the scores, and put the commonly reported one into context."""
    own, rivals = evaluation.metrics, evaluation.baselines
    beaten = own.get("skill", 0.0) <= max((r.get("skill", 0.0) for r in rivals.values()), default=0.0)
    unclear = own.get("lead_skill_low", 0.0) <= 0 <= own.get("lead_skill_high", 0.0)
    if unclear:
        st.info(evaluation.verdict, icon=":material/trending_flat:")
    elif beaten:
        st.warning(evaluation.verdict, icon=":material/trending_down:")
    else:
        st.success(evaluation.verdict, icon=":material/trending_up:")
    copied = rivals.get("persistence", {})
    if run.config.dataset == "air_quality" and "r2_mean_filled" in copied:
        filled, measured = copied["r2_mean_filled"], copied["r2_mean"]
        st.markdown(
            f"**The commonly reported {scored.KNOWN_RESULT:.4f} is "
            f"{'below' if measured > scored.KNOWN_RESULT else 'above'} persistence.** A one-layer LSTM is "
            f"reported with a mean R² of {scored.KNOWN_RESULT:.4f} on this table. On its last fifth, *repeating "
            f"the last hour* gets {filled:.3f} with filled values counted, and {measured:.3f} on measured values "
            "only. Therefore **skill** is the metric to read: the share of "
            "persistence's squared error that a model saves."
        )


def _table(evaluation: Evaluation, title: str, *, n: int) -> None:
    rivals = {baseline_title(name, smoothing=False): values for name, values in evaluation.baselines.items()}
    methods = {title: evaluation.metrics} | rivals
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
    own, rivals = evaluation.metrics, {k: evaluation.baselines[k] for k in SHOWN if k in evaluation.baselines}
    scored_here = [(name, slug) for name, slug in zip(names, slugs, strict=True) if f"r2_{slug}" in own]
    if not scored_here:
        return
    kept, keys = zip(*scored_here, strict=True)
    methods = {title: own} | {baseline_title(k, smoothing=False): v for k, v in rivals.items()}
    curves = {m: np.array([v.get(f"r2_{key}", np.nan) for key in keys]) for m, v in methods.items()}
    figure = plots.methods_by_variable(curves, kept, title="R² by variable", unit="R²")
    show_figure(figure, key="r2-by-variable", alt=f"R² of {title} and baselines by variable")
    ridged = rivals.get("ridge", {})
    lost = [name for name, key in scored_here if own[f"r2_{key}"] < ridged.get(f"r2_{key}", -np.inf)]
    if lost:
        st.caption(f"Ridge regression is better in {len(lost)} of {len(kept)} variables: {', '.join(lost)}.")
    elif ridged:
        st.caption("The network is better than ridge regression in every variable.")
    with st.expander("All variables as a table"):
        rows = []
        for name, key in scored_here:
            row = {"Variable": name}
            for method, values in methods.items():
                row[f"R², {method}"] = f"{values[f'r2_{key}']:.3f}" if f"r2_{key}" in values else "–"
            row["Skill"] = f"{own[f'skill_{key}']:.3f}"
            row["MAE (unit of the variable)"] = f"{own[f'mae_{key}']:.3g}"
            row["Coverage of the 90 % interval"] = (
                f"{own[f'coverage_90_{key}']:.1%}" if f"coverage_90_{key}" in own else "–"
            )
            rows.append(row)
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Scores by variable")


def _ahead(stored: dict[str, np.ndarray], title: str, step: str) -> None:
    found = forecast.scores(stored["test_scores"], stored["test_targets"], stored["test_last"])
    copied = forecast.persistence(stored["test_last"], horizon=len(found.r2))
    base = forecast.scores(copied, stored["test_targets"], stored["test_last"])
    rows = pd.DataFrame(
        {
            f"{step.capitalize()}s ahead": range(1, len(found.r2) + 1),
            f"R², {title}": [f"{v:.3f}" for v in np.nanmean(found.r2, axis=1)],
            "R², copying the last value": [f"{v:.3f}" for v in np.nanmean(base.r2, axis=1)],
            "Skill": [f"{v:.3f}" for v in np.nanmean(found.skill, axis=1)],
        }
    )
    st.subheader(f"By {step}s ahead", anchor=False)
    st.dataframe(rows, hide_index=True, width="stretch", alt=f"Scores by {step}s ahead")


def _weeks(stored: dict[str, np.ndarray], step: str) -> None:
    found = forecast.metrics_by_week(stored["test_scores"], stored["test_targets"], stored["test_last"])
    if len(found["start"]) < 2:
        return
    times = stored["test_ids"][found["start"]]
    figure = plots.scores_over_time(times, {"skill": found["skill"]}, title="Skill by week", unit="skill")
    worst, best = float(found["skill"].min()), float(found["skill"].max())
    show_figure(figure, key="skill-by-week", alt=f"Skill by week of the test split, from {worst:.2f} to {best:.2f}")
    st.caption(
        f"A forecast is made at every {step} with the data known then (rolling origin); the "
        "model is not retrained. Skill ranges from {worst:.2f} to {best:.2f}; below the "
        "line persistence is better."
    )


def _intervals(stored: dict[str, np.ndarray], evaluation: Evaluation, names: tuple[str, ...]) -> None:
    own = evaluation.metrics
    if "coverage_90" not in own:
        return
    st.subheader("Prediction intervals", anchor=False)
    fixed = own.get("coverage_90_fixed")
    st.markdown(
        f"90 % prediction intervals covered **{own['coverage_90']:.1%}** of the test values. "
        "Their width comes from the model's validation errors (conformal prediction) "
        "and adapts after each miss or hit."
        + (f" With one width for all moments it would have been {fixed:.1%}." if fixed is not None else "")
    )
