"""Metrics of forecasts and baselines on the test split, and a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlcore.data.series import tables
from dlcore.data.series.tables import HOUR_MS, Table
from dlcore.data.splits import Prepared, SplitName
from dlcore.evaluation import conformal, forecast, ridge
from dlcore.projects.forecast.windows import WEEK, ForecastData, TableScale, calendar_features, future_values
from dlcore.projects.project import Evaluation, LoadedModel, Predictions

LEVEL = 0.9
DRAWS = 500
FOLDS = 4
KNOWN_RESULT = 0.7616
"""Published R2 of a one-layer LSTM on this table."""


@dataclass(frozen=True)
class Intervals:
    """Half widths of 90 % conformal prediction intervals from validation errors.

    fixed (H, V): one width for all windows. adaptive (N, H, V): widths per test window, updated from earlier misses.
    """

    fixed: np.ndarray
    adaptive: np.ndarray


def intervals(predictions: Predictions) -> Intervals:
    """Intervals of the test windows from validation errors and earlier test errors."""
    past = predictions["validation_targets"] - predictions["validation_scores"]
    now = predictions["test_targets"] - predictions["test_scores"]
    adaptive = conformal.adaptive_half_widths(past, now, level=LEVEL, delay=now.shape[1])
    return Intervals(half_widths(predictions), adaptive)


def half_widths(predictions: Predictions) -> np.ndarray:
    """Half widths (H, V) of 90 % intervals from validation errors, the same for all windows."""
    past = predictions["validation_targets"] - predictions["validation_scores"]
    return conformal.half_widths(past, level=LEVEL)


def evaluate(predictions: Predictions, *, names: Sequence[str], slugs: Sequence[str], seed: int) -> Evaluation:
    """R2, skill and errors on observed and on filled targets, with intervals, and the coverage of 90 % intervals."""
    predicted, targets, last = (predictions[f"test_{name}"] for name in ("scores", "targets", "last"))
    metrics = forecast.metrics(predicted, targets, last, names=slugs, draws=DRAWS, seed=seed)
    metrics |= _coverage(predictions, slugs)
    forecasts = {"persistence": forecast.persistence(last, horizon=targets.shape[1])}
    if "test_linear" in predictions:
        linear = forecasts["ridge"] = predictions["test_linear"]
        lead = forecast.skill_lead(predicted, linear, targets, last, draws=DRAWS, seed=seed)
        metrics |= {name.replace("r2_mean", "lead_r2").replace("skill", "lead_skill"): v for name, v in lead.items()}
    baseline_metrics = {name: forecast.metrics(each, targets, last, names=slugs) for name, each in forecasts.items()}
    return Evaluation(metrics, baseline_metrics, verdict=_verdict(metrics, names, slugs))


def baselines(prepared: Prepared) -> dict[str, dict[str, float]]:
    """Metrics of seasonal naive forecasts (a day, a week); `evaluate` has the other baselines."""
    table: Table = prepared.source["table"]
    filled, cuts = prepared.source["filled"], prepared.source["cuts"]
    test, horizon = cuts["test"], prepared.facts["horizon"]
    targets, last = future_values(table.values, test, horizon), filled[test - 1]
    day = max(1, round(24 * HOUR_MS / table.step_ms))
    forecasts = {}
    for name, period in {"seasonal_naive": 7 * day, "yesterday": day}.items():
        if period < test[0]:
            forecasts[name] = forecast.seasonal_naive(filled, test, horizon=horizon, period=period)
    return {name: forecast.metrics(each, targets, last, names=table.slugs) for name, each in forecasts.items()}


def ridge_outputs(prepared: Prepared) -> np.ndarray:
    """Forecasts of ridge regression (T, H, V) by index of the first forecast hour; NaN before the first window.

    The penalty is selected on validation, then training and validation are fitted together."""
    table = prepared.source["table"]
    window, horizon = prepared.facts["window"], prepared.facts["horizon"]
    baseline, weights = RidgeBaseline.of(prepared), ridge_weights(prepared)
    places = np.arange(window, len(table.times) - horizon + 1)
    values = np.full((len(table.times), horizon, len(table.names)), np.nan)
    for part in np.array_split(places, max(1, len(places) // 4096)):
        values[part] = baseline.to_forecasts(ridge.predict(weights, baseline.features(part)), part)
    return values


def ridge_weights(prepared: Prepared) -> np.ndarray:
    """Weights (D + 1, H V) of ridge regression, fitted on training and validation."""
    cuts, horizon = prepared.source["cuts"], prepared.facts["horizon"]
    baseline = RidgeBaseline.of(prepared)
    features_and_targets = [baseline.features_and_targets(cuts[name], horizon) for name in ("train", "validation")]
    first = slice(0, len(prepared.source["table"].names))  # the penalty is selected on the first forecast hour
    strength = ridge.choose(*((x, y[:, first]) for x, y in features_and_targets))
    both = (np.concatenate(part) for part in zip(*features_and_targets, strict=True))
    (weights,) = ridge.fit(*both, strengths=(strength,))
    return weights


@dataclass(frozen=True)
class RidgeBaseline:
    """Features of ridge regression: lags, hour, day of the week, and hour times last value and last change."""

    filled: np.ndarray
    values: np.ndarray
    calendar: np.ndarray
    scale: TableScale
    window: int

    @classmethod
    def of(cls, prepared: Prepared) -> "RidgeBaseline":
        """Features of a run's table, scaled on its training hours."""
        table: Table = prepared.source["table"]
        scale = TableScale.from_json(prepared.preprocessing["linear_scale"])
        filled = tables.forward_fill(table.values, scale.mean)
        return cls(filled, table.values, calendar_features(table.times), scale, prepared.facts["window"])

    def features(self, first: np.ndarray) -> np.ndarray:
        """Features (N, D) for these indices of the first forecast hour."""
        scaled = self.scale.scaled(self.filled)
        lags = scaled[first[:, None] - np.arange(1, self.window + 1)].reshape(len(first), -1)
        now = np.concatenate([scaled[first - 1], scaled[first - 1] - scaled[first - 2]], axis=1)  # (N, 2 V)
        hour = self.calendar[first, :24]
        products = (now[:, :, None] * hour[:, None, :]).reshape(len(first), -1)
        return np.concatenate([lags, self.calendar[first], products], axis=1)

    def features_and_targets(self, first: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
        """Features (N, D) and targets (N, H V): future changes in units of their deviation."""
        targets = self.scale.to_targets(future_values(self.values, first, horizon), self.filled[first - 1])
        return self.features(first), targets.reshape(len(first), -1)

    def to_forecasts(self, outputs: np.ndarray, first: np.ndarray) -> np.ndarray:
        """Outputs (N, H V) as forecasts (N, H, V)."""
        shaped = outputs.reshape(len(first), -1, self.filled.shape[1])
        return self.scale.to_values(shaped, self.filled[first - 1])


@dataclass(frozen=True)
class BlendedLinear:
    """The linear part of a model: weights (D + 1, H V) and outputs (T, H, V), 0 before the first complete window."""

    weights: np.ndarray
    outputs: np.ndarray


def blended(table: Table, cuts: Mapping[SplitName, np.ndarray], scale: TableScale, data: ForecastData) -> BlendedLinear:
    """Ridge regression fitted on the training split, with out-of-fold outputs for training windows.

    Each training window is predicted by a fit without its week (one of `FOLDS`), so its residuals are as large as on
    new data.
    """
    filled = tables.forward_fill(table.values, scale.mean)
    baseline = RidgeBaseline(filled, table.values, calendar_features(table.times), scale, data.window)
    train, validation = cuts["train"], cuts["validation"]
    features_and_targets = baseline.features_and_targets(train, data.horizon)
    strength = ridge.choose(features_and_targets, baseline.features_and_targets(validation, data.horizon))
    (weights,) = ridge.fit(*features_and_targets, strengths=(strength,))
    places = np.arange(data.window, len(table.times) - data.horizon + 1)
    outputs = np.zeros((len(table.times), data.horizon, len(table.names)), np.float32)
    for part in np.array_split(places, max(1, len(places) // 4096)):
        outputs[part] = ridge.predict(weights, baseline.features(part)).reshape(len(part), data.horizon, -1)
    fold = train // WEEK % FOLDS
    for number in range(FOLDS):
        out = fold == number
        if out.any() and not out.all():
            (fold_weights,) = ridge.fit(
                features_and_targets[0][~out], features_and_targets[1][~out], strengths=(strength,)
            )
            outputs[train[out]] = ridge.predict(fold_weights, features_and_targets[0][out]).reshape(
                int(out.sum()), data.horizon, -1
            )
    return BlendedLinear(weights, outputs)


def linear_outputs(table: Table, loaded: LoadedModel, first: np.ndarray) -> np.ndarray | None:
    """Outputs (T, H, V) of a model's linear part for a new table; None without a linear part."""
    if "linear" not in loaded.preprocessing:
        return None
    scale = TableScale.from_json(loaded.preprocessing["linear_scale"])
    filled = tables.forward_fill(table.values, scale.mean)
    baseline = RidgeBaseline(filled, table.values, calendar_features(table.times), scale, loaded.facts["window"])
    weights = np.asarray(loaded.preprocessing["linear"])
    values = np.zeros((len(table.times), loaded.facts["horizon"], len(table.names)), np.float32)
    values[first] = ridge.predict(weights, baseline.features(first)).reshape(len(first), *values.shape[1:])
    return values


def compare_with_baselines(evaluation: Evaluation, *, last: str = "hour") -> str:
    """Compare the network with persistence and ridge regression."""
    metrics, baselines = evaluation.metrics, evaluation.baselines
    sentences = []
    copied = baselines.get("persistence", {})
    if "r2_mean" in copied and "r2_mean" in metrics:
        filled = copied.get("r2_mean_filled", copied["r2_mean"])
        sentences.append(
            f"Persistence (the last {last}) has R² {copied['r2_mean']:.3f} ({filled:.3f} with filled values)"
            + (", more than this network." if copied["r2_mean"] > metrics["r2_mean"] else ".")
        )
    ridged = baselines.get("ridge", {})
    if "skill" in ridged and "skill" in metrics:
        sentences.append(_against_ridge(metrics, ridged))
    return " ".join(sentences)


def _against_ridge(metrics: Mapping[str, float], ridged: Mapping[str, float]) -> str:
    network, regression = (f"R² {each['r2_mean']:.3f} and skill {each['skill']:.3f}" for each in (metrics, ridged))
    pair = f"{network} against {regression}"
    low, high = metrics.get("lead_skill_low", 0.0), metrics.get("lead_skill_high", 0.0)
    if low <= 0 <= high:
        return (
            f"No significant difference from ridge regression: {pair}, difference in skill from {low:+.3f} "
            f"to {high:+.3f}."
        )
    pair += f", difference in skill from {low:+.3f} to {high:+.3f} over resampled weeks"
    if metrics["skill"] > ridged["skill"]:
        return f"The network beats ridge regression: {pair}."
    better = _better_variables(metrics, ridged)
    where = (
        f"The network is better only for {', '.join(better)}."
        if better
        else "The network is not better for any variable."
    )
    return f"Ridge regression beats this run: {pair}. {where}"


def _better_variables(metrics: Mapping[str, float], baseline: Mapping[str, float]) -> list[str]:
    """Variables with a higher R2 than a competitor's."""
    means = ("r2_mean", "r2_mean_filled", "r2_mean_low", "r2_mean_high")
    return [
        name.removeprefix("r2_")
        for name in metrics
        if name.startswith("r2_")
        and name not in means
        and "r2_mean_h" not in name
        and not name.endswith("_filled")
        and metrics[name] > baseline.get(name, np.inf)
    ]


def _coverage(predictions: Predictions, slugs: Sequence[str]) -> dict[str, float]:
    """Coverage on test: `coverage_90` of adaptive intervals, `coverage_90_fixed` of fixed ones."""
    errors = predictions["test_targets"] - predictions["test_scores"]
    both = intervals(predictions)
    good = (~np.isnan(errors)).sum(axis=0) >= forecast.LEAST
    values: dict[str, float] = {}
    for name, widths in {"coverage_90": both.adaptive, "coverage_90_fixed": both.fixed}.items():
        held = np.where(good, conformal.coverage(errors, np.broadcast_to(widths, errors.shape)), np.nan)
        if np.isfinite(held).any():
            values[name] = float(np.nanmean(held))
        if name == "coverage_90":
            columns = {slug: held[:, place] for place, slug in enumerate(slugs)}
            values |= {
                f"coverage_90_{slug}": float(np.nanmean(c)) for slug, c in columns.items() if np.isfinite(c).any()
            }
    return values


def _verdict(values: Mapping[str, float], names: Sequence[str], slugs: Sequence[str]) -> str:
    left = [name for name, slug in zip(names, slugs, strict=True) if f"r2_{slug}" not in values]
    if "r2_mean" not in values:
        return "No variable has enough observed test values to be scored."
    scored = len(names) - len(left)
    text = f"R² {values['r2_mean']:.3f} and skill {values['skill']:.3f} over {scored} variables, on observed values. "
    if "coverage_90" in values:
        text += f"The 90 % prediction intervals cover {values['coverage_90']:.1%} of the values. "
    if left:
        text += f"Excluded from the means (too few observed test values): {', '.join(left)}."
    return text.strip()
