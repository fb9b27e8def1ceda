"""Explain panel of forecasts: attribution over the window's moments and variables, with sanity checks."""

from typing import Any

import numpy as np
import streamlit as st

from dlcore.data.series import tables
from dlcore.evaluation.metrics import format_percent
from dlcore.plots import attribution as attributions
from dlcore.plots import classification as bars
from dlcore.projects.forecast import explain as why
from dlcore.projects.forecast.explain import ForecastAttribution, ForecastTarget
from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.pages.forecast.data import title
from dlcore.ui.pages.forecast.predict import pick
from dlcore.ui.pages.forecast.reading import load_prepared, moment_name
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.findings import show_checks

TARGETS: dict[ForecastTarget, str] = {"value": "The forecast itself", "change": "Its change against the last value"}
_HOW = """
- **Integrated gradients** (Sundararajan et al. 2017) sum the gradient of the forecast on the path from a window of
  training means to the real one. Their sum must be the difference of the two forecasts (completeness).
- **Feature ablation** replaces three consecutive values of one variable by its mean and measures how the forecast
  changes. It needs no gradients, but misses interactions of two parts.
- Orange-red raises the forecast, blue lowers it. Each map is scaled to its own largest value. Calendar and
  missing-value inputs are held fixed.
- Both describe what this model's forecast depends on, not what drives the world.
"""


def explain(project: Project, run: Run | None) -> None:
    """Choose a moment and a variable; see two maps over time and variable, and their sums."""
    bundle = run_cache.finished_bundle(run, to_see="what a forecast depends on")
    if bundle is None or run is None:
        return
    prepared = load_prepared(project, run, bundle)
    table, facts = prepared.source["table"], prepared.facts
    index = pick(run_cache.predictions(bundle)["test_ids"])
    first = int(prepared.source["cuts"]["test"][index])
    step = tables.step_name(table.step_ms)
    left, right = st.columns(2)
    variable = left.selectbox(
        "Forecast of",
        range(len(table.names)),
        key="why-variable",
        bind="query-params",
        format_func=lambda v: title(table, v),
    )
    steps_ahead = 1
    if facts["steps"] > 1:
        steps_ahead = right.slider(
            f"{step.capitalize()}s ahead", 1, facts["steps"], 1, key="why-hour", bind="query-params"
        )
    choice: ForecastTarget = choose(
        "Explain", TARGETS, key="why-asked", default="change", format_func=TARGETS.__getitem__, show_label=True
    )
    attribution = _explain_forecast(
        run_cache.bundle_key(bundle),
        first,
        variable,
        steps_ahead - 1,
        choice,
        _module=run_cache.load_model(bundle).module,
        _prepared=prepared,
    )
    times = table.times[first - facts["window"] : first]
    _maps(attribution, times, table.names)
    _sums(attribution, table.names, step)
    st.subheader("Sanity checks", anchor=False)
    show_checks(attribution.checks)
    if "linear" in prepared.preprocessing:
        st.caption("This model includes a ridge regression; its contribution is fixed and not in the maps.")
    with st.expander("How to read this"):
        st.markdown(_HOW)


@cache_data(max_entries=64, show_spinner="Computing the attribution")
def _explain_forecast(
    key: str, first: int, variable: int, hour: int, target: ForecastTarget, _module: Any, _prepared: Any
) -> ForecastAttribution:
    return why.explain(_module, _prepared, first, variable=variable, hour=hour, explained=target)


def _maps(attribution: ForecastAttribution, times: np.ndarray, names: tuple[str, ...]) -> None:
    maps = {
        "Integrated gradients": attribution.gradients.T,
        "Feature ablation": attribution.ablation.T,
    }
    figure = attributions.series_attribution(times, maps, names, alarm=int(times[-1]))
    figure.update_layout(title="Attribution of the forecast over time and variable")
    figure.update_traces(colorbar={"title": {"text": "forecast"}})
    channel, moment = np.unravel_index(np.abs(attribution.gradients.T).argmax(), attribution.gradients.T.shape)
    top = f"{names[channel]} at {moment_name(int(times[moment]))}"
    show_figure(figure, key="why-maps", alt=f"Attribution of the forecast over time and variable; most on {top}")


def _sums(attribution: ForecastAttribution, names: tuple[str, ...], step: str) -> None:
    magnitudes = np.abs(attribution.gradients)
    share = 100 * magnitudes.sum(axis=0) / (magnitudes.sum() or 1.0)
    recent = magnitudes[-3:].sum() / (magnitudes.sum() or 1.0)
    figure = bars.class_bars(share, names, title="Share of attribution by variable", unit="share of attribution, %")
    top = names[int(share.argmax())]
    show_figure(figure, key="why-shares", alt=f"Share by variable; the largest is {top} with {share.max():.0f} %")
    st.caption(f"The last three {step}s hold {format_percent(recent, digits=0)} of it.")
