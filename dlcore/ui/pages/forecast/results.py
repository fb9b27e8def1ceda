"""Results of a forecast: every figure beside copying the last hour and ridge regression, by variable, hour and week."""

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
    """One run, or several side by side."""
    asked = st.query_params.get(ADDRESS, "")
    view = st.segmented_control(
        "Results of",
        [comparison.ONE, comparison.SEVERAL],
        default=comparison.SEVERAL if asked else comparison.ONE,
        required=True,
        key=f"view-{project.slug}-{asked}",
        label_visibility="collapsed",
    )
    if view == comparison.SEVERAL:
        forecast_lesson.show(project, run.config.dataset if run else projects.configure(project.slug).dataset)
        comparison.side_by_side(project)
        return
    bundle = run_cache.finished_bundle(run, to_see="how good the forecasts are")
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
    """What the numbers say, and what the well-known one is worth."""
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
            f"**The well-known {scored.KNOWN_RESULT:.4f} is "
            f"{'below' if measured > scored.KNOWN_RESULT else 'above'} copying the last hour.** A one-layer LSTM is "
            f"known to reach a mean R² of {scored.KNOWN_RESULT:.4f} on this table. On its last fifth, merely *copying "
            f"the last hour* gets {filled:.3f} if filled holes count, and {measured:.3f} on values that were "
            "measured. An R² near 0.8 is therefore no achievement here: what counts is the **skill**, the share of "
            "copying's squared error that a method saves."
        )


def _table(evaluation: Evaluation, title: str, *, n: int) -> None:
    rivals = {baseline_title(name, smoothing=False): values for name, values in evaluation.baselines.items()}
    methods = {title: evaluation.metrics} | rivals
    columns = {
        "R² (mean)": "r2_mean",
        "Skill": "skill",
        "Mean error (deviations)": "mae",
        "R², holes filled": "r2_mean_filled",
        "Skill, holes filled": "skill_filled",
    }
    rows = [
        {"Method": method, **{label: _cell(values, name) for label, name in columns.items()}}
        for method, values in methods.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Scores of this run and of simple methods")
    st.caption(
        f"Test part, {n:,} moments, values that were measured. In brackets: where the value would lie 95 times in 100 "
        "with other weeks (bootstrap of whole weeks). The last two columns count filled holes as if they had been "
        "measured: there a method earns by foretelling that a sensor stays silent."
    )
    with st.expander("What the rows and columns mean"):
        lines = [
            "- **R²**: 1 is a perfect forecast, 0 is as good as always saying the test part's own mean",
            "- **Skill**: 1 - squared error / squared error of copying the last value; 0 is no better than copying",
            "- **Mean error**: how far off it is on average, in standard deviations of the variable",
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
    figure = plots.methods_by_variable(curves, kept, title="R² of each variable", unit="R²")
    show_figure(figure, key="r2-by-variable", alt=f"R² of {title} and of simple methods for each variable")
    ridged = rivals.get("ridge", {})
    lost = [name for name, key in scored_here if own[f"r2_{key}"] < ridged.get(f"r2_{key}", -np.inf)]
    if lost:
        st.caption(f"Ridge regression is better in {len(lost)} of {len(kept)} variables: {', '.join(lost)}.")
    elif ridged:
        st.caption("The network is better than ridge regression in every variable.")
    with st.expander("Every variable in figures"):
        rows = []
        for name, key in scored_here:
            row = {"Variable": name}
            for method, values in methods.items():
                row[f"R², {method}"] = f"{values[f'r2_{key}']:.3f}" if f"r2_{key}" in values else "–"
            row["Skill"] = f"{own[f'skill_{key}']:.3f}"
            row["Mean error (own unit)"] = f"{own[f'mae_{key}']:.3g}"
            row["90 % interval held"] = f"{own[f'coverage_90_{key}']:.1%}" if f"coverage_90_{key}" in own else "–"
            rows.append(row)
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Scores of each variable")


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
    figure = plots.scores_over_time(times, {"skill": found["skill"]}, title="Skill, week by week", unit="skill")
    worst, best = float(found["skill"].min()), float(found["skill"].max())
    show_figure(figure, key="skill-by-week", alt=f"Skill of each week of the test part, from {worst:.2f} to {best:.2f}")
    st.caption(
        f"A forecast is made at every {step} from what was known then, so its origin rolls through the test part; the "
        "model is not trained again on the way. Skill runs from {worst:.2f} to {best:.2f}; below the "
        "line copying is better."
    )


def _intervals(stored: dict[str, np.ndarray], evaluation: Evaluation, names: tuple[str, ...]) -> None:
    own = evaluation.metrics
    if "coverage_90" not in own:
        return
    st.subheader("How sure it is", anchor=False)
    fixed = own.get("coverage_90_fixed")
    st.markdown(
        f"Intervals meant to hold 90 times in 100 held **{own['coverage_90']:.1%}** of the time on the test part. "
        "Their width comes from the model's errors on validation, which it never learnt from (conformal prediction), "
        "and grows or shrinks a little after each miss or hit."
        + (f" With one width for all moments it would have been {fixed:.1%}." if fixed is not None else "")
    )
