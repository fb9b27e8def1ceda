"""Anomalies in a time series: autoencoders trained on ordinary weeks fail to rebuild extraordinary ones."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.core.errors import DataError
from dlcore.data import windows
from dlcore.data.batches import Batches
from dlcore.data.series import MinMaxScaler, Series, calendar, read_csv, split_ends
from dlcore.data.series import load as load_series
from dlcore.data.splits import SPLITS, Prepared, Split, SplitName
from dlcore.evaluation import anomaly as scoring
from dlcore.evaluation import baselines as simple
from dlcore.models.conv_autoencoder import ConvAutoencoder, ConvAutoencoderConfig
from dlcore.models.dense_autoencoder import DenseAutoencoder
from dlcore.models.lstm_autoencoder import LstmAutoencoder, LstmAutoencoderConfig
from dlcore.projects import own_series
from dlcore.projects.project import Evaluation, Loaded, ModelEntry, Predictions, Project, RunConfig
from dlcore.projects.registry import data_config
from dlcore.training.fit import Objective

View = Literal["row", "window", "count window"]
VIEWS: dict[str, View] = {"conv": "count window", "dense_32": "row", "dense_16": "row", "lstm": "window"}
"""What each model sees at once: one row of five features, a window of rows, or a window of the count alone."""

PREDICT_BATCH = 4096
BOOTSTRAP_DRAWS = 300


class AnomalyData(Config):
    """How the series is cut. The defaults end training at point 5,000 and validation just before the first label."""

    window: int = number(48, low=8, high=336, unit="points", help="Points a windowed model sees; a multiple of 4.")
    train_share: float = number(0.4845, low=0.05, high=0.9, help="Share of the series, from its start, to train on.")
    validation_share: float = number(0.0813, low=0.02, high=0.5, help="Share after it that sets the threshold.")
    threshold_rule: Literal["quantile", "mean_std", "maximum"] = choice(
        "maximum",
        help="Threshold from validation errors: their 99.5 % quantile, mean + 3 standard deviations, or maximum.",
    )


def prepare(config: RunConfig) -> Prepared:
    """The run's series as scaled rows or windows that never straddle a split; the scaler sees training rows alone."""
    return prepare_series(load_series(config.dataset, checksum=config.data_checksum), config)


def prepare_series(series: Series, config: RunConfig) -> Prepared:
    """Any series as `prepare` does.

    Raises:
        DataError: a split would hold less than one window.
    """
    data = _data(config)
    ends = split_ends(len(series.values), train_share=data.train_share, validation_share=data.validation_share)
    features = five_features(series)
    scaler = MinMaxScaler.fit(features[: ends[0]])
    scaled = scaler.scale(features)
    bounds = zip((0, *ends), (*ends, len(scaled)), strict=True)
    spans = {name: slice(low, high) for name, (low, high) in zip(SPLITS, bounds, strict=True)}
    parts = {name: _split(scaled[span], series.times[span], config) for name, span in spans.items()}
    return Prepared(
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        facts={"features": features.shape[1], "window": _window(config)},
        preprocessing={"scaler": scaler.as_json(), "step_ms": series.step_ms},
        labels=("normal", "anomaly"),
        checksum=hashlib.sha256(series.times.tobytes() + series.values.tobytes()).hexdigest(),
        source={"series": series, "spans": spans},
    )


def five_features(series: Series) -> np.ndarray:
    """(T, 5): the value, and sine and cosine of the time of day and of the week."""
    return np.column_stack([series.values, calendar(series.times)])


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """Mean squared error between the input and its reconstruction."""
    return Objective(loss=nn.functional.mse_loss)


def predict(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """One reconstruction error per time point and split; targets are 1 inside labelled windows."""
    found: dict[str, np.ndarray] = {}
    series: Series = prepared.source["series"]
    for name in SPLITS:
        span = prepared.source["spans"][name]
        found[f"{name}_scores"] = point_errors(module, prepared.split(name), points=span.stop - span.start)
        found[f"{name}_targets"] = series.labels[span]
        found[f"{name}_ids"] = series.times[span]
    return found


def point_errors(module: nn.Module, split: Split, *, points: int) -> np.ndarray:
    """(points,) float32: the squared error of each time point, averaged over features and over the windows it is in."""
    device = next(module.parameters()).device
    parts: list[Tensor] = []
    with torch.no_grad():
        for inputs, targets in Batches(split, PREDICT_BATCH, device=device).epoch(1):
            squares = (module(*inputs) - targets).square()
            parts.append(_per_place(squares).cpu())
    errors = torch.cat(parts).numpy()
    return (errors if errors.ndim == 1 else windows.point_means(errors, points)).astype(np.float32)


def _per_place(squares: Tensor) -> Tensor:
    """(N, F) -> (N,); (N, 1, L) or (N, L, F) -> (N, L)."""
    if squares.ndim == 2:
        return squares.mean(dim=1)
    return squares.mean(dim=1 if squares.shape[1] == 1 else 2)


def epoch_metrics(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, float]:
    """Validation loss, and the share of points judged right at the threshold of this epoch's validation errors."""
    series: Series = prepared.source["series"]
    spans = prepared.source["spans"]
    names: tuple[SplitName, ...] = ("train", "validation")
    errors = {
        name: point_errors(module, prepared.split(name), points=spans[name].stop - spans[name].start) for name in names
    }
    limit = scoring.threshold_of(errors["validation"], _data(config).threshold_rule)
    right = {
        name: float(np.mean(scoring.alarms(errors[name], limit) == series.labels[spans[name]].astype(bool)))
        for name in names
    }
    return {
        "validation_loss": float(errors["validation"].astype(np.float64).mean()),
        "train_accuracy": right["train"],
        "validation_accuracy": right["validation"],
    }


def evaluate(predictions: Predictions, threshold: float | None, config: RunConfig) -> Evaluation:
    """Point-wise metrics and event counts on the test part, at the validation threshold unless another is given."""
    limit = scoring.threshold(predictions, _data(config).threshold_rule) if threshold is None else threshold
    errors, targets = predictions["test_scores"], predictions["test_targets"]
    metrics = scoring.metrics(errors, targets, threshold=limit, draws=BOOTSTRAP_DRAWS, seed=config.seed)
    return Evaluation(metrics=metrics, baselines={}, threshold=limit, verdict=_verdict(metrics, int(_events(targets))))


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """The same metrics for scores that need no training, each with a threshold by the same rule from validation."""
    series: Series = prepared.source["series"]
    spans = prepared.source["spans"]
    train = np.zeros(len(series.values), bool)
    train[spans["train"]] = True
    scores = simple.series_scores(series.times, series.values, train=train, seed=config.seed)
    found = {}
    for name, score in scores.items():
        limit = scoring.threshold_of(score[spans["validation"]], _data(config).threshold_rule)
        targets = series.labels[spans["test"]]
        found[name] = scoring.metrics(score[spans["test"]], targets, threshold=limit, draws=BOOTSTRAP_DRAWS)
    return found


def answer(loaded: Loaded, payload: bytes) -> dict[str, Any]:
    """Errors and alarms for a CSV with a time and a value column: same model, same scaler, same threshold.

    Raises:
        DataError: names the row and the column of what is wrong, or says that the file is shorter than a window.
    """
    series = read_csv(payload)
    needed = loaded.facts["window"]
    if len(series.values) < needed:
        raise DataError(
            f"row {len(series.values) + 1}: the file ends after {len(series.values)} points; this model needs {needed}."
        )
    scaled = MinMaxScaler.from_json(loaded.preprocessing["scaler"]).scale(five_features(series))
    errors = point_errors(loaded.module, _split(scaled, series.times, loaded.config), points=len(scaled))
    limit = float(loaded.threshold or 0.0)
    step, trained = series.step_ms, loaded.preprocessing["step_ms"]
    return {
        "threshold": limit,
        "alarms": int((errors > limit).sum()),
        "rows": list(range(2, len(errors) + 2)),
        "times": series.times.tolist(),
        "values": series.values.tolist(),
        "errors": errors.tolist(),
        "alarm_rows": (np.flatnonzero(errors > limit) + 2).tolist(),
        "note": ""
        if step == trained
        else f"This file's step is {step / 60000:g} minutes; the model learnt {trained / 60000:g}.",
    }


def _data(config: RunConfig) -> AnomalyData:
    found = data_config(config)
    assert isinstance(found, AnomalyData)
    if found.window % 4:
        raise DataError(
            f"window={found.window} is no multiple of 4, which the convolutions need: choose {found.window // 4 * 4}."
        )
    return found


def _window(config: RunConfig) -> int:
    return 1 if VIEWS[config.model] == "row" else _data(config).window


def _split(scaled: np.ndarray, times: np.ndarray, config: RunConfig) -> Split:
    """Rows or windows of one part; a window's id is the time of its first point."""
    view, length = VIEWS[config.model], _window(config)
    if len(scaled) < length:
        raise DataError(f"a part of {len(scaled)} points is shorter than one window of {length}: choose other shares.")
    if view == "row":
        inputs = torch.from_numpy(scaled)
    elif view == "window":
        inputs = windows.sliding(scaled, length)  # (N, L, 5)
    else:
        inputs = windows.sliding(scaled[:, :1], length).transpose(1, 2)  # (N, 1, L)
    return Split((inputs,), inputs, times[: len(inputs)])


def _events(targets: np.ndarray) -> int:
    return len(scoring.ranges(targets.astype(bool)))


def _verdict(metrics: Mapping[str, float], events: int) -> str:
    if not events:
        return "This part of the series carries no labels, so only alarms can be counted."
    return (
        f"At the validation threshold {metrics['events_hit']:.0f} of {events} labelled events are caught, "
        f"with {metrics['false_alarms']:.0f} false alarms."
    )


PROJECT = Project(
    slug="anomaly",
    section="series",
    title="Anomaly detection",
    summary="Find the days on which New York's taxis behaved unusually, with autoencoders that never saw a label.",
    datasets=("nyc_taxi",),
    models={
        "conv": ModelEntry(
            "Convolutional autoencoder",
            "Looks at a day of counts at once through convolutions of 16 and 8 channels.",
            lambda options, facts: ConvAutoencoder(options),
            ConvAutoencoderConfig,
        ),
        "dense_32": ModelEntry(
            "Dense autoencoder 5-64-32-2",
            "Squeezes the count and its time into two numbers, one row at a time.",
            lambda options, facts: DenseAutoencoder(facts["features"], (64, 32, 2)),
        ),
        "dense_16": ModelEntry(
            "Dense autoencoder 5-64-32-16-2",
            "The same with one more layer on each side.",
            lambda options, facts: DenseAutoencoder(facts["features"], (64, 32, 16, 2)),
        ),
        "lstm": ModelEntry(
            "LSTM autoencoder 5-2",
            "Reads a day row by row and remembers; 252 parameters.",
            lambda options, facts: LstmAutoencoder(facts["features"], options),
            LstmAutoencoderConfig,
        ),
    },
    data_config=AnomalyData,
    presets={
        "quick": {"epochs": 8, "learning_rate": 3e-3, "lstm": {"learning_rate": 1e-2}},
        "full": {
            "epochs": 100, "learning_rate": 2e-3, "schedule": "cosine", "patience": 25,
            "lstm": {"learning_rate": 1e-2, "epochs": 60},
        },
    },
    facts={"features": 5, "window": 48},
    prepare=prepare,
    objective=objective,
    predict=predict,
    epoch_metrics=epoch_metrics,
    evaluate=evaluate,
    baselines=baselines,
    answer=answer,
    input_kind="csv",
    own_data="series",
    own_settings=own_series.settings,
)  # fmt: skip
