"""Why a point of the series raised an alarm: the window behind it, the model's copy, and what the error leans on."""

from typing import Any

import numpy as np
import streamlit as st

from dlcore.data.splits import Prepared
from dlcore.evaluation import anomaly
from dlcore.plots import attribution as attributions
from dlcore.plots import classification as plots
from dlcore.plots import errors as error_plots
from dlcore.plots.series import before_and_after
from dlcore.projects.anomaly import alarm as anomaly_alarm
from dlcore.projects.anomaly.alarm import ErrorAttribution, Nothing, Reconstruction
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.pages.anomaly.data import day, unit_of
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.findings import show_checks

LISTED = 20
COMPARED: dict[Nothing, str] = {"usual": "Usual values", "mean": "Training mean, time hidden"}


def explain_alarm(project: Project, run: Run, bundle: Bundle) -> None:
    """Choose an alarm; see the window behind it, its copy, each point's share of the error, and two methods that say
    what the error leans on."""
    stored = run_cache.predictions(bundle)
    errors, times = stored["test_scores"], stored["test_ids"]
    threshold = bundle.threshold or 0.0
    peaks = alarm_peaks(errors, threshold)
    if len(peaks):
        st.markdown("Choose an alarm of the test part, and see what in its window made the model's error.")
    else:
        st.info("No test point raises an alarm at this run's threshold; listed are the points with the largest scores.")
        peaks = np.argsort(-errors)[:LISTED]
    peak: int = st.selectbox(
        "Alarm" if errors[peaks[0]] > threshold else "Point",
        [int(place) for place in peaks],
        key="alarm",
        format_func=lambda place: (
            f"{day(int(times[place]))}, score {errors[place]:.3g}"
            + (f", {errors[place] / threshold:.1f} times the threshold" if threshold > 0 else "")
        ),
    )
    prepared = prepared_of(project, run, bundle)
    place = prepared.source["spans"]["test"].start + peak
    found = anomaly_alarm.reconstruct(run_cache.load_model(bundle).module, prepared, run.config, place)
    _window(found, run, int(times[peak]))
    _shares(found, anomaly_alarm.channels(run.config), int(times[peak]))
    _leans_on(bundle, prepared, run, found)


def alarm_peaks(errors: np.ndarray, threshold: float) -> np.ndarray:
    """The point with the largest score of each burst of alarms, the worst burst first."""
    bursts = anomaly.alarm_ranges(anomaly.alarms(errors, threshold))
    peaks = np.array([start + int(errors[start:stop].argmax()) for start, stop in bursts], dtype=np.int64)
    return peaks[np.argsort(-errors[peaks])][:LISTED]


def prepared_of(project: Project, run: Run, bundle: Bundle) -> Prepared:
    """The run's data as its model takes them, cut once for all sessions.

    Raises:
        DataError: the series is not here, or not what it was.
    """
    return _prepared(run_cache.bundle_key(bundle), project, run.config)


@st.cache_resource(max_entries=2, show_spinner="Cutting the series into the model's inputs")
def _prepared(key: str, _project: Project, _config: Any) -> Prepared:
    return _project.prepare(_config)


def _window(found: Reconstruction, run: Run, moment: int) -> None:
    unit = unit_of(run.config)
    figure = before_and_after(found.times, found.seen, found.rebuilt, moment=moment, unit=unit)
    gap = plain(float(np.abs(found.seen - found.rebuilt).max()))
    show_figure(figure, key="rebuilt", alt=f"The series and the model's copy; they differ by up to {gap}")
    if anomaly_alarm.scores_rows(run.config):
        which = "This model looks at one point at a time; shown are those around the alarm."
    elif found.times[0] <= moment <= found.times[-1]:
        which = "Of the windows that this score is made from, the one rebuilt worst is shown."
    else:
        which = "This score is a mean over some time; shown is the window in that time that was rebuilt worst."
    st.caption(
        "The model squeezes what it sees through a narrow middle and rebuilds it. What it never learnt to rebuild "
        f"stands out: here the two lines differ by up to {gap} ({unit}). {which}"
    )


def plain(value: float) -> str:
    """A number of any size as people write it."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _shares(found: Reconstruction, channels: tuple[str, ...], moment: int) -> None:
    if found.errors.shape[1] == 1:
        _points(found, moment)
        return
    left, right = st.columns([3, 2])
    with left:
        _points(found, moment)
    with right:
        _features(found, channels)


def _points(found: Reconstruction, moment: int) -> None:
    by_point, inside = found.by_point, moment <= found.times[-1]
    figure = error_plots.window_contributions(found.times, by_point, alarm=found.at if inside else -1)
    worst = int(by_point.argmax())
    share, most = (by_point[place] / (by_point.sum() or 1.0) for place in (found.at, worst))
    top = f"the largest share, {most:.0%}, has {day(int(found.times[worst]))}"
    show_figure(figure, key="shares", alt=f"Each point's share of the error; {top}")
    channels = found.errors.shape[1]
    over = f", each averaged over {channels} channels" if channels > 1 else ""
    st.caption(
        f"The plain account: error of this window = mean of the squared distances of its {len(by_point)} points{over}, "
        f"scaled to 0 to 1 = {by_point.mean():.3g}; {top}. "
        + (f"The alarm's own point (coloured) holds {share:.0%}." if inside else "The alarm itself comes after it.")
    )


def _features(found: Reconstruction, names: tuple[str, ...]) -> None:
    share = 100 * found.errors.sum(axis=0) / (found.errors.sum() or 1.0)
    figure = plots.class_bars(share, names, title="Which channel it comes from", unit="share of the error, %")
    top = names[int(share.argmax())]
    show_figure(
        figure, key="features", alt=f"Share of the error by channel; the largest is {top} with {share.max():.0f} %"
    )
    st.caption(
        f"Most comes from “{top}”. Time enters as sine and cosine so that midnight follows 23:30 without a jump."
    )


def _leans_on(bundle: Bundle, prepared: Prepared, run: Run, found: Reconstruction) -> None:
    st.subheader("Attribution of the error", anchor=False)
    chosen: Nothing = st.segmented_control(
        "Baseline",
        list(COMPARED),
        default="usual",
        required=True,
        key="explain-nothing",
        format_func=COMPARED.__getitem__,
    )
    explained = _explained(
        run_cache.bundle_key(bundle),
        found.first,
        chosen,
        _bundle=bundle,
        _prepared=prepared,
        _found=found,
        _config=run.config,
    )
    _map(explained, found)
    st.subheader("Sanity checks", anchor=False)
    show_checks(anomaly_alarm.check_attribution(explained, chosen))
    with st.expander("How to read this"):
        st.markdown(_HOW)


_HOW = """
- A point can be reconstructed badly because *another* point misled the model: attribution finds both.
- **Integrated gradients** (Sundararajan et al. 2017) sum the gradient of the error on the path from the baseline to the
  window. Their sum must be the difference of the two errors (completeness).
- **Feature ablation** replaces a short stretch of one channel by the baseline and measures how much the error falls. It
  needs no gradients, but misses what two stretches do only together.
- Orange-red increases the error, blue decreases it. Each map is scaled to its own largest value.
- Neither says what happened in the world: they say what this model's error depends on.
"""


@st.cache_data(max_entries=64, show_spinner="Computing the attribution")
def _explained(
    key: str, first: int, nothing: Nothing, _bundle: Any, _prepared: Any, _found: Any, _config: Any
) -> ErrorAttribution:
    module = run_cache.load_model(_bundle).module
    return anomaly_alarm.explain(module, _prepared, _config, _found, nothing=nothing)


def _map(explained: ErrorAttribution, found: Reconstruction) -> None:
    moved = np.abs(explained.gradients).max(axis=0) + np.abs(explained.ablation).max(axis=0) > 0
    if not moved.any():
        st.info("Nothing in this window differs from what it is compared with.", icon=":material/info:")
        return
    kept = [name for name, part in zip(explained.channels, moved, strict=True) if part]
    maps = {"Integrated gradients": explained.gradients[:, moved].T, "Feature ablation": explained.ablation[:, moved].T}
    figure = attributions.series_attribution(found.times, maps, kept, alarm=int(found.times[found.at]))
    slopes = np.abs(maps["Integrated gradients"])
    channel, moment = np.unravel_index(slopes.argmax(), slopes.shape)
    top = f"{kept[channel]} at {day(int(found.times[moment]))}"
    show_figure(figure, key="leans-on", alt=f"Attribution of the error over time and channel; most on {top}")
    if len(kept) < len(explained.channels):
        st.caption(
            "Time channels are left out: they equal the baseline's. "
            f"Choose the baseline “{COMPARED['mean'].lower()}” to see their contribution."
        )
