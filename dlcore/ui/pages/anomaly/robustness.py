"""Robustness of the anomaly page's scores: threshold, seeds, unlabeled days, and point-adjusted F1."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.data.series.series import Series
from dlcore.evaluation import anomaly, baselines, nab, sensitivity
from dlcore.evaluation.metrics import baseline_title
from dlcore.plots.sensitivity import SweptScores, score_by_factor
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.pages.anomaly.baseline import best_rival, series_at_hand
from dlcore.ui.pages.anomaly.data import day
from dlcore.ui.pages.anomaly.scores import HOUR_MS, PARTS, Whole, whole
from dlcore.ui.pages.anomaly.seeds import seeds_of, seeds_part
from dlcore.ui.pages.anomaly.threshold_rules import rules_part
from dlcore.ui.shell import style
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

FACTORS = np.geomspace(0.5, 2.0, 121)
FACTORS[60] = 1.0
CHANCES = 20
"""Random scores drawn for the demonstration."""
PASSED = 0.7
"""A random score above this value counts as passing."""


@dataclass(frozen=True)
class Moves:
    """Threshold sweeps of the run, of each seed, and of the best baseline with its name."""

    own: sensitivity.ThresholdSweep
    seeds: tuple[sensitivity.ThresholdSweep, ...]
    rival: tuple[str, sensitivity.ThresholdSweep] | None


def doubt_part(project: Project, run: Run, bundle: Bundle) -> None:
    """Draw the robustness section; nothing without labels."""
    evaluation, joined = run_cache.evaluation(bundle), whole(bundle)
    if joined is None or "nab_standard" not in evaluation.metrics or evaluation.threshold is None:
        return
    st.subheader("Robustness of this result", anchor=False)
    series = series_at_hand(run)
    _threshold_moved(project, run, bundle, joined, series)
    rules_part(project, run, bundle)
    seeds_part(evaluation)
    if series is not None and series.unlabelled:
        _holidays(joined, series, evaluation.threshold)
    _exhibit(run_cache.bundle_key(bundle), joined)


def moves(project: Project, run: Run, bundle: Bundle) -> Moves:
    """Return the sweeps of a run, cached."""
    return _moves(run_cache.bundle_key(bundle), project, run, bundle)


@st.cache_resource(max_entries=8, show_spinner="Computing threshold sweeps")
def _moves(key: str, _project: Project, _run: Run, _bundle: Bundle) -> Moves:
    evaluation, joined, stored = run_cache.evaluation(_bundle), whole(_bundle), run_cache.predictions(_bundle)
    assert joined is not None and evaluation.threshold is not None
    alone = seeds_of(evaluation).values() if "test_members" in stored else ()
    limits = [values["threshold"] for values in alone if "threshold" in values]
    members = [np.concatenate([stored[f"{part}_members"][:, place] for part in PARTS]) for place in range(len(limits))]
    rival = best_rival(_project, _run, evaluation, joined)
    return Moves(
        own=_swept(joined.scores, evaluation.threshold, joined),
        seeds=tuple(_swept(score, limit, joined) for score, limit in zip(members, limits, strict=True)),
        rival=(rival[0], _swept(rival[1], rival[2], joined)) if rival else None,
    )


def _swept(scores: np.ndarray, threshold: float, joined: Whole) -> sensitivity.ThresholdSweep:
    return sensitivity.threshold_sweep(
        scores,
        joined.targets,
        threshold=threshold,
        factors=FACTORS,
        counted_from=joined.ends[0],
        step_hours=joined.step_hours,
    )


def _threshold_moved(project: Project, run: Run, bundle: Bundle, joined: Whole, series: Series | None) -> None:
    found = moves(project, run, bundle)
    own = found.own
    lost, gained = own.event_lost, own.alarm_gained
    marks = {"event lost": lost, "alarm gained": gained}
    rivals = {baseline_title(found.rival[0], smoothing=False): _moved(found.rival[1])} if found.rival else {}
    figure = score_by_factor(
        FACTORS,
        _moved(own),
        seeds=[one.nab for one in found.seeds],
        rivals=rivals,
        marks={text: factor for text, factor in marks.items() if np.isfinite(factor)},
        events=len(joined.windows),
    )
    threshold = run_cache.evaluation(bundle).threshold or 0.0
    words = [lost_words(joined, series, threshold, lost), gained_words(joined, series, threshold, gained)]
    if found.rival:
        words.append(_rival_words(*found.rival))
    show_figure(figure, key="threshold-factor", alt="NAB, events and false alarms by threshold. " + " ".join(words))
    st.markdown(" ".join(words))
    st.caption(
        "The threshold set before the test split is 1 on the axis; every line has its own. A result that holds only "
        "near 1 depends on the few days that set the threshold."
    )


def _moved(sweep: sensitivity.ThresholdSweep) -> SweptScores:
    return SweptScores(sweep.nab, sweep.events_hit, sweep.false_alarms)


def lost_words(joined: Whole, series: Series | None, threshold: float, factor: float) -> str:
    """Describe which event a threshold raised to `factor` times misses; NaN: none within the sweep."""
    if not np.isfinite(factor):
        return "The threshold can double before an event is missed."
    before, after = (_events(joined, threshold * times) for times in (1.0, factor))
    names = [_name_of(series, joined, start) for start, _ in before.windows[before.hit & ~after.hit]]
    return f"Raised by **{factor - 1:.0%}**, it misses an event ({', '.join(filter(None, names)) or 'one more'})."


def gained_words(joined: Whole, series: Series | None, threshold: float, factor: float) -> str:
    """Describe when a threshold lowered to `factor` times raises another false alarm; NaN: not within the sweep."""
    if not np.isfinite(factor):
        return "It can be halved before there is another false alarm."
    before, after = (_events(joined, threshold * times) for times in (1.0, factor))
    new = after.false_alarms[~anomaly.overlapping(after.false_alarms, before.false_alarms)]
    days = [f"{day(int(joined.times[joined.ends[0] + start]))}" for start, _ in new[:2]]
    named = [_holiday_of(series, int(joined.times[joined.ends[0] + start])) for start, _ in new[:2]]
    told = "; ".join(when + (f", {name}" if name else "") for when, name in zip(days, named, strict=True))
    return f"Lowered by **{1 - factor:.0%}**, it raises another false alarm ({told or 'one splits into two'})."


def _rival_words(name: str, sweep: sensitivity.ThresholdSweep) -> str:
    up, down = sweep.event_lost, sweep.alarm_gained
    rise = f"when raised by {up - 1:.0%}" if np.isfinite(up) else "not even when doubled"
    fall = f"when lowered by {1 - down:.0%}" if np.isfinite(down) else "not even when halved"
    return (
        f"The threshold of the best baseline ({baseline_title(name)}) misses an event {rise} and raises a false "
        f"alarm {fall}."
    )


def _events(joined: Whole, threshold: float) -> anomaly.EventCounts:
    """Return the events after training; index ranges count from there."""
    called, start = anomaly.alarms(joined.scores, threshold), joined.ends[0]
    return anomaly.events(called[start:], joined.targets[start:], gap=max(1, round(24 / joined.step_hours)))


def _name_of(series: Series | None, joined: Whole, start: int) -> str:
    moment = int(joined.times[joined.ends[0] + start])
    return next((w.name for w in series.windows if w.start <= moment <= w.end), "") if series else ""


def _holiday_of(series: Series | None, moment: int) -> str:
    """Return the unlabeled day that contains a time, or ended less than a day before."""
    after = 24 * HOUR_MS
    return next((w.name for w in series.unlabelled if w.start <= moment <= w.end + after), "") if series else ""


def _holidays(joined: Whole, series: Series, threshold: float) -> None:
    spans = np.array([np.searchsorted(joined.times, (w.start, w.end + 1)) for w in series.unlabelled]).reshape(-1, 2)
    known = [(w, start, stop) for w, (start, stop) in zip(series.unlabelled, spans, strict=True) if stop > start]
    if not known:
        return
    st.markdown("**Unlabeled but plausible**: known holidays without a label")
    rows = [
        {
            "Holiday": window.name,
            "Day": day(window.start).rsplit(",", 1)[0],
            "Part": "train" if stop <= joined.ends[0] else "validation" if stop <= joined.ends[1] else "test",
            "Highest score / threshold": _ratio(float(joined.scores[start:stop].max()), threshold),
            "Alarm": "yes" if (joined.scores[start:stop] > threshold).any() else "no",
        }
        for window, start, stop in known
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Holidays without a label, and their scores")
    st.markdown(holiday_words(joined, series, threshold, spans))


def _ratio(score: float, threshold: float) -> str:
    """Format score / threshold; a causal score is 0 until the first whole window."""
    return f"{score / threshold:.2f}" if score > 0 else "no score yet"


def holiday_words(joined: Whole, series: Series, threshold: float, spans: np.ndarray) -> str:
    """Describe the effect of unlabeled days on score and threshold."""
    called, start = anomaly.alarms(joined.scores, threshold), joined.ends[0]
    windows = anomaly.true_ranges(joined.targets.astype(bool))
    without = sensitivity.remove_false_alarms(called, joined.targets, spans, step_hours=joined.step_hours)
    official, excused = (nab.file_score(kind, windows, start=start) for kind in (called, without))
    false = _events(joined, threshold).false_alarms + start
    touched = int(anomaly.overlapping(false, spans).sum())
    if touched:
        said = (
            f"**{touched} of {len(false)} false alarms** is on such a day. The official count includes it: NAB "
            f"{official:.1f}. Without it, NAB would be {excused:.1f}."
            if touched == 1
            else f"**{touched} of {len(false)} false alarms** are on such days. The official count includes them: NAB "
            f"{official:.1f}. Without them, NAB would be {excused:.1f}."
        )
    else:
        said = f"No false alarm after training is on such a day, so NAB is {official:.1f} either way."
    return f"{said} {_highest(joined, series, threshold)}"


def _highest(joined: Whole, series: Series, threshold: float) -> str:
    """Describe where the highest score before the test split is, and whether it sets the threshold."""
    top = int(joined.scores[: joined.ends[1]].argmax())
    moment, ratio = int(joined.times[top]), float(joined.scores[top]) / threshold
    name = _holiday_of(series, moment)
    when = day(moment) + (f" ({name})" if name else "")
    made = "it sets the threshold" if abs(ratio - 1) < 0.005 else f"{ratio:.2f} times the threshold"
    return f"The highest score before the test split is on {when}: {made}."


@st.cache_resource(max_entries=8, show_spinner=False)
def _adjusted(key: str, _joined: Whole) -> tuple[float, list[float]]:
    """Return the point-adjusted F1 of the run's score, and of random scores."""
    targets = _joined.targets
    chances = [baselines.random_score(len(targets), seed=seed) for seed in range(CHANCES)]
    own = anomaly.point_adjusted_f1(_joined.scores, targets)
    return own, [anomaly.point_adjusted_f1(chance, targets) for chance in chances]


def _exhibit(key: str, joined: Whole) -> None:
    with st.expander("Point-adjusted F1, and why it is not used here"):
        own, chances = _adjusted(key, joined)
        style.summary_row(
            [
                ("This run", f"{own:.3f}", ""),
                ("Random score", f"{np.mean(chances):.3f}", f"{min(chances):.3f} to {max(chances):.3f}"),
            ]
        )
        st.markdown(_adjusted_words(joined, own, float(np.mean(chances))))


def _adjusted_words(joined: Whole, own: float, chance: float) -> str:
    length = int(np.median(joined.windows[:, 1] - joined.windows[:, 0]))
    told = f"over {CHANCES} draws it gets {chance:.2f}" + (", more than this run" if chance > own else "")
    passes = (
        f"With windows of {length} points a random score almost surely hits each one: {told}. A metric "
        "that chance passes is not informative."
    )
    fails = (
        f"Windows of {length} points are short enough for a random score to fail: {told}. With longer windows it "
        "would pass."
    )
    return (
        "Many papers report this metric: one alarm in a labeled window counts *every* point of the window "
        f"as detected, and the threshold is chosen with the labels. {passes if chance > PASSED else fails}"
    )
