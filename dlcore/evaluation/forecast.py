"""Evaluate forecasts of several variables, and simple baselines.

N moments, H hours ahead, V variables. NaN marks missing values, which are not scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlcore.evaluation import uncertainty

LEAST = 8
"""Variables with fewer measured values, or constant ones, are not scored: R2 would be 0 or 1."""
WEEK = 168
LEAST_BLOCKS = 8
"""Minimum number of blocks of a bootstrap."""


@dataclass(frozen=True)
class ForecastScores:
    """Scores by hour ahead and variable (H, V), NaN where a variable is not scored.

    r2: 1 - squared error / squared distance from the mean of these targets. skill: 1 - squared error / squared error of
    persistence. mae: mean absolute error, in the variable's unit; `spread` (V,) is its standard deviation over these
    targets.
    """

    r2: np.ndarray
    skill: np.ndarray
    mae: np.ndarray
    spread: np.ndarray


def fill_targets_forward(targets: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Fill missing targets (N, H, V) with the previous value; `last` (N, V) is the last known one."""
    filled = targets.copy()
    before = last
    for hour in range(targets.shape[1]):
        filled[:, hour] = np.where(np.isnan(targets[:, hour]), before, targets[:, hour])
        before = filled[:, hour]
    return filled


def scores(predicted: np.ndarray, targets: np.ndarray, last: np.ndarray) -> ForecastScores:
    """Score forecasts (N, H, V) of targets (N, H, V); last (N, V) is the forecast of persistence."""
    ones = np.ones((1, len(targets)))
    sums = _sums(predicted, targets, last, ones)
    r2, skill = _r2(sums)[0], _skill(sums)[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        known = ~np.isnan(targets)
        mae = np.where(known, np.abs(predicted - targets), 0.0).sum(axis=0) / known.sum(axis=0)
        spread = np.sqrt(sums.total[0].sum(axis=0) / sums.count[0].sum(axis=0))
    mae[np.isnan(r2)] = np.nan
    return ForecastScores(r2, skill, mae, spread)


def metrics(
    predicted: np.ndarray, targets: np.ndarray, last: np.ndarray, *, names: Sequence[str], draws: int = 0, seed: int = 0
) -> dict[str, float]:
    """Return `r2_mean`, `skill`, `mae` (in standard deviations), `r2_<name>`, `mae_<name>` over all hours ahead.

    Also the same with missing values filled forward as `<metric>_filled`, and for horizons over one hour `r2_mean_h<k>`
    and `skill_h<k>`. With `draws`, 95 % intervals of `r2_mean` and `skill` from a bootstrap of whole weeks, since hours
    are correlated; of eighths of the data if there are fewer than eight weeks.
    """
    named = _as_metrics(scores(predicted, targets, last), names)
    whole = _as_metrics(scores(predicted, fill_targets_forward(targets, last), last), names)
    shared = [name for name in named if name in whole]
    for name in shared:
        named[f"{name}_filled"] = whole[name]
    if draws:
        spread = uncertainty.bootstrap(
            lambda weights: _means(_sums(predicted, targets, last, weights)),
            len(targets),
            draws=draws,
            block=_block(len(targets)),
            seed=seed,
        )
        named |= uncertainty.as_low_high(spread)
    return named


def skill_lead(
    predicted: np.ndarray, other: np.ndarray, targets: np.ndarray, last: np.ndarray, *, draws: int, seed: int = 0
) -> dict[str, float]:
    """Return how far forecasts (N, H, V) lead others in `skill` and `r2_mean`, each with its 95 % interval.

    Paired bootstrap: the same weeks are drawn for both.
    """

    def gap(weights: np.ndarray) -> dict[str, np.ndarray]:
        first, second = (_means(_sums(each, targets, last, weights)) for each in (predicted, other))
        return {name: first[name] - second[name] for name in first}

    lead = {name: float(values[0]) for name, values in gap(np.ones((1, len(targets)))).items()}
    if not np.isfinite(list(lead.values())).all():
        return {}
    spread = uncertainty.bootstrap(gap, len(targets), draws=draws, block=_block(len(targets)), seed=seed)
    return lead | uncertainty.as_low_high(spread)


def resampled_skill(
    predicted: np.ndarray, targets: np.ndarray, last: np.ndarray, *, draws: int, seed: int = 0
) -> tuple[float, np.ndarray]:
    """Return the mean skill of forecasts (N, H, V), and that of each resample of weeks (draws,).

    Two forecasts of the same targets get the same weeks, so their difference is paired.
    """
    parts = [
        _means(_sums(predicted, targets, last, weights))["skill"]
        for weights in uncertainty.resamples(len(targets), draws=draws, block=_block(len(targets)), seed=seed)
    ]
    return float(_means(_sums(predicted, targets, last, np.ones((1, len(targets)))))["skill"][0]), np.concatenate(parts)


def _block(points: int) -> int:
    """Return the block length of the bootstrap, so that there are at least `LEAST_BLOCKS`."""
    return max(1, min(WEEK, points // LEAST_BLOCKS))


def persistence(last: np.ndarray, *, horizon: int) -> np.ndarray:
    """(N, V) -> (N, H, V): repeat the last value for every hour ahead."""
    return np.repeat(last[:, None], horizon, axis=1)


def seasonal_naive(filled: np.ndarray, first: np.ndarray, *, horizon: int, period: int) -> np.ndarray:
    """Return the value `period` hours before each hour ahead (N, H, V); filled (T, V) has no missing values, first (N,)
    is the index of the first hour ahead. Hours that are themselves in the future use one more period.
    """
    hours = first[:, None] + np.arange(horizon)
    back = period * (np.arange(horizon) // period + 1)
    values: np.ndarray = filled[np.maximum(hours - back, 0)]
    return values


def metrics_by_week(
    predicted: np.ndarray, targets: np.ndarray, last: np.ndarray, *, block: int = WEEK
) -> dict[str, np.ndarray]:
    """Return `r2_mean` and `skill` of each block of moments, each (B,), for a fixed model.

    Within a week, R2 is relative to the mean squared distance of the whole span, so that calm weeks score fairly.
    """
    n = len(targets)
    starts = np.arange(0, max(n - block // 2, 1), block)
    weights = np.zeros((len(starts), n))
    for row, start in enumerate(starts):
        weights[row, start : start + block if row + 1 < len(starts) else n] = 1.0
    sums = _sums(predicted, targets, last, weights)
    total = _sums(predicted, targets, last, np.ones((1, n)))
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = total.total / total.count
        r2 = np.where(sums.count > 0, 1 - sums.error / sums.count / variance, np.nan)
    is_scored = ~np.isnan(_r2(total)[0])
    return {
        "start": starts,
        "r2_mean": np.nanmean(np.where(is_scored, r2, np.nan).reshape(len(starts), -1), axis=1),
        "skill": np.nanmean(np.where(is_scored, _skill(sums), np.nan).reshape(len(starts), -1), axis=1),
    }


@dataclass(frozen=True)
class _Sums:
    """Weighted sums by resample, hour and variable (B, H, V)."""

    count: np.ndarray
    error: np.ndarray
    naive: np.ndarray
    total: np.ndarray


def _sums(predicted: np.ndarray, targets: np.ndarray, last: np.ndarray, weights: np.ndarray) -> _Sums:
    """Return the sums for weights (B, N): how often each moment counts."""
    known = ~np.isnan(targets)
    y = np.where(known, targets, 0.0).astype(np.float64)
    center = y.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    y = np.where(known, y - center, 0.0)  # centered: sums of squares of large numbers lose digits otherwise
    error = np.where(known, predicted - center - y, 0.0) ** 2
    naive = np.where(known, last[:, None] - center - y, 0.0) ** 2
    count, first, second, error_sums, naive_sums = (
        np.tensordot(weights, part, axes=(1, 0)) for part in (known.astype(np.float64), y, y * y, error, naive)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        total = second - first * first / count
    return _Sums(count, error_sums, naive_sums, total)


def _is_scored(sums: _Sums) -> np.ndarray:
    mask: np.ndarray = (sums.count >= LEAST) & (sums.total > 1e-9 * np.maximum(sums.count, 1)) & (sums.naive > 0)
    return mask


def _r2(sums: _Sums) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(_is_scored(sums), 1 - sums.error / sums.total, np.nan)


def _skill(sums: _Sums) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(_is_scored(sums), 1 - sums.error / sums.naive, np.nan)


def _means(sums: _Sums) -> Mapping[str, np.ndarray]:
    b = len(sums.count)
    return {
        "r2_mean": _mean(_r2(sums).reshape(b, -1)),
        "skill": _mean(_skill(sums).reshape(b, -1)),
    }


def _mean(rows: np.ndarray) -> np.ndarray:
    known = ~np.isnan(rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: np.ndarray = np.where(known, rows, 0.0).sum(axis=1) / known.sum(axis=1)
    return means


def _as_metrics(forecast_scores: ForecastScores, names: Sequence[str]) -> dict[str, float]:
    """Return metrics by name; undefined ones are omitted."""
    r2, skill, mae = (
        part.reshape(1, -1)
        for part in (forecast_scores.r2, forecast_scores.skill, forecast_scores.mae / forecast_scores.spread)
    )
    named = {"r2_mean": _mean(r2)[0], "skill": _mean(skill)[0], "mae": _mean(mae)[0]}
    horizon = len(forecast_scores.r2)
    if horizon > 1:
        for hour in range(horizon):
            named[f"r2_mean_h{hour + 1}"] = _mean(forecast_scores.r2[hour : hour + 1])[0]
            named[f"skill_h{hour + 1}"] = _mean(forecast_scores.skill[hour : hour + 1])[0]
    for place, name in enumerate(names):
        named[f"r2_{name}"] = _mean(forecast_scores.r2[None, :, place])[0]
        named[f"skill_{name}"] = _mean(forecast_scores.skill[None, :, place])[0]
        named[f"mae_{name}"] = _mean(forecast_scores.mae[None, :, place])[0]
    return {name: float(value) for name, value in named.items() if np.isfinite(value)}
