"""Anomaly detection in a time series by the reconstruction error of an autoencoder."""

import dataclasses
import functools
import weakref
from typing import Any, cast, get_args

import numpy as np
import torch
from torch import nn

from dlcore.core.errors import DataError, RequestError
from dlcore.data.batches import Batches
from dlcore.data.custom import registry as custom_registry
from dlcore.data.series import intervals
from dlcore.data.series.series import (
    CYCLES,
    MinMaxScaler,
    Series,
    covered_cycles,
    public_holidays,
    read_csv,
    split_ends,
)
from dlcore.data.series.tables import load_series, read_columns
from dlcore.data.splits import SPLITS, Prepared, Split, SplitName
from dlcore.evaluation import anomaly as scoring
from dlcore.evaluation.detectors import Scores
from dlcore.models.calendar_autoencoder import CalendarAutoencoderConfig
from dlcore.models.nearest_windows import NearestWindows, NearestWindowsByColumn, NearestWindowsConfig
from dlcore.models.patch_network import PatchNetworkConfig, patch_loss
from dlcore.models.pattern_store import PatternStore
from dlcore.projects.anomaly import alarm, automatic, custom_series, records, streaming, usable
from dlcore.projects.anomaly import evaluation as measured
from dlcore.projects.anomaly import scores as scored
from dlcore.projects.anomaly.detector_model import CLASSES, DetectorModel
from dlcore.projects.anomaly.models import MODELS, AnomalyData, holds_out, view_of
from dlcore.projects.anomaly.scores import STORED, ReconstructionErrors, ScaledRows
from dlcore.projects.anomaly.streaming import time_features
from dlcore.projects.classification import choose
from dlcore.projects.project import Evaluation, LoadedModel, Predictions, Project, Task, UsableBaseline
from dlcore.projects.run_config import RunConfig
from dlcore.training.fit import Objective

LEAST_PERIODS = 3
"""Minimum number of training periods for a separate error scale per position in the period."""


def prepare(config: RunConfig) -> Prepared:
    """Scaled rows or windows of the run's series, none across a split boundary; scaled by training rows."""
    return prepare_series(load_series(config.dataset, checksum=config.data_checksum), config)


def prepare_series(series: Series, config: RunConfig) -> Prepared:
    """Like `prepare`, for any series.

    Raises:
        DataError: a split is shorter than one window, or a setting does not fit the series.
    """
    data = _data(config)
    if series.names and config.model != automatic.MODEL:
        raise DataError(
            f"'{config.model}' scores one column; this table has {len(series.names)}: choose '{automatic.MODEL}', or "
            "add one column as a series (--kind series --value COLUMN)."
        )
    ends = split_ends(len(series.values), train_share=data.train_share, validation_share=data.validation_share)
    bounds = zip((0, *ends), (*ends, len(series.values)), strict=True)
    spans = {name: slice(low, high) for name, (low, high) in zip(SPLITS, bounds, strict=True)}
    left_out = intervals.is_inside(series.times, _left_out(data))
    if left_out[: ends[0]].all():
        raise DataError(f"leave_out={data.leave_out!r} excludes all training days: exclude fewer.")
    cycles = covered_cycles(series.times[: ends[0]])
    features = time_features(series, cycles)
    scaler = MinMaxScaler.fit(features[: ends[0]][~left_out[: ends[0]]])
    count = series.period if 0 < series.period * LEAST_PERIODS <= ends[0] else 1
    preprocessing: dict[str, Any] = {
        "scaler": scaler.as_json(),
        "step_ms": series.step_ms,
        "cycles": list(cycles),
        **({"columns": list(series.names)} if series.names else {}),
    }
    if view_of(config) == "patch window" and len(np.unique(np.diff(series.times[: ends[0]]))) == 1:
        preprocessing["first_ms"] = int(series.times[0])  # of the stored patches
    places = scored.places_of(series.times, preprocessing, count=count)
    rows = ScaledRows(scaler.scale(features), _folds(series, left_out, ends[0], config), places)
    parts = {
        name: _split(rows[span], series.times[span], left_out[span] & (name == "train"), config)
        for name, span in spans.items()
    }
    return Prepared(
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        facts={
            "features": features.shape[1],
            "window": _window(config),
            "places": count,
            "train_points": ends[0],
            **({"columns": len(series.names)} if series.names else {}),
        },
        preprocessing=preprocessing,
        labels=("normal", "anomaly"),
        checksum=series.checksum,
        source={
            "series": series,
            "spans": spans,
            "rows": rows,
            "left_out": left_out,
            "errors": weakref.WeakKeyDictionary(),  # by module, of models without trainable weights
        },
        start=functools.partial(_store_training_values, rows[: ends[0]], ~left_out[: ends[0]])
        if view_of(config) in STORED
        else None,
    )


def _store_training_values(rows: ScaledRows, is_usable: np.ndarray, module: nn.Module) -> None:
    """Store the training rows (T,) in a model that keeps them."""
    columns = slice(len(module)) if isinstance(module, NearestWindowsByColumn) else 0
    values, usable = torch.from_numpy(rows.scaled[:, columns]), torch.from_numpy(is_usable)
    cast(PatternStore | DetectorModel, module).store(values, usable, first_place=int(rows.places[0]))


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """Mean squared error between the input and its reconstruction; triplet and pretext loss for the patch network."""
    if view_of(config) == "patch window":
        options = config.model_as(PatchNetworkConfig)
        loss = functools.partial(patch_loss, margin=options.margin, pretext_weight=options.pretext_weight)
        return Objective(loss=lambda outputs, targets: loss(outputs))
    return Objective(loss=nn.functional.mse_loss)


def predict(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """Causal and centered scores per point and split, per seed for ensembles; targets are 1 inside labeled windows."""
    series: Series = prepared.source["series"]
    smooth = streaming.smoothing_points(config, prepared.preprocessing["step_ms"])
    parts = scored.scores(module, prepared, view=view_of(config), length=_window(config), smooth=smooth)
    values: dict[str, np.ndarray] = {}
    errors = [np.concatenate([getattr(part, kind) for part in parts.values()]) for kind in scored.KINDS]
    errors[0] = streaming.raise_flat(errors[0], prepared.source["rows"], module)
    causal, centered = (streaming.join_scores(each, config, module, prepared.facts) for each in errors)
    by_column = None
    if isinstance(module, NearestWindowsByColumn):
        by_column = streaming.column_scores(errors[0], config, module, prepared.facts)
    for name, part in parts.items():
        span = prepared.source["spans"][name]
        values[f"{name}_scores"] = causal[span].astype(np.float32)
        values[f"{name}_centred"] = centered[span].astype(np.float32)
        values[f"{name}_targets"] = series.labels[span]
        values[f"{name}_ids"] = series.times[span]
        if by_column is not None:
            values[f"{name}_columns"] = by_column[span].astype(np.float32)
        elif part.causal.shape[1] > 1:
            values[f"{name}_members"] = part.causal.astype(np.float32)
            values[f"{name}_members_centred"] = part.centered.astype(np.float32)
    return values


def epoch_metrics(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, float]:
    """Validation loss, and accuracy per point at the threshold from this epoch's errors."""
    if view_of(config) == "patch window":
        return {"validation_loss": _mean_loss(module, prepared, config)}
    series, spans = prepared.source["series"], prepared.source["spans"]
    names: tuple[SplitName, ...] = ("train", "validation")
    length, stop = _window(config), spans["validation"].stop
    parts = scored.errors_by_split(module, prepared, view=view_of(config), length=length, names=names)
    rows: ScaledRows = prepared.source["rows"][:stop]
    mask = threshold_mask(series.times[:stop], (spans["train"].stop, stop), config)
    if view_of(config) == "folded window":
        train = spans["train"]
        train_mask = mask.copy() if mask[train].any() else np.ones(stop, bool)
        scored.fit_error_scale(cast(scored.CrossFitted, module), parts["train"], rows[train], mask=train_mask[train])
    error_scale = scored.get_error_scale(module)
    smooth = streaming.smoothing_points(config, prepared.preprocessing["step_ms"])
    whole = scored.smooth_scores(list(parts.values()), rows, error_scale=error_scale, smooth=smooth, length=length)
    columns = np.concatenate([part.causal for part in whole])
    causal = columns.mean(axis=1)
    if view_of(config) == "nearest window":
        modules = module if isinstance(module, NearestWindowsByColumn) else [cast(NearestWindows, module)]
        for detector, column in zip(modules, columns.T, strict=True):
            detector.largest.fill_(float(column[spans["train"]].max()) ** 0.5)
    known = _holiday_mask(series.times[:stop], config)
    limit = measured.threshold_of(causal, _data(config).threshold_rule, mask=mask, known=known)
    correct = scoring.alarms(causal, limit) == series.labels[:stop].astype(bool)
    return {
        **({"train_loss": float(parts["train"].centered.mean())} if view_of(config) in STORED else {}),
        "validation_loss": float(parts["validation"].centered.mean()),
        "train_accuracy": float(correct[spans["train"]].mean()),
        "validation_accuracy": float(correct[spans["validation"]].mean()),
    }


def _mean_loss(module: nn.Module, prepared: Prepared, config: RunConfig) -> float:
    """The training objective on the validation split."""
    loss, device = objective(config, prepared).loss, next(module.parameters()).device
    batches = list(Batches(prepared.validation, scored.BATCH, device=device).epoch(1))
    total = sum(float(loss(module(*inputs), targets)) * len(targets) for inputs, targets in batches)
    return total / len(prepared.validation)


def evaluate(predictions: Predictions, threshold: float | None, config: RunConfig) -> Evaluation:
    """Metrics of causal and centered scores and of each seed; thresholds use points before the test split only."""
    lengths = [len(predictions[f"{name}_scores"]) for name in ("train", "validation")]
    times = np.concatenate([predictions["train_ids"], predictions["validation_ids"]])
    points = threshold_mask(times, (lengths[0], sum(lengths)), config)
    fixed = records.THRESHOLD if _data(config).record_share else None
    threshold_data = measured.ThresholdData(points, _holiday_mask(times, config), _data(config).threshold_rule, fixed)
    custom = custom_registry.find(config.dataset) if custom_registry.is_custom(config.dataset) else None
    evaluation = measured.evaluate(
        predictions,
        threshold,
        threshold_data=threshold_data,
        seed=config.seed,
        dataset=config.dataset,
        period=int(custom.facts.get("period", 0)) if custom else 0,
    )
    if text := _missing_cycles(predictions["train_ids"], config):
        evaluation = dataclasses.replace(evaluation, verdict=f"{evaluation.verdict} {text}")
    if not intervals.is_inside(times, _left_out(_data(config))).any():
        return evaluation
    text = f"Excluded from training and threshold: {_data(config).leave_out}."
    return dataclasses.replace(evaluation, verdict=f"{evaluation.verdict} {text}")


def _missing_cycles(times: np.ndarray, config: RunConfig) -> str:
    """Say which time features a model lacks because its training times (T,) are too short; empty if none."""
    cycles = covered_cycles(times)
    if cycles == CYCLES or view_of(config) not in ("row", "window"):
        return ""
    if cycles:
        return "The day of the week is not an input: training covers less than a week."
    return "Time of day and day of the week are not inputs: training covers less than a day."


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Metrics of scores that need no training, with thresholds by the same rule from the same points."""
    spans = prepared.source["spans"]
    ends = (spans["train"].stop, spans["validation"].stop)
    threshold_data, train, smooth = _baseline_inputs(prepared, config)
    return measured.baselines(prepared.source["series"], threshold_data, train=train, ends=ends, smooth=smooth)


def _fit_seasonal_median(prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    if prepared.source["series"].names:  # it scores one column
        return {}
    threshold_data, train, smooth = _baseline_inputs(prepared, config)
    return usable.fit_seasonal_median(prepared.source["series"], threshold_data, train=train, smooth=smooth)


def _baseline_inputs(prepared: Prepared, config: RunConfig) -> tuple[measured.ThresholdData, np.ndarray, int]:
    """What sets a baseline's threshold, its training points (T,), and the points in its running mean (0: default)."""
    series, spans = prepared.source["series"], prepared.source["spans"]
    ends = (spans["train"].stop, spans["validation"].stop)
    train = ~prepared.source["left_out"]
    train[ends[0] :] = False
    times = series.times[: ends[1]]
    threshold_data = measured.ThresholdData(
        threshold_mask(times, ends, config), _holiday_mask(times, config), _data(config).threshold_rule
    )
    smooth = streaming.smoothing_points(config, series.step_ms) if _data(config).smoothing_h else 0
    return threshold_data, train, smooth


def thresholds(
    scores: np.ndarray, times: np.ndarray, ends: tuple[int, int], config: RunConfig
) -> dict[measured.Rule, float]:
    """Threshold by each rule from scores (n,) at times (n,) before the test split; `ends` of train and validation."""
    points, known = threshold_mask(times, ends, config), _holiday_mask(times, config)
    rules: tuple[measured.Rule, ...] = get_args(measured.Rule)
    return {rule: measured.threshold_of(scores, rule, mask=points, known=known) for rule in rules}


def compare(evaluation: Evaluation, config: RunConfig) -> str:
    """A sentence that compares the detector with its baselines."""
    return measured.compare_with_baselines(evaluation, smooth=_data(config).smoothing_h > 0)


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Errors and alarms for a CSV with a time and a value column, with the run's scaler and threshold.

    Raises:
        DataError: a value is invalid (names row and column), or the file is shorter than a window.
    """
    series = _read_series(loaded, payload)
    part = _score_series(loaded, series)
    errors, centered = (
        streaming.join_scores(kind, loaded.config, loaded.module, loaded.facts) for kind in (part.causal, part.centered)
    )
    return measured.describe_scores(
        series,
        Scores(errors, centered),
        threshold=float(loaded.threshold or 0.0),
        window=loaded.facts["window"],
        trained_ms=loaded.preprocessing["step_ms"],
    )


def explain(loaded: LoadedModel, payload: bytes, method: str, target: str) -> dict[str, Any]:
    """Attribution of the error behind one point of a CSV: its highest score, or the point at the time `target`.

    method: "integrated_gradients" (the default) or "feature_ablation".

    Raises:
        DataError: as for `answer`.
        RequestError: there is no such method, or no point at that time.
    """
    selected = choose(method, tuple(alarm.METHODS), default="integrated_gradients", kind="method")
    series = _read_series(loaded, payload)
    causal = _score_series(loaded, series).causal
    place = int(streaming.join_scores(causal, loaded.config, loaded.module, loaded.facts).argmax())
    if target:
        try:
            moment = int(np.datetime64(target, "ms").astype(np.int64))
        except ValueError:
            raise RequestError(f"target {target[:40]!r} is not a time: write it as 2015-01-26T12:00.") from None
        place = int(np.searchsorted(series.times, moment))
        if place == len(series.times) or series.times[place] != moment:
            raise RequestError(f"the file has no point at {target}: name a time of one of its rows.")
    return alarm.explain_series(loaded, series, streaming.scale_rows(loaded, series), place, method=selected)


def _read_series(loaded: LoadedModel, payload: bytes) -> Series:
    names = loaded.preprocessing.get("columns")
    series = read_columns(payload, names) if names else read_csv(payload)
    needed = loaded.facts["window"]
    if len(series.values) < needed:
        raise DataError(
            f"row {len(series.values) + 1}: the file ends after {len(series.values)} points; this model needs {needed}."
        )
    return series


def _data(config: RunConfig) -> AnomalyData:
    data = config.data_as(AnomalyData)
    if data.record_share and config.model != automatic.MODEL:
        raise DataError(f"record_share={data.record_share:g} needs the model '{automatic.MODEL}': set it to 0.")
    if data.window % 4:
        raise DataError(
            f"window={data.window} is not a multiple of 4, as the convolutions require: choose {data.window // 4 * 4}."
        )
    return data


def _window(config: RunConfig) -> int:
    return 1 if view_of(config) == "row" else _data(config).window


def _members(config: RunConfig) -> int:
    """Number of networks that reconstruct each window."""
    if view_of(config) == "nearest window":
        return config.model_as(NearestWindowsConfig).scales
    if view_of(config) != "folded window":
        return 1
    options = config.model_as(CalendarAutoencoderConfig)
    return options.seeds * options.folds


def _left_out(data: AnomalyData) -> intervals.Intervals:
    return intervals.parse(data.leave_out, name="leave_out")


def _folds(series: Series, left_out: np.ndarray, train_end: int, config: RunConfig) -> np.ndarray:
    """Fold (T,) of each training point, whole periods in turn; -1 for all other points.

    Raises:
        DataError: a window overlaps every fold, so no network could train on it.
    """
    values = np.full(len(series.values), -1)
    if view_of(config) in STORED:
        return np.arange(len(values))
    if view_of(config) == "folded window":
        options = config.model_as(CalendarAutoencoderConfig)
        block = max(1, min(max(series.period, _window(config)), train_end // options.folds))
        if _window(config) > (options.folds - 2) * block + 1:
            raise DataError(
                f"a window of {_window(config)} points touches all {options.folds} folds of {block} points each: "
                "choose more folds, a shorter window or a longer series."
            )
        values[:train_end] = np.arange(train_end) // block % options.folds
        values[left_out] = -1
    return values


def threshold_mask(times: np.ndarray, ends: tuple[int, int], config: RunConfig) -> np.ndarray:
    """Mask (n,) of points before the test split that set the threshold: held out, and not excluded.

    These are validation points, and cross-fitted training points, whose networks never saw them.
    """
    mask = ~_within_reach(times, _left_out(_data(config)), config)
    first = _window(config) - 1 if holds_out(config) else ends[0]
    mask[:first] = False
    return mask


def _holiday_mask(times: np.ndarray, config: RunConfig) -> np.ndarray:
    """Mask (n,) of points whose running mean includes an unlabeled public holiday."""
    spans = tuple((day.start, day.end + 1) for day in public_holidays(config.dataset))
    return _within_reach(times, spans, config)


def _within_reach(times: np.ndarray, spans: intervals.Intervals, config: RunConfig) -> np.ndarray:
    """Mask (n,) of points whose trailing or centered mean includes a point of an interval."""
    hours = _data(config).smoothing_h * measured.HOUR_MS
    if view_of(config) in STORED and len(times) > 1:  # its score is the mean over a whole window
        hours += _window(config) * float(np.median(np.diff(times)))
    return intervals.is_inside(times, tuple((int(start - hours / 2), int(stop + hours)) for start, stop in spans))


def _score_series(loaded: LoadedModel, series: Series) -> ReconstructionErrors:
    """Scores of a new series."""
    config, module, length = loaded.config, loaded.module, loaded.facts["window"]
    rows = streaming.scale_rows(loaded, series)
    part = scored.errors(module, rows, view=view_of(config), length=length)
    smooth, error_scale = streaming.smoothing_points(config, series.step_ms), scored.get_error_scale(module)
    scores = scored.smooth_scores([part], rows, error_scale=error_scale, smooth=smooth, length=length)[0]
    return dataclasses.replace(scores, causal=streaming.raise_flat(scores.causal, rows, module))


def _split(rows: ScaledRows, times: np.ndarray, skip: np.ndarray, config: RunConfig) -> Split:
    """Rows or windows of one split without points to `skip`; a window's id is the time of its first point."""
    view = view_of(config)
    length = _window(config) * (2 if view == "patch window" else 1)  # two patches, one after the other
    if len(rows) < length:
        raise DataError(
            f"a split of {len(rows)} points is shorter than one window of {length}: change the split shares."
        )
    inputs = scored.inputs_of(rows, view=view, length=length)
    ids = times[: len(inputs[0])]
    if skip.any():
        before = np.r_[0, np.cumsum(skip)]
        whole = np.flatnonzero(before[length:] == before[:-length])
        if not len(whole):
            raise DataError("leave_out leaves no complete training window: exclude fewer days or use a shorter window.")
        inputs, ids = tuple(part[whole] for part in inputs), ids[whole]
    return Split(inputs, scored.targets_of(inputs, view=view, members=_members(config)), ids)


CALENDAR: dict[str, Any] = {
    "batch_size": 128,
    "window": 336,
    "smoothing_h": 24,
    "threshold_rule": "midway",
    "leave_out": "2014-07-03/2014-07-06",
}
"""Settings of the calendar autoencoder; Independence Day's weekend is excluded as atypical."""

NEIGHBORS: dict[str, Any] = {"epochs": 1, "window": 96, "threshold_rule": "midway"}
"""Settings of the nearest windows: two days, one day and half a day."""

PATCH: dict[str, Any] = {"window": 96, "threshold_rule": "maximum", "batch_size": 64, "learning_rate": 1e-4}
"""Settings of the patch network: patches of two days and of one."""
DETECTORS: dict[str, dict[str, Any]] = {name: {"epochs": 1, "window": 96} for name in CLASSES}
"""Settings of the models without training epochs: windows of two days."""

TASK = Task(
    name="anomaly detection",
    objective=objective,
    predict=predict,
    epoch_metrics=epoch_metrics,
    evaluate=evaluate,
    compare=compare,
)

PROJECT = Project(
    slug="anomaly",
    section="series",
    title="Anomaly detection in time series",
    summary="Detect unusual parts of a time series with autoencoders and nearest windows, without labels.",
    task=TASK,
    modality="series",
    datasets=("nyc_taxi",),
    models=MODELS,
    data_config=AnomalyData,
    presets={
        "quick": {
            "epochs": 8,
            "learning_rate": 3e-3,
            "lstm": {"learning_rate": 1e-2},
            "calendar": CALENDAR,
            "neighbors": NEIGHBORS,
            "patch": {**PATCH, "epochs": 2},
            **DETECTORS,
        },
        "full": {
            "epochs": 100,
            "learning_rate": 2e-3,
            "schedule": "cosine",
            "patience": 25,
            "lstm": {"learning_rate": 1e-2, "epochs": 60},
            "calendar": {**CALENDAR, "epochs": 15, "patience": 0},
            "neighbors": NEIGHBORS,
            "patch": {**PATCH, "epochs": 4, "schedule": "constant", "patience": 0, "leave_out": CALENDAR["leave_out"]},
            **DETECTORS,
        },
    },
    facts={"features": 5, "window": 48, "places": 336, "train_points": 5000},
    prepare=prepare,
    baselines=baselines,
    answer=answer,
    scorer=streaming.StreamScorer,
    explain=explain,
    custom_data=("series", "table"),
    custom_settings=custom_series.settings,
    quick_settings=custom_series.quick_settings,
    suggest_model=lambda dataset: automatic.MODEL,
    usable_baselines={usable.SEASONAL_MEDIAN: UsableBaseline(_fit_seasonal_median, usable.answer_with_seasonal_median)},
)
