"""Multivariate forecasting: all variables of the next hours from past hours."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.errors import DataError
from dlcore.data.batches import Batches
from dlcore.data.custom import registry as custom_registry
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.series import air_quality, intervals, tables
from dlcore.data.series.tables import Table
from dlcore.data.splits import SPLITS, Prepared, Split, SplitName
from dlcore.inference import predict as inference
from dlcore.models.blended_forecaster import BlendedForecaster, BlendedForecasterConfig
from dlcore.models.calendar_forecaster import AveragedForecaster, CalendarForecasterConfig
from dlcore.models.dlinear import DLinear, DLinearConfig
from dlcore.models.lstm_forecaster import (
    BidirectionalForecasterConfig,
    GruForecasterConfig,
    LstmForecaster,
    LstmForecasterConfig,
    StackedForecasterConfig,
)
from dlcore.models.transformer_forecaster import TransformerForecaster, TransformerForecasterConfig
from dlcore.projects import quick
from dlcore.projects.classification import choose
from dlcore.projects.forecast import scores as scored
from dlcore.projects.forecast import windows
from dlcore.projects.forecast.windows import CALENDAR, ForecastData, TableScale
from dlcore.projects.project import (
    Evaluation,
    LoadedModel,
    ModelEntry,
    Monitor,
    Predictions,
    Project,
    Task,
    UsableBaseline,
)
from dlcore.projects.run_config import RunConfig
from dlcore.training.fit import Objective

ROWS_AT_ONCE = 1024
BLEND = "blend"
"""The model that contains ridge regression."""
QUICK_SAMPLES, QUICK_SHARE = {"lstm": 120_000, "dlinear": 200_000, "blend": 50_000}, 0.7
"""Windows x epochs of the quick preset by model (those of "lstm" for all others), and the share that trains."""
SCORED = 60
"""Rows that the validation and test parts of a short custom series should have."""
SHORT = 3000
"""Custom series with fewer rows validate on their last part: they have too few weeks."""
VERY_SHORT, LEAST_WINDOW = 300, 3
"""Custom series with fewer rows read windows of a tenth of them, at least of the second number."""


def prepare(config: RunConfig) -> Prepared:
    """Windows of the run's table; scaling is fitted on training hours, missing values are filled forward."""
    return prepare_table(air_quality.load_table(config.dataset, checksum=config.data_checksum), config)


def prepare_table(table: Table, config: RunConfig) -> Prepared:
    """Like `prepare`, for any table.

    Raises:
        DataError: a split has too few windows.
    """
    data = _data(config)
    trained = data.model_copy(update={"horizon": _steps(data)})
    cuts = windows.cut_windows(len(table.times), data)
    scale = windows.fit_scale(table, cuts["train"], trained)
    changes = windows.fit_scale(table, cuts["train"], data.model_copy(update={"target": "change"}))
    features, calendar = windows.input_features(table, scale, data), windows.calendar_features(table.times)
    filled = tables.forward_fill(table.values, scale.mean)
    blended = scored.blended(table, cuts, changes, data) if config.model == BLEND else None
    train_values = table.values if data.loss_on == "observed" else filled
    parts: dict[SplitName, Split] = {}
    for name in SPLITS:
        first, values = cuts[name], train_values if name == "train" else table.values
        targets = scale.to_targets(windows.future_values(values, first, trained.horizon), filled[first - 1])
        parts[name] = Split(
            (torch.from_numpy(first),), torch.from_numpy(targets.astype(np.float32)), table.times[first]
        )
    return Prepared(
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        facts={
            "variables": len(table.names),
            "features": features.shape[1],
            "window": data.window,
            "steps": trained.horizon,
            "horizon": data.horizon,
            "calendar": CALENDAR,
        },
        preprocessing={
            "scale": scale.as_json(),
            "linear_scale": changes.as_json(),
            "names": list(table.names),
            "slugs": list(table.slugs),
            "units": list(table.units),
            "warmed": table.warmed,
            "step_ms": table.step_ms,
            **({"linear": np.round(blended.weights, 6).tolist()} if blended else {}),
        },
        labels=table.names,
        checksum=table.checksum,
        source={"table": table, "filled": filled, "cuts": cuts, "features": features, "scale": scale, "data": data},
        transform=windows.input_gatherer(features, calendar, data.window, blended.outputs if blended else None),
    )


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """Mean squared error on observed values; for changes weighted half for R2 and half for skill."""
    loss = _Loss(_weights(prepared.source["scale"]))
    return Objective(loss=loss, weight=loss.weight)


class _Loss:
    """Weighted mean squared error of outputs and targets (N, H, V); NaN targets are ignored."""

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if outputs.dim() > targets.dim():  # several networks, each with its own loss
            targets = targets[:, None].expand_as(outputs)
        known = ~targets.isnan()
        weights = self.weights.to(outputs.device) * known
        squared = (outputs - torch.where(known, targets, outputs.detach())) ** 2
        return (squared * weights).sum() / weights.sum().clamp(min=1e-9)

    def weight(self, targets: Tensor) -> Tensor:
        """Return the sum of the weights of the observed targets."""
        return (self.weights.to(targets.device) * ~targets.isnan()).sum()


def _weights(scale: TableScale) -> Tensor:
    """Weights (H, V) or (1, V): 1 for values; for changes between 1 (skill) and their share of the variance (R2)."""
    if scale.change is None:
        return torch.ones(1, len(scale.mean))
    share = (scale.change / scale.deviation) ** 2
    return torch.from_numpy((0.5 + 0.5 * share / share.mean()).astype(np.float32))


def predict(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """Forecasts of validation and test.

    `_scores` (N, H, V) forecasts, `_targets` (N, H, V) with NaN for missing values, `_last` (N, V) last known values,
    `_ids` (N,) time of the first forecast hour; for test also `_linear` (N, H, V), the forecasts of ridge regression.
    """
    table, filled = prepared.source["table"], prepared.source["filled"]
    values: dict[str, np.ndarray] = {}
    for name in ("validation", "test"):
        first = prepared.source["cuts"][name]
        values[f"{name}_scores"] = forecasts(module, prepared, first).astype(np.float32)
        values[f"{name}_targets"] = windows.future_values(table.values, first, prepared.facts["horizon"]).astype(
            np.float32
        )
        values[f"{name}_last"] = filled[first - 1].astype(np.float32)
        values[f"{name}_ids"] = table.times[first]
    linear = scored.ridge_outputs(prepared)[prepared.source["cuts"]["test"]]
    return values | {"test_linear": linear.astype(np.float32)}


def forecasts(module: nn.Module, prepared: Prepared, first: np.ndarray) -> np.ndarray:
    """Forecasts (N, H, V) float64 by indices (N,) of the first forecast hour."""
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    scale, filled = prepared.source["scale"], prepared.source["filled"]
    whole = Split((torch.from_numpy(first),), torch.zeros(len(first), 1), first)
    batches = Batches(whole, ROWS_AT_ONCE, device=device, transform=prepared.transform)
    rounds = prepared.facts["horizon"] // prepared.facts["steps"]
    last = filled[first - 1]
    if rounds == 1:
        outputs, _ = inference.predict_outputs(module, batches.epoch(1))
        return scale.to_values(outputs.double().numpy(), last)
    values: list[np.ndarray] = []
    with inference.evaluation_mode(module):
        for (x, *_), _ in batches.epoch(1):
            rows = first[sum(len(part) for part in values) :][: len(x)]
            values.append(_one_by_one(module, x, prepared, rows, rounds))
    return np.concatenate(values)


def _one_by_one(module: nn.Module, x: Tensor, prepared: Prepared, first: np.ndarray, rounds: int) -> np.ndarray:
    """Recursive forecasts (N, H, V): each hour from those before it."""
    table, scale, features = prepared.source["table"], prepared.source["scale"], prepared.source["features"]
    last, outputs, variables = prepared.source["filled"][first - 1], [], len(table.names)
    calendar = torch.from_numpy(windows.calendar_features(table.times).astype(np.float32)).to(x.device)
    data: ForecastData = prepared.source["data"]
    for step in range(rounds):
        out = scale.to_values(module(x, calendar[first + step]).double().cpu().numpy(), last)[:, 0]  # (N, V)
        outputs.append(out)
        change, last = scale.scale_change(out - last), out
        row = torch.from_numpy(features[np.minimum(first + step, len(features) - 1)]).to(x).clone()
        row[:, :variables] = torch.from_numpy(scale.scaled(out)).to(row)
        at = variables
        if data.difference_input:
            row[:, at : at + variables] = torch.from_numpy(change).to(row)
            at += variables
        if data.mask_input:
            row[:, at : at + variables] = 0.0  # what will be missing is unknown
        x = torch.cat([x[:, 1:], row[:, None]], dim=1)
    return np.stack(outputs, axis=1)


def epoch_metrics(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, float]:
    """Validation loss on observed values, mean R2 and skill."""
    from dlcore.evaluation import forecast

    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    batches = Batches(prepared.validation, ROWS_AT_ONCE, device=device, transform=prepared.transform)
    outputs, targets = inference.predict_outputs(module, batches.epoch(1))
    scale, cuts = prepared.source["scale"], prepared.source["cuts"]
    last = prepared.source["filled"][cuts["validation"] - 1]
    values = [scale.to_values(part.double().numpy(), last) for part in (outputs, targets)]
    metrics = forecast.metrics(values[0], values[1], last, names=())
    loss = float(objective(config, prepared).loss(outputs, targets))
    named = {"validation_r2": "r2_mean", "validation_skill": "skill"}
    return {"validation_loss": loss} | {name: metrics[metric] for name, metric in named.items() if metric in metrics}


def evaluate(predictions: Predictions, threshold: float | None, config: RunConfig) -> Evaluation:
    """Metrics on observed test values, and the coverage of prediction intervals."""
    names, slugs = variable_names(config, predictions["test_scores"].shape[2])
    return scored.evaluate(predictions, names=names, slugs=slugs, seed=config.seed)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Seasonal naive forecasts of a day and a week; `evaluate` adds persistence and ridge regression."""
    return scored.baselines(prepared)


def compare(evaluation: Evaluation, config: RunConfig) -> str:
    """A sentence that compares the network with its baselines."""
    dataset = custom_registry.find(config.dataset) if custom_registry.is_custom(config.dataset) else None
    return scored.compare_with_baselines(
        evaluation, last=tables.step_name(dataset.facts.get("step_ms") if dataset else tables.HOUR_MS)
    )


def variable_names(config: RunConfig, variables: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Variable names of a run's dataset and their slugs in metrics, without reading the data."""

    if config.dataset == "air_quality":
        names = tuple(air_quality.UNITS)
    elif config.dataset == "beijing_pm25":
        names = tuple(air_quality.BEIJING)
    else:
        dataset = custom_registry.find(config.dataset)
        names = (
            tuple(dataset.facts["names"])
            if dataset and dataset.kind == "table"
            else (custom_registry.plain_name(config.dataset),)
        )
    return names[:variables], tables.make_slugs(names[:variables])


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Forecast of the hours after the end of a CSV with a time column and the model's columns.

    `low` and `high` are the ends of the 90 % prediction intervals, None where unknown; `past` has the last window of
    the file.

    Raises:
        DataError: a column is missing, a row is invalid, or the file is too short.
    """
    table, whole = _read_table(loaded, payload)
    prepared = _prepare_table(whole, loaded, _data(loaded.config))
    forecast = forecasts(loaded.module, prepared, np.array([len(table.times)]))[0]
    return _describe(loaded, table, whole, forecast, loaded.half_widths)


def answer_with_ridge(loaded: LoadedModel, arrays: Mapping[str, np.ndarray], payload: bytes) -> dict[str, Any]:
    """Like `answer`, by ridge regression."""
    table, whole = _read_table(loaded, payload)
    prepared, first = _prepare_table(whole, loaded, _data(loaded.config)), np.array([len(table.times)])
    baseline = scored.RidgeBaseline.of(prepared)
    features = baseline.features(first)
    weights = arrays.get("weights", np.zeros((0, 0)))
    if weights.shape != (features.shape[1] + 1, prepared.facts["horizon"] * len(whole.names)):
        raise DataError("the stored baseline is damaged: export the run again.")
    outputs = scored.ridge.predict(weights, features)
    return _describe(loaded, table, whole, baseline.to_forecasts(outputs, first)[0])


def answer_with_last_value(loaded: LoadedModel, arrays: Mapping[str, np.ndarray], payload: bytes) -> dict[str, Any]:
    """Like `answer`, by repeating the last value."""
    table, whole = _read_table(loaded, payload)
    prepared, horizon = _prepare_table(whole, loaded, _data(loaded.config)), _data(loaded.config).horizon
    return _describe(
        loaded, table, whole, np.repeat(prepared.source["filled"][[len(table.times) - 1]], horizon, axis=0)
    )


def _describe(
    loaded: LoadedModel, table: Table, whole: Table, forecast: np.ndarray, half_widths: np.ndarray | None = None
) -> dict[str, Any]:
    """The answer for a forecast (H, V) with its intervals' half widths (H, V), if they are known."""
    known, data = loaded.preprocessing, _data(loaded.config)
    widths = np.full(forecast.shape, np.nan) if half_widths is None else half_widths
    past = slice(len(table.times) - data.window, len(table.times))
    return {
        "times": whole.times[-data.horizon :].tolist(),
        "forecast": _by_name(forecast, known["names"]),
        "low": _by_name(forecast - widths, known["names"]),
        "high": _by_name(forecast + widths, known["names"]),
        "past_times": whole.times[past].tolist(),
        "past": _by_name(whole.values[past], known["names"]),
        "units": dict(zip(known["names"], known["units"], strict=True)),
        "note": intervals.describe_step_difference(table.step_ms, known["step_ms"], result="Forecasts"),
        "receipt": list(table.receipt),
    }


def _by_name(values: np.ndarray, names: Sequence[str]) -> dict[str, list[float | None]]:
    """Columns of values (T, V) by variable, None for missing ones."""
    columns = [[float(value) if np.isfinite(value) else None for value in column] for column in values.T]
    return dict(zip(names, columns, strict=True))


def explain(loaded: LoadedModel, payload: bytes, method: str, target: str) -> dict[str, Any]:
    """Attribution of the next value of one variable of a CSV: the first one, or the one named by `target`.

    method: "integrated_gradients" (the default) or "feature_ablation".

    Raises:
        DataError: as for `answer`.
        RequestError: there is no such method or variable.
    """
    from dlcore.projects.forecast import (
        explain as explanations,
    )  # imports torch's attribution, which is needed only here

    selected = choose(method, tuple(explanations.METHODS), default="integrated_gradients", kind="method")
    names = list(loaded.preprocessing["names"])
    variable = names.index(choose(target, names, default=names[0], kind="variable"))
    table, whole = _read_table(loaded, payload)
    prepared = _prepare_table(whole, loaded, _data(loaded.config))
    return explanations.explain_table(loaded, prepared, len(table.times), method=selected, variable=variable)


def _read_table(loaded: LoadedModel, payload: bytes) -> tuple[Table, Table]:
    """A CSV's table, and the same with the model's variables and empty rows for the forecast hours."""
    table, known = tables.read_csv(payload), loaded.preprocessing
    missing = [name for name in known["names"] if name not in table.names]
    if missing:
        raise DataError(f"the file has no column '{missing[0]}': this model needs {', '.join(known['names'])}.")
    data = _data(loaded.config)
    if len(table.times) < data.window:
        raise DataError(f"row {len(table.times) + 1}: the file ends; this model needs {data.window} rows.")
    order = [table.names.index(name) for name in known["names"]]
    steps = np.arange(1, data.horizon + 1) * table.step_ms
    times = np.r_[table.times, table.times[-1] + steps]
    values = np.concatenate([table.values[:, order], np.full((data.horizon, len(order)), np.nan)])
    return table, Table(times, values, tuple(known["names"]), tuple(known["units"]))


def _prepare_table(table: Table, loaded: LoadedModel, data: ForecastData) -> Prepared:
    """A new table as `forecasts` takes it, scaled as in training, without splits."""
    scale = TableScale.from_json(loaded.preprocessing["scale"])
    features, calendar = windows.input_features(table, scale, data), windows.calendar_features(table.times)
    linear = scored.linear_outputs(table, loaded, np.array([len(table.times) - data.horizon]))
    none = Split((torch.zeros(0, dtype=torch.int64),), torch.zeros(0), np.zeros(0, np.int64))
    filled = tables.forward_fill(table.values, scale.mean)
    return Prepared(
        none,
        none,
        none,
        loaded.facts,
        loaded.preprocessing,
        source={"table": table, "filled": filled, "features": features, "scale": scale, "data": data},
        transform=windows.input_gatherer(features, calendar, data.window, linear),
    )


def custom_settings(dataset: CustomDataset, model: str) -> dict[str, Any]:
    """Settings for a custom dataset: short ones validate on their last part, which is large enough to be scored."""
    if dataset.rows >= SHORT:
        return {"validation": "weeks"}
    shares = {name: round(SCORED / (part * dataset.rows), 3) for name, part in (("validation", 0.8), ("test", 1.0))}
    window = {"window": max(LEAST_WINDOW, min(24, dataset.rows // 10))} if dataset.rows < VERY_SHORT else {}
    return {
        **window,
        "validation": "last",
        "validation_share": min(0.4, max(0.1, shares["validation"])),
        "test_share": min(0.3, max(0.2, shares["test"])),
    }


def quick_settings(dataset: CustomDataset, model: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Epochs of the quick preset."""
    samples = QUICK_SAMPLES.get(model, QUICK_SAMPLES["lstm"])
    return quick.fit_epochs(values, dataset, samples=samples, train_share=QUICK_SHARE)


def _data(config: RunConfig) -> ForecastData:
    data = config.data_as(ForecastData)
    if config.model == BLEND and (data.strategy != "direct" or data.target != "change"):
        raise DataError("the blend needs strategy=direct and target=change: set both.")
    return data


def _steps(data: ForecastData) -> int:
    """Forecast hours of one forward pass."""
    return 1 if data.strategy == "recursive" else data.horizon


OBSERVED: dict[str, Any] = {
    "target": "change",
    "difference_input": True,
    "mask_input": True,
    "calendar_input": True,
    "loss_on": "observed",
}
"""Data settings of the improved models: predict the change; differences, mask and calendar as inputs; loss on observed
values only."""


def _recurrent(options: Any, facts: Any, *, gru: bool = False) -> nn.Module:
    return LstmForecaster(
        options, features=facts["features"], variables=facts["variables"], horizon=facts["steps"], gru=gru
    )


IMPROVED: dict[str, Any] = {
    **OBSERVED,
    "epochs": 16,
    "batch_size": 128,
    "learning_rate": 3e-3,
    "optimizer": "adamw",
    "weight_decay": 1e-4,
    "schedule": "one_cycle",
    "clip_norm": 1.0,
    "dropout": 0.4,
    "noise": 0.2,
}
"""Training settings of the improved models. More epochs overfit."""

TASK = Task(
    name="forecasting",
    objective=objective,
    predict=predict,
    epoch_metrics=epoch_metrics,
    evaluate=evaluate,
    goal=Monitor("validation_skill", "max"),  # losses of values and of changes have different units
    compare=compare,
)

PROJECT = Project(
    slug="forecast",
    section="series",
    title="Forecasting",
    summary="Forecast every variable of a table up to two days ahead, and compare with persistence.",
    task=TASK,
    modality="series",
    datasets=("air_quality", "beijing_pm25"),
    models={
        "lstm": ModelEntry(
            "LSTM, one layer of 64",
            "Predicts the next values from a window of values, with ReLU and dropout.",
            _recurrent,
            LstmForecasterConfig,
        ),
        "bidirectional": ModelEntry(
            "Bidirectional LSTM",
            "Bidirectional LSTM, one layer of 64.",
            _recurrent,
            BidirectionalForecasterConfig,
        ),
        "stacked": ModelEntry("LSTM, two layers", "Two stacked LSTM layers.", _recurrent, StackedForecasterConfig),
        "gru": ModelEntry(
            "GRU",
            "Gated recurrent units: fewer parameters than an LSTM.",
            lambda options, facts: _recurrent(options, facts, gru=True),
            GruForecasterConfig,
        ),
        "transformer": ModelEntry(
            "Transformer encoder",
            "Two encoder layers over the window; predicts the change.",
            lambda options, facts: TransformerForecaster(
                options,
                features=facts["features"],
                variables=facts["variables"],
                horizon=facts["steps"],
                window=facts["window"],
            ),
            TransformerForecasterConfig,
        ),
        "dlinear": ModelEntry(
            "DLinear",
            "Linear model on trend and remainder of each variable (Zeng et al. 2023).",
            lambda options, facts: DLinear(
                options, variables=facts["variables"], horizon=facts["steps"], window=facts["window"]
            ),
            DLinearConfig,
        ),
        "improved": ModelEntry(
            "Improved LSTM",
            "Predicts the change; mask and calendar are inputs.",
            lambda options, facts: AveragedForecaster(
                options,
                features=facts["features"],
                variables=facts["variables"],
                horizon=facts["steps"],
                calendar=facts["calendar"],
            ),
            CalendarForecasterConfig,
        ),
        "blend": ModelEntry(
            "Blend with ridge regression",
            "Mean of improved LSTMs, of LSTMs on the residuals of ridge regression, and of ridge regression.",
            lambda options, facts: BlendedForecaster(
                options,
                features=facts["features"],
                variables=facts["variables"],
                horizon=facts["steps"],
                calendar=facts["calendar"],
            ),
            BlendedForecasterConfig,
        ),
    },
    data_config=ForecastData,
    presets={
        "quick": {
            "epochs": 3,
            "batch_size": 128,
            "learning_rate": 3e-3,
            "window": 12,
            "transformer": OBSERVED,
            "dlinear": {"loss_on": "observed", "learning_rate": 1e-2},
            "improved": {**OBSERVED, "units": 64},
            "blend": {**OBSERVED, "units": 32, "seeds": 1},
        },
        "full": {
            "epochs": 20,
            "batch_size": 64,
            "learning_rate": 1e-3,
            "transformer": {**OBSERVED, "schedule": "one_cycle", "learning_rate": 2e-3, "clip_norm": 1.0},
            "dlinear": {"loss_on": "observed", "schedule": "cosine", "learning_rate": 1e-2},
            "improved": {**IMPROVED, "seeds": 3},
            "blend": {**IMPROVED, "seeds": 2, "epochs": 12},
        },
    },
    facts={"variables": 13, "features": 13, "window": 24, "steps": 1, "horizon": 1, "calendar": CALENDAR},
    prepare=prepare,
    baselines=baselines,
    answer=answer,
    explain=explain,
    custom_data=("series", "table"),
    custom_settings=custom_settings,
    half_widths=scored.half_widths,
    quick_settings=quick_settings,
    usable_baselines={
        "ridge": UsableBaseline(
            lambda prepared, config: {"weights": scored.ridge_weights(prepared)}, answer_with_ridge
        ),
        "persistence": UsableBaseline(lambda prepared, config: {"steps": np.ones(1)}, answer_with_last_value),
    },
    suggest_model=lambda dataset: "improved",
)
