"""Forecasting air quality: every variable of the next hours from the hours before, beside copying the last hour."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.errors import DataError
from dlcore.data.batches import Batches
from dlcore.data.custom import registry as own
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.series import air_quality, tables
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
from dlcore.projects.forecast import scores as scored
from dlcore.projects.forecast import windows
from dlcore.projects.forecast.windows import CALENDAR, ForecastData, TableScale
from dlcore.projects.project import Evaluation, LoadedModel, ModelEntry, Monitor, Predictions, Project, RunConfig
from dlcore.projects.registry import data_config
from dlcore.training.fit import Objective

ROWS_AT_ONCE = 1024
BLEND = "blend"
"""The model that ridge regression is a part of."""
SHORT = 3000
"""Series of one's own below so many rows are validated on their last part: weeks of them would be too few."""


def prepare(config: RunConfig) -> Prepared:
    """The run's table cut into moments; scales see the training hours alone, holes are filled with what was before."""
    return prepare_table(air_quality.load_table(config.dataset, checksum=config.data_checksum), config)


def prepare_table(table: Table, config: RunConfig) -> Prepared:
    """Any table as `prepare` does.

    Raises:
        DataError: a part would hold too few moments.
    """
    data = _data(config)
    trained = data.model_copy(update={"horizon": _steps(data)})
    cuts = windows.cut_windows(len(table.times), data)
    scale = windows.fit_scale(table, cuts["train"], trained)
    changes = windows.fit_scale(table, cuts["train"], data.model_copy(update={"target": "change"}))
    features, calendar = windows.input_features(table, scale, data), windows.calendar_features(table.times)
    filled = tables.forward_fill(table.values, scale.mean)
    blended = scored.blended(table, cuts, changes, data) if config.model == BLEND else None
    learnt = table.values if data.loss_on == "observed" else filled
    parts: dict[SplitName, Split] = {}
    for name in SPLITS:
        first, values = cuts[name], learnt if name == "train" else table.values
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
    """Squared error over what is known; of changes, weighted half by what R2 counts and half by what skill counts."""
    return Objective(loss=_Loss(_weights(prepared.source["scale"])))


class _Loss:
    """(N, H, V) outputs and targets with NaN where nothing was measured -> the weighted mean squared error."""

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if outputs.dim() > targets.dim():  # several networks, each for itself
            targets = targets[:, None].expand_as(outputs)
        known = ~targets.isnan()
        weights = self.weights.to(outputs.device) * known
        squared = (outputs - torch.where(known, targets, outputs.detach())) ** 2
        return (squared * weights).sum() / weights.sum().clamp(min=1e-9)


def _weights(scale: TableScale) -> Tensor:
    """(H, V) or (1, V): one for values; for changes between 1 (skill) and their squared share of the deviation (R2)."""
    if scale.change is None:
        return torch.ones(1, len(scale.mean))
    share = (scale.change / scale.deviation) ** 2
    return torch.from_numpy((0.5 + 0.5 * share / share.mean()).astype(np.float32))


def predict(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """For validation and test: `_scores` (N, H, V) forecasts, `_targets` (N, H, V) with NaN where nothing was measured,
    `_last` (N, V) the last values known, `_ids` (N,) the time of the first hour to come; for test also `_linear`
    (N, H, V), what ridge regression says, so that both are compared moment by moment."""
    table, filled = prepared.source["table"], prepared.source["filled"]
    found: dict[str, np.ndarray] = {}
    for name in ("validation", "test"):
        first = prepared.source["cuts"][name]
        found[f"{name}_scores"] = forecasts(module, prepared, first).astype(np.float32)
        found[f"{name}_targets"] = windows.future_values(table.values, first, prepared.facts["horizon"]).astype(
            np.float32
        )
        found[f"{name}_last"] = filled[first - 1].astype(np.float32)
        found[f"{name}_ids"] = table.times[first]
    linear = scored.ridge_outputs(prepared)[prepared.source["cuts"]["test"]]
    return found | {"test_linear": linear.astype(np.float32)}


def forecasts(module: nn.Module, prepared: Prepared, first: np.ndarray) -> np.ndarray:
    """Values to come (N, H, V), float64, from the moments whose first hour to come is at these places."""
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    scale, filled = prepared.source["scale"], prepared.source["filled"]
    whole = Split((torch.from_numpy(first),), torch.zeros(len(first), 1), first)
    batches = Batches(whole, ROWS_AT_ONCE, device=device, transform=prepared.transform)
    rounds = prepared.facts["horizon"] // prepared.facts["steps"]
    last = filled[first - 1]
    if rounds == 1:
        outputs, _ = inference.predict_outputs(module, batches.epoch(1))
        return scale.to_values(outputs.double().numpy(), last)
    found: list[np.ndarray] = []
    with inference.evaluation_mode(module):
        for (x, *_), _ in batches.epoch(1):
            rows = first[sum(len(part) for part in found) :][: len(x)]
            found.append(_one_by_one(module, x, prepared, rows, rounds))
    return np.concatenate(found)


def _one_by_one(module: nn.Module, x: Tensor, prepared: Prepared, first: np.ndarray, rounds: int) -> np.ndarray:
    """(N, H, V): each hour from those before it, forecasts taken for measured values."""
    table, scale, features = prepared.source["table"], prepared.source["scale"], prepared.source["features"]
    last, found, variables = prepared.source["filled"][first - 1], [], len(table.names)
    calendar = torch.from_numpy(windows.calendar_features(table.times).astype(np.float32)).to(x.device)
    data: ForecastData = prepared.source["data"]
    for step in range(rounds):
        out = scale.to_values(module(x, calendar[first + step]).double().cpu().numpy(), last)[:, 0]  # (N, V)
        found.append(out)
        moved, last = scale.moved(out - last), out
        row = torch.from_numpy(features[np.minimum(first + step, len(features) - 1)]).to(x).clone()
        row[:, :variables] = torch.from_numpy(scale.scaled(out)).to(row)
        at = variables
        if data.difference_input:
            row[:, at : at + variables] = torch.from_numpy(moved).to(row)
            at += variables
        if data.mask_input:
            row[:, at : at + variables] = 0.0  # not to be told what will be missing
        x = torch.cat([x[:, 1:], row[:, None]], dim=1)
    return np.stack(found, axis=1)


def epoch_metrics(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, float]:
    """Validation: the loss on what was measured, mean R2 and skill of the first hours ahead."""
    from dlcore.evaluation import forecast

    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    batches = Batches(prepared.validation, ROWS_AT_ONCE, device=device, transform=prepared.transform)
    outputs, targets = inference.predict_outputs(module, batches.epoch(1))
    scale, cuts = prepared.source["scale"], prepared.source["cuts"]
    last = prepared.source["filled"][cuts["validation"] - 1]
    values = [scale.to_values(part.double().numpy(), last) for part in (outputs, targets)]
    found = forecast.metrics(values[0], values[1], last, names=())
    loss = float(objective(config, prepared).loss(outputs, targets))
    named = {"validation_r2": "r2_mean", "validation_skill": "skill"}
    return {"validation_loss": loss} | {name: found[metric] for name, metric in named.items() if metric in found}


def evaluate(predictions: Predictions, threshold: float | None, config: RunConfig) -> Evaluation:
    """Scores on the test part, on what was measured, and how often intervals hold; there is no threshold."""
    names, slugs = variable_names(config, predictions["test_scores"].shape[2])
    return scored.evaluate(predictions, names=names, slugs=slugs, seed=config.seed)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """The same hour a day and a week before; `evaluate` tells of copying the last value and of ridge regression."""
    return scored.baselines(prepared)


def compare(evaluation: Evaluation, config: RunConfig) -> str:
    """Whether the network beats the simple methods."""
    kept = own.find(config.dataset) if own.is_custom(config.dataset) else None
    return scored.compare_with_baselines(
        evaluation, last=tables.step_name(kept.facts.get("step_ms") if kept else tables.HOUR_MS)
    )


def variable_names(config: RunConfig, variables: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The variables' names of a run's dataset, and how metrics carry them, without reading it."""
    if config.dataset == "air_quality":
        names = tuple(air_quality.UNITS)
    elif config.dataset == "beijing_pm25":
        names = tuple(air_quality.BEIJING)
    else:
        kept = own.find(config.dataset)
        names = tuple(kept.facts["names"]) if kept and kept.kind == "table" else (config.dataset.removeprefix("own:"),)
    return names[:variables], tables.make_slugs(names[:variables])


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """The hours after the end of a CSV with a time column and the very columns that the model learnt from.

    Raises:
        DataError: names the column that is missing, the row that is wrong, or says that the file is too short.
    """
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
    whole = Table(times, values, tuple(known["names"]), tuple(known["units"]))
    found = forecasts(loaded.module, _asked(whole, loaded, data), np.array([len(table.times)]))[0]
    apart = table.step_ms != known["step_ms"]
    return {
        "times": times[-data.horizon :].tolist(),
        "forecast": {name: found[:, place].tolist() for place, name in enumerate(known["names"])},
        "units": dict(zip(known["names"], known["units"], strict=True)),
        "note": f"This file's step is {table.step_ms / 60000:g} minutes; the model learnt {known['step_ms'] / 60000:g}."
        if apart
        else "",
    }


def _asked(table: Table, loaded: LoadedModel, data: ForecastData) -> Prepared:
    """A stranger's table as `forecasts` takes it: scaled as in training, cut nowhere."""
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


def own_settings(dataset: CustomDataset, model: str) -> dict[str, Any]:
    """Data of one's own: validated on their last part where they are short."""
    return {"validation": "last" if dataset.rows < SHORT else "weeks"}


def _data(config: RunConfig) -> ForecastData:
    found = data_config(config)
    assert isinstance(found, ForecastData)
    if config.model == BLEND and (found.strategy != "direct" or found.target != "change"):
        raise DataError("the blend forecasts changes, all hours at once: choose strategy=direct and target=change.")
    return found


def _steps(data: ForecastData) -> int:
    """Hours that the network itself puts out at once."""
    return 1 if data.strategy == "recursive" else data.horizon


OBSERVED: dict[str, Any] = {
    "target": "change",
    "difference_input": True,
    "mask_input": True,
    "calendar_input": True,
    "loss_on": "observed",
}
"""What the improved recipe changes about the data: the change against the last value, each hour's change, the mask and
the calendar as inputs, and nothing learnt from what was not measured."""


def _recurrent(options: Any, facts: Any, *, gru: bool = False) -> nn.Module:
    return LstmForecaster(
        options, features=facts["features"], variables=facts["variables"], horizon=facts["steps"], gru=gru
    )


RECIPE: dict[str, Any] = {
    **OBSERVED,
    "epochs": 16,
    "batch_size": 128,
    "learning_rate": 3e-3,
    "optimiser": "adamw",
    "weight_decay": 1e-4,
    "schedule": "one_cycle",
    "clip_norm": 1.0,
    "dropout": 0.4,
    "noise": 0.2,
}
"""How the improved networks are trained. Longer, they learn the training weeks by heart."""

PROJECT = Project(
    slug="forecast",
    section="series",
    title="Air quality",
    summary="Forecast thirteen readings of a city's air at once, and see what a network adds to copying the last hour.",
    datasets=("air_quality", "beijing_pm25"),
    models={
        "lstm": ModelEntry(
            "LSTM, one layer of 64",
            "The well-known one: a window of values in, the next values out, ReLU and dropout.",
            _recurrent,
            LstmForecasterConfig,
        ),
        "bidirectional": ModelEntry(
            "LSTM in both directions",
            "The same, reading the window from both ends.",
            _recurrent,
            BidirectionalForecasterConfig,
        ),
        "stacked": ModelEntry(
            "LSTM, two layers", "The same, one layer on the other.", _recurrent, StackedForecasterConfig
        ),
        "gru": ModelEntry(
            "GRU",
            "The same with gated recurrent units: three gates in place of four.",
            lambda options, facts: _recurrent(options, facts, gru=True),
            GruForecasterConfig,
        ),
        "transformer": ModelEntry(
            "Transformer encoder",
            "Two encoder layers look at the whole window at once; predicts the change.",
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
            "Trend and rest of each variable, one weight an hour: a linear rival.",
            lambda options, facts: DLinear(
                options, variables=facts["variables"], horizon=facts["steps"], window=facts["window"]
            ),
            DLinearConfig,
        ),
        "improved": ModelEntry(
            "Improved LSTM",
            "Predicts the change against the last hour, knows what was missing and which hour comes.",
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
            "The mean of improved LSTMs, of LSTMs on what ridge regression leaves over, and of the latter itself.",
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
            "improved": {**RECIPE, "seeds": 3},
            "blend": {**RECIPE, "seeds": 2, "epochs": 12},
        },
    },
    facts={"variables": 13, "features": 13, "window": 24, "steps": 1, "horizon": 1, "calendar": CALENDAR},
    prepare=prepare,
    objective=objective,
    predict=predict,
    epoch_metrics=epoch_metrics,
    evaluate=evaluate,
    baselines=baselines,
    answer=answer,
    compare=compare,
    goal=Monitor("validation_skill", "max"),  # losses of values and of changes are not in one unit
    input_kind="csv",
    own_data="series",
    own_also=("table",),
    own_settings=own_settings,
)
