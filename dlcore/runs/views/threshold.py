"""What the threshold component shows: scores, labels and thresholds of a run as data for the browser."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcore.core.errors import WorkbenchError
from dlcore.data.custom import registry as custom_registry
from dlcore.data.series.series import LabeledWindow, Series
from dlcore.data.splits import SplitName
from dlcore.evaluation import anomaly
from dlcore.plots.packing import pack
from dlcore.projects.anomaly.project import threshold_mask
from dlcore.projects.run_config import RunConfig

_DAY_MS, _HOUR_MS = 86_400_000, 3_600_000


@dataclass(frozen=True)
class Scope:
    """A named range [start, stop) of scores: a part of the series, or the points that are counted."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class RuleScores:
    """The scores from which threshold rules are computed: their name and index ranges [start, stop)."""

    name: str
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class NamedWindow:
    """A named interval of time in epoch milliseconds, both ends included."""

    start: int
    end: int
    name: str = ""


@dataclass(frozen=True)
class ThresholdWording:
    """Names for a positive sample, for positives and negatives, and for one and several positive predictions."""

    positive: str = "event"
    positives: str = "labeled points"
    negatives: str = "unlabeled points"
    call: str = "alarm"
    calls: str = "alarms"


@dataclass(frozen=True)
class SeriesAxis:
    """Time axis of scores that belong to a series.

    times (N,) epoch milliseconds, increasing; values (N,) of the series and their name with unit; labeled windows;
    `plausible` windows are known events without a label.
    """

    times: np.ndarray
    values: np.ndarray | None = None
    value_name: str = ""
    windows: tuple[NamedWindow, ...] = ()
    plausible: tuple[NamedWindow, ...] = ()


@dataclass(frozen=True)
class CountingMode:
    """How samples are counted.

    `inclusive`: a score equal to the threshold is positive; `axis`: limits of the score axis if known; `ratio`: initial
    cost of a missed event in false alarms.
    """

    inclusive: bool = False
    axis: tuple[float, float] | None = None
    ratio: float = 10.0


@dataclass(frozen=True)
class ThresholdView:
    """Input of the component.

    scores (N,), higher is more anomalous (or more probably positive); labels (N,) 0 or 1, or None; `scopes` are the
    ranges that can be counted, the first one initially; `parts` are named on the time axis; `rules` are the scores
    (of training or validation, never test) from which threshold rules are computed; `references` are further thresholds
    with their names.
    """

    scores: np.ndarray
    labels: np.ndarray | None
    run_threshold: float
    scopes: tuple[Scope, ...]
    parts: tuple[Scope, ...] = ()
    rules: RuleScores | None = None
    series: SeriesAxis | None = None
    score_name: str = "score"
    wording: ThresholdWording = ThresholdWording()
    references: tuple[tuple[str, float], ...] = ()
    counting: CountingMode = CountingMode()


@dataclass(frozen=True)
class ReleasedThreshold:
    """State set by the user: the threshold, the index of the selected alarm, manual labels."""

    threshold: float
    alarm: int | None
    labels: tuple[NamedWindow, ...]


def threshold_data(view: ThresholdView, start: ReleasedThreshold) -> dict[str, Any]:
    """Return the data of the component `threshold`; the same at every rerun, so it is sent once."""
    scores = _finite_scores(view.scores)
    data: dict[str, Any] = {
        "scores": pack(scores, dtype=str(scores.dtype)),
        "labels": None if view.labels is None else pack(view.labels, dtype="uint8"),
        "values": None,
        "times": None,
        "step_ms": 0,
        "begin_ms": 0,
        "gap": 0,
        "windows": [],
        "plausible": [],
        "run_threshold": view.run_threshold,
        "start": start.threshold,
        "scope": 0,
        "k": 3,
        "quantile": 0.995,
        "scopes": [vars(scope) for scope in view.scopes],
        "parts": [vars(part) for part in view.parts],
        "score_name": view.score_name,
        "value_name": "",
        "rules": vars(view.rules) if view.rules else None,
        "references": [{"name": name, "value": value} for name, value in view.references],
        **vars(view.counting),
        "wording": vars(view.wording),
        "alarm": start.alarm,
        "manual_labels": [[window.start, window.end] for window in start.labels],
    }
    counted = view.scopes[0].stop - view.scopes[0].start
    data |= _series_data(view.series, counted) if view.series is not None else {}
    return data | {"version": _version(data)}


def _finite_scores(scores: np.ndarray) -> np.ndarray:
    """Return float32 scores unchanged, all others as float64; NaN becomes -inf and never raises an alarm."""
    floats = scores if scores.dtype == np.float32 else scores.astype(np.float64)
    return np.where(np.isnan(floats), -np.inf, floats).astype(floats.dtype)


def _series_data(series: SeriesAxis, counted: int) -> dict[str, Any]:
    steps = np.diff(series.times)
    step = float(np.median(steps)) if len(steps) else float(_DAY_MS)
    is_even = bool((steps == step).all())
    return {
        "times": None if is_even else pack(series.times, dtype="float64"),
        "begin_ms": float(series.times[0]),
        "step_ms": step,
        "gap": anomaly.event_gap(step / _HOUR_MS, counted) if step > 0 else 1,
        "value_name": series.value_name,
        "values": None if series.values is None else pack(series.values),
        "windows": [vars(window) for window in series.windows],
        "plausible": [vars(window) for window in series.plausible],
    }


def _version(data: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=12).hexdigest()


UNIT = "passengers per half-hour"
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class SplitScores:
    """One split of a run: errors (n,), targets (n,), times (n,) epoch milliseconds."""

    errors: np.ndarray
    targets: np.ndarray
    times: np.ndarray


def split_scores(
    stored: Mapping[str, np.ndarray], kind: str = "scores", *, column: int | None = None
) -> dict[str, SplitScores]:
    """Return the splits with stored errors: the causal `scores`, the centered ones, which use later points, or those of
    one of the `columns`."""
    place = ... if column is None else (slice(None), column)
    return {
        name: SplitScores(stored[f"{name}_{kind}"][place], stored[f"{name}_targets"], stored[f"{name}_ids"])
        for name in SPLITS
        if f"{name}_{kind}" in stored
    }


def rule_scores(splits: dict[str, SplitScores], config: RunConfig) -> RuleScores | None:
    """Return the scores that set the run's threshold, so that each rule gives the value of the table of rules."""
    if not {"train", "validation"} <= splits.keys():
        return None
    train, validation = splits["train"], splits["validation"]
    ends = (len(train.times), len(train.times) + len(validation.times))
    try:
        mask = threshold_mask(np.concatenate([train.times, validation.times]), ends, config)
    except WorkbenchError:  # settings of an older version
        return None
    name = "training and validation" if mask[: ends[0]].any() else "validation"
    return RuleScores(name, tuple((int(start), int(stop)) for start, stop in anomaly.true_ranges(mask)))


def make_view(
    splits: dict[str, SplitScores],
    threshold: float,
    *,
    axis: SeriesAxis,
    rules: RuleScores | None = None,
    score: str = "reconstruction error",
) -> ThresholdView:
    """Return a run's splits, in order, for the component; `threshold` is the run's, `score` what it measures."""
    names = list(splits)
    ends = np.cumsum([len(part.errors) for part in splits.values()])
    parts = [Scope(name, int(end - len(splits[name].errors)), int(end)) for name, end in zip(names, ends, strict=True)]
    by_name = {part.name: part for part in parts}
    first = by_name.get("validation", by_name.get("test", parts[0]))
    scopes = [Scope("all outside training", first.start, int(ends[-1]))] if first.start else []
    scopes += [by_name[name] for name in ("test",) if name in by_name] + [Scope("whole series", 0, int(ends[-1]))]
    targets = np.concatenate([part.targets for part in splits.values()]).astype(np.uint8)
    return ThresholdView(
        scores=np.concatenate([part.errors for part in splits.values()]),
        labels=targets if targets.any() else None,
        run_threshold=threshold,
        scopes=tuple(scopes),
        parts=tuple(parts),
        rules=rules,
        series=axis,
        score_name=score,
        references=(("maximum of training", float(splits["train"].errors.max())),) if "train" in splits else (),
    )


def unit_of(config: RunConfig) -> str:
    """Return the unit of a run's series; for a custom series, its column name."""
    if not custom_registry.is_custom(config.dataset):
        return UNIT
    entry = custom_registry.find(config.dataset)
    if entry is None:
        return "value"
    return str(entry.facts["columns"]["value"]) if entry.kind == "series" else "mean of the scaled columns"


def series_axis(splits: dict[str, SplitScores], series: Series | None, *, unit: str) -> SeriesAxis:
    """Return the time axis of the scores, with the series behind them if it is on this machine."""
    times = np.concatenate([part.times for part in splits.values()])
    if series is None or len(series.times) == 0:
        return SeriesAxis(times)
    point = np.minimum(np.searchsorted(series.times, times), len(series.times) - 1)
    if not (series.times[point] == times).all():
        return SeriesAxis(times)
    return SeriesAxis(times, series.values[point], unit, _windows(series.windows), _windows(series.unlabeled))


def _windows(labeled_windows: tuple[LabeledWindow, ...]) -> tuple[NamedWindow, ...]:
    return tuple(NamedWindow(window.start, window.end, window.name) for window in labeled_windows)


def threshold_view(stored: Mapping[str, np.ndarray], labels: tuple[str, ...], run_threshold: float) -> ThresholdView:
    """Return probabilities of the second class, validation before test, for the threshold component."""
    no, yes = labels
    names = [name for name in ("validation", "test") if f"{name}_scores" in stored]
    scores = np.concatenate([stored[f"{name}_scores"][:, 1] for name in names])
    ends = np.cumsum([len(stored[f"{name}_targets"]) for name in names]).tolist()
    scopes = tuple(Scope(name, start, stop) for name, start, stop in zip(names, [0, *ends], ends, strict=False))
    return ThresholdView(
        scores=scores,
        labels=np.concatenate([stored[f"{name}_targets"] for name in names]) == 1,
        run_threshold=run_threshold,
        scopes=scopes[::-1],
        references=(("0.5", 0.5),),
        score_name=f"probability of “{yes}”",
        wording=ThresholdWording(f"“{yes}”", f"“{yes}”", f"“{no}”", "call", "calls"),
        counting=CountingMode(inclusive=True, axis=(0.0, 1.0), ratio=1.0),
    )


def error_view(stored: Mapping[str, np.ndarray], run_threshold: float) -> ThresholdView:
    """Return reconstruction errors of samples without a time, validation before test, for the threshold component."""
    parts = [stored["validation_scores"], stored["test_scores"]]
    start, stop = len(parts[0]), len(parts[0]) + len(parts[1])
    return ThresholdView(
        scores=np.concatenate(parts),
        labels=np.concatenate([stored["validation_targets"], stored["test_targets"]]) == 1,
        run_threshold=run_threshold,
        scopes=(Scope("test", start, stop), Scope("validation", 0, start)),
        rules=RuleScores("validation", ((0, start),)),
        score_name="reconstruction error",
        wording=ThresholdWording("anomaly", "anomalies", "known images", "call", "calls"),
        counting=CountingMode(ratio=1.0),
    )
