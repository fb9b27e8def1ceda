"""Why a point of the series raised an alarm: what the model rebuilt around it, and where its error is from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from dlcore.data.series import MinMaxScaler
from dlcore.data.splits import Prepared
from dlcore.evaluation import anomaly
from dlcore.plots import classification as plots
from dlcore.plots import errors as error_plots
from dlcore.plots.series import before_and_after
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.figure import show_figure
from dlcore.ui.panels import reading
from dlcore.ui.panels.series_data import UNIT, day

FEATURES = ("count", "time of day (sine)", "time of day (cosine)", "day of week (sine)", "day of week (cosine)")
AROUND = anomaly.DAY
"""Points shown where the model looks at one row at a time."""
LISTED = 20
WORST_WINDOW = "A point's error is its mean over all windows that hold it; this window rebuilds the point worst."


@dataclass(frozen=True)
class Rebuilt:
    """A stretch of the test part as the model saw and rebuilt it: times (L,), both (L, F) scaled to 0 to 1."""

    times: np.ndarray
    seen: np.ndarray
    rebuilt: np.ndarray

    @property
    def squares(self) -> np.ndarray:
        """Squared distance of each point and feature, (L, F)."""
        return (self.seen - self.rebuilt) ** 2


def explain_alarm(project: Project, run: Run, bundle: Bundle) -> None:
    """Choose an alarm; see the window around it, its copy, and each point's share of the error."""
    stored = reading.predictions(bundle)
    errors, times = stored["test_scores"], stored["test_ids"]
    threshold = bundle.threshold or 0.0
    peaks = alarm_peaks(errors, threshold)
    if len(peaks):
        st.markdown("Choose an alarm of the test part, and see which points make up its error.")
    else:
        st.info("No test point raises an alarm at this run's threshold; listed are the points with the largest errors.")
        peaks = np.argsort(-errors)[:LISTED]
    peak: int = st.selectbox(
        "Alarm" if errors[peaks[0]] > threshold else "Point", [int(place) for place in peaks], key="alarm",
        format_func=lambda place: f"{day(int(times[place]))}, error {errors[place]:.3g}"
        + (f", {errors[place] / threshold:.1f} times the threshold" if threshold > 0 else ""),
    )  # fmt: skip
    prepared = _prepared(reading.key_of(bundle), project, run.config)
    found = rebuild(reading.loaded(bundle).module, prepared, peak)
    _window(found, prepared, int(times[peak]))
    _shares(found, int(times[peak]))


def alarm_peaks(errors: np.ndarray, threshold: float) -> np.ndarray:
    """The point with the largest error of each burst of alarms, the worst burst first."""
    bursts = anomaly.episodes(anomaly.alarms(errors, threshold))
    peaks = np.array([start + int(errors[start:stop].argmax()) for start, stop in bursts], dtype=np.int64)
    return peaks[np.argsort(-errors[peaks])][:LISTED]


def rebuild(module: Any, prepared: Prepared, peak: int) -> Rebuilt:
    """What the model makes of the window that holds test point `peak` and rebuilds it worst; of a day of rows around it
    where the model looks at single rows."""
    import torch

    inputs = prepared.test.inputs[0]
    if inputs.ndim == 2:
        first = int(np.clip(peak - AROUND // 2, 0, max(0, len(inputs) - AROUND)))
        seen = inputs[first : first + AROUND]
        with torch.no_grad():
            copy = module(seen)
    else:
        length = inputs.shape[2] if inputs.shape[1] == 1 else inputs.shape[1]
        low = max(0, peak - length + 1)
        candidates = inputs[low : peak + 1]  # every window that holds the point
        with torch.no_grad():
            copies = module(candidates)
        parts = [part.transpose(1, 2) if part.shape[1] == 1 else part for part in (candidates, copies)]  # (n, L, F)
        starts = torch.arange(low, low + len(candidates))
        at_peak = (parts[0] - parts[1]).square().mean(dim=2)[torch.arange(len(candidates)), peak - starts]
        worst = int(at_peak.argmax())
        first, seen, copy = low + worst, parts[0][worst], parts[1][worst]
    step = int(prepared.preprocessing["step_ms"])
    times = int(prepared.test.ids[first]) + step * np.arange(len(seen))
    return Rebuilt(times, seen.numpy(), copy.numpy())


@st.cache_resource(max_entries=2, show_spinner="Cutting the series into the model's inputs")
def _prepared(key: str, _project: Project, _config: Any) -> Prepared:
    return _project.prepare(_config)


def _window(found: Rebuilt, prepared: Prepared, moment: int) -> None:
    scaler = MinMaxScaler.from_json(prepared.preprocessing["scaler"])
    low, span = scaler.low[0], scaler.high[0] - scaler.low[0]
    seen, rebuilt = (low + span * part[:, 0] for part in (found.seen, found.rebuilt))
    figure = before_and_after(found.times, seen, rebuilt, moment=moment, unit=UNIT)
    gap = float(np.abs(seen - rebuilt).max())
    show_figure(figure, key="rebuilt", alt=f"The series and the model's copy; they differ by up to {gap:,.0f}")
    st.caption(
        "The model squeezes what it sees through a narrow middle and rebuilds it. What it never learnt to rebuild "
        f"stands out: here the two lines differ by up to {gap:,.0f} passengers."
        + (f" {WORST_WINDOW}" if prepared.test.inputs[0].ndim == 3 else "")
    )


def _shares(found: Rebuilt, moment: int) -> None:
    by_point = found.squares.mean(axis=1)
    alarm = int(np.abs(found.times - moment).argmin())
    if found.squares.shape[1] == 1:
        _points(found, by_point, alarm)
        return
    left, right = st.columns([3, 2])
    with left:
        _points(found, by_point, alarm)
    with right:
        _features(found.squares)


def _points(found: Rebuilt, by_point: np.ndarray, alarm: int) -> None:
    figure = error_plots.window_contributions(found.times, by_point, alarm=alarm)
    share = by_point[alarm] / (by_point.sum() or 1.0)
    show_figure(figure, key="shares", alt=f"Each point's share of the error; the alarm's own point has {share:.0%}")
    st.caption(
        f"Error of this window = mean of the squared distances of its {len(by_point)} points, each averaged over "
        f"{found.squares.shape[1]} feature{'s' if found.squares.shape[1] > 1 else ''} scaled to 0 to 1 = "
        f"{by_point.mean():.3g}. The alarm's own point (coloured) holds {share:.0%} of it."
    )


def _features(squares: np.ndarray) -> None:
    share = 100 * squares.sum(axis=0) / (squares.sum() or 1.0)
    names = FEATURES if len(share) == len(FEATURES) else tuple(f"feature {i + 1}" for i in range(len(share)))
    figure = plots.class_bars(share, names, title="Which feature it comes from", unit="share of the error, %")
    top = names[int(share.argmax())]
    show_figure(
        figure, key="features", alt=f"Share of the error by feature; the largest is {top} with {share.max():.0f} %"
    )
    st.caption(
        f"Most comes from “{top}”. Time enters as sine and cosine so that midnight follows 23:30 without a jump."
    )
