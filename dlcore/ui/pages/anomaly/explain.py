"""Explain panel of alarms: the window behind an alarm, its reconstruction, and the attribution of its error."""

from typing import Any

import numpy as np
import streamlit as st

from dlcore.data.splits import Prepared
from dlcore.evaluation import anomaly
from dlcore.evaluation.metrics import format_percent
from dlcore.plots import attribution as attributions
from dlcore.plots import classification as plots
from dlcore.plots import errors as error_plots
from dlcore.plots.series import before_and_after
from dlcore.projects.anomaly import alarm as anomaly_alarm
from dlcore.projects.anomaly.alarm import BaselineKind, ErrorAttribution, Reconstruction
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.pages.anomaly.data import day, unit_of
from dlcore.ui.shell.cache import cache_data, cache_resource
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.findings import show_checks

MAX_LISTED = 20
BASELINES: dict[BaselineKind, str] = {"usual": "Usual values", "mean": "Training mean, time hidden"}


def explain_alarm(project: Project, run: Run, bundle: Bundle) -> None:
    """Choose an alarm; show its window, the reconstruction, each point's share of the error, and the attribution."""
    stored = run_cache.predictions(bundle)
    errors, times = stored["test_scores"], stored["test_ids"]
    threshold = bundle.threshold or 0.0
    peaks = alarm_peaks(errors, threshold)
    if len(peaks):
        st.caption("Alarms of the test part, highest score first.")
    else:
        st.info("No test point raises an alarm at this run's threshold. Listed: the points with the highest scores.")
        peaks = np.argsort(-errors)[:MAX_LISTED]
    peak: int = st.selectbox(
        "Alarm" if errors[peaks[0]] > threshold else "Point",
        [int(index) for index in peaks],
        key="alarm",
        bind="query-params",
        format_func=lambda index: (
            f"{day(int(times[index]))}, score {errors[index]:.3g}"
            + (f", {errors[index] / threshold:.1f} times the threshold" if threshold > 0 else "")
        ),
    )
    prepared = prepared_of(project, run, bundle)
    index = prepared.source["spans"]["test"].start + peak
    reconstruction = anomaly_alarm.reconstruct(run_cache.load_model(bundle).module, prepared, run.config, index)
    _window(reconstruction, run, int(times[peak]))
    _shares(reconstruction, anomaly_alarm.channels(run.config, prepared.preprocessing), int(times[peak]))
    _show_attribution(bundle, prepared, run, reconstruction)


def alarm_peaks(errors: np.ndarray, threshold: float) -> np.ndarray:
    """Return the point with the highest score of each burst of alarms, highest first."""
    bursts = anomaly.alarm_ranges(anomaly.alarms(errors, threshold))
    peaks = np.array([start + int(errors[start:stop].argmax()) for start, stop in bursts], dtype=np.int64)
    return peaks[np.argsort(-errors[peaks])][:MAX_LISTED]


def prepared_of(project: Project, run: Run, bundle: Bundle) -> Prepared:
    """Return the run's prepared data, shared by all sessions.

    Raises:
        DataError: the series is missing or has changed.
    """
    return _prepared(run_cache.bundle_key(bundle), project, run.config)


@cache_resource(max_entries=2, show_spinner="Preparing the series")
def _prepared(key: str, _project: Project, _config: Any) -> Prepared:
    return _project.prepare(_config)


def _window(reconstruction: Reconstruction, run: Run, moment: int) -> None:
    unit, name = reconstruction.column or unit_of(run.config), anomaly_alarm.expected_name(run.config)
    figure = before_and_after(
        reconstruction.times, reconstruction.observed, reconstruction.rebuilt, moment=moment, unit=unit, name=name
    )
    gap = plain(float(np.abs(reconstruction.observed - reconstruction.rebuilt).max()))
    show_figure(figure, key="rebuilt", alt=f"The series and its {name}; they differ by up to {gap}")
    if reconstruction.stored_at is not None:
        name += f" (from {day(reconstruction.stored_at)})"
    if anomaly_alarm.scores_rows(run.config):
        which = "This model reads one point at a time; shown are those around the alarm."
    elif reconstruction.times[0] <= moment <= reconstruction.times[-1]:
        which = "Shown: of the windows with this point, the one with the largest error."
    else:
        which = "This score is a mean over time. Shown: the window with the largest error in it."
    st.caption(f"Series and {name} differ by up to {gap} ({unit}). {which}")


def plain(value: float) -> str:
    """Format a number with thousands separators or three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _shares(reconstruction: Reconstruction, channels: tuple[str, ...], moment: int) -> None:
    if reconstruction.errors.shape[1] == 1:
        _points(reconstruction, moment)
        return
    left, right = st.columns([3, 2])
    with left:
        _points(reconstruction, moment)
    with right:
        _features(reconstruction, channels)


def _points(reconstruction: Reconstruction, moment: int) -> None:
    by_point, inside = reconstruction.by_point, moment <= reconstruction.times[-1]
    figure = error_plots.window_contributions(reconstruction.times, by_point, alarm=reconstruction.at if inside else -1)
    worst = int(by_point.argmax())
    share, most = (by_point[place] / (by_point.sum() or 1.0) for place in (reconstruction.at, worst))
    top = f"largest share: {format_percent(most, digits=0)} at {day(int(reconstruction.times[worst]))}"
    show_figure(figure, key="shares", alt=f"Each point's share of the error; {top}")
    channels = reconstruction.errors.shape[1]
    over = f", each averaged over {channels} channels" if channels > 1 else ""
    st.caption(
        f"Error of this window: mean squared error of its {len(by_point)} points{over}, scaled to 0 to 1: "
        f"{by_point.mean():.3g}; {top}. "
        + (
            f"The alarm's point (colored) holds {format_percent(share, digits=0)}."
            if inside
            else "The alarm comes after this window."
        )
    )


def _features(reconstruction: Reconstruction, names: tuple[str, ...]) -> None:
    share = 100 * reconstruction.errors.sum(axis=0) / (reconstruction.errors.sum() or 1.0)
    figure = plots.class_bars(share, names, title="Error by channel", unit="share of the error, %")
    top = names[int(share.argmax())]
    show_figure(
        figure, key="features", alt=f"Share of the error by channel; the largest is {top} with {share.max():.0f} %"
    )
    st.caption(f"Largest: “{top}”. Time is encoded as sine and cosine, so there is no jump at midnight.")


def _show_attribution(bundle: Bundle, prepared: Prepared, run: Run, reconstruction: Reconstruction) -> None:
    st.subheader("Attribution of the error", anchor=False)
    choice: BaselineKind = choose(
        "Baseline",
        BASELINES,
        key="explain-nothing",
        default="usual",
        format_func=BASELINES.__getitem__,
        show_label=True,
    )
    attribution = _explain_error(
        run_cache.bundle_key(bundle),
        reconstruction.first,
        choice,
        _bundle=bundle,
        _prepared=prepared,
        _found=reconstruction,
        _config=run.config,
    )
    _show_maps(attribution, reconstruction)
    st.subheader("Sanity checks", anchor=False)
    show_checks(anomaly_alarm.check_attribution(attribution, choice))
    with st.expander("How to read this"):
        st.markdown(_HOW)


_HOW = """
- A point can be reconstructed badly because *another* point misled the model: attribution finds both.
- **Integrated gradients** (Sundararajan et al. 2017) sum the gradient of the error on the path from the baseline to the
  window. Their sum must be the difference of the two errors (completeness).
- **Feature ablation** replaces a short stretch of one channel by the baseline and measures how much the error falls. It
  needs no gradients, but misses interactions of two stretches.
- Orange-red increases the error, blue decreases it. Each map is scaled to its own largest value.
- Both describe what this model's error depends on, not what happened in the world.
"""


@cache_data(max_entries=64, show_spinner="Computing the attribution")
def _explain_error(
    key: str, first: int, nothing: BaselineKind, _bundle: Any, _prepared: Any, _found: Any, _config: Any
) -> ErrorAttribution:
    module = run_cache.load_model(_bundle).module
    return anomaly_alarm.explain(module, _prepared, _config, _found, baseline_kind=nothing)


def _show_maps(attribution: ErrorAttribution, reconstruction: Reconstruction) -> None:
    has_effect = np.abs(attribution.gradients).max(axis=0) + np.abs(attribution.ablation).max(axis=0) > 0
    if not has_effect.any():
        st.info("This window equals its baseline.", icon=":material/info:")
        return
    names = [name for name, is_shown in zip(attribution.channels, has_effect, strict=True) if is_shown]
    maps = {
        "Integrated gradients": attribution.gradients[:, has_effect].T,
        "Feature ablation": attribution.ablation[:, has_effect].T,
    }
    figure = attributions.series_attribution(
        reconstruction.times, maps, names, alarm=int(reconstruction.times[reconstruction.at])
    )
    slopes = np.abs(maps["Integrated gradients"])
    channel, moment = np.unravel_index(slopes.argmax(), slopes.shape)
    top = f"{names[channel]} at {day(int(reconstruction.times[moment]))}"
    show_figure(figure, key="leans-on", alt=f"Attribution of the error over time and channel; most on {top}")
    if len(names) < len(attribution.channels):
        st.caption(
            "Time channels equal the baseline's and are not shown. "
            f"Choose the baseline “{BASELINES['mean'].lower()}” to include them."
        )
