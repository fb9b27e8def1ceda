"""Robustness of the anomaly page's scores: threshold, seeds, unlabeled days, and point-adjusted F1."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dlcore.data.series.series import Series
from dlcore.evaluation import anomaly, baselines, nab, sensitivity
from dlcore.evaluation.metrics import baseline_title, format_percent
from dlcore.plots.sensitivity import SweptScores, score_by_factor
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.pages.anomaly.baseline import find_best_baseline
from dlcore.ui.pages.anomaly.data import day, find_series
from dlcore.ui.pages.anomaly.scores import HOUR_MS, PARTS, ScoredSeries, load_scored_series
from dlcore.ui.pages.anomaly.seeds import seed_metrics, show_seeds
from dlcore.ui.pages.anomaly.threshold_rules import show_threshold_rules
from dlcore.ui.shell import style
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

FACTORS = np.geomspace(0.5, 2.0, 121)
FACTORS[60] = 1.0
N_RANDOM = 20
"""Number of random scores."""
LONG = 200_000
"""Points from which an expander computes what it holds once it is opened."""
PASS_ABOVE = 0.7
"""A random score above this value counts as passing."""


@dataclass(frozen=True)
class Sweeps:
    """Threshold sweeps of the run, of each seed, and of the best baseline with its name."""

    run: sensitivity.ThresholdSweep
    seeds: tuple[sensitivity.ThresholdSweep, ...]
    baseline: tuple[str, sensitivity.ThresholdSweep] | None


def show_robustness(project: Project, run: Run, bundle: Bundle) -> None:
    """Draw the robustness section; nothing without labels."""
    evaluation, scored = run_cache.evaluation(bundle), load_scored_series(bundle)
    if scored is None or "nab_standard" not in evaluation.metrics or evaluation.threshold is None:
        return
    box = _expander("Robustness of this result", scored, icon=":material/tune:")
    if box is not None:
        with box:
            series = find_series(run.config)
            _show_sensitivity(project, run, bundle, scored, series)
            if not run.config.flat.get("record_share"):
                show_threshold_rules(project, run, bundle)
            show_seeds(evaluation)
            if series is not None and series.unlabeled:
                _holidays(scored, series, evaluation.threshold)
    _show_point_adjusted(run_cache.bundle_key(bundle), scored)


def _expander(title: str, scored: ScoredSeries, *, icon: str | None = None) -> DeltaGenerator | None:
    """Return an expander; None while that of a long series is closed, since what it holds takes seconds."""
    if len(scored.scores) < LONG:
        return st.expander(title, icon=icon)
    box = st.expander(title, icon=icon, key=f"long-{title}", on_change="rerun")
    return box if box.open else None


def load_sweeps(project: Project, run: Run, bundle: Bundle) -> Sweeps:
    """Return the sweeps of a run, cached."""
    return _sweeps(run_cache.bundle_key(bundle), project, run, bundle)


@cache_resource(max_entries=8, show_spinner="Computing threshold sweeps")
def _sweeps(key: str, _project: Project, _run: Run, _bundle: Bundle) -> Sweeps:
    evaluation, stored = run_cache.evaluation(_bundle), run_cache.predictions(_bundle)
    scored = load_scored_series(_bundle)
    assert scored is not None and evaluation.threshold is not None
    per_seed = seed_metrics(evaluation).values() if "test_members" in stored else ()
    limits = [values["threshold"] for values in per_seed if "threshold" in values]
    members = [np.concatenate([stored[f"{part}_members"][:, place] for part in PARTS]) for place in range(len(limits))]
    best = find_best_baseline(_project, _run, evaluation, scored)
    return Sweeps(
        run=_sweep(scored.scores, evaluation.threshold, scored),
        seeds=tuple(_sweep(score, limit, scored) for score, limit in zip(members, limits, strict=True)),
        baseline=(best[0], _sweep(best[1], best[2], scored)) if best else None,
    )


def _sweep(scores: np.ndarray, threshold: float, scored: ScoredSeries) -> sensitivity.ThresholdSweep:
    return sensitivity.threshold_sweep(
        scores,
        scored.targets,
        threshold=threshold,
        factors=FACTORS,
        counted_from=scored.ends[0],
        step_hours=scored.step_hours,
    )


def _show_sensitivity(project: Project, run: Run, bundle: Bundle, scored: ScoredSeries, series: Series | None) -> None:
    sweeps = load_sweeps(project, run, bundle)
    run_sweep = sweeps.run
    season = run_cache.evaluation(bundle).season
    lost, gained = run_sweep.event_lost, run_sweep.alarm_gained
    marks = {"event lost": lost, "alarm gained": gained}
    best_baseline = (
        {baseline_title(sweeps.baseline[0], smoothing=False, season=season): _swept_scores(sweeps.baseline[1])}
        if sweeps.baseline
        else {}
    )
    figure = score_by_factor(
        FACTORS,
        _swept_scores(run_sweep),
        seeds=[seed.nab for seed in sweeps.seeds],
        competitors=best_baseline,
        marks={text: factor for text, factor in marks.items() if np.isfinite(factor)},
        events=len(scored.windows),
    )
    threshold = run_cache.evaluation(bundle).threshold or 0.0
    sentences = [
        describe_lost_event(scored, series, threshold, lost),
        describe_new_alarm(scored, series, threshold, gained),
    ]
    if sweeps.baseline:
        sentences.append(_describe_baseline(*sweeps.baseline))
    show_figure(figure, key="threshold-factor", alt="NAB, events and false alarms by threshold. " + " ".join(sentences))
    st.markdown(" ".join(sentences))
    st.caption(
        "The threshold set before the test split is 1 on the axis; every line has its own. A result that holds only "
        "near 1 depends on the few days that set the threshold."
    )


def _swept_scores(sweep: sensitivity.ThresholdSweep) -> SweptScores:
    return SweptScores(sweep.nab, sweep.events_hit, sweep.false_alarms)


def describe_lost_event(scored: ScoredSeries, series: Series | None, threshold: float, factor: float) -> str:
    """Describe which event a threshold raised to `factor` times misses; NaN: none within the sweep."""
    if not np.isfinite(factor):
        return "The threshold can double before an event is missed."
    before, after = (_events(scored, threshold * scale) for scale in (1.0, factor))
    names = [_name_of(series, scored, start) for start, _ in before.windows[before.hit & ~after.hit]]
    lost = ", ".join(filter(None, names)) or "one more"
    return f"Raised by **{format_percent(factor - 1, digits=0)}**, it misses an event ({lost})."


def describe_new_alarm(scored: ScoredSeries, series: Series | None, threshold: float, factor: float) -> str:
    """Describe when a threshold lowered to `factor` times raises another false alarm; NaN: not within the sweep."""
    if not np.isfinite(factor):
        return "It can be halved before there is another false alarm."
    before, after = (_events(scored, threshold * scale) for scale in (1.0, factor))
    new = after.false_alarms[~anomaly.overlapping(after.false_alarms, before.false_alarms)]
    days = [f"{day(int(scored.times[scored.ends[0] + start]))}" for start, _ in new[:2]]
    names = [_holiday_of(series, int(scored.times[scored.ends[0] + start])) for start, _ in new[:2]]
    dates = "; ".join(when + (f", {name}" if name else "") for when, name in zip(days, names, strict=True))
    fall = format_percent(1 - factor, digits=0)
    return f"Lowered by **{fall}**, it raises another false alarm ({dates or 'one splits into two'})."


def _describe_baseline(name: str, sweep: sensitivity.ThresholdSweep) -> str:
    up, down = sweep.event_lost, sweep.alarm_gained
    rise = f"when raised by {format_percent(up - 1, digits=0)}" if np.isfinite(up) else "not even when doubled"
    fall = f"when lowered by {format_percent(1 - down, digits=0)}" if np.isfinite(down) else "not even when halved"
    return (
        f"The threshold of the best baseline ({baseline_title(name)}) misses an event {rise} and raises a false "
        f"alarm {fall}."
    )


def _events(scored: ScoredSeries, threshold: float) -> anomaly.EventCounts:
    """Return the events after training; index ranges count from there."""
    is_alarm, start = anomaly.alarms(scored.scores, threshold), scored.ends[0]
    gap = anomaly.event_gap(scored.step_hours, len(is_alarm) - start)
    return anomaly.events(is_alarm[start:], scored.targets[start:], gap=gap)


def _name_of(series: Series | None, scored: ScoredSeries, start: int) -> str:
    moment = int(scored.times[scored.ends[0] + start])
    return next((w.name for w in series.windows if w.start <= moment <= w.end), "") if series else ""


def _holiday_of(series: Series | None, moment: int) -> str:
    """Return the unlabeled day that contains a time, or ended less than a day before."""
    margin = 24 * HOUR_MS
    return next((w.name for w in series.unlabeled if w.start <= moment <= w.end + margin), "") if series else ""


def _holidays(scored: ScoredSeries, series: Series, threshold: float) -> None:
    intervals = np.array([np.searchsorted(scored.times, (w.start, w.end + 1)) for w in series.unlabeled]).reshape(-1, 2)
    known = [(w, start, stop) for w, (start, stop) in zip(series.unlabeled, intervals, strict=True) if stop > start]
    if not known:
        return
    st.markdown("**Unlabeled but plausible**: known holidays without a label")
    rows = [
        {
            "Holiday": window.name,
            "Day": day(window.start).rsplit(",", 1)[0],
            "Part": "train" if stop <= scored.ends[0] else "validation" if stop <= scored.ends[1] else "test",
            "Highest score / threshold": _ratio(float(scored.scores[start:stop].max()), threshold),
            "Alarm": "yes" if (scored.scores[start:stop] > threshold).any() else "no",
        }
        for window, start, stop in known
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Holidays without a label, and their scores")
    st.markdown(describe_holidays(scored, series, threshold, intervals))


def _ratio(score: float, threshold: float) -> str:
    """Format score / threshold; a causal score is 0 until the first whole window."""
    return f"{score / threshold:.2f}" if score > 0 else "no score yet"


def describe_holidays(scored: ScoredSeries, series: Series, threshold: float, intervals: np.ndarray) -> str:
    """Describe the effect of unlabeled days on score and threshold."""
    is_alarm, start = anomaly.alarms(scored.scores, threshold), scored.ends[0]
    windows = anomaly.true_ranges(scored.targets.astype(bool))
    without = sensitivity.remove_false_alarms(is_alarm, scored.targets, intervals, step_hours=scored.step_hours)
    nab_official, nab_without = (nab.file_score(mask, windows, start=start) for mask in (is_alarm, without))
    false_alarms = _events(scored, threshold).false_alarms + start
    on_holidays = int(anomaly.overlapping(false_alarms, intervals).sum())
    if on_holidays:
        text = (
            f"**{on_holidays} of {len(false_alarms)} false alarms** after training fall on such days. "
            f"Official NAB: {nab_official:.1f}. Without them: {nab_without:.1f}."
        )
    else:
        text = f"No false alarm after training is on such a day, so NAB is {nab_official:.1f} either way."
    return f"{text} {_describe_highest(scored, series, threshold)}"


def _describe_highest(scored: ScoredSeries, series: Series, threshold: float) -> str:
    """Describe where the highest score before the test split is, and whether it sets the threshold."""
    top = int(scored.scores[: scored.ends[1]].argmax())
    moment, ratio = int(scored.times[top]), float(scored.scores[top]) / threshold
    name = _holiday_of(series, moment)
    when = day(moment) + (f" ({name})" if name else "")
    relation = "it sets the threshold" if abs(ratio - 1) < 0.005 else f"{ratio:.2f} times the threshold"
    return f"The highest score before the test split is on {when}: {relation}."


@cache_resource(max_entries=8, show_spinner=False)
def _point_adjusted(key: str, _scored: ScoredSeries) -> tuple[float, list[float]]:
    """Return the point-adjusted F1 of the run's score, and of random scores."""
    targets = _scored.targets
    draws = [baselines.random_score(len(targets), seed=seed) for seed in range(N_RANDOM)]
    run_f1 = anomaly.point_adjusted_f1(_scored.scores, targets)
    return run_f1, [anomaly.point_adjusted_f1(draw, targets) for draw in draws]


def _show_point_adjusted(key: str, scored: ScoredSeries) -> None:
    box = _expander("Point-adjusted F1, and why it is not used here", scored)
    if box is None:
        return
    with box:
        run_f1, random_f1 = _point_adjusted(key, scored)
        style.summary_row(
            [
                ("This run", f"{run_f1:.3f}", ""),
                ("Random score", f"{np.mean(random_f1):.3f}", f"{min(random_f1):.3f} to {max(random_f1):.3f}"),
            ]
        )
        st.markdown(_describe_point_adjusted(scored, run_f1, float(np.mean(random_f1))))


def _describe_point_adjusted(scored: ScoredSeries, run_f1: float, random_f1: float) -> str:
    length = int(np.median(scored.windows[:, 1] - scored.windows[:, 0]))
    draws = f"over {N_RANDOM} draws it gets {random_f1:.2f}" + (", more than this run" if random_f1 > run_f1 else "")
    passes = (
        f"With windows of {length} points a random score almost surely hits each one: {draws}. A metric "
        "that chance passes is not informative."
    )
    fails = (
        f"Windows of {length} points are short enough for a random score to fail: {draws}. With longer windows it "
        "would pass."
    )
    return (
        "Many papers report this metric: one alarm in a labeled window counts *every* point of the window "
        f"as detected, and the threshold is chosen with the labels. {passes if random_f1 > PASS_ABOVE else fails}"
    )
